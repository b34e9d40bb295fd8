"""Noise, coarse fields and parts of a canvas; the distances of which shapes are made."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ModicGraderLib.simulation.fields import COARSE, coarse, fill, grains, part_of
from ModicGraderLib.simulation.shapes import block, joined, rod

from .surroundings import surroundings

SPACING = np.array([2.0, 0.7, 0.7])
coordinates = st.floats(-30.0, 30.0)


@given(rows=st.integers(5, 40), columns=st.integers(5, 40))
def test_a_linear_field_survives_the_coarse_grid_away_from_its_rim(rows: int, columns: int):
    field = (np.arange(rows)[:, None] + 3.0 * np.arange(columns))[None].astype(np.float32)
    back = fill(coarse(field), field.shape)
    whole = (slice(None), slice(rows - rows % COARSE - COARSE + 1), slice(columns - columns % COARSE - COARSE + 1))
    assert back.shape == field.shape
    np.testing.assert_allclose(back[whole], field[whole], atol=1e-3)


@pytest.mark.parametrize("size", [1.0, 5.0, 30.0, (4.0, 22.0, 3.0)])
def test_grains_fill_their_box_and_vary_by_about_one(size):
    noise = grains((12, 150, 131), SPACING, size, np.random.default_rng(0))
    assert noise.shape == (12, 150, 131)
    assert 0.5 < noise.std() < 1.3


def test_grains_are_longer_along_the_axis_asked_for():
    noise = grains((6, 200, 200), SPACING, (4.0, 30.0, 4.0), np.random.default_rng(0))
    steps = [np.abs(np.diff(noise, axis=axis)).mean() for axis in (1, 2)]
    assert steps[0] < 0.3 * steps[1]


def test_the_part_of_a_canvas_shows_all_its_points_and_little_more():
    canvas = surroundings().canvas
    box = part_of(canvas, np.array([[10.0, -5.0], [30.0, 20.0]]), half_width=8.0, margin=2.0)
    shown = [plan[box] for plan in (canvas.x, canvas.y, canvas.z)]
    assert shown[1].min() <= 10 and shown[1].max() >= 30 and shown[2].min() <= -5 and shown[2].max() >= 20
    assert shown[1].min() > 5 and shown[1].max() < 36 and np.abs(shown[0]).max() <= 10


def test_a_part_beyond_the_canvas_is_empty():
    canvas = surroundings().canvas
    assert canvas.labels[part_of(canvas, np.array([[900.0, 900.0]]))].size == 0


@given(x=coordinates, y=coordinates)
def test_a_rod_without_length_to_speak_of_is_a_ball(x: float, y: float):
    distance = rod((np.array([x]), np.array([y])), (1.0, 2.0), (1.0, 2.001), 3.0, 3.0)
    assert distance[0] == pytest.approx(np.hypot(x - 1, y - 2) - 3, abs=0.01)


@given(x=st.floats(-4.0, 4.0))
def test_a_block_ends_at_its_half_size(x: float):
    at_face = block((np.array([x]), 10.0), (np.array([5.0]), 5.0), radius=2.0)
    assert at_face[0] == pytest.approx(0.0, abs=1e-6)


@given(one=coordinates, other=coordinates, fillet=st.floats(0.5, 8.0))
def test_joined_shapes_hold_both_and_differ_only_where_they_meet(one: float, other: float, fillet: float):
    both = joined(np.array([one]), np.array([other]), fillet)[0]
    nearest = min(one, other)
    assert nearest - fillet / 4 - 1e-6 <= both <= nearest
    if abs(one - other) >= fillet:
        assert both == pytest.approx(nearest)
