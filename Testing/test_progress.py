"""Tests of progress and cancellation."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ModicGraderLib.errors import Cancelled
from ModicGraderLib.progress import Progress

shares = st.floats(0, 1)


@given(st.tuples(shares, shares).map(sorted), st.tuples(shares, shares).map(sorted), shares)
def test_parts_of_parts_stay_within_their_stretch(outer, inner, fraction):
    heard = []
    whole = Progress(lambda done, text: heard.append((done, text)))
    whole.part(*outer).part(*inner).step(fraction, "Reading")
    (done, text) = heard[0]
    assert outer[0] - 1e-12 <= done <= outer[1] + 1e-12
    assert text == "Reading"


@given(st.floats(allow_nan=False))
def test_a_fraction_beyond_the_ends_is_brought_back(fraction):
    heard = []
    Progress(lambda done, _: heard.append(done)).step(fraction, "")
    assert 0 <= heard[0] <= 1


def test_a_cancelled_run_stops_at_its_next_step_in_every_part():
    heard, cancelled = [], False
    part = Progress(lambda done, _: heard.append(done), lambda: cancelled).part(0.5, 1.0)
    part.step(0.0, "Before")
    cancelled = True
    with pytest.raises(Cancelled, match="nothing was written"):
        part.step(0.5, "After")
    assert heard == [0.5]


def test_nobody_needs_to_listen():
    Progress().part(0, 0.5).step(0.3, "Alone")
