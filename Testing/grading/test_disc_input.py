"""Tests of what the disc reader looks at: the slices there are, at one thickness, in units of the patient's marrow."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from graded_example import PFIRRMANN, example_graded_study
from hypothesis import given
from hypothesis import strategies as st
from leaning_disc import centers, disc_in, studies, tilts, volume

from ModicGraderLib.anatomy import DISCS_UPWARDS, GRADED_DISCS
from ModicGraderLib.grading.disc_input import (
    BORDER,
    CHANNELS,
    LEVELS,
    REACH_MM,
    SCALARS,
    SHAPE,
    SLICE_MM,
    WIDTHS,
    DiscInput,
    disc_inputs,
    input_grid,
)
from ModicGraderLib.localization.spine import SpineLocation
from ModicGraderLib.mapping.marrow import Marrow, fit_marrow
from ModicGraderLib.report import Numbering
from ModicGraderLib.study import SpineStudy, Volume

SLIP, PRESENT = 4, slice(6, 8)
"""Where the slip and the contrasts present stand among the scalars."""

GRAY = 100.0
FLAT = Marrow(np.array([np.log(GRAY), 0, 0, 0, 0]), np.zeros(3), np.eye(3), 0.1)
"""Marrow that measures `GRAY` everywhere."""


@pytest.fixture(scope="module")
def graded():
    return example_graded_study()


@pytest.fixture(scope="module")
def marrow(graded):
    grid = graded.study.reference.grid
    return {
        name: fit_marrow(one, graded.location.labels, grid)
        for name, one in (("t1", graded.study.t1), ("t2", graded.study.t2))
    }


@pytest.fixture(scope="module")
def inputs(graded, marrow) -> list[DiscInput]:
    return disc_inputs(graded.study, graded.location, marrow)


def striped(slices: int, thickness_mm: float, pattern: tuple[float, ...] = (1.0,)) -> Volume:
    """A volume whose slices have the grays of a pattern, in units of normal marrow, again and again."""
    array = np.resize(np.array(pattern, np.float32) * GRAY, slices)[:, None, None] * np.ones((1, 90, 80), np.float32)
    return volume(array.shape, (thickness_mm, 1.0, 1.0), array=array)


def alone(reference: Volume, **changes: Any) -> SpineLocation:
    """A location with one upright disc in the middle of a volume, without labels; `changes` are made to the disc."""
    disc = replace(disc_in(reference), **changes)
    return SpineLocation((disc,), Numbering("L5/S1", "model", 1.0), np.zeros(reference.array.shape, np.uint8))


@given(studies, centers, tilts)
def test_only_slices_that_exist_are_read_and_none_is_left_out(reference, center, tilt):
    grid = input_grid(disc_in(reference, center, **tilt), reference)
    corners = np.array(np.meshgrid(*[(0, size - 1) for size in grid.shape])).reshape(3, -1).T
    read = reference.to_index(grid.to_patient(corners))[:, 0]
    last = reference.array.shape[0] - 1
    assert read.min() > -1e-6 and read.max() < last + 1e-6
    step = max(1, round(SLICE_MM / reference.spacing[0]))
    reach = int(REACH_MM / (reference.spacing[0] * step))
    assert 1 <= grid.shape[0] <= 2 * reach + 1
    # The slice nearest to the disc is read, and from there to the end of the reach or of the study.
    nearest = np.clip(np.round(reference.to_index(np.array(center))[0]), 0, last)
    expected = [number for number in nearest + step * np.arange(-reach, reach + 1) if 0 <= number <= last]
    np.testing.assert_allclose(sorted(set(np.round(read, 4))), sorted({expected[0], expected[-1]}), atol=1e-3)
    assert grid.shape[0] == len(expected)


@given(studies, centers, tilts, st.floats(25, 50))
def test_the_region_grows_with_the_disc(reference, center, tilt, width):
    grid = input_grid(disc_in(reference, center, **tilt, width=width), reference)
    assert grid.shape[1:] == (SHAPE[0] + 2 * BORDER, SHAPE[1] + 2 * BORDER)
    pixel = np.linalg.norm(grid.affine[:3, 1:3], axis=0)
    np.testing.assert_allclose(pixel * SHAPE[1], WIDTHS * width)


def test_each_disc_has_one_input_of_the_promised_form(inputs, graded):
    assert [one.level for one in inputs] == list(GRADED_DISCS)
    for one, disc in zip(inputs, graded.location.discs, strict=True):
        assert one.grid.shape == input_grid(disc, graded.study.reference).shape
        assert one.region.shape == (CHANNELS, *one.grid.shape)
        assert one.scalars.shape == (SCALARS,)
        assert one.region.dtype == one.scalars.dtype == np.float32
        assert np.isfinite(one.region).all() and np.isfinite(one.scalars).all()
        assert one.region.min() >= 0 and one.region.max() <= 2
        assert set(np.unique(one.region[2:])) == {0, 1}
        level = one.scalars[-LEVELS:]
        assert level.sum() == level[DISCS_UPWARDS.index(one.level)] == 1


def test_normal_marrow_is_one_half_on_both_contrasts(inputs):
    normal = next(one for one in inputs if one.level == "L2/L3")
    bodies = normal.region[3] > 0
    for channel in (0, 1):
        assert np.median(normal.region[channel][bodies]) == pytest.approx(0.5, abs=0.04)


def test_the_disc_lies_in_the_middle_between_its_vertebrae(inputs):
    for one in inputs:
        slice_ = one.region.shape[1] // 2
        disc, bodies = one.region[2, slice_], one.region[3, slice_]
        rows, columns = (np.array(disc.shape) - 1) / 2
        middle = np.argwhere(disc[:, round(columns) - 5 : round(columns) + 6]).mean(0)
        assert abs(middle[0] - rows) < 4
        assert bodies[: round(rows) - 15, round(columns)].any() and bodies[round(rows) + 15 :, round(columns)].any()


def test_a_worn_disc_is_darker_on_t2(inputs):
    middle = {one.level: np.median(one.region[1][one.region[2] > 0]) for one in inputs}
    assert PFIRRMANN["L5/S1"] > PFIRRMANN["L2/L3"]
    assert middle["L5/S1"] < middle["L2/L3"]


def test_a_missing_contrast_is_zero_and_says_so(graded, marrow, inputs):
    t2 = disc_inputs(replace(graded.study, t1=None), graded.location, {"t2": marrow["t2"]})
    assert not t2[0].region[0].any()
    np.testing.assert_array_equal(t2[0].region[1:], inputs[0].region[1:])
    assert t2[0].scalars[PRESENT].tolist() == [0, 1]
    assert inputs[0].scalars[PRESENT].tolist() == [1, 1]


def test_t1_alone_is_read_on_its_own_slices(marrow):
    t1 = replace(striped(9, 4.0), contrast="t1")
    (one,) = disc_inputs(SpineStudy(t1, None), alone(t1), {"t1": FLAT})
    assert one.scalars[PRESENT].tolist() == [1, 0]
    assert not one.region[1].any()
    np.testing.assert_allclose(one.region[0, :, 20:-20, 20:-20], 0.5, rtol=1e-5)


def test_a_contrast_whose_marrow_cannot_be_read_is_as_if_missing(graded, marrow):
    without = disc_inputs(graded.study, graded.location, {"t1": marrow["t1"]})
    assert without[0].scalars[PRESENT].tolist() == [1, 0]
    assert not without[0].region[1].any()


@pytest.mark.parametrize("missing", ["t1", None])
def test_one_slice_is_a_study(missing):
    t2 = striped(1, 5.0)
    study = SpineStudy(None if missing else replace(t2, contrast="t1"), t2)
    (one,) = disc_inputs(study, alone(t2), {"t1": FLAT, "t2": FLAT})
    assert one.region.shape[1] == 1
    np.testing.assert_allclose(one.region[1, :, 20:-20, 20:-20], 0.5, rtol=1e-5)


def test_thin_slices_are_averaged_to_the_thickness_of_routine_ones():
    thin = striped(60, 1.0, (0.0, 0.5, 2.5))
    (one,) = disc_inputs(SpineStudy(None, thin), alone(thin), {"t2": FLAT})
    assert np.linalg.norm(one.grid.affine[:3, 0]) == pytest.approx(SLICE_MM)
    np.testing.assert_allclose(one.region[1, :, 20:-20, 20:-20], 0.5, rtol=1e-5)


def test_thin_slices_beside_thick_ones_are_averaged_too():
    thick, thin = striped(11, 4.0), replace(striped(60, 1.0, (0.0, 0.5, 2.5)), contrast="t1")
    (one,) = disc_inputs(SpineStudy(thin, thick), alone(thick), {"t1": FLAT, "t2": FLAT})
    np.testing.assert_allclose(one.region[0, :, 20:-20, 20:-20], 0.5, rtol=1e-5)


def test_a_slice_of_routine_thickness_is_taken_as_it_is():
    thick = striped(11, 4.0, (0.6, 1.4))
    (one,) = disc_inputs(SpineStudy(None, thick), alone(thick), {"t2": FLAT})
    np.testing.assert_allclose(one.region[1, :, 50, 60], 0.5 * np.resize([0.6, 1.4], 11), rtol=1e-5)


def test_beyond_the_picture_the_region_is_empty():
    t2 = striped(3, 4.0)
    aside = t2.to_patient([1, 0, 40])
    (one,) = disc_inputs(SpineStudy(None, t2), alone(t2, center=aside), {"t2": FLAT})
    assert not one.region[1, :, :40].any()
    np.testing.assert_allclose(one.region[1, :, 70:-30, 40:-40], 0.5, rtol=1e-5)


@pytest.mark.parametrize("slip_mm", [-6.0, 0.0, 6.0])
def test_a_slip_forward_of_the_vertebra_above_is_positive(slip_mm):
    t2 = striped(3, 4.0)
    disc = alone(t2).discs[0]
    moved = {
        name: corner + (slip_mm * disc.anterior if name.startswith("upper") else 0)
        for name, corner in disc.corners.items()
    }
    (one,) = disc_inputs(SpineStudy(None, t2), alone(t2, corners=moved), {"t2": FLAT})
    assert one.scalars[SLIP] == pytest.approx(slip_mm / disc.width_mm / 0.05, rel=1e-4)


def test_levels_above_the_thoracolumbar_junction_share_a_place():
    t2 = striped(3, 4.0)
    levels = [
        disc_inputs(SpineStudy(None, t2), alone(t2, level=level), {"t2": FLAT})[0].scalars[-LEVELS:]
        for level in DISCS_UPWARDS
    ]
    assert [int(row.argmax()) for row in levels] == [min(number, LEVELS - 1) for number in range(len(levels))]
