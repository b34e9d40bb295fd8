"""Tests of shares whose intervals know that discs of one patient go together."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest

from ModicGraderLib.cohort.overview_shares import ENOUGH_PATIENTS, share


@st.composite
def discs(draw):
    """What was found (N,), and whose disc it is (N,)."""
    found = draw(st.lists(st.booleans(), min_size=ENOUGH_PATIENTS, max_size=80))
    others = st.integers(0, 20)
    patients = [*range(ENOUGH_PATIENTS), *(draw(others) for _ in found[ENOUGH_PATIENTS:])]
    return np.array(found), np.array(patients)


@given(st.lists(st.booleans(), min_size=ENOUGH_PATIENTS, max_size=300))
def test_of_one_disc_a_patient_the_interval_is_wilson_s(found):
    found = np.array(found)
    one = share(found, np.arange(len(found)))
    wanted = binomtest(int(found.sum()), len(found)).proportion_ci(method="wilson")
    assert (one.low, one.high) == pytest.approx((wanted.low, wanted.high), abs=1e-6)


@given(discs())
def test_the_interval_holds_the_share_and_is_never_narrower_than_that_of_independent_discs(cohort):
    found, patients = cohort
    one, alone = share(found, patients), share(found, np.arange(len(found)))
    assert 0 <= one.low <= one.share <= one.high <= 1
    assert one.high - one.low >= alone.high - alone.low - 1e-9


@given(discs())
def test_the_same_discs_in_another_order_have_the_same_share(cohort):
    found, patients = cohort
    order = np.random.default_rng(0).permutation(len(found))
    assert share(found[order], patients[order]).low == pytest.approx(share(found, patients).low)


def test_discs_that_only_repeat_their_patient_count_once():
    found = np.array([True] * 4 + [False] * 16)
    six_times = share(np.repeat(found, 6), np.repeat(np.arange(20), 6))
    once = share(found, np.arange(20))
    assert (six_times.low, six_times.high) == pytest.approx((once.low, once.high), abs=0.01)


def test_of_fewer_than_five_patients_there_are_counts_alone():
    one = share(np.array([True, False, True, True, False, False]), np.array([0, 0, 1, 1, 2, 3]))
    assert (one.count, one.total, one.patients, one.share) == (3, 6, 4, None)
    assert one.percent == "–" and one.told == "3 of 6"


def test_a_share_is_told_with_its_counts():
    one = share(np.arange(100) < 24, np.arange(100))
    assert one.told == "24 of 100 (24\u202f%, 17–33)"
    assert one.percent == "24\u202f% (17–33)"
