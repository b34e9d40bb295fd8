"""Tests of the metrics: known values, and intervals that respect who the patients are."""

import numpy as np
import pytest
import sklearn.metrics
from hypothesis import given, settings
from hypothesis import strategies as st

from ModicGraderLib.evaluation.metrics import (
    Estimate,
    auroc,
    balanced_accuracy,
    bootstrap,
    calibration_error,
    confusion,
    dice,
    kappa,
    macro_f1,
)


def test_auroc_is_the_share_of_pairs_in_the_right_order():
    truth, score = np.array([0, 0, 1, 1]), np.array([0.1, 0.4, 0.35, 0.8])
    assert auroc(truth, score) == pytest.approx(3 / 4)
    assert auroc(truth, truth) == 1
    assert auroc(truth, -truth) == 0
    assert auroc(truth, np.ones(4)) == 0.5


def test_quadratic_kappa_has_its_textbook_value():
    # Observed: one disagreement by one grade. Expected by chance: (1/9) * (0 + 1 + 1 + 1 + 0 + 0 + 4 + 1 + 1).
    assert kappa(confusion([0, 1, 2], [0, 1, 1], 3), 2) == pytest.approx(1 - (1 / 3) / (9 / 9))
    assert kappa(confusion([0, 1, 4], [0, 1, 4], 5), 2) == 1


@settings(max_examples=25, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), min_size=8, max_size=60))
def test_metrics_of_a_confusion_matrix_are_those_of_scikit_learn(pairs):
    truth, called = np.array([(0, 0), (1, 1), (2, 2), (3, 3), *pairs]).T
    matrix = confusion(truth, called, 4)
    assert (matrix == sklearn.metrics.confusion_matrix(truth, called)).all()
    assert balanced_accuracy(matrix) == pytest.approx(sklearn.metrics.balanced_accuracy_score(truth, called))
    assert macro_f1(matrix) == pytest.approx(sklearn.metrics.f1_score(truth, called, average="macro"))
    for power, weights in ((0, None), (1, "linear"), (2, "quadratic")):
        assert kappa(matrix, power) == pytest.approx(sklearn.metrics.cohen_kappa_score(truth, called, weights=weights))


@pytest.mark.parametrize("only", [0, 1])
def test_one_class_alone_has_no_value(only):
    truth, said = np.full(5, only), np.array([0, 1, 0, 1, 1])
    assert np.isnan(auroc(truth, said))
    assert np.isnan(balanced_accuracy(confusion(truth, said, 2)))
    assert np.isnan(macro_f1(confusion(truth, said, 2)))


def test_kappa_has_no_value_where_all_is_one_class():
    assert np.isnan(kappa(confusion([1, 1], [1, 1], 2)))


def test_dice_is_twice_what_is_shared_over_all_that_is_marked():
    assert dice(np.array([[1000, 2], [4, 6]])) == pytest.approx(2 * 6 / (10 + 8))
    assert dice(np.array([[5, 0], [0, 7]])) == 1
    assert np.isnan(dice(np.array([[5, 0], [0, 0]])))


def test_calibration_error_is_the_distance_of_frequency_and_probability():
    truth = np.tile([1, 0, 0, 0, 1], 200)
    assert calibration_error(truth, np.full(1000, 0.4)) == pytest.approx(0, abs=1e-12)
    assert calibration_error(truth, np.full(1000, 0.7)) == pytest.approx(0.3)
    assert calibration_error(truth, truth.astype(float)) == 0


@settings(max_examples=25, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 8), st.floats(-5, 5)), min_size=6, max_size=40))
def test_the_interval_holds_the_value(rows):
    patients = [f"p{patient}" for patient, _ in rows]
    values = np.array([value for _, value in rows])
    estimate = bootstrap(lambda drawn: float(np.median(values[drawn])), patients, repeats=200)
    assert estimate.value == pytest.approx(np.median(values))
    # A single patient has no interval.
    assert len(set(patients)) == 1 or estimate.low - 1e-9 <= estimate.value <= estimate.high + 1e-9


def test_the_interval_of_a_mean_is_that_of_theory():
    values = np.random.default_rng(1).normal(0, 1, 400)
    estimate = bootstrap(lambda rows: values[rows].mean(), [str(number) for number in range(400)])
    assert estimate.high - estimate.low == pytest.approx(2 * 1.96 * values.std() / 20, rel=0.1)


def test_discs_of_one_patient_count_as_one_witness():
    # Six discs a patient, all alike: grouping them makes the interval about sqrt(6) times as wide.
    values = np.repeat(np.random.default_rng(2).normal(0, 1, 40), 6)
    grouped = bootstrap(lambda rows: values[rows].mean(), [str(number // 6) for number in range(240)])
    apart = bootstrap(lambda rows: values[rows].mean(), [str(number) for number in range(240)])
    assert grouped.value == apart.value
    ratio = (grouped.high - grouped.low) / (apart.high - apart.low)
    assert ratio == pytest.approx(6**0.5, rel=0.15)


def test_the_same_seed_gives_the_same_interval():
    values = np.arange(20.0)
    patients = [str(number) for number in range(20)]
    first, second, other = (bootstrap(lambda rows: values[rows].mean(), patients, 100, seed) for seed in (3, 3, 4))
    assert first == second != other


def test_draws_on_which_a_metric_is_undefined_are_left_out():
    truth = np.array([1, 0, 0, 0, 0, 0])
    estimate = bootstrap(lambda rows: auroc(truth[rows], -rows.astype(float)), list("abcdef"), 200)
    assert np.isfinite([estimate.value, estimate.low, estimate.high]).all()
    never = bootstrap(lambda rows: float("nan"), list("ab"), 10)
    assert np.isnan([never.value, never.low, never.high]).all()


def test_an_estimate_reads_as_in_a_paper():
    assert str(Estimate(0.8512, 0.8, 0.9)) == "0.851 (0.800-0.900)"
    assert str(Estimate(np.nan, np.nan, np.nan)) == "–"


def test_a_single_patient_has_a_value_and_no_interval():
    values = np.arange(6.0)
    estimate = bootstrap(lambda rows: values[rows].mean(), ["only"] * 6, 50)
    assert estimate.value == 2.5 and np.isnan([estimate.low, estimate.high]).all()
    assert str(estimate) == "2.500"
