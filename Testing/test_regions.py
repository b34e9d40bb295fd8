"""Tests of disc-aligned regions: there and back, on the study's own slices, with any obliquity and scoliosis."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from leaning_disc import centers, disc_in, studies, tilts, turn, volume

from ModicGraderLib.grid import Grid
from ModicGraderLib.regions import disc_grid, resample

regions = st.fixed_dictionaries(
    {
        "shape": st.tuples(st.integers(8, 120), st.integers(8, 120)),
        "pixel_mm": st.floats(0.2, 2),
        "slices": st.integers(1, 7),
        "stride": st.integers(1, 4),
    }
)


@given(studies, centers, tilts, regions, st.tuples(*[st.floats(-20, 140)] * 3))
def test_a_point_goes_from_region_to_patient_and_back(reference, center, tilt, region, index):
    grid = disc_grid(disc_in(reference, center, **tilt), reference, **region)
    point = grid.to_patient(index)
    assert np.linalg.norm(grid.to_patient(grid.to_index(point)) - point) < 0.1
    np.testing.assert_allclose(grid.to_index(point), index, atol=1e-6)


@given(studies, centers, tilts, regions)
def test_every_sample_of_a_region_lies_on_a_slice_of_the_study(reference, center, tilt, region):
    grid = disc_grid(disc_in(reference, center, **tilt), reference, **region)
    corners = np.array(np.meshgrid(*[(0, size - 1) for size in grid.shape])).reshape(3, -1).T
    slices = reference.to_index(grid.to_patient(corners))[:, 0]
    np.testing.assert_allclose(slices, np.round(slices), atol=1e-6)
    assert np.ptp(slices) == pytest.approx((region["slices"] - 1) * region["stride"])


@given(studies, centers, tilts)
def test_the_middle_of_a_region_is_a_slice_that_is_there_even_where_the_disc_lies_beside_all(reference, center, tilt):
    grid = disc_grid(disc_in(reference, center, **tilt), reference, shape=(9, 9), pixel_mm=1.0, slices=1)
    middle = reference.to_index(grid.to_patient([0, 4, 4]))[0]
    assert -1e-6 <= middle <= reference.array.shape[0] - 1 + 1e-6


@given(studies, centers, tilts, regions)
def test_a_region_has_the_disc_in_its_middle_upright_with_the_front_first(reference, center, tilt, region):
    disc = disc_in(reference, center, **tilt)
    grid = disc_grid(disc, reference, **region)
    middle = (np.array(grid.shape) - 1) / 2
    np.testing.assert_allclose(grid.to_index(disc.center)[1:], middle[1:], atol=1e-6)
    place = reference.to_index(disc.center)[0]
    beyond = abs(place - np.clip(place, 0, reference.array.shape[0] - 1))
    assert abs(grid.to_index(disc.center)[0] - middle[0]) <= 1 + beyond / region["stride"] + 1e-6
    ahead = grid.to_index(disc.center + disc.anterior) - grid.to_index(disc.center)
    np.testing.assert_allclose(ahead, [0, 0, -1 / region["pixel_mm"]], atol=1e-6)
    beside = grid.to_index(disc.center + disc.left) - grid.to_index(disc.center)
    np.testing.assert_allclose(beside[1:], 0, atol=1e-6)
    np.testing.assert_allclose(np.linalg.norm(grid.affine[:3, 1:3], axis=0), region["pixel_mm"])
    assert -grid.affine[:3, 1] @ disc.normal > 0


@given(studies, centers, tilts, regions)
def test_a_stride_takes_some_of_the_slices_and_moves_none(reference, center, tilt, region):
    disc, count, stride = disc_in(reference, center, **tilt), region["slices"], region["stride"]
    every = disc_grid(disc, reference, **region | {"slices": (count - 1) * stride + 1, "stride": 1})
    some = disc_grid(disc, reference, **region)
    index = np.array([[number, 3.0, 5.0] for number in range(count)])
    # Both have the slice nearest to the disc in the middle, or just above it where their number is even.
    first = (every.shape[0] - 1) // 2 - stride * ((count - 1) // 2)
    np.testing.assert_allclose(
        some.to_patient(index), every.to_patient(index * (stride, 1, 1) + (first, 0, 0)), atol=1e-6
    )


@given(studies, tilts, st.tuples(*[st.floats(-3, 3)] * 3))
def test_resampling_a_linear_ramp_gives_the_ramp(reference, tilt, slope):
    index = np.stack(np.indices(reference.array.shape), axis=-1)
    ramp = (reference.to_patient(index) @ slope).astype(np.float32)
    grid = disc_grid(disc_in(reference, **tilt), reference, shape=(24, 24), pixel_mm=0.5, slices=3)
    values = resample(ramp, reference.grid, grid)
    where = np.stack(np.indices(grid.shape), axis=-1)
    expected = grid.to_patient(where) @ slope
    at = reference.to_index(grid.to_patient(where))
    within = ((at >= 0) & (at <= np.array(reference.array.shape) - 1)).all(-1)
    np.testing.assert_allclose(values[within], expected[within], atol=0.02)


@pytest.mark.parametrize("slices", [1, 9])
def test_a_map_written_on_a_region_comes_back_to_its_place(slices):
    reference = volume((slices, 120, 90), obliquity=(8, -6, 5))
    disc = disc_in(reference, center=turn((8, -6, 5)) @ [0.0, 3.0, -5.0], lordosis=25, scoliosis=15 * (slices > 1))
    grid = disc_grid(disc, reference, shape=(72, 112), pixel_mm=0.5, slices=min(slices, 5))
    marked = np.zeros(grid.shape, np.float32)
    middle = (grid.shape[0] - 1) // 2
    marked[middle, 20:30, 40:52] = 1
    written = resample(marked, grid, reference.grid, outside=0.0)
    weights = written.ravel()
    index = np.indices(written.shape).reshape(3, -1).T
    found = reference.to_patient(np.average(index, axis=0, weights=weights))
    assert np.linalg.norm(found - grid.to_patient([middle, 24.5, 45.5])) < 0.1
    area = weights.sum() * np.prod(reference.spacing[1:])
    assert area == pytest.approx(10 * 12 * 0.5**2, rel=0.03)


def test_a_single_slice_is_read_and_the_outside_is_told_apart():
    reference = volume((1, 60, 50), array=np.full((1, 60, 50), 7.0, np.float32))
    grid = disc_grid(disc_in(reference), reference, shape=(100, 30), pixel_mm=0.8, slices=3)
    values = resample(reference.array, reference.grid, grid)
    assert np.isnan(values[[0, 2]]).all()
    assert (values[1, 20:80] == 7).all()
    assert np.isnan(values[1, [0, -1]]).all()


def test_labels_keep_their_values_and_need_a_number_for_the_outside():
    reference = volume((5, 60, 50))
    labels = np.zeros(reference.array.shape, np.uint8)
    labels[:, 30:] = 201
    grid = disc_grid(disc_in(reference, lordosis=20), reference, shape=(60, 60), pixel_mm=0.7, slices=3)
    values = resample(labels, reference.grid, grid, order=0, outside=9)
    assert values.dtype == np.uint8
    assert set(np.unique(values)) <= {0, 9, 201}
    with pytest.raises(ValueError, match="outside"):
        resample(labels, reference.grid, grid, order=0)


def test_blurring_before_thinning_out_keeps_the_mean_of_a_fine_pattern():
    stripes = np.zeros((1, 128, 128), np.float32)
    stripes[:, ::2] = 2.0
    fine = Grid(np.diag([4.0, 0.5, 0.5, 1.0]), stripes.shape)
    coarse = Grid(np.diag([4.0, 2.0, 2.0, 1.0]), (1, 32, 32))
    assert resample(stripes, fine, coarse).mean() == pytest.approx(2.0)
    np.testing.assert_allclose(resample(stripes, fine, coarse, blur=True)[:, 2:-2, 2:-2], 1.0, atol=0.05)
