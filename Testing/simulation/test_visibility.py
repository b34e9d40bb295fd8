"""Contrast to noise of painted changes whose contrast and noise are known."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from painted_spine import grid_points, sagittal_grid, spine_boxes, true_labels

from ModicGraderLib.anatomy import vertebra_label
from ModicGraderLib.mapping.marrow import fit_marrow
from ModicGraderLib.simulation.visibility import contrast_to_noise
from ModicGraderLib.study import Volume

GRID = sagittal_grid(3, (4.0, 0.625), (300, 160))
POINTS = grid_points(GRID)
LABELS = true_labels(spine_boxes(3, lordosis=0.0), GRID)
BODY = vertebra_label("L4") == LABELS
HALF = POINTS[..., 2] > POINTS[BODY][:, 2].mean()
QUARTER = POINTS[..., 1] > POINTS[BODY][:, 1].mean()
MARROW, NOISE = 300.0, 0.05


def measured(log_signal: np.ndarray, *, shading: float = 0.0, change=None, noise_sd: float = 0.0) -> float:
    """Contrast to noise of the upper half of L4 where marrow departs by `log_signal` from that of the other bodies."""
    change = BODY & HALF if change is None else change
    noise = NOISE * np.random.default_rng(0).standard_normal(GRID.shape)
    coil = shading * POINTS[..., 1] / 60
    volume = Volume((MARROW * np.exp(log_signal + noise + coil)).astype(np.float32), GRID.affine, "t1")
    marrow = fit_marrow(volume, np.where(change, 0, LABELS), GRID)
    return contrast_to_noise(volume, marrow, noise_sd, GRID, change, BODY & ~change)


@settings(deadline=None, max_examples=20)
@given(times=st.floats(0.7, 12), sign=st.sampled_from((-1, 1)), shading=st.floats(-0.6, 0.6))
def test_an_even_change_has_its_contrast_over_the_noise_whatever_the_coil(times, sign, shading):
    found = measured(sign * times * NOISE * (BODY & HALF), shading=shading)
    assert found == pytest.approx(times, rel=0.1, abs=0.25)


def test_marrow_that_is_not_changed_has_no_contrast():
    assert measured(np.zeros(GRID.shape)) < 0.4


def test_the_parts_of_a_mixed_change_do_not_cancel_each_other():
    mixed = 5 * NOISE * np.where(QUARTER, 1, -1) * (BODY & HALF)
    assert measured(mixed) == pytest.approx(5, rel=0.15)


def test_a_change_of_a_whole_body_is_compared_with_the_other_bodies():
    assert measured(8 * NOISE * BODY, change=BODY) == pytest.approx(8, rel=0.15)


def test_a_noisier_scanner_than_the_marrow_shows_counts():
    change = 6 * NOISE * (BODY & HALF)
    assert measured(change, noise_sd=2 * NOISE * MARROW) == pytest.approx(3, rel=0.15)
