"""Tests of the calibration: scales that were put in are found again, from what is known."""

import numpy as np
import pytest
from scipy.special import softmax

from ModicGraderLib.grading.disc_grades import calibrate
from ModicGraderLib.grading.tasks import (
    ENDPLATE_LESION,
    MARROW_CHANGE,
    MODIC_CHANGE,
    MODIC_TYPE,
    OUTPUTS,
    PFIRRMANN,
    either,
)
from ModicGraderLib.training.calibration import (
    calibrate_across_folds,
    fit_calibration,
    fit_marrow_change,
    fold_calibrations,
    platt,
    temperature,
)
from ModicGraderLib.training.data_folder import FOLDS, fold_of

MANY = 6000


def sigmoid(logits: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-logits))


def drawn(chances: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """Answers 0 or 1 that are yes as often as their chances say."""
    return (random.random(chances.shape) < chances).astype(float)


@pytest.mark.parametrize(("scale", "offset"), [(1.0, 0.0), (0.6, -1.0), (1.8, 0.7)])
def test_the_scale_of_yes_or_no_answers_is_found_from_the_known_ones(scale, offset):
    random = np.random.default_rng(0)
    logits = random.normal(0, 2, MANY)
    targets = drawn(sigmoid(scale * logits + offset), random)
    targets[::3] = np.nan
    assert platt(logits, targets) == pytest.approx((scale, offset), abs=0.2)


@pytest.mark.parametrize(("scale", "offset"), [(1.0, 0.0), (0.7, -0.8)])
def test_the_scale_of_endplates_is_found_from_grades_of_whole_discs(scale, offset):
    random = np.random.default_rng(1)
    logits = np.full((MANY, OUTPUTS), np.nan)
    logits[:, MARROW_CHANGE] = random.normal(-0.5, 2, (MANY, 2))
    chances = sigmoid(scale * logits[:, MARROW_CHANGE] + offset)
    targets = np.full((MANY, OUTPUTS), np.nan)
    targets[:, MODIC_CHANGE] = drawn(either(*chances.T), random)
    targets[::4, MODIC_CHANGE] = np.nan
    assert fit_marrow_change(logits, targets) == pytest.approx((scale, offset), abs=0.15)


@pytest.mark.parametrize("scale", [0.5, 1.0, 2.0])
def test_the_temperature_of_classes_is_found(scale):
    random = np.random.default_rng(2)
    logits = random.normal(0, 2, (MANY, 3))
    chances = softmax(scale * logits, axis=-1)
    chosen = (random.random((MANY, 1)) > chances.cumsum(1)).sum(1)
    assert temperature(logits, np.eye(3)[chosen]) == pytest.approx(scale, rel=0.1)


def test_without_a_class_that_is_known_the_temperature_stays():
    assert temperature(np.empty((0, 3)), np.empty((0, 3))) == 1.0


def test_real_discs_calibrate_answers_and_simulated_ones_calibrate_classes():
    random = np.random.default_rng(3)
    groups = (*MODIC_TYPE.values(), *ENDPLATE_LESION.values())
    own = [output for output in range(PFIRRMANN.stop) if output not in (MODIC_CHANGE, *MARROW_CHANGE)]
    real, simulated = (random.normal(0, 2, (MANY, OUTPUTS)) for _ in range(2))
    # Real discs know neither classes nor the marrow of single endplates, unless both are unchanged.
    real_targets = np.full((MANY, OUTPUTS), np.nan)
    real_targets[:, own] = drawn(sigmoid(0.5 * real[:, own] - 1), random)
    real_targets[:, MODIC_CHANGE] = drawn(either(*sigmoid(0.8 * real[:, MARROW_CHANGE] - 1).T), random)
    unchanged = real_targets[:, MODIC_CHANGE] == 0
    real_targets[np.ix_(unchanged, MARROW_CHANGE)] = 0
    simulated_targets = np.full((MANY, OUTPUTS), np.nan)
    simulated_targets[:, : PFIRRMANN.stop] = 1
    for group in groups:
        simulated_targets[: MANY // 2, group] = softmax(1.5 * simulated[: MANY // 2, group], axis=-1)
    scale, offset = fit_calibration(real, real_targets, simulated, simulated_targets)
    np.testing.assert_allclose(scale[own], 0.5, atol=0.12)
    np.testing.assert_allclose(offset[own], -1, atol=0.15)
    np.testing.assert_allclose(scale[MARROW_CHANGE], 0.8, atol=0.12)
    for group in groups:
        np.testing.assert_allclose(scale[group], 1.5, rtol=0.05)
        assert not offset[group].any()
    assert calibrate(real, scale, offset)[:, MODIC_CHANGE].mean() == pytest.approx((~unchanged).mean(), abs=0.02)


def test_no_disc_is_calibrated_by_what_is_known_of_its_own_patient():
    random = np.random.default_rng(4)
    patients = [f"p{number}" for number in range(400)]
    folds = np.array([fold_of(patient, FOLDS) for patient in patients])
    logits = random.normal(0, 2, (400, OUTPUTS))
    targets = drawn(sigmoid(logits), random)
    given = np.full(OUTPUTS, 1.3), np.full(OUTPUTS, 0.2)
    before = fold_calibrations(patients, logits, targets, *given)
    # Turning the truth of one fold round moves the calibration of all others, but not its own.
    targets[folds == 2] = 1 - targets[folds == 2]
    after = fold_calibrations(patients, logits, targets, *given)
    for fold in range(FOLDS):
        same = [np.array_equal(one, other) for one, other in zip(before[fold], after[fold], strict=True)]
        assert same == [fold == 2] * 2
        assert (after[fold][0][PFIRRMANN.stop :] == 1.3).all() and (after[fold][1][PFIRRMANN.stop :] == 0.2).all()
    chances = calibrate_across_folds(patients, logits, after)
    for row in (0, 7, 111):
        np.testing.assert_array_equal(chances[row], calibrate(logits[row], *after[folds[row]]))
