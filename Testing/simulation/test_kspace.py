"""Tests of k-space: interpolation, ringing and noise as theory has them."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ModicGraderLib.simulation.kspace import Readout, reconstruct


def rng():
    return np.random.default_rng(0)


def fine_grid(readout, finest_mm):
    return readout.fine_mm(readout.fine_pixels(finest_mm))


@settings(max_examples=20, deadline=None)
@given(pixels=st.integers(40, 90), acquired=st.floats(1.0, 1.6), wave=st.integers(1, 8), phase=st.floats(0, 6))
def test_what_the_acquired_pixels_resolve_is_shown_exactly_where_it_is(pixels, acquired, wave, phase):
    readout = Readout(pixels, 1.0, acquired)
    curve = lambda mm: 2 + np.cos(2 * np.pi * wave * mm / readout.extent_mm + phase)  # noqa: E731
    fine = curve(fine_grid(readout, 0.4)).astype(np.float32)
    picture = np.ones((1, len(fine), 1), np.float32) * fine
    shown = reconstruct(picture, (Readout(pixels, 1.0, acquired), readout), 0.0, rng(), fade=0.0)
    assert shown.shape == (1, pixels, pixels)
    assert np.allclose(shown[0, 3], curve(np.arange(pixels) - (pixels - 1) / 2), atol=1e-3)


def edge_overshoot(fade):
    readout = Readout(500, 0.2, 1.0)
    fine = fine_grid(readout, 0.1)
    picture = np.tile(1.0 + (np.abs(fine) < 25), (1, len(fine), 1)).astype(np.float32)
    shown = reconstruct(picture, (readout, readout), 0.0, rng(), fade=fade)[0, 250]
    return shown.max() - 2


def test_edges_ring_by_nine_percent():
    assert edge_overshoot(fade=0.0) == pytest.approx(0.09, abs=0.01)
    assert 0.02 < edge_overshoot(fade=0.15) < 0.09


def test_noise_is_rayleigh_in_air_and_gaussian_on_signal():
    readout = Readout(256, 0.6, 0.9)
    side = readout.fine_pixels(0.6)
    air = reconstruct(np.zeros((1, side, side), np.float32), (readout, readout), 2.0, rng())
    assert air.mean() == pytest.approx(2.0 * np.sqrt(np.pi / 2), rel=0.02)
    assert air.std() == pytest.approx(2.0 * np.sqrt(2 - np.pi / 2), rel=0.03)
    tissue = reconstruct(np.full((1, side, side), 100.0, np.float32), (readout, readout), 2.0, rng())
    assert tissue.mean() == pytest.approx(100.02, rel=2e-3)
    assert tissue.std() == pytest.approx(2.0, rel=0.03)


def test_a_long_echo_train_blurs_along_its_direction_only():
    sharp, blurred = Readout(128, 0.25, 1.0), Readout(128, 0.25, 1.0, decay=2.0)
    fine = fine_grid(sharp, 0.1)
    picture = np.multiply.outer(np.abs(fine) < 0.2, np.abs(fine) < 0.2)[None].astype(np.float32)
    down, across = (reconstruct(picture, pair, 0.0, rng())[0] for pair in ((blurred, sharp), (sharp, blurred)))
    assert np.allclose(down, across.T, atol=1e-4)
    assert down[64].max() == down.max()
    width = lambda line: (line > line.max() / 2).sum()  # noqa: E731
    assert width(down[:, 64]) > width(down[64])
