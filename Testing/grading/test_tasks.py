"""Tests of how outputs become grades: probabilities that are probabilities, the median grade and the worse endplate."""

from itertools import product

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.special import softmax

from ModicGraderLib.anatomy import ENDPLATE_LESIONS, ENDPLATES
from ModicGraderLib.grading.tasks import (
    BINARY_TASKS,
    CHANGE_TYPES,
    ENDPLATE_LESION,
    LESIONS,
    MODIC_CHANGE,
    MODIC_TYPE,
    OF_AN_ENDPLATE,
    OF_THE_DISC,
    OUTPUTS,
    PFIRRMANN,
    SWAP_ENDPLATES,
    either,
    lesion_probabilities,
    pfirrmann_grade,
    pfirrmann_probabilities,
)

answers = arrays(float, (4,), elements=st.floats(0, 1))
chance = st.floats(0, 1)
classes = arrays(float, (2, 3), elements=st.floats(-9, 9)).map(lambda logits: softmax(logits, axis=-1))


def output_names() -> list[str]:
    """What each output says, by the layout that `tasks` promises."""
    names = [*BINARY_TASKS, *(f"pfirrmann above {grade}" for grade in (1, 2, 3, 4))]
    for words in (CHANGE_TYPES, LESIONS):
        names += [f"{endplate} {word}" for endplate in ENDPLATES for word in words]
    return names


def test_every_output_is_of_the_disc_or_of_one_endplate_or_follows_from_both():
    outputs = [*OF_THE_DISC, *OF_AN_ENDPLATE["upper"], *OF_AN_ENDPLATE["lower"], MODIC_CHANGE]
    assert sorted(outputs) == list(range(OUTPUTS))
    names = output_names()
    for upper, lower in zip(*(OF_AN_ENDPLATE[name] for name in ENDPLATES), strict=True):
        assert names[upper].replace("upper", "lower") == names[lower] != names[upper]


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


def test_every_output_has_one_meaning():
    groups = [PFIRRMANN, *MODIC_TYPE.values(), *ENDPLATE_LESION.values()]
    used = [*range(len(BINARY_TASKS)), *(index for group in groups for index in range(group.start, group.stop))]
    assert sorted(used) == list(range(OUTPUTS))
    assert len(output_names()) == OUTPUTS


def test_upside_down_swaps_the_endplates_and_nothing_else():
    def mirrored(name: str) -> str:
        for one, other in (ENDPLATES, ENDPLATES[::-1]):
            if name.startswith(one):
                return other + name.removeprefix(one)
        return name

    names = output_names()
    assert [names[index] for index in SWAP_ENDPLATES] == [mirrored(name) for name in names]
    assert [SWAP_ENDPLATES[index] for index in SWAP_ENDPLATES] == list(range(OUTPUTS))


@given(chance, chance)
def test_a_disc_has_a_change_if_one_of_its_endplates_has(upper, lower):
    disc = either(upper, lower)
    both = upper * lower
    assert disc == pytest.approx(upper + lower - both)
    assert max(upper, lower) - 1e-12 <= disc <= 1
    assert either(lower, upper) == pytest.approx(disc)
    assert either(upper, 0.0) == pytest.approx(upper)


@given(arrays(float, (2,), elements=chance), classes)
def test_the_lesion_of_a_disc_is_that_of_its_worse_endplate(change, types):
    # Brute force: every pair of classes that two independent endplates can have.
    own = [[1 - change[side], *(change[side] * types[side])] for side in range(2)]
    expected = np.zeros(len(ENDPLATE_LESIONS))
    for upper, lower in product(range(len(ENDPLATE_LESIONS)), repeat=2):
        expected[max(upper, lower)] += own[0][upper] * own[1][lower]
    found = lesion_probabilities(change, types)
    np.testing.assert_allclose(found, expected, atol=1e-12)
    np.testing.assert_allclose(lesion_probabilities(change[::-1], types[::-1]), found, atol=1e-12)


def test_lesions_of_many_discs_are_those_of_each():
    random = np.random.default_rng(0)
    change, types = random.random((5, 2)), softmax(random.normal(size=(5, 2, 3)), axis=-1)
    together = lesion_probabilities(change, types)
    assert together.shape == (5, len(ENDPLATE_LESIONS))
    for row, one, type_ in zip(together, change, types, strict=True):
        np.testing.assert_allclose(row, lesion_probabilities(one, type_))
