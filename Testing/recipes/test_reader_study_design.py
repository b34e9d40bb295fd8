"""The design of a reading study: who reads what, when, in which order."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ModicGraderLib.errors import InputError
from ModicGraderLib.reader_study.design import draw_cases, draw_sessions

READERS = st.lists(st.from_regex(r"[a-z]{1,6}", fullmatch=True), min_size=1, max_size=9, unique=True)
CASES = [f"case-{number:02d}" for number in range(1, 13)]
STRATA = {f"study{number:02d}": "III" if number < 2 else "I" if number < 6 else "0" for number in range(30)}
ALONE = {study: study for study in STRATA}


@given(READERS, st.integers(0, 1000))
def test_every_reader_reads_every_case_once_without_and_once_with_assistance(readers, seed):
    sessions = draw_sessions(readers, CASES, seed)
    for reader in readers:
        mine = [one for one in sessions if one.reader == reader]
        assert [one.number for one in mine] == [1, 2]
        assert sorted(one.assisted for one in mine) == [False, True]
        assert all(sorted(one.cases) == CASES for one in mine)


@given(READERS, st.integers(0, 1000))
def test_as_many_readers_begin_without_as_with_assistance(readers, seed):
    first = Counter(one.assisted for one in draw_sessions(readers, CASES, seed) if one.number == 1)
    assert abs(first[True] - first[False]) <= 1


def test_who_begins_with_assistance_is_by_lot():
    first = {
        next(one.assisted for one in draw_sessions(["A", "B"], CASES, seed) if (one.reader, one.number) == ("A", 1))
        for seed in range(20)
    }
    assert first == {False, True}


def test_orders_differ_between_sessions_and_come_back_with_the_seed():
    sessions = draw_sessions(["A", "B", "C"], CASES, 4)
    assert len({one.cases for one in sessions}) == len(sessions)
    assert sessions == draw_sessions(["C", "A", "B"], CASES, 4)
    assert sessions != draw_sessions(["A", "B", "C"], CASES, 5)


@pytest.mark.parametrize(
    ("readers", "sentence"),
    [(["Ann Smith"], "no code for a reader"), (["../A"], "no code"), (["A", "a"], "named twice"), ([""], "no code")],
)
def test_readers_need_codes_of_their_own(readers, sentence):
    with pytest.raises(InputError, match=sentence):
        draw_sessions(readers, CASES, 0)


def test_a_balanced_draw_takes_every_type_in_turn_as_long_as_it_lasts():
    drawn = draw_cases(STRATA, ALONE, 9, True, seed=2)
    assert Counter(STRATA[study] for study in drawn.values()) == {"III": 2, "I": 3, "0": 4} or Counter(
        STRATA[study] for study in drawn.values()
    ) == {"III": 2, "I": 4, "0": 3}


def test_codes_say_nothing_of_the_stratum_and_all_are_used_by_default():
    drawn = draw_cases(STRATA, ALONE, None, True, seed=2)
    assert list(drawn) == [f"case-{number:02d}" for number in range(1, 31)]
    assert sorted(drawn.values()) == sorted(STRATA)
    assert [STRATA[study] for study in drawn.values()] != sorted((STRATA[s] for s in drawn.values()), reverse=True)
    assert drawn != draw_cases(STRATA, ALONE, None, True, seed=3)


def test_of_a_patient_one_study_is_drawn():
    patients = {study: f"patient{number // 3}" for number, study in enumerate(STRATA)}
    drawn = draw_cases(STRATA, patients, None, False, seed=0)
    assert sorted(patients[study] for study in drawn.values()) == sorted(set(patients.values()))
    with pytest.raises(InputError, match="11 cases were asked for, but there are 10 patients"):
        draw_cases(STRATA, patients, 11, False, seed=0)


@pytest.mark.parametrize("balanced", [False, True])
def test_a_patient_of_several_studies_is_drawn_as_often_as_any_other(balanced):
    patients = {f"study{number:02d}": f"patient{max(number - 4, 0)}" for number in range(14)}
    strata = dict.fromkeys(patients, "0")
    draws = [draw_cases(strata, patients, 2, balanced, seed).values() for seed in range(400)]
    times = Counter(patients[study] for drawn in draws for study in drawn)
    # 80 of 400 for each of ten patients, with a standard deviation of 8.
    assert len(times) == 10 and 45 < min(times.values()) <= max(times.values()) < 115
    assert {study for drawn in draws for study in drawn if patients[study] == "patient0"} == set(list(patients)[:5])
