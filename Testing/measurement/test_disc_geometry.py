"""Corners that are set at known heights, angles and slips are measured as what they are."""

from dataclasses import replace

import numpy as np
import pytest
from box_spine import SPINES, WIDTH_MM
from hypothesis import given
from hypothesis import strategies as st
from painted_spine import LORDOSIS_DEGREES, spine_boxes, true_discs

from ModicGraderLib.localization.spine import SpineLocation
from ModicGraderLib.measurement.corner_error import NORMAL_95, corner_covariance, half_widths
from ModicGraderLib.measurement.disc_geometry import (
    MEASURES,
    disc_geometry,
    height_index,
    lordosis,
    measure_corners,
    spine_geometry,
)
from ModicGraderLib.report import Numbering

NUMBERING = Numbering("L5/S1", "model", 1.0)


def location(discs) -> SpineLocation:
    return SpineLocation(tuple(reversed(discs)), NUMBERING, np.zeros((1, 1, 1), np.uint8))


def wedge(width, front, back, slip, turn):
    """Corners of a disc whose lower endplate leans by `turn` degrees."""
    corners = np.array([[width / 2 + slip, front], [-width / 2 + slip, back], [width / 2, 0.0], [-width / 2, 0.0]])
    cosine, sine = np.cos(np.radians(turn)), np.sin(np.radians(turn))
    return corners @ np.array([[cosine, sine], [-sine, cosine]])


@given(st.floats(28, 45), st.floats(2, 18), st.floats(-12, 12), st.floats(-40, 40))
def test_a_parallel_disc_has_one_height_and_its_slip_wherever_it_leans(width, height, slip, turn):
    found = dict(zip(MEASURES, measure_corners(wedge(width, height, height, slip, turn)), strict=True))
    assert found["listhesis_mm"] == pytest.approx(slip)
    assert found["angle_deg"] == pytest.approx(0, abs=1e-9)
    for name in ("height_mm", "anterior_height_mm", "posterior_height_mm"):
        assert found[name] == pytest.approx(height)


@given(st.floats(28, 45), st.floats(2, 18), st.floats(2, 18), st.floats(-40, 40))
def test_a_disc_that_opens_to_the_front_has_a_positive_angle(width, front, back, turn):
    found = dict(zip(MEASURES, measure_corners(wedge(width, front, back, 0.0, turn)), strict=True))
    assert found["angle_deg"] == pytest.approx(np.degrees(np.arctan((front - back) / width)))
    assert found["height_mm"] == pytest.approx((found["anterior_height_mm"] + found["posterior_height_mm"]) / 2)


def test_endplates_that_cross_have_no_height_where_they_do():
    found = dict(zip(MEASURES, measure_corners(wedge(34.0, 8.0, -1.0, 0.0, 0.0)), strict=True))
    assert found["posterior_height_mm"] == 0
    assert found["anterior_height_mm"] > 7


@given(st.floats(0.0, 2.0), st.floats(-12, 12))
def test_lordosis_is_the_angle_between_the_upper_endplates_of_l1_and_s1(curve, lean):
    discs = true_discs(spine_boxes(lordosis=curve, scoliosis_degrees=lean))
    # Leaning to the side shortens nothing in the sagittal plane but by the cosine of small angles.
    assert lordosis(location(discs)) == pytest.approx(curve * (LORDOSIS_DEGREES[0] - LORDOSIS_DEGREES[5]), abs=1.5)


def test_without_l1_there_is_no_lordosis():
    spine = location(true_discs(spine_boxes())[:-1])
    assert spine_geometry(spine, SPINES[1].reference) == {"lordosis_deg": None}


def test_height_index_is_the_height_over_that_of_the_bodies_beside_it():
    spine = location(true_discs(spine_boxes(lordosis=0.0)))
    for disc in spine.discs:
        assert height_index(disc, spine) == pytest.approx(9 / 26)


def test_a_disc_that_was_missed_lends_no_body():
    discs = true_discs(spine_boxes(lordosis=0.0))
    spine = location([discs[0], *discs[2:]])
    assert height_index(spine.discs[-1], spine) is None
    assert height_index(spine.discs[-2], spine) == pytest.approx(9 / 26)


def test_the_fields_of_a_disc_are_its_measures_and_how_sure_they_are():
    discs = list(SPINES[0].discs.values())
    spine = location(discs)
    fields = disc_geometry(spine.discs[2], spine, SPINES[0].reference)
    assert fields["anterior_height_mm"] == pytest.approx(9)
    assert fields["listhesis_mm"] == pytest.approx(0, abs=1e-9)
    assert set(fields["uncertainty"]) == {*MEASURES, "height_index"}
    assert min(fields["uncertainty"].values()) > 0
    assert "uncertainty" not in disc_geometry(spine.discs[2], spine)


def test_coarser_pixels_make_less_sure():
    spine = location(list(SPINES[0].discs.values()))
    fine = SPINES[0].reference
    coarse = replace(fine, affine=fine.affine @ np.diag([1, 5, 5, 1]))
    one, other = (disc_geometry(spine.discs[2], spine, volume)["uncertainty"] for volume in (fine, coarse))
    assert all(other[name] > one[name] for name in one)
    lordoses = [spine_geometry(spine, volume)["uncertainty"]["lordosis_deg"] for volume in (fine, coarse)]
    assert lordoses[0] < lordoses[1]


def test_half_widths_hold_ninety_five_of_a_hundred_discs():
    corners = wedge(WIDTH_MM, 14.0, 10.0, 2.0, 0.0)
    errors = np.random.default_rng(0).multivariate_normal(np.zeros(8), corner_covariance(0.7), 4000)
    found = np.array([measure_corners(corners + error.reshape(4, 2)) for error in errors])
    widths = half_widths(measure_corners, corners, 0.7)
    assert (np.abs(found - measure_corners(corners)) <= widths).mean(0) == pytest.approx(0.95, abs=0.02)
    assert found.std(0) * NORMAL_95 == pytest.approx(widths, rel=0.05)
