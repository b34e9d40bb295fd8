"""Tests of edited Modic maps: every voxel drawn is at the right endplate, and what was edited can be taken back."""

import dataclasses

import numpy as np
import pytest
from graded_example import example_graded_study

from ModicGraderLib.anatomy import vertebra_label
from ModicGraderLib.graded import MACHINE_MAP
from ModicGraderLib.map_edits import EndplateMap, record_edits, take_back

GRADED = example_graded_study()
MAP, LABELS, T2 = GRADED.maps["modic_map"], GRADED.location.labels, GRADED.study.t2
DISCS = {disc.level: disc for disc in GRADED.location.discs}


def edited(modic_map: np.ndarray):
    return dataclasses.replace(GRADED, maps={**GRADED.maps, "modic_map": modic_map, MACHINE_MAP: MAP})


def at(modic_map: np.ndarray, level: str, endplate: str) -> int:
    """Voxels of a map at an endplate."""
    return int(EndplateMap(modic_map, LABELS, T2).at(DISCS[level])[endplate].change.sum())


def body(vertebra: str, share: tuple[float, float] = (0, 1)) -> np.ndarray:
    """Mask of a body, of all or of the part between two shares of its height above its lower endplate."""
    mask = np.equal(LABELS, vertebra_label(vertebra))
    points = np.argwhere(mask)
    height = T2.to_patient(points) @ DISCS["L4/L5"].normal
    height = (height - height.min()) / np.ptp(height)
    mask[tuple(points[(height < share[0]) | (height > share[1])].T)] = False
    return mask


def test_a_map_that_no_one_edited_changes_nothing():
    assert record_edits(GRADED, "AB") is GRADED
    assert record_edits(edited(MAP), "AB").report == GRADED.report


@pytest.mark.parametrize(
    ("share", "above", "below"), [((0.0, 0.3), 0, 1), ((0.7, 1.0), 1, 0), ((0.2, 0.35), 0, 1), ((0.0, 0.7), 0, 1)]
)
def test_a_piece_belongs_to_the_endplate_it_touches_or_else_to_the_nearer(share, above, below):
    drawn = np.where(body("L2", share), np.uint8(1), np.uint8(0))
    total = int((drawn > 0).sum())
    assert (at(drawn, "L1/L2", "lower"), at(drawn, "L2/L3", "upper")) == (above * total, below * total)


def test_a_piece_that_spans_the_body_is_divided_between_its_endplates():
    drawn = body("L2").astype(np.uint8)
    halves = at(drawn, "L1/L2", "lower"), at(drawn, "L2/L3", "upper")
    total = int(drawn.sum())
    # Either endplate is seen from its own side, so that a few voxels in the middle may count for both or for none.
    assert sum(halves) == pytest.approx(total, rel=0.01)
    assert min(halves) > 0.4 * total


def test_voxels_beside_the_bodies_count_at_the_nearest():
    assert (MAP[LABELS == 0] > 0).any()
    assert at(MAP, "L4/L5", "upper") == (MAP == 2).sum()
    assert at(MAP, "L5/S1", "upper") == (MAP == 1).sum()


def test_an_edit_that_was_taken_back_in_the_editor_is_no_longer_recorded():
    erased = record_edits(edited(np.where(MAP == 2, np.uint8(0), MAP)), "AB")
    assert [one.level for one in erased.report.corrections] == ["L4/L5"]
    again = dataclasses.replace(erased, maps={**GRADED.maps, "modic_map": MAP})
    assert record_edits(again, "AB").report == GRADED.report


def test_taking_back_gives_the_program_s_map_at_the_discs_named_alone():
    drawn = np.where(body("L2", (0.0, 0.3)), np.uint8(3), MAP)
    drawn[drawn == 2] = 0
    both = record_edits(edited(drawn), "AB")
    assert {one.level for one in both.report.corrections} == {"L2/L3", "L4/L5"}
    back = take_back(both, {"L4/L5"})
    np.testing.assert_array_equal(back == 2, MAP == 2)
    assert (back == 3).sum() == (drawn == 3).sum()
    np.testing.assert_array_equal(take_back(both, {"L2/L3", "L4/L5"}), MAP)
