"""The structures of the house with the codes and colors that Slicer and DICOM know them by.

Codes are SNOMED CT as DICOM lists them: vertebrae in CID 7603, discs in CID 7604, the canal in CID 6115.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .anatomy import CANAL_LABEL, MODIC_MAP_LABELS, disc_label, vertebra_label


@dataclass(frozen=True)
class Code:
    """One coded concept: SNOMED CT (`SCT`) identifier and its meaning in words."""

    value: str
    meaning: str
    scheme: str = "SCT"


@dataclass(frozen=True)
class Structure:
    """What one label of a label volume stands for.

    Attributes
    ----------
    label:
        Value in the label volume.
    name:
        What a reader sees, for example "L4 vertebra".
    category, type:
        Codes of the kind of thing and of the thing itself.
    color:
        Red, green, blue in 0-255.
    region:
        Code of where it lies, if the type does not say so.
    """

    label: int
    name: str
    category: Code
    type: Code
    color: tuple[int, int, int]
    region: Code | None = None

    @property
    def id(self) -> str:
        """Name for machines: "L4/L5 disc" is `l4_l5_disc`."""
        return self.name.lower().replace("/", "_").replace(" ", "_")


ANATOMICAL_STRUCTURE = Code("123037004", "Anatomical Structure")
ALTERED_STRUCTURE = Code("49755003", "Morphologically Altered Structure")
LESION = Code("52988006", "Lesion")
LUMBAR_SPINE = Code("122496007", "Lumbar spine")

VERTEBRA_CODES = {
    "S1": Code("65985001", "First sacral vertebra"),
    "L5": Code("49668003", "L5 vertebra"),
    "L4": Code("11994002", "L4 vertebra"),
    "L3": Code("36470004", "L3 vertebra"),
    "L2": Code("14293000", "L2 vertebra"),
    "L1": Code("66794005", "L1 vertebra"),
    "T12": Code("23215003", "T12 vertebra"),
    "T11": Code("12989004", "T11 vertebra"),
    "T10": Code("7610001", "T10 vertebra"),
    "T9": Code("82687006", "T9 vertebra"),
}
DISC_CODES = {
    "L5/S1": Code("715056000", "L5/S1 disc"),
    "L4/L5": Code("84020006", "L4/L5 disc"),
    "L3/L4": Code("62551000", "L3/L4 disc"),
    "L2/L3": Code("67459009", "L2/L3 disc"),
    "L1/L2": Code("80064006", "L1/L2 disc"),
    "T12/L1": Code("76206002", "T12/L1 disc"),
    "T11/T12": Code("1537001", "T11/T12 disc"),
    "T10/T11": Code("34959001", "T10/T11 disc"),
    "T9/T10": Code("113209001", "T9/T10 disc"),
}
CANAL_CODE = Code("61853006", "Spinal canal")

_BONE = ((241, 214, 145), (221, 190, 122))
"""Neighboring vertebrae alternate between two shades, so that they can be told apart where they touch."""
_CARTILAGE = ((64, 196, 196), (120, 170, 240))
"""And so do the discs."""

SPINE = (
    *(
        Structure(vertebra_label(name), f"{name} vertebra", ANATOMICAL_STRUCTURE, code, _BONE[i % 2])
        for i, (name, code) in enumerate(VERTEBRA_CODES.items())
    ),
    *(
        Structure(disc_label(name), f"{name} disc", ANATOMICAL_STRUCTURE, code, _CARTILAGE[i % 2])
        for i, (name, code) in enumerate(DISC_CODES.items())
    ),
    Structure(CANAL_LABEL, "Spinal canal", ANATOMICAL_STRUCTURE, CANAL_CODE, (176, 122, 214)),
)
"""Every structure of a spine label volume (`localization.spine.SpineLocation.labels`)."""

_MODIC_COLORS = {"I": (232, 60, 60), "II": (250, 200, 40), "III": (120, 120, 130)}

MODIC_CHANGES = tuple(
    Structure(label, f"Modic {grade}", ALTERED_STRUCTURE, LESION, _MODIC_COLORS[grade], LUMBAR_SPINE)
    for grade, label in MODIC_MAP_LABELS.items()
)
"""Every structure of a Modic map (`anatomy.MODIC_MAP_LABELS`)."""


def structures_in(labels: np.ndarray, structures: tuple[Structure, ...] = SPINE) -> list[Structure]:
    """Those of `structures` that occur in a label volume of any shape, in the order of the table.

    A label without a structure is a fault of ours and raises ValueError.
    """
    present = set(np.unique(labels).tolist()) - {0}
    unknown = present - {structure.label for structure in structures}
    if unknown:
        raise ValueError(f"labels without a structure: {sorted(unknown)}")
    return [structure for structure in structures if structure.label in present]


def slicer_terminology(structure: Structure) -> str:
    """A structure as the terminology entry that Slicer keeps with a segment.

    Example
    -------
    >>> slicer_terminology(SPINE[1])[:91]
    'Segmentation category and type - DICOM master list~SCT^123037004^Anatomical Structure~SCT^4'
    """
    none = "^^"
    return "~".join(
        (
            "Segmentation category and type - DICOM master list",
            _triplet(structure.category),
            _triplet(structure.type),
            none,
            "Anatomic codes - DICOM master list",
            _triplet(structure.region) if structure.region else none,
            none,
        )
    )


def _triplet(code: Code) -> str:
    return f"{code.scheme}^{code.value}^{code.meaning}"
