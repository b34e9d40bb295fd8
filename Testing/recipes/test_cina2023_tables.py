"""Cina 2023: folds and metrics."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import balanced_accuracy_score, f1_score

from ModicGraderLib.anatomy import GRADED_DISCS
from ModicGraderLib.evaluation.metrics import confusion
from ModicGraderLib.recipes.cina2023 import RECIPE
from ModicGraderLib.recipes.cina2023_classifier import (
    CLASSES,
    Discs,
    without_stop_part,
)
from ModicGraderLib.recipes.cina2023_tables import ROWS, counted, folds_of, scores
from ModicGraderLib.training.labelled_study import DiscLabels
from ModicGraderLib.training.samples import Sample


def cohort(patients: int, seed: int = 0) -> Discs:
    """Discs without pictures, 80 : 5 : 15."""
    classes = np.random.default_rng(seed).permutation(np.repeat(CLASSES, np.array([16, 1, 3]) * patients * 6 // 20))
    classes = [*classes, *["0"] * (patients * 6 - len(classes))]
    samples = [
        Sample(f"s{number // 6}", f"p{number // 6}", GRADED_DISCS[number % 6], DiscLabels(modic=str(one)), {})
        for number, one in enumerate(classes)
    ]
    return Discs(samples, {})


@pytest.mark.parametrize("by_disc", [False, True])
def test_ten_times_five_folds_measure_every_disc_ten_times_and_keep_the_mix(by_disc):
    discs = cohort(152)
    folds = folds_of(discs, by_disc, seed=0)
    assert len(folds) == 50 and len(discs) == 912
    assert (np.bincount(np.concatenate(folds)) == 10).all()
    for repeat in range(10):
        assert sorted(np.concatenate(folds[5 * repeat : 5 * repeat + 5])) == list(range(912))
    if by_disc:
        assert {len(fold) for fold in folds} == {182, 183}, "730 to train on and 182 to measure, as in the paper"
    shares = np.array([np.bincount(discs.targets[fold], minlength=3) / len(fold) for fold in folds])
    assert abs(shares - np.bincount(discs.targets) / 912).max() < (0.01 if by_disc else 0.03)
    assert any(sorted(folds[0]) != sorted(other) for other in folds[5:]), "repeats differ"


def test_folds_by_patient_keep_patients_whole_and_folds_by_disc_leak():
    discs = cohort(40)
    patients = np.array(discs.patients)
    for by_disc in (False, True):
        shared = [set(patients[fold]) & set(np.delete(patients, fold)) for fold in folds_of(discs, by_disc, seed=1)]
        assert all(bool(some) == by_disc for some in shared)


def test_no_two_seeds_have_folds_in_common():
    discs = cohort(80)
    first, second = ({tuple(sorted(fold)) for fold in folds_of(discs, False, seed)} for seed in (0, 1))
    assert not first & second


def test_a_note_tells_how_many_folds_there_are_and_how_they_spread():
    truth = [np.array([0, 1, 2]), np.array([0, 1, 2])]
    called = [np.array([0, 1, 2]), np.array([0, 0, 2])]
    said = counted(truth, called, 20)
    assert said.startswith(
        "2 of 20 folds; 6 answers at 2 MC-0, 2 MC-1, 2 MC-2; standard deviations over folds 0.00, 0.71"
    )


def test_the_discs_that_stop_training_are_of_other_patients():
    learned, stop = without_stop_part(cohort(40), seed=0)
    assert len(stop) == 30 and len(learned) == 210 and not set(stop.patients) & set(learned.patients)


@settings(max_examples=50, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 2), st.integers(0, 2)), max_size=30))
def test_scores_are_those_of_scikit_learn(pairs):
    truth, called = np.array([*pairs, (0, 0), (1, 0), (2, 2)]).T
    ours = scores(confusion(truth, called, 3))
    assert ours[3] == pytest.approx(balanced_accuracy_score(truth, called))
    assert ours[4] == pytest.approx(f1_score(truth, called, average="macro", zero_division=0))
    assert ours[5] == pytest.approx(f1_score(truth, called, average="weighted", zero_division=0))
    assert ours[:3] == pytest.approx([(called[truth == one] == one).mean() for one in range(3)])
    assert ours[6:] == pytest.approx(f1_score(truth, called, average=None, zero_division=0))


def test_scores_of_a_fold_without_a_class_tell_what_can_be_told():
    ours = scores(np.array([[3, 0, 1], [0, 0, 0], [1, 0, 1]]))
    assert np.isnan(ours[[1, 3, 4, 7]]).all()
    assert ours[[0, 2]] == pytest.approx([0.75, 0.5]) and ours[5] == pytest.approx((4 * 0.75 + 2 * 0.5) / 6)


def test_the_papers_balanced_accuracies_are_means_of_its_sensitivities_but_for_standardization():
    for heading in ("No normalization", "CLAHE", "Gamma correction"):
        assert np.mean(ROWS[heading].paper[:3]) == pytest.approx(ROWS[heading].paper[3], abs=0.01)
    assert np.mean(ROWS["Standardization"].paper[:3]) == pytest.approx(0.82)
    assert ROWS["Standardization"].paper[3] == 0.80


def test_no_calls_with_the_papers_sensitivities_and_mix_give_its_f1_score():
    counts = np.array([730, 46, 136])
    hits = np.round(counts * ROWS["Standardization"].paper[:3]).astype(int)
    wrong = counts - hits
    best = max(
        scores(np.array([[hits[0], a, wrong[0] - a], [b, hits[1], wrong[1] - b], [c, wrong[2] - c, hits[2]]]))[5]
        for a in range(wrong[0] + 1)
        for b in range(wrong[1] + 1)
        for c in (0, wrong[2])
    )
    assert best < 0.875 < ROWS["Standardization"].paper[5]


def test_the_plans_and_the_cohort_are_the_papers():
    assert RECIPE.cohort.patients * 6 == 912 and sum(RECIPE.cohort.mix.values()) == pytest.approx(1)
    assert RECIPE.plans["full"].studies is None and RECIPE.plans["full"].folds is None
    assert RECIPE.variants[0] == "standardization" and set(RECIPE.variants) == {
        "none",
        "standardization",
        "clahe",
        "gamma",
    }
