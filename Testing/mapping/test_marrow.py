"""Tests of the marrow reference: the coil's gradient is recovered, and lesions do not pull it."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from painted_spine import grid_points, sagittal_grid, spine_boxes, true_labels, turned
from scipy.spatial.transform import Rotation

from ModicGraderLib.anatomy import vertebra_label
from ModicGraderLib.mapping.marrow import BODY_LABELS, fit_marrow
from ModicGraderLib.study import Volume

TURN = Rotation.from_euler("xyz", (6, -5, 8), degrees=True).as_matrix()
BOXES = turned(spine_boxes(6), TURN)
GRID = sagittal_grid(5, (4.4, 1.25), (200, 110), TURN)
LABELS = true_labels(BOXES, GRID)
BODIES = np.isin(LABELS, BODY_LABELS)
NOISE = 0.08


def coil(grid, back: float, down: float, bow: float) -> np.ndarray:
    """Log signal of normal marrow under a surface coil: slopes per 100 mm in the patient's own axes."""
    own = grid_points(grid) @ TURN / 100
    return 5.5 + back * own[..., 1] - down * own[..., 2] + bow * own[..., 2] ** 2


def marrow_volume(log_signal: np.ndarray, grid=GRID, labels=LABELS, seed=0) -> Volume:
    noise = np.random.default_rng(seed).normal(0, NOISE, labels.shape)
    return Volume(np.exp(np.where(labels > 0, log_signal + noise, 2.0)).astype(np.float32), grid.affine, "t1")


@settings(max_examples=12, deadline=None)
@given(st.floats(-1.5, 1.5), st.floats(-0.6, 0.6), st.floats(-0.4, 0.4))
def test_the_gradient_of_a_coil_is_recovered(back, down, bow):
    truth = coil(GRID, back, down, bow)
    marrow = fit_marrow(marrow_volume(truth), LABELS, GRID)
    assert np.abs(marrow.log_signal(GRID) - truth)[BODIES].max() < 0.06
    assert marrow.spread == pytest.approx(NOISE, rel=0.1)


@pytest.mark.parametrize("change", [-0.7, 0.7])
def test_lesions_do_not_pull_the_reference(change):
    truth = coil(GRID, 0.8, 0.2, 0.1)
    lesion = np.zeros(GRID.shape, bool)
    for number in (1, 2):
        # The lower third of L5 and of L4: a tenth of all marrow, all of it at the foot.
        box = BOXES[2 * number]
        lesion |= (vertebra_label(("S1", "L5", "L4")[number]) == LABELS) & (
            (grid_points(GRID) - box.center) @ box.normal < -4
        )
    assert 0.05 < lesion.sum() / BODIES.sum() < 0.2
    marrow = fit_marrow(marrow_volume(truth + change * lesion), LABELS, GRID)
    assert np.abs(marrow.log_signal(GRID) - truth)[BODIES].max() < 0.08
    assert marrow.spread == pytest.approx(NOISE, rel=0.2)


def test_one_slice_is_enough():
    grid = sagittal_grid(1, (4.0, 1.0), (250, 140), TURN)
    labels = true_labels(BOXES, grid)
    truth = coil(grid, 0.8, 0.2, 0.1)
    marrow = fit_marrow(marrow_volume(truth, grid, labels), labels, grid)
    assert np.abs(marrow.log_signal(grid) - truth)[np.isin(labels, BODY_LABELS)].max() < 0.06


def test_labels_may_lie_on_another_grid():
    other = sagittal_grid(6, (3.6, 1.0), (250, 140), TURN)
    truth = coil(GRID, 0.8, 0.2, 0.1)
    marrow = fit_marrow(marrow_volume(truth), true_labels(BOXES, other), other)
    assert np.abs(marrow.log_signal(GRID) - truth)[BODIES].max() < 0.06


@given(st.floats(0.1, 50))
@settings(max_examples=10, deadline=None)
def test_the_unit_of_the_signal_does_not_matter(unit):
    volume = marrow_volume(coil(GRID, 0.8, 0.2, 0.1))
    scaled = Volume(volume.array * np.float32(unit), volume.affine, "t1")
    first, second = (fit_marrow(one, LABELS, GRID) for one in (volume, scaled))
    np.testing.assert_allclose(second.log_signal(GRID) - first.log_signal(GRID), np.log(unit), atol=1e-3)
    assert second.spread == pytest.approx(first.spread, rel=1e-2)


def test_a_picture_without_bodies_or_without_signal_has_no_reference():
    volume = marrow_volume(coil(GRID, 0, 0, 0))
    assert fit_marrow(volume, np.where(BODIES, 0, LABELS), GRID) is None
    assert fit_marrow(Volume(np.zeros_like(volume.array), volume.affine, "t1"), LABELS, GRID) is None
