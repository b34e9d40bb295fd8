"""Tests of how outputs become grades: probabilities that are probabilities, and the median grade."""

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from ModicGraderLib.grading.tasks import (
    BINARY_TASKS,
    OUTPUTS,
    PFIRRMANN,
    SWAP_ENDPLATES,
    pfirrmann_grade,
    pfirrmann_probabilities,
)

answers = arrays(float, (4,), elements=st.floats(0, 1))


@given(answers)
def test_probabilities_of_the_grades_are_probabilities_for_any_answers(above):
    probabilities = pfirrmann_probabilities(above)
    assert probabilities.shape == (5,)
    assert (probabilities >= 0).all()
    assert probabilities.sum() == pytest.approx(1)


@given(answers)
def test_a_higher_grade_is_never_more_probable_to_be_exceeded_than_a_lower_one(above):
    probabilities = pfirrmann_probabilities(above)
    exceeded = 1 - np.cumsum(probabilities)[:4]
    assert (np.diff(exceeded) <= 1e-12).all()
    assert (exceeded <= above + 1e-12).all()


@given(answers)
def test_answers_in_order_are_kept(above):
    above = np.sort(above)[::-1]
    np.testing.assert_allclose(1 - np.cumsum(pfirrmann_probabilities(above))[:4], above, atol=1e-12)


@given(arrays(float, (7, 4), elements=st.floats(0, 1)))
def test_the_grade_is_the_median(above):
    probabilities = pfirrmann_probabilities(above)
    below = np.cumsum(probabilities, axis=1)
    assume(np.abs(below - 0.5).min() > 1e-9)
    for row, grade in zip(probabilities, pfirrmann_grade(probabilities), strict=True):
        assert 1 <= grade <= 5
        assert row[: grade - 1].sum() < 0.5 < row[:grade].sum()


def test_a_sure_grade_is_given():
    assert [int(pfirrmann_grade(row)) for row in np.eye(5)] == [1, 2, 3, 4, 5]


def test_upside_down_swaps_the_endplates_and_nothing_else():
    names = [*BINARY_TASKS, *range(PFIRRMANN.stop - PFIRRMANN.start)]
    assert len(names) == OUTPUTS
    swapped = {"upper_endplate_change": "lower_endplate_change", "lower_endplate_change": "upper_endplate_change"}
    assert [names[index] for index in SWAP_ENDPLATES] == [swapped.get(name, name) for name in names]
