"""LabelledStudy: a study with its located discs and what readers said of them; what recipes cut their samples from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np

from ..localization.spine import LocatedDisc
from ..study import SpineStudy


@dataclass(frozen=True)
class DiscLabels:
    """What is known of one disc; None where it is not known.

    Attributes
    ----------
    modic:
        One of `anatomy.MODIC_GRADES`, of the whole disc.
    pfirrmann:
        1 to 5.
    narrowing:
        0 none; 1 narrowed, or 1 to 3 where the source grades it in four steps (`StudySource.narrowing_grades`).
    endplate_lesion:
        One of `anatomy.ENDPLATE_LESIONS`, the worse of both endplates.
    upper_endplate_change, lower_endplate_change, upper_marrow_change, lower_marrow_change:
        Whether there is one at that endplate (`anatomy.ENDPLATES`).
    excluded:
        Why a reader would not use this disc (fracture, slip, ...), "" if he would.
    """

    modic: str | None = None
    pfirrmann: int | None = None
    narrowing: int | None = None
    endplate_lesion: str | None = None
    upper_endplate_change: bool | None = None
    lower_endplate_change: bool | None = None
    upper_marrow_change: bool | None = None
    lower_marrow_change: bool | None = None
    excluded: str = ""


@dataclass(frozen=True)
class LabelledStudy:
    """A study, where its spine lies, and its labels.

    Attributes
    ----------
    name:
        Of the study, unique in its source.
    patient:
        Whom it shows: the unit that is never split between training and measuring.
    discs:
        Head to foot. True places where they are known, those that our own localizer finds where they are not.
    spine:
        (slices, rows, columns) uint8 on the grid of `study.reference`: `anatomy.vertebra_label`, `disc_label`, canal.
    changes:
        (slices, rows, columns) uint8 on the same grid: `anatomy.MODIC_MAP_LABELS`, 0 for none; None where unknown.
    labels:
        By level; levels without labels are absent.
    """

    name: str
    patient: str
    study: SpineStudy
    discs: tuple[LocatedDisc, ...]
    spine: np.ndarray
    changes: np.ndarray | None = None
    labels: Mapping[str, DiscLabels] = field(default_factory=dict)


class StudySource(Protocol):
    """Labelled studies, read one by one; picklable, so that several processes can read.

    Attributes
    ----------
    title:
        What tables call it, for example "92 simulated patients".
    key:
        Short name for folders; it changes whenever what is read changes.
    studies:
        Names of the studies.
    narrowing_grades:
        2 where narrowing is a yes or no, 4 where it is graded 0 to 3.
    """

    title: str
    key: str
    studies: tuple[str, ...]
    narrowing_grades: int

    def read(self, study: str) -> LabelledStudy:
        """One study.

        Raises
        ------
        InputError
            It cannot be read, or no spine is seen on it.
        """
        ...
