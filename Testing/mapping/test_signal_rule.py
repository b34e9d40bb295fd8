"""Tests of the signal rule: each type from its definition."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ModicGraderLib.anatomy import MODIC_MAP_LABELS
from ModicGraderLib.mapping.signal_rule import DEAD_BAND, type_voxels

SCORES = {"I": (-3.0, 3.0), "II": (3.0, 2.0), "III": (-3.0, -3.0)}
"""z-scores on T1 and T2 that define each type."""


@pytest.mark.parametrize("type_", SCORES)
def test_each_type_follows_from_its_definition(type_):
    assert type_voxels(*map(np.array, SCORES[type_])) == MODIC_MAP_LABELS[type_]


def test_fat_that_is_no_brighter_on_t2_is_type_two():
    assert type_voxels(np.array(3.0), np.array(0.0)) == MODIC_MAP_LABELS["II"]


@given(st.floats(-DEAD_BAND, DEAD_BAND), st.floats(-20, 20))
def test_marrow_that_is_normal_on_t1_has_no_type(t1, t2):
    assert type_voxels(np.array(t1), np.array(t2)) == 0


@given(st.floats(-20, 20), st.floats(-20, 20))
def test_a_type_never_contradicts_the_signal(t1, t2):
    type_ = int(type_voxels(np.array(t1), np.array(t2)))
    assert type_ != 1 or (t1 < 0 < t2)
    assert type_ != 2 or (t1 > 0 and t2 > -DEAD_BAND)
    assert type_ != 3 or (t1 < 0 and t2 < 0)
