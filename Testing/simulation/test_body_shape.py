"""Tests of the vertebral body in three dimensions."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ModicGraderLib.simulation.body_shape import body_field, half_width
from ModicGraderLib.simulation.column import ALONG, Body

STEP = 0.5
X, Z, Y = np.meshgrid(*(np.arange(-30, 30, STEP, dtype=np.float32),) * 3, indexing="ij")


def flat(along, left_mm):
    return np.zeros_like(along)


def body(tilt: float = 0.0, dome: float = 0.0, **sizes: float) -> Body:
    walls = [(-dome * (1 - ALONG**2)) for _ in range(4)]
    sizes = {"depth": 34.0, "front": 26.0, "back": 26.0} | sizes
    return Body("L3", np.zeros(2), tilt, *(sizes[name] for name in ("depth", "front", "back")), *walls)


def field(one: Body, superior=flat, inferior=flat, osteophytes=(0.0, 0.0), x=X):
    return body_field(one, x, Y, Z, superior, inferior, osteophytes)


@settings(max_examples=15, deadline=None)
@given(tilt=st.floats(-0.6, 0.6), front=st.floats(20, 30), back=st.floats(20, 30), depth=st.floats(28, 40))
def test_in_its_midsagittal_plane_a_body_has_the_area_of_its_corners(tilt, front, back, depth):
    one = body(tilt, front=front, back=back, depth=depth)
    inside = field(one, x=np.zeros_like(X[:1])).distance[0] < 0
    assert inside.sum() * STEP**2 == pytest.approx(depth * (front + back) / 2, rel=0.05)


def test_a_body_is_widest_at_its_endplates_and_as_wide_as_it_should_be():
    one = body()
    inside = field(one).distance < 0
    widths = inside.any(2).sum(0) * STEP
    assert widths.max() == pytest.approx(2 * half_width(one), rel=0.05)
    assert widths[Z[0, :, 0] == 0].item() < widths.max() - 2


def test_hollow_endplates_take_from_the_middle_and_not_from_the_rim():
    hollow = field(body(dome=2.0))
    center = np.abs(X) + np.abs(Y) + np.abs(Z) < 0.1
    assert hollow.below_top[center].item() == pytest.approx(11.0, abs=0.1)
    assert field(body()).below_top[center].item() == pytest.approx(13.0, abs=0.1)


def test_relief_moves_the_endplate_it_belongs_to_alone():
    dipped = field(body(), superior=lambda along, left: np.full_like(along, -4.0))
    plain = field(body())
    assert np.allclose(dipped.below_top, plain.below_top - 4)
    assert np.allclose(dipped.above_bottom, plain.above_bottom)


def test_an_osteophyte_stands_out_in_front_of_its_own_rim():
    spur = (field(body(), osteophytes=(6.0, 0.0)).distance < 0) & ~(field(body()).distance < 0)
    assert spur.any()
    assert Y[spur & (np.abs(X) < 2)].max() < -10  # in front
    assert Z[spur].min() > 0  # above


def test_distance_falls_by_a_millimeter_per_millimeter():
    distance = field(replace(body(), name="L4")).distance
    slope = np.gradient(distance, STEP, axis=1)[60, 100:118, 60]
    assert np.allclose(np.abs(slope), 1, atol=0.05)
