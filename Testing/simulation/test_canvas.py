"""Tests of the canvas."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ModicGraderLib.grid import Grid
from ModicGraderLib.simulation.canvas import Canvas
from ModicGraderLib.simulation.tissues import Tissue

SPACING = (1.25, 0.65, 0.65)
CURVE = np.array([[-60.0, 0.0], [0.0, 6.0], [60.0, 0.0]])


def grid(shape=(24, 160, 160)) -> Grid:
    affine = np.zeros((4, 4))
    affine[0, 0], affine[2, 1], affine[1, 2], affine[3, 3] = SPACING[0], -SPACING[1], SPACING[2], 1.0
    affine[:3, 3] = -affine[:3, :3] @ ((np.array(shape) - 1) / 2)
    return Grid(affine, shape)


@pytest.fixture(scope="module")
def canvas():
    return Canvas(grid(), np.random.default_rng(3), sideways=CURVE)


def test_a_straight_canvas_shows_the_plan_as_it_is():
    straight = Canvas(grid(), np.random.default_rng(0), warp_mm=0.0)
    place = straight.grid.to_patient([5, 30, 70])
    assert np.allclose([straight.x[5, 30, 70], straight.y[5, 30, 70], straight.z[5, 30, 70]], place, atol=1e-4)


@settings(max_examples=30, deadline=None)
@given(x=st.floats(-4, 4), y=st.floats(-35, 35), z=st.floats(-35, 35))
def test_a_point_of_the_plan_is_found_where_it_was_drawn(canvas, x, y, z):
    index = canvas.grid.to_index(canvas.to_patient(np.array([x, y, z])))
    near = tuple(np.round(index).astype(int))
    shown = np.array([plan[near] for plan in (canvas.x, canvas.y, canvas.z)])
    assert np.all(np.abs(shown - (x, y, z)) < 0.75 * np.array([SPACING[0], SPACING[2], SPACING[1]]) + 0.05)


def test_the_column_leaves_the_midline_by_the_sideways_curve(canvas):
    assert canvas.to_patient(np.zeros(3))[0] == pytest.approx(6.0, abs=4.5)


@settings(max_examples=20, deadline=None)
@given(x=st.floats(-15, 15), z=st.floats(-35, 35))
def test_a_point_beside_a_narrow_canvas_lies_as_far_away_as_on_the_plan(x, z):
    narrow = Canvas(grid((12, 160, 160)), np.random.default_rng(3), sideways=np.array([[-60, 0], [0, 12], [60, 0]]))
    place = narrow.to_patient(np.array([x, 0.0, z]))
    assert place[0] == pytest.approx(x + np.interp(z, [-60, 0, 60], [0, 12, 0]), abs=6.0)
    assert np.abs(place[1:] - (0.0, z)).max() < 6.0


@pytest.mark.parametrize("size_mm", [1.5, 6.0, 45.0])
def test_noise_has_unit_variance_and_grains_of_its_size(canvas, size_mm):
    noise = canvas.noise(size_mm)
    assert noise.shape == canvas.grid.shape
    assert noise.std() == pytest.approx(1.0, abs=0.45 if size_mm > 20 else 0.2)
    near = max(round(size_mm / SPACING[1] / 4), 1)
    assert np.mean(noise[:, near:] * noise[:, :-near]) / noise.var() > 0.5


def test_paint_replaces_tissue_inside_and_leaves_the_rest():
    canvas = Canvas(grid((4, 40, 40)), np.random.default_rng(0), warp_mm=0.0)
    fat = Tissue(0.9, 1.0, 800.0, 40.0)
    canvas.paint(np.abs(canvas.y) - 5 + 0 * canvas.z + 0 * canvas.x, fat)
    assert np.allclose(canvas.values[:, np.abs(canvas.y) < 4], np.array(fat)[:, None])
    assert not canvas.values[0, np.abs(canvas.y) > 6].any()


@settings(max_examples=30, deadline=None)
@given(y=st.floats(-30, 30), z=st.floats(-30, 30), reach=st.floats(1, 15))
def test_a_box_holds_all_that_lies_within_reach(canvas, y, z, reach):
    within = np.hypot(canvas.y - y, canvas.z - z) < reach
    outside = within.copy()
    outside[canvas.box(np.array([y, z]), reach)] = False
    assert not outside.any()
