"""SpineLocation: the discs of one study in patient space, named, with the label volume they came from."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..report import Numbering


@dataclass(frozen=True)
class LocatedDisc:
    """One disc in LPS patient space.

    Attributes
    ----------
    level:
        Name, for example "L4/L5".
    center, normal, anterior:
        (3,) mm and unit vectors; `normal` points to the head, `anterior` to the front, at right angles to it.
    width_mm:
        Anteroposterior extent, the mean of both endplates.
    height_mm:
        Mean distance of the two endplates.
    corners:
        The four endplate corners of `anatomy.CORNERS`, each (3,) mm, in the disc's own middle slice.
    confidence:
        In [0, 1]: how sure it is that a disc is here, apart from its name.
    """

    level: str
    center: np.ndarray
    normal: np.ndarray
    anterior: np.ndarray
    width_mm: float
    height_mm: float
    corners: dict[str, np.ndarray]
    confidence: float

    @property
    def left(self) -> np.ndarray:
        """Unit vector to the patient's left, completing (anterior, left, normal)."""
        return np.cross(self.normal, self.anterior)


@dataclass(frozen=True)
class SpineLocation:
    """All discs found, head to foot, the numbering decision, and the labels on the study's reference grid.

    `labels` is (slices, rows, columns) uint8 with the values of `anatomy.vertebra_label`, `anatomy.disc_label` and
    `anatomy.CANAL_LABEL`.
    """

    discs: tuple[LocatedDisc, ...]
    numbering: Numbering
    labels: np.ndarray
