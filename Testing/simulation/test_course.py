"""Coordinates along the spinal canal."""

from __future__ import annotations

import numpy as np
import pytest

from .surroundings import surroundings

COURSE = surroundings().course


def test_a_place_beside_a_level_is_found_there_again():
    places = [(level, behind) for level in np.linspace(0, 8, 161) for behind in np.linspace(-10, 14, 25)]
    y, z = np.array([COURSE.point(*place) for place in places], np.float32).T
    depth, foot = COURSE.locate(y, z)
    level, behind = np.array(places).T
    beside, along = abs(depth - behind), abs(COURSE.level[foot] - level)
    # One step towards the nearest place is taken, so that where the canal bends most, at the promontory, some is left.
    assert np.mean((beside < 0.8) & (along < 0.2)) > 0.98
    assert beside.max() < 2.2 and along.max() < 0.4


def test_levels_are_counted_from_the_lowest_body_and_on_below_it():
    assert COURSE.index(COURSE.names[0]) == 0
    assert COURSE.index("L5") - COURSE.index("S1") == 1
    assert COURSE.index("S4") == -1


def test_the_coccyx_bends_to_the_front():
    lower = COURSE.slope[: np.searchsorted(COURSE.level, -3.0)]
    assert (lower > 0).all(), "y must shrink on the way down"


def test_a_profile_has_its_given_values_at_the_vertebrae_and_none_beyond_them():
    table = COURSE.profile({"S1": 4.0, "L5": 2.0, "L3": 2.0}, smooth_mm=0.01)
    beside = {name: table[np.argmin(np.abs(COURSE.level - COURSE.index(name)))] for name in ("S1", "L4", "T10", "S3")}
    assert beside == pytest.approx({"S1": 4.0, "L4": 2.0, "T10": 2.0, "S3": 4.0}, abs=0.05)
