"""Tests of the naming of discs: one decision over the whole row, counted from the sacrum upwards."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from painted_spine import Box, grid_points, paint, sagittal_grid, spine_boxes

from ModicGraderLib.anatomy import DISCS_UPWARDS
from ModicGraderLib.errors import InputError
from ModicGraderLib.localization.candidates import find_candidates
from ModicGraderLib.localization.network import BACKGROUND, DISC
from ModicGraderLib.localization.numbering import SURE, Named, name_levels
from ModicGraderLib.localization.prediction import SpinePrediction


def painted(boxes: list[Box] | None = None, certainty: float = 0.9) -> SpinePrediction:
    return paint(spine_boxes(6) if boxes is None else boxes, sagittal_grid(1), certainty)


def add_blob(prediction: SpinePrediction, row: float, column: float, size: tuple[float, float] = (9, 30)) -> None:
    """A flat ellipse (mm) at a pixel, as sure to be a disc as any; no level speaks from it."""
    rows, columns = np.indices(prediction.grid.shape[1:]) * 1.25
    distance = np.hypot((rows - row * 1.25) / size[0] * 2, (columns - column * 1.25) / size[1] * 2)
    prediction.structures[:, 0, distance < 1] = np.eye(5)[DISC][:, None]


def erase(prediction: SpinePrediction, box: Box) -> None:
    """Nothing is seen where the box lies."""
    missed = box.inside(grid_points(prediction.grid), 8.0) > 0
    prediction.structures[:, missed] = np.eye(5)[BACKGROUND][:, None]


def name(prediction: SpinePrediction, lowest_disc: str | None = None) -> Named:
    return name_levels(find_candidates(prediction), prediction, lowest_disc)


def levels(named: Named) -> list[str]:
    return [DISCS_UPWARDS[level] for level in named.levels]


@settings(max_examples=25, deadline=None)
@given(
    st.integers(4, 7),
    st.floats(0.85, 1.2),
    st.floats(5, 12),
    st.floats(0.5, 1.3),
    st.floats(0.7, 0.98),
)
def test_any_spine_is_named_from_the_sacrum_upwards(discs, scale, height, lordosis, certainty):
    boxes = spine_boxes(discs, width=35 * scale, height=height * scale, lordosis=lordosis)
    named = name(painted(boxes, certainty))
    assert levels(named) == list(DISCS_UPWARDS[:discs])
    assert named.numbering.lowest_disc == "L5/S1"
    assert named.numbering.source == "model"
    assert named.numbering.confidence > SURE
    assert not named.numbering.transitional_suspected


@pytest.mark.parametrize("hidden", [1, 2])
def test_a_picture_without_the_sacrum_is_named_by_what_it_shows(hidden):
    named = name(painted(spine_boxes(7)[2 * hidden :]))
    assert levels(named) == list(DISCS_UPWARDS[hidden:7])


@pytest.mark.parametrize("below", [20, 30])
@pytest.mark.parametrize("forward", [-20, 0, 25])
def test_bowel_below_the_sacrum_is_left_out(below, forward):
    boxes = spine_boxes(6)
    prediction = painted(boxes)
    sacrum = prediction.grid.to_index(boxes[0].center)
    add_blob(prediction, sacrum[1] + below, sacrum[2] - forward)
    candidates = find_candidates(prediction)
    assert len(candidates) == 7
    named = name_levels(candidates, prediction)
    assert levels(named) == list(DISCS_UPWARDS[:6])
    assert all(one is not candidates[0] for one in named.candidates)


@pytest.mark.parametrize("level", range(6))
def test_a_vessel_in_front_of_the_spine_is_left_out(level):
    boxes = spine_boxes(6)
    prediction = painted(boxes)
    beside = prediction.grid.to_index(boxes[2 * level + 1].center + 45 * boxes[2 * level + 1].anterior)
    add_blob(prediction, beside[1] + 8, beside[2], (8, 16))
    named = name(prediction)
    assert levels(named) == list(DISCS_UPWARDS[:6])
    assert len(find_candidates(prediction)) == 7


@pytest.mark.parametrize("missed", [1, 2, 3, 4])
def test_a_missed_disc_leaves_a_gap_in_the_names(missed):
    boxes = spine_boxes(6)
    prediction = painted(boxes)
    erase(prediction, boxes[2 * missed + 1])
    assert levels(name(prediction)) == [level for at, level in enumerate(DISCS_UPWARDS[:6]) if at != missed]


def test_one_misread_body_does_not_overrule_the_rest():
    boxes = spine_boxes(6)
    prediction = painted(boxes, 0.98)
    misread = boxes[4].inside(grid_points(prediction.grid), 1.25) > 0.2
    prediction.identities[:, misread] = np.eye(15, dtype=np.float32)[8][:, None]
    assert levels(name(prediction)) == list(DISCS_UPWARDS[:6])


def test_flat_identities_are_reported_as_unsure():
    prediction = painted()
    prediction.identities[:] = 1 / 15
    named = name(prediction)
    assert len(named.candidates) == 6
    assert named.numbering.confidence < 0.5
    # The sacrum is in view and yet the count is open: that is what a transitional vertebra looks like.
    assert named.numbering.transitional_suspected


@pytest.mark.parametrize("lowest", ["L5/S1", "L4/L5", "L3/L4"])
def test_the_user_names_the_lowest_disc(lowest):
    named = name(painted(), lowest)
    first = DISCS_UPWARDS.index(lowest)
    assert levels(named) == list(DISCS_UPWARDS[first : first + 6])
    assert (named.numbering.lowest_disc, named.numbering.source, named.numbering.confidence) == (lowest, "user", 1.0)


def test_discs_above_the_last_known_level_are_dropped_when_the_user_counts_higher():
    named = name(painted(), DISCS_UPWARDS[-3])
    assert levels(named) == list(DISCS_UPWARDS[-3:])
    assert len(named.candidates) == 3


def test_an_unknown_level_is_refused_with_one_sentence():
    with pytest.raises(InputError, match=r"There is no disc 'L6/S1'; give one of L5/S1, .*\."):
        name(painted(), "L6/S1")


def test_an_empty_picture_has_no_discs():
    prediction = painted([])
    assert find_candidates(prediction) == []
    named = name(prediction)
    assert (named.candidates, named.levels, named.numbering.confidence) == ([], [], 0.0)
