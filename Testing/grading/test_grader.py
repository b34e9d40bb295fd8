"""Tests of the grader: what it looks at, its network and its calibration."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from graded_example import PFIRRMANN, example_graded_study
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from ModicGraderLib.anatomy import GRADED_DISCS
from ModicGraderLib.grading.disc_input import BORDER, CHANNELS, LEVELS, SCALARS, SHAPE, DiscInput, disc_inputs
from ModicGraderLib.grading.grader import Ensemble, calibrate, grade_discs
from ModicGraderLib.grading.network import DiscGrader
from ModicGraderLib.grading.tasks import BINARY_TASKS, OUTPUTS
from ModicGraderLib.mapping.marrow import fit_marrow


@pytest.fixture(scope="module")
def graded():
    return example_graded_study()


@pytest.fixture(scope="module")
def marrow(graded):
    grid = graded.study.reference.grid
    return {
        name: fit_marrow(volume, graded.location.labels, grid)
        for name, volume in (("t1", graded.study.t1), ("t2", graded.study.t2))
    }


@pytest.fixture(scope="module")
def inputs(graded, marrow) -> list[DiscInput]:
    return disc_inputs(graded.study, graded.location, marrow)


def ensemble(members: int = 2, seed: int = 0) -> Ensemble:
    torch.manual_seed(seed)
    return Ensemble(tuple(DiscGrader().eval() for _ in range(members)), np.ones(OUTPUTS), np.zeros(OUTPUTS))


def test_each_disc_has_one_input_of_the_promised_form(inputs):
    assert [one.level for one in inputs] == list(GRADED_DISCS)
    for one in inputs:
        assert one.region.shape == (CHANNELS, 3, SHAPE[0] + 2 * BORDER, SHAPE[1] + 2 * BORDER)
        assert one.scalars.shape == (SCALARS,)
        assert one.region.dtype == one.scalars.dtype == np.float32
        assert np.isfinite(one.region).all() and np.isfinite(one.scalars).all()
        assert one.region.min() >= 0 and one.region.max() <= 2
        assert one.scalars[-LEVELS:].sum() == 1


def test_normal_marrow_is_one_half_on_both_contrasts(inputs):
    normal = next(one for one in inputs if one.level == "L2/L3")
    bodies = normal.region[3] > 0
    for channel in (0, 1):
        assert np.median(normal.region[channel][bodies]) == pytest.approx(0.5, abs=0.04)


def test_the_disc_lies_in_the_middle_between_its_vertebrae(inputs):
    for one in inputs:
        disc, bodies = one.region[2, 1], one.region[3, 1]
        rows, columns = (np.array(disc.shape) - 1) / 2
        middle = np.argwhere(disc[:, round(columns) - 5 : round(columns) + 6]).mean(0)
        assert abs(middle[0] - rows) < 4
        assert bodies[: round(rows) - 15, round(columns)].any() and bodies[round(rows) + 15 :, round(columns)].any()


def test_a_worn_disc_is_darker_on_t2(inputs):
    middle = {one.level: np.median(one.region[1][one.region[2] > 0]) for one in inputs}
    assert PFIRRMANN["L5/S1"] > PFIRRMANN["L2/L3"]
    assert middle["L5/S1"] < middle["L2/L3"]


def test_a_missing_contrast_is_zero_and_says_so(graded, marrow, inputs):
    alone = disc_inputs(replace(graded.study, t1=None), graded.location, {"t2": marrow["t2"]})
    assert not alone[0].region[0].any()
    np.testing.assert_array_equal(alone[0].region[1:], inputs[0].region[1:])
    assert alone[0].scalars[6:8].tolist() == [0, 1]
    assert inputs[0].scalars[6:8].tolist() == [1, 1]


@pytest.mark.parametrize("slices", [1, 2, 3, 5])
def test_the_network_reads_any_number_of_slices(slices):
    network = ensemble(1).members[0]
    with torch.inference_mode():
        logits = network(torch.rand(2, CHANNELS, slices, *SHAPE), torch.zeros(2, SCALARS))
    assert logits.shape == (2, OUTPUTS)


def test_equal_slices_say_the_same_as_one():
    network = ensemble(1).members[0]
    one, scalars = torch.rand(1, CHANNELS, 1, *SHAPE), torch.zeros(1, SCALARS)
    with torch.inference_mode():
        torch.testing.assert_close(network(one.expand(-1, -1, 4, -1, -1), scalars), network(one, scalars))


def test_outer_slices_weigh_half():
    network = ensemble(1).members[0]
    region, scalars = torch.rand(1, CHANNELS, 3, *SHAPE), torch.zeros(1, SCALARS)
    with torch.inference_mode():
        slices = [network(region[:, :, [number]], scalars) for number in range(3)]
        whole = network(region, scalars)
    torch.testing.assert_close(whole, 0.25 * slices[0] + 0.5 * slices[1] + 0.25 * slices[2])


def test_grades_are_probabilities_and_do_not_depend_on_the_company(inputs):
    models = ensemble()
    grades = grade_discs(inputs, models)
    assert len(grades) == len(inputs)
    for one, grade in zip(inputs, grades, strict=True):
        assert set(grade.findings) == set(BINARY_TASKS)
        assert all(0 <= chance <= 1 for chance in grade.findings.values())
        assert grade.pfirrmann.sum() == pytest.approx(1)
        alone = grade_discs([one], models)[0]
        np.testing.assert_allclose(list(alone.findings.values()), list(grade.findings.values()), atol=1e-5)
    assert grade_discs([], models) == []


def test_members_are_averaged_before_they_are_calibrated(inputs):
    both = ensemble(2)
    logits = []
    for member in both.members:
        probabilities = grade_discs(inputs[:1], replace(both, members=(member,)))[0].findings.values()
        chance = np.array(list(probabilities))
        logits.append(np.log(chance / (1 - chance)))
    scale, offset = np.full(OUTPUTS, 1.7), np.full(OUTPUTS, -0.4)
    found = grade_discs(inputs[:1], replace(both, scale=scale, offset=offset))[0].findings.values()
    expected = 1 / (1 + np.exp(-(1.7 * np.mean(logits, axis=0) - 0.4)))
    np.testing.assert_allclose(list(found), expected, atol=1e-4)


@given(arrays(float, (3, OUTPUTS), elements=st.floats(-30, 30)), st.floats(0.1, 5), st.floats(-3, 3))
def test_calibration_keeps_the_order(logits, scale, offset):
    probabilities = calibrate(logits, np.full(OUTPUTS, scale), np.full(OUTPUTS, offset))
    assert (probabilities >= 0).all() and (probabilities <= 1).all()
    order = np.argsort(logits, axis=0, kind="stable")
    assert (np.diff(np.take_along_axis(probabilities, order, axis=0), axis=0) >= 0).all()
