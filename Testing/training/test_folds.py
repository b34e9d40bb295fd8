from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ModicGraderLib.errors import InputError
from ModicGraderLib.training.folds import disc_folds, patient_folds, split

# Damopoulos 2019: 92 patients with six discs each, 429 without change, 39 of type I and 84 of type II.
PATIENTS = [f"p{number // 6}" for number in range(552)]
LABELS = list(np.random.default_rng(0).permutation(["0"] * 429 + ["I"] * 39 + ["II"] * 84))

groups = st.lists(st.tuples(st.integers(0, 9), st.sampled_from(["0", "I", "II"])), min_size=2, max_size=60).filter(
    lambda rows: len({patient for patient, _ in rows}) > 1
)


@given(groups, st.integers(2, 9), st.integers(0, 5))
def test_every_row_is_measured_once_and_no_patient_is_in_two_folds(rows, folds, seed):
    patients = [f"p{patient}" for patient, _ in rows]
    parts = patient_folds(patients, [label for _, label in rows], folds, seed)
    assert sorted(np.concatenate(parts)) == list(range(len(rows)))
    owners = [{patients[row] for row in part} for part in parts]
    assert all(not one & other for number, one in enumerate(owners) for other in owners[:number])
    assert len(parts) == min(folds, len(set(patients)))


def test_every_fold_has_about_its_share_of_a_rare_type():
    rare = [sum(LABELS[row] == "I" for row in part) for part in patient_folds(PATIENTS, LABELS, 9, seed=1)]
    assert sum(rare) == 39 and min(rare) >= 3 and max(rare) <= 6


def test_folds_are_the_same_for_the_same_seed_and_others_for_another():
    first, again, other = (patient_folds(PATIENTS, LABELS, 5, seed) for seed in (1, 1, 2))
    assert all(np.array_equal(one, two) for one, two in zip(first, again, strict=True))
    assert not all(np.array_equal(one, two) for one, two in zip(first, other, strict=True))


def test_folds_by_disc_leak_patients_and_are_stratified():
    parts = disc_folds(LABELS, 5, seed=0)
    assert sorted(np.concatenate(parts)) == list(range(552))
    assert all(sum(LABELS[row] == "II" for row in part) in (16, 17) for part in parts)
    owners = [{PATIENTS[row] for row in part} for part in parts]
    assert owners[0] & owners[1]


@given(groups, st.sampled_from([(0.8, 0.2), (0.5, 0.5), (1, 9)]), st.integers(0, 5))
def test_a_split_keeps_patients_whole_and_leaves_no_part_empty(rows, shares, seed):
    patients = [f"p{patient}" for patient, _ in rows]
    parts = split(patients, shares, seed)
    assert sorted(np.concatenate(parts)) == list(range(len(rows)))
    owners = [{patients[row] for row in part} for part in parts]
    assert not owners[0] & owners[1] and all(owners)


def test_shares_are_those_of_patients():
    # Jamaludin 2016: 80:10:10 of 2009 patients.
    parts = split([f"p{number}" for number in range(2009) for _ in range(2)], (0.8, 0.1, 0.1), seed=0)
    assert [len(part) // 2 for part in parts] == [1607, 201, 201]


def test_a_small_share_of_few_patients_is_one_patient():
    assert [len(part) for part in split(["a", "b", "c", "d"], (0.98, 0.01, 0.01), seed=3)] == [2, 1, 1]


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: patient_folds(["a", "a"], ["0", "I"], 5, 0), "1 patients cannot be divided"),
        (lambda: split(["a", "b"], (0.8, 0.1, 0.1), 0), "2 patients are too few for 3 parts"),
        (lambda: disc_folds(["0", "I"], 5, 0), "2 discs are too few for 5 folds"),
    ],
)
def test_too_few_patients_are_told_by_number(call, message):
    with pytest.raises(InputError, match=message):
        call()
