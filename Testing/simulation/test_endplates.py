"""Tests of the relief of endplates."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ModicGraderLib.anatomy import ENDPLATE_LESIONS
from ModicGraderLib.simulation.case import EndplateState, MarrowLesion
from ModicGraderLib.simulation.endplates import NODE_MM, NODE_SHARE, NOTCH_MM, EndplateRelief

ALONG, LEFT = np.meshgrid(np.linspace(-1, 1, 201), np.linspace(-20, 20, 81))


def relief(lesion: str, seed: int, marrow: tuple = (), osteophyte: float = 0.0) -> EndplateRelief:
    state = EndplateState(lesion, osteophyte, marrow)
    return EndplateRelief(state, 35.0, 22.0, 26.0, np.random.default_rng(seed))


@given(seed=st.integers(0, 10**6))
def test_depths_part_the_classes(seed):
    depth = {lesion: -relief(lesion, seed)(ALONG, LEFT).min() for lesion in ENDPLATE_LESIONS}
    assert depth["normal"] < 0.6
    assert NOTCH_MM["depth"][0] - 0.6 < depth["notched"] < NOTCH_MM["depth"][1] + 0.6
    assert NODE_MM["depth"][0] - 0.6 < depth["schmorl_node"] < min(NODE_MM["depth"][1], NODE_SHARE * 26) + 0.6


@given(seed=st.integers(0, 10**6))
def test_a_wavy_endplate_is_more_uneven_than_a_normal_one(seed):
    # On the average of some: one in 250 normal ones is half as uneven as the wavy one of the same seed.
    uneven = {
        lesion: np.mean([np.ptp(relief(lesion, one)(ALONG, LEFT)) for one in range(seed, seed + 8)])
        for lesion in ("normal", "wavy_irregular")
    }
    assert uneven["wavy_irregular"] > 2 * uneven["normal"]


@given(seed=st.integers(0, 10**6))
def test_a_focal_lesion_is_focal(seed):
    for lesion in ("notched", "schmorl_node"):
        deep = relief(lesion, seed)(ALONG, LEFT) < -1.5
        assert 0 < deep.mean() < 0.5


@given(seed=st.integers(0, 10**6), anterior=st.floats(-0.6, 0.6), lateral=st.floats(-0.3, 0.3))
def test_a_node_lies_where_the_marrow_is_changed(seed, anterior, lateral):
    change = MarrowLesion("I", 0.3, anterior=anterior, lateral=lateral)
    assert relief("schmorl_node", seed, (change,)).focus == pytest.approx((anterior, lateral * 22.0))


def test_an_osteophyte_lifts_only_the_anterior_rim():
    bare, spur = relief("normal", 1)(ALONG, LEFT), relief("normal", 1, osteophyte=5.0)(ALONG, LEFT)
    assert np.allclose(bare[ALONG < 0.7], spur[ALONG < 0.7])
    assert (spur - bare)[ALONG > 0.98].min() > 1.0
