"""Tests of abstention: the promise on the risk, what counts as wrong, and what is said of a grade that is withheld."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ModicGraderLib.anatomy import MODIC_GRADES
from ModicGraderLib.grading.abstention import (
    GIVE_ALL,
    GRADES,
    Judged,
    Thresholds,
    fit_threshold,
    fit_thresholds,
    judge,
    risk_bound,
    withheld,
)
from ModicGraderLib.grading.disc_grades import DiscGrades, grades_of
from ModicGraderLib.grading.tasks import (
    BINARY_TASKS,
    ENDPLATE_CHANGE,
    ENDPLATE_LESION,
    MARROW_CHANGE,
    MODIC_CHANGE,
    MODIC_TYPE,
    OUTPUTS,
    PFIRRMANN,
)
from ModicGraderLib.grid import Grid

NARROWING = BINARY_TASKS.index("disc_narrowing")


def outputs(
    change: tuple[float, float] = (0.01, 0.01),
    types: tuple[float, float, float] = (1, 0, 0),
    narrowing: float = 0.01,
    above: tuple[float, ...] = (1, 1, 0, 0),
) -> np.ndarray:
    """Calibrated outputs (outputs,) of one disc; the same types at both endplates."""
    values = np.full(OUTPUTS, 0.01)
    values[MARROW_CHANGE] = change
    values[MODIC_CHANGE] = 1 - (1 - change[0]) * (1 - change[1])
    for group in MODIC_TYPE.values():
        values[group] = types
    for group in ENDPLATE_LESION.values():
        values[group] = (1, 0, 0)
    values[NARROWING] = narrowing
    values[PFIRRMANN] = above
    return values


def disc(**answers) -> DiscGrades:
    return grades_of(outputs(**answers), np.zeros((4, 1, 2, 2), np.float32), Grid(np.eye(4), (1, 2, 2)))


def at_least(value: float) -> Thresholds:
    return Thresholds(dict.fromkeys(GRADES, value))


def judged_patients(random: np.random.Generator, patients: int, discs: int = 6, spread: float = 1.0) -> Judged:
    """Grades that are sometimes wrong, and in some patients more often than they are sure to be right."""
    confidence = random.uniform(0.5, 1.0, (patients, discs))
    odds = np.log(confidence / (1.001 - confidence)) + random.normal(0, spread, (patients, 1))
    wrong = random.random(confidence.shape) > 1 / (1 + np.exp(-odds))
    return Judged(confidence.ravel(), wrong.ravel(), np.repeat(np.arange(patients), discs))


def modic_judged(probabilities: np.ndarray, grade: str) -> bool:
    """Whether the Modic grade of a disc counts as wrong where `grade` is true."""
    targets = np.full((1, OUTPUTS), np.nan)
    one = judge(probabilities[None], targets, np.array([MODIC_GRADES.index(grade)]), np.array([-1]), ["a"])
    return bool(one["modic"].wrong[0])


def test_without_an_error_the_bound_is_the_exact_one_for_as_many_patients():
    patients = np.repeat(np.arange(20), 3)
    assert risk_bound(np.zeros(60, bool), patients) == pytest.approx(1 - 0.05 ** (1 / 20))


def test_errors_that_keep_to_few_patients_say_less():
    wrong = np.zeros(120, bool)
    wrong[:12] = True
    scattered, clustered = np.tile(np.arange(20), 6), np.repeat(np.arange(20), 6)
    assert risk_bound(wrong, clustered) > risk_bound(wrong, scattered) > 0.1


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 9)), min_size=1, max_size=80))
def test_the_bound_lies_between_the_share_of_errors_and_one(discs):
    wrong, patients = (np.array(column) for column in zip(*discs, strict=True))
    assert wrong.mean() <= risk_bound(wrong, patients) <= 1


def test_on_new_patients_the_risk_exceeds_its_target_about_as_rarely_as_promised():
    random = np.random.default_rng(0)
    new = judged_patients(random, 5000)
    target, exceeded, coverage = 0.20, [], []
    for _ in range(60):
        least = fit_threshold(judged_patients(random, 120), target)
        kept = new.confidence >= least
        coverage.append(kept.mean())
        exceeded.append(kept.any() and new.wrong[kept].mean() > target)
    assert np.mean(exceeded) < 0.10
    assert np.mean(coverage) > 0.4


def test_a_lower_target_is_kept_by_giving_less():
    one = judged_patients(np.random.default_rng(1), 300)
    strict, loose = (fit_threshold(one, target) for target in (0.15, 0.25))
    assert 0.5 < loose < strict < 1


def test_all_is_given_where_hardly_anything_is_wrong_and_nothing_where_nearly_all_is():
    easy = judged_patients(np.random.default_rng(2), 200)
    assert fit_threshold(Judged(easy.confidence, easy.wrong & False, easy.patients), 0.1) == 0
    assert np.isinf(fit_threshold(Judged(easy.confidence, easy.wrong | True, easy.patients), 0.1))


def test_a_grade_that_was_never_judged_is_given():
    assert fit_thresholds({}) == GIVE_ALL


def test_thresholds_survive_being_kept_with_the_weights():
    thresholds = Thresholds({name: number / 8 for number, name in enumerate(GRADES)})
    kept = thresholds.to_array()
    assert kept.dtype == np.float32 and kept.shape == (len(GRADES),)
    assert Thresholds.from_array(kept) == thresholds


def test_only_what_is_doubtful_is_withheld():
    reasons = withheld(disc(narrowing=0.45), at_least(0.8))
    assert set(reasons) == {"narrowing"}
    assert "55%" in reasons["narrowing"] and "80%" in reasons["narrowing"] and "10%" in reasons["narrowing"]
    assert withheld(disc(narrowing=0.45), GIVE_ALL) == {}


def test_a_pfirrmann_grade_is_sure_if_its_neighbors_make_up_the_rest():
    assert "pfirrmann" not in withheld(disc(above=(1, 0.7, 0.3, 0)), at_least(0.9))
    assert "pfirrmann" in withheld(disc(above=(0.7, 0.6, 0.5, 0.4)), at_least(0.9))


def test_a_change_of_unsure_type_is_doubtful_but_a_mixed_one_is_not():
    assert "modic" in withheld(disc(change=(0.99, 0.01), types=(0.5, 0.0, 0.5)), at_least(0.8))
    assert "modic" not in withheld(disc(change=(0.99, 0.01), types=(0.5, 0.5, 0.0)), at_least(0.8))


def test_a_change_that_neither_endplate_clearly_bears_is_doubtful_at_the_likelier_one():
    reasons = withheld(disc(change=(0.34, 0.25)), at_least(0.6))
    assert "34%" in reasons["upper_endplate_modic"]
    assert "lower_endplate_modic" not in reasons


def test_where_no_confidence_suffices_the_reason_says_so():
    assert "no confidence" in withheld(disc(), at_least(np.inf))["modic"]


@pytest.mark.parametrize(
    ("types", "truth", "wrong"),
    [
        ((0.9, 0.1, 0), "I", False),
        ((0.9, 0.1, 0), "II", True),
        ((0.9, 0.1, 0), "I/II", False),
        ((0.5, 0.5, 0), "II", False),
        ((0.5, 0.5, 0), "III", True),
        ((0.9, 0.1, 0), "0", True),
    ],
)
def test_a_modic_grade_is_right_if_it_shares_a_type_with_the_true_one(types, truth, wrong):
    assert modic_judged(outputs(change=(0.9, 0.1), types=types), truth) == wrong


def test_no_change_is_right_only_where_there_is_none():
    assert not modic_judged(outputs(), "0")
    assert modic_judged(outputs(), "II")


def test_a_truth_that_names_no_types_judges_no_types():
    targets = np.full((2, OUTPUTS), np.nan)
    targets[:, [*MARROW_CHANGE, *ENDPLATE_CHANGE]] = 0
    targets[:, NARROWING] = (0, 1)
    found = judge(np.stack([outputs(), outputs()]), targets, np.array([0, 2]), np.array([3, 5]), ["a", "b"])
    assert set(found) == {"modic", "pfirrmann", "narrowing"}
    assert found["narrowing"].wrong.tolist() == [False, True]
    assert found["pfirrmann"].wrong.tolist() == [False, True]


def test_the_worse_endplate_lesion_is_the_disc_s():
    targets = np.zeros((2, OUTPUTS))
    targets[:, ENDPLATE_CHANGE] = (0, 1)
    targets[:, ENDPLATE_LESION["upper"]] = np.nan
    targets[:, ENDPLATE_LESION["lower"]] = [[1, 0, 0], [0, 0, 1]]
    wavy_below = outputs()
    wavy_below[ENDPLATE_CHANGE] = (0.01, 0.99)
    found = judge(np.stack([wavy_below] * 2), targets, np.array([0, 0]), np.array([1, 1]), ["a", "b"])
    assert found["endplate_lesion"].wrong.tolist() == [False, True]
