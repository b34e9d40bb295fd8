"""Tests of how the outputs of the networks become grades that agree with each other."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.special import softmax

from ModicGraderLib.anatomy import ENDPLATE_LESIONS, MODIC_GRADES
from ModicGraderLib.grading.decisions import MIXED_SHARE, joint_type
from ModicGraderLib.grading.disc_grades import calibrate, grades_of, lesions_of
from ModicGraderLib.grading.tasks import (
    BINARY_TASKS,
    CHANGE_TYPES,
    ENDPLATE_LESION,
    MARROW_CHANGE,
    MODIC_CHANGE,
    MODIC_TYPE,
    OUTPUTS,
    PFIRRMANN,
    either,
)
from ModicGraderLib.grid import Grid

GROUPS = [*MODIC_TYPE.values(), *ENDPLATE_LESION.values()]
OWN = [index for index in range(PFIRRMANN.stop) if index != MODIC_CHANGE]
"""Outputs that are answered by themselves."""


logits = arrays(float, (3, OUTPUTS), elements=st.floats(-30, 30))


@given(logits, st.floats(0.1, 5), st.floats(-3, 3))
def test_calibration_keeps_the_order(logits, scale, offset):
    probabilities = calibrate(logits, np.full(OUTPUTS, scale), np.full(OUTPUTS, offset))[:, OWN]
    assert (probabilities >= 0).all() and (probabilities <= 1).all()
    order = np.argsort(logits[:, OWN], axis=0, kind="stable")
    assert (np.diff(np.take_along_axis(probabilities, order, axis=0), axis=0) >= 0).all()


@given(logits, arrays(float, OUTPUTS, elements=st.floats(0.1, 3)), arrays(float, OUTPUTS, elements=st.floats(-2, 2)))
def test_calibrated_answers_agree_with_each_other(logits, scale, offset):
    probabilities = calibrate(logits, scale, offset)
    for group in GROUPS:
        np.testing.assert_allclose(probabilities[:, group].sum(1), 1)
        # Within a group only differences count, so that its order follows the scaled outputs.
        scaled = (scale * logits + offset)[:, group]
        assert (np.take_along_axis(probabilities[:, group], scaled.argmax(1)[:, None], 1) >= 1 / 3 - 1e-9).all()
    disc = either(*(probabilities[:, index] for index in MARROW_CHANGE))
    np.testing.assert_allclose(probabilities[:, MODIC_CHANGE], disc)
    np.testing.assert_allclose(lesions_of(probabilities).sum(1), 1)


def test_the_lesion_of_a_disc_is_read_from_both_endplates():
    sure = np.full((1, OUTPUTS), -20.0)
    sure[0, BINARY_TASKS.index("lower_endplate_change")] = 20
    sure[0, ENDPLATE_LESION["lower"].start + 1] = 20
    sure[0, ENDPLATE_LESION["upper"].start + 2] = 20
    chances = lesions_of(calibrate(sure, np.ones(OUTPUTS), np.zeros(OUTPUTS)))[0]
    # The upper endplate would have a Schmorl's node, but has no lesion; the lower one is notched.
    assert dict(zip(ENDPLATE_LESIONS, chances.round(6), strict=True))["notched"] == 1


def test_every_grade_stands_under_its_name():
    outputs = np.linspace(0.9, 0.1, OUTPUTS)
    grid = Grid(np.eye(4), (1, 2, 3))
    grades = grades_of(outputs, np.zeros((4, 1, 2, 3), np.float32), grid)
    assert grades.findings == {name: outputs[number] for number, name in enumerate(BINARY_TASKS)}
    above = outputs[PFIRRMANN]
    np.testing.assert_allclose(grades.pfirrmann, -np.diff([1, *above, 0]))
    for name, group in MODIC_TYPE.items():
        np.testing.assert_array_equal(grades.modic_types[name], outputs[group])


shares = arrays(float, (3,), elements=st.floats(-6, 6)).map(softmax)


@given(shares)
def test_a_joint_type_is_the_largest_one_or_a_mixed_form_that_has_a_name(shares):
    type_ = joint_type(dict(zip(CHANGE_TYPES, shares, strict=True)))
    assert type_ in MODIC_GRADES
    parts = [CHANGE_TYPES.index(part) for part in type_.split("/")]
    assert shares.argmax() in parts
    assert all(shares[part] >= min(MIXED_SHARE, shares.max()) for part in parts)


@pytest.mark.parametrize(
    ("found", "grade"),
    [
        ((1.0, 0.0, 0.0), "I"),
        ((0.0, 0.9, 0.1), "II"),
        ((0.48, 0.52, 0.0), "I/II"),
        ((0.0, 0.4, 0.6), "II/III"),
        ((0.2, 0.7, 0.1), "II"),
        # A mixture of types I and III has no name in the literature: the larger one is given.
        ((0.45, 0.0, 0.55), "III"),
    ],
)
def test_the_type_of_several_changes_is_that_of_the_most_or_of_both(found, grade):
    assert joint_type(dict(zip(CHANGE_TYPES, found, strict=True))) == grade
