"""Heat back in patient space, and what the report says of it."""

from dataclasses import replace

import numpy as np
import pytest
from evidence.spot_reader import spotted_disc
from graded_example import example_graded_study

from ModicGraderLib.evidence.patient_space import describe_heat, evidence_map
from ModicGraderLib.grading.disc_input import INNER, disc_inputs, input_grid
from ModicGraderLib.grid import Grid
from ModicGraderLib.study import Volume


@pytest.fixture(scope="module")
def graded():
    return example_graded_study()


def spot(shape: tuple, index: tuple, sigma: float = 3.0) -> np.ndarray:
    """Heat in one slice about an index (slice, row, column)."""
    rows, columns = np.ogrid[: shape[1], : shape[2]]
    heat = np.zeros(shape, np.float32)
    heat[index[0]] = np.exp(-((rows - index[1]) ** 2 + (columns - index[2]) ** 2) / (2 * sigma**2))
    return heat


def test_a_hot_pixel_of_a_disc_is_found_at_its_place_in_the_patient(graded):
    reference = graded.study.reference
    for disc in graded.location.discs:
        grid = input_grid(disc, reference)
        heat = spot(grid.shape, (grid.shape[0] // 2, 40, 70))
        whole = evidence_map({disc.level: (heat, grid)}, reference)
        assert whole.shape == reference.array.shape and whole.dtype == np.float32
        found = reference.to_patient(np.unravel_index(whole.argmax(), whole.shape))
        expected = grid.to_patient([grid.shape[0] // 2, 40, 70])
        assert np.linalg.norm(found - expected) < 1.0  # a pixel of 0.9 mm


def test_no_heat_leaks_out_of_the_slices_it_lies_in(graded):
    reference, disc = graded.study.reference, graded.location.discs[3]
    grid = input_grid(disc, reference)
    number = grid.shape[0] // 2
    whole = evidence_map({"": (spot(grid.shape, (number, 50, 60)), grid)}, reference)
    hot = np.flatnonzero(whole.max((1, 2)) > 0.02)
    assert hot.tolist() == [round(float(reference.to_index(grid.to_patient([number, 50, 60]))[0]))]


def test_where_regions_overlap_the_greater_heat_counts(graded):
    reference, disc = graded.study.reference, graded.location.discs[2]
    grid = input_grid(disc, reference)
    ones = np.ones(grid.shape, np.float32)
    both = evidence_map({"a": (0.3 * ones, grid), "b": (0.8 * ones, grid)}, reference)
    np.testing.assert_array_equal(both, evidence_map({"b": (0.8 * ones, grid)}, reference))
    np.testing.assert_array_equal(both, evidence_map({"b": (0.8 * ones, grid), "a": (0.3 * ones, grid)}, reference))


def test_without_heat_the_map_is_empty_and_a_region_beside_the_volume_is_left_out(graded):
    reference = graded.study.reference
    assert not evidence_map({}, reference).any()
    beside = np.eye(4)
    beside[:3, 3] = reference.to_patient([0, 0, 0]) + 1000
    assert not evidence_map({"": (np.ones((3, 5, 5), np.float32), Grid(beside, (3, 5, 5)))}, reference).any()


def test_slices_that_were_averaged_spread_their_heat_over_those_they_came_from():
    affine = np.array([[1.0, 0, 0, 0], [0, 0, 0.5, 0], [0, -0.5, 0, 0], [0, 0, 0, 1]])
    thin = Volume(np.zeros((40, 200, 200), np.float32), affine, "t2")
    thick = affine.copy()
    thick[:, 0] *= 3
    grid = Grid(thick, (13, 120, 130))
    whole = evidence_map({"": (np.ones(grid.shape, np.float32), grid)}, thin)
    np.testing.assert_allclose(whole[:38, :120, :130], 1, atol=1e-6)
    assert not whole[39].any() and not whole[:, 121:].any()


def test_the_report_names_the_hottest_place_and_where_the_heat_lies(graded):
    disc, reference = graded.location.discs[4], graded.study.reference
    one = next(one for one in disc_inputs(graded.study, graded.location, {}) if one.level == disc.level)
    grid = one.inner_grid
    vertebrae = one.region[3][:, *INNER] > 0
    heat = np.where(vertebrae, 1.0, 0.25).astype(np.float32)
    number, row, column = (int(value) for value in np.argwhere(vertebrae)[700])
    heat[number, row, column] = 2
    changed = np.zeros(reference.array.shape, bool)
    said = describe_heat(heat, grid, one, reference, changed)
    np.testing.assert_allclose(said["peak_lps_mm"], grid.to_patient([number, row, column]), atol=0.01)
    assert said["peak_slice"] == round(float(reference.to_index(grid.to_patient([number, row, column]))[0])) + 1
    assert said["share_in_vertebrae"] == pytest.approx(heat[vertebrae].sum() / heat.sum(), abs=1e-3)
    assert said["share_in_change"] == 0
    assert describe_heat(heat, grid, one, reference, ~changed)["share_in_change"] == 1
    assert "share_in_change" not in describe_heat(heat, grid, one, reference)


def test_of_no_heat_the_report_says_nothing():
    one = spotted_disc()
    reference = Volume(np.zeros(one.grid.shape, np.float32), one.grid.affine, "t2")
    assert describe_heat(np.zeros((5, 96, 112), np.float32), one.inner_grid, one, reference) is None


def test_the_share_of_the_change_counts_pixels_of_the_reference(graded):
    one = spotted_disc()
    reference = Volume(np.zeros(one.grid.shape, np.float32), one.grid.affine, "t2")
    changed = np.zeros(one.grid.shape, bool)
    changed[:2] = True
    heat = np.ones(one.inner_grid.shape, np.float32)
    said = describe_heat(heat, one.inner_grid, one, replace(reference), changed)
    assert said["share_in_change"] == pytest.approx(0.4)
