"""Tests of simulated patients as the localizer's training data: labels and corners stay with their pictures."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

from ModicGraderLib.anatomy import CORNERS, DISCS_UPWARDS, disc_label, vertebra_label
from ModicGraderLib.localization.network import CANAL, DISC, PIXEL_MM, SACRUM, VERTEBRA
from ModicGraderLib.simulation.simulate import SimulatedStudy, simulate
from ModicGraderLib.study import Volume
from ModicGraderLib.training import localizer
from ModicGraderLib.training.simulated_cohort import TEST_SEEDS, pack_slices, unpack_slices
from ModicGraderLib.training.simulated_source import simulated_slices
from ModicGraderLib.training.spine_slices import NO_IDENTITY, UNKNOWN, SpineSlice


@pytest.fixture(scope="module")
def study() -> SimulatedStudy:
    return simulate(TEST_SEEDS[5], slices=1, eight_bit=True)


@pytest.fixture(scope="module")
def slices(study) -> list[SpineSlice]:
    return simulated_slices((study.t1, study.t2), study.labels, study.t2.grid, study.discs, "simulated-5")


def test_each_contrast_of_a_simulated_patient_shows_the_spine_from_the_sacrum_upwards(slices):
    assert [one.contrast for one in slices] == ["t1", "t2"]
    for one in slices:
        assert {SACRUM, VERTEBRA, DISC, CANAL} <= set(np.unique(one.structure))
        levels = [level for level in np.unique(one.identity) if level < 13]
        assert levels[:11] == list(range(11))
        heights = [np.argwhere(one.identity == level)[:, 0].mean() for level in levels]
        assert (np.diff(heights) < 0).all()
        for level in levels:
            assert set(one.structure[one.identity == level]) == {DISC if level % 2 else VERTEBRA if level else SACRUM}


def test_simulated_corners_lie_at_the_edge_of_their_disc_in_both_contrasts(slices):
    for one in slices:
        for number in range(5):
            rows = one.corners[one.corners[:, 0] == number]
            assert [CORNERS[int(corner)] for corner in rows[:, 1]] == list(CORNERS)
            away = ndimage.distance_transform_edt(one.identity != 2 * number + 1) * one.pixel_mm
            at = np.clip(np.round(rows[:, 2:]).astype(int), 0, np.array(away.shape) - 1)
            assert np.median(away[tuple(at.T)]) < 5
            assert rows[[0, 2], 3].max() < rows[[1, 3], 3].min()
            assert rows[:2, 2].mean() < rows[2:, 2].mean()


@settings(max_examples=20)
@given(
    pixel=st.floats(0.4, 1.2),
    shift=st.tuples(st.floats(-15, 15), st.floats(-15, 15)),
    name=st.sampled_from(DISCS_UPWARDS),
)
def test_labels_keep_their_place_in_a_series_with_another_grid(pixel, shift, name):
    affine = np.array([[4.0, 0, 0, 0], [0, 0, 0.8, -90], [0, -0.8, 0, 100], [0, 0, 0, 1.0]])
    labels = np.zeros((1, 240, 230), np.uint8)
    labels[0, 100:120, 60:120], labels[0, 120:150, 60:120] = disc_label(name), vertebra_label(name.split("/")[1])
    reference = Volume(np.ones(labels.shape, np.float32), affine, "t2")
    other = np.array([[4.0, 0, 0, 0.5], [0, 0, pixel, -70 + shift[0]], [0, -pixel, 0, 60 + shift[1]], [0, 0, 0, 1.0]])
    size = round(120 / pixel)
    volume = Volume(np.ones((1, size, size), np.float32), other, "t1")
    one = simulated_slices([volume], labels, reference.grid, [], "p")[0]
    grid_center = volume.to_patient([0, (size - 1) / 2, (size - 1) / 2])
    found = np.argwhere(one.structure == DISC).mean(0) - (np.array(one.structure.shape) - 1) / 2
    place = grid_center + found[0] * PIXEL_MM * np.array([0, 0, -1]) + found[1] * PIXEL_MM * np.array([0, 1, 0])
    expected = reference.to_patient([0, 109.5, 89.5])
    assert np.abs(place - expected)[1:].max() < PIXEL_MM
    assert set(one.identity[one.structure == DISC]) == {min(2 * DISCS_UPWARDS.index(name) + 1, 14)}


def test_beyond_the_labels_nothing_is_known_of_a_simulated_slice(study):
    cut = study.labels[:, 60:]
    grid = replace(study.t2, array=study.t2.array[:, 60:], affine=_moved(study.t2, 60)).grid
    one = simulated_slices([study.t2], cut, grid, study.discs, "p")[0]
    whole = simulated_slices([study.t2], study.labels, study.t2.grid, study.discs, "p")[0]
    unknown = one.structure == UNKNOWN
    assert unknown.sum() > (whole.structure == UNKNOWN).sum() + 1000
    assert not one.corners_known[unknown].any()
    assert (one.identity[unknown] == NO_IDENTITY).all()


def _moved(volume: Volume, rows: int) -> np.ndarray:
    affine = volume.affine.copy()
    affine[:3, 3] = volume.to_patient([0, rows, 0])
    return affine


def test_packed_slices_come_back(slices):
    for before, after in zip(slices, unpack_slices(pack_slices(slices), "simulated-5"), strict=True):
        for field in ("structure", "identity", "corners", "corners_known"):
            np.testing.assert_array_equal(getattr(before, field), getattr(after, field))
        assert (before.contrast, before.patient, before.pixel_mm) == (after.contrast, after.patient, after.pixel_mm)
        np.testing.assert_allclose(after.image * before.image.max(), before.image, atol=1e-3 * before.image.max())


def test_a_localizer_that_is_trained_is_not_trained_again(tmp_path, slices):
    weights = localizer.train([slices], [1.0], tmp_path, steps=1, batch=2, workers=0)
    before = weights.read_bytes()
    assert localizer.train([slices], [1.0], tmp_path, steps=1, batch=2, workers=0) == weights
    assert weights.read_bytes() == before
