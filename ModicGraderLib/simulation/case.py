"""Case: everything that is decided about one simulated patient before anything is drawn."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from ..anatomy import ENDPLATES

LESION_TYPES = ("I", "II", "III", "I/II", "II/III")
"""Modic types that can be drawn, mixed forms included (Fayad 2009); their labels are 51, 52, ... in this order."""


def lesion_label(type_: str) -> int:
    """Label of a lesion in `labels.nii.gz`: type I is 51, II 52, III 53, I/II 54, II/III 55."""
    return 51 + LESION_TYPES.index(type_)


@dataclass(frozen=True)
class Patient:
    """Whom to draw."""

    sex: Literal["F", "M"]
    age_years: float
    stature_cm: float


@dataclass(frozen=True)
class MarrowLesion:
    """Changed marrow that rests on one endplate.

    Attributes
    ----------
    type:
        One of `LESION_TYPES`.
    height:
        Greatest depth into the vertebral body, as a share of the body's height.
    anterior, lateral:
        Where its middle lies along the endplate: -1 is the posterior (right) border, 1 the anterior (left) one.
    anterior_extent, lateral_extent:
        Its extent as a share of the endplate's depth and width; it may reach beyond the border and is cut there.
    strength:
        In (0, 1]: 1 is full-blown, 0.3 barely leaves the marrow's signal.
    """

    type: str
    height: float
    anterior: float = 0.0
    anterior_extent: float = 0.8
    lateral: float = 0.0
    lateral_extent: float = 0.9
    strength: float = 1.0


@dataclass(frozen=True)
class EndplateState:
    """One endplate: its shape in Bassani's classes (2023, Table 1), osteophyte at its front, and changed marrow."""

    lesion: Literal["normal", "wavy_irregular", "notched", "schmorl_node"] = "normal"
    osteophyte_mm: float = 0.0
    marrow: tuple[MarrowLesion, ...] = ()


@dataclass(frozen=True)
class DiscState:
    """One disc and the endplates on either side of it.

    Attributes
    ----------
    pfirrmann:
        1 to 5.
    height_factor:
        Share of its healthy height that the disc has kept.
    bulge_mm, herniation_mm:
        How far it stands out behind over its whole width, and in one place.
    slip_mm:
        By how much the vertebra above lies too far to the front (negative: to the back).
    upper, lower:
        The endplate above and the one below.
    """

    pfirrmann: int = 1
    height_factor: float = 1.0
    bulge_mm: float = 0.0
    herniation_mm: float = 0.0
    slip_mm: float = 0.0
    upper: EndplateState = EndplateState()
    lower: EndplateState = EndplateState()


@dataclass(frozen=True)
class VertebraState:
    """What befell one vertebral body apart from its endplates.

    `fracture` names a compression fracture and `fracture_loss` the share of height it took; `hemangioma_mm` and
    `focal_fat_mm` are diameters of harmless round lesions away from the endplates, 0 for none.
    """

    fracture: Literal["none", "wedge", "biconcave"] = "none"
    fracture_loss: float = 0.0
    hemangioma_mm: float = 0.0
    focal_fat_mm: float = 0.0


@dataclass(frozen=True)
class Case:
    """One patient. What is absent from `discs` (by name, "L4/L5") or `vertebrae` (by name, "L4") is healthy.

    Attributes
    ----------
    lordosis_deg:
        Angle between the upper endplates of L1 and S1, supine.
    scoliosis_deg:
        Cobb angle of a single lateral curve; positive is convex to the left.
    transitional:
        "sacralized" (L5 grown to the sacrum) or "lumbarized" (S1 like a lumbar vertebra); levels keep their names.
    canal_factor:
        Width of the spinal canal against the average.
    fat_factor:
        Thickness of subcutaneous fat against the average.
    """

    patient: Patient
    lordosis_deg: float = 45.0
    scoliosis_deg: float = 0.0
    transitional: Literal["none", "sacralized", "lumbarized"] = "none"
    canal_factor: float = 1.0
    fat_factor: float = 1.0
    discs: dict[str, DiscState] = field(default_factory=dict)
    vertebrae: dict[str, VertebraState] = field(default_factory=dict)

    def disc(self, level: str) -> DiscState:
        """The state of a disc."""
        return self.discs.get(level, DiscState())

    def vertebra(self, name: str) -> VertebraState:
        """The state of a vertebra."""
        return self.vertebrae.get(name, VertebraState())

    @property
    def lesions(self) -> list[tuple[str, str, MarrowLesion]]:
        """(level, "upper" or "lower", lesion) of every marrow lesion, in the order that numbers them on the canvas."""
        return [
            (level, endplate, lesion)
            for level in sorted(self.discs)
            for endplate in ENDPLATES
            for lesion in getattr(self.discs[level], endplate).marrow
        ]
