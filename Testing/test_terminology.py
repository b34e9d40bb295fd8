import numpy as np
import pytest

from ModicGraderLib.anatomy import CANAL_LABEL, DISCS_UPWARDS, VERTEBRAE_UPWARDS, disc_label, vertebra_label
from ModicGraderLib.terminology import (
    ALTERED_STRUCTURE,
    ANATOMICAL_STRUCTURE,
    LUMBAR_SPINE,
    MODIC_CHANGES,
    SPINE,
    slicer_terminology,
    structures_in,
)


def test_every_label_of_the_house_has_a_structure():
    labels = [*map(vertebra_label, VERTEBRAE_UPWARDS), *map(disc_label, DISCS_UPWARDS), CANAL_LABEL]
    assert sorted(structure.label for structure in SPINE) == sorted(labels)


def test_names_and_codes_of_the_spine_are_unique():
    assert len({structure.name for structure in SPINE}) == len(SPINE)
    assert len({structure.id for structure in SPINE}) == len(SPINE)
    assert len({structure.type.value for structure in SPINE}) == len(SPINE)


def _verhoeff_holds(number: str) -> bool:
    """SNOMED CT ends every identifier in a check digit of Verhoeff's dihedral code, which finds any one wrong digit."""
    turn, check = (1, 5, 7, 6, 2, 8, 3, 0, 9, 4), 0
    for position, digit in enumerate(map(int, reversed(number))):
        for _ in range(position % 8):
            digit = turn[digit]
        check = _dihedral_product(check, digit)
    return check == 0


def _dihedral_product(a: int, b: int) -> int:
    """Product in the group of the pentagon: 0-4 are rotations, 5-9 reflections."""
    if a < 5:
        return (a + b) % 5 if b < 5 else 5 + (a + b) % 5
    return 5 + (a - b) % 5 if b < 5 else (a - b) % 5


@pytest.mark.parametrize(
    "code",
    sorted(
        {
            code
            for structure in (*SPINE, *MODIC_CHANGES)
            for code in (structure.type, structure.category, LUMBAR_SPINE, ANATOMICAL_STRUCTURE, ALTERED_STRUCTURE)
        },
        key=lambda code: code.value,
    ),
    ids=lambda code: code.meaning,
)
def test_the_check_digit_of_every_snomed_code_holds(code):
    assert _verhoeff_holds(code.value)


def test_the_check_digit_finds_a_wrong_digit():
    assert not _verhoeff_holds("49668004")


def test_a_label_without_a_structure_is_refused():
    with pytest.raises(ValueError, match="77"):
        structures_in(np.array([[0, 1], [77, 1]], np.uint8))


def test_a_terminology_entry_has_the_seven_parts_that_slicer_reads():
    assert slicer_terminology(SPINE[1]).split("~") == [
        "Segmentation category and type - DICOM master list",
        "SCT^123037004^Anatomical Structure",
        "SCT^49668003^L5 vertebra",
        "^^",
        "Anatomic codes - DICOM master list",
        "^^",
        "^^",
    ]
