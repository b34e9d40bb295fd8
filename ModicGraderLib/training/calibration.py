"""Fit the calibration of the disc grader, on patients that its networks have not seen.

Real discs say how far yes-or-no answers can be trusted. What no real disc has a grade of, the types and classes and the
marrow of single endplates, is calibrated on simulated patients as far as it can be.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.optimize import minimize
from scipy.special import expit
from sklearn.linear_model import LogisticRegression

from ..grading.disc_grades import calibrate
from ..grading.tasks import ENDPLATE_LESION, MARROW_CHANGE, MODIC_CHANGE, MODIC_TYPE, OUTPUTS, either
from .data_folder import FOLDS, fold_of
from .disc_loss import YES_NO

WEAK_PENALTY = 10.0
"""Inverse strength of the pull on Platt's scale (scikit-learn's C)."""


def fit_calibration(
    real_logits: np.ndarray, real_targets: np.ndarray, simulated_logits: np.ndarray, simulated_targets: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Scale and offset (outputs,) for `grading.grader.calibrate`, from logits and targets (discs, outputs)."""
    scale, offset = np.ones(OUTPUTS, np.float32), np.zeros(OUTPUTS, np.float32)
    for output in range(YES_NO):
        if output not in (MODIC_CHANGE, *MARROW_CHANGE):
            scale[output], offset[output] = platt(real_logits[:, output], real_targets[:, output])
    scale[MARROW_CHANGE], offset[MARROW_CHANGE] = fit_marrow_change(real_logits, real_targets)
    for groups in (MODIC_TYPE, ENDPLATE_LESION):
        together = [(simulated_logits[:, group], simulated_targets[:, group]) for group in groups.values()]
        logits, shares = (np.concatenate(parts) for parts in zip(*together, strict=True))
        known = ~np.isnan(shares).any(1)
        for group in groups.values():
            scale[group] = temperature(logits[known], shares[known])
    return scale, offset


def fold_calibrations(
    patients: Sequence[str], logits: np.ndarray, targets: np.ndarray, scale: np.ndarray, offset: np.ndarray
) -> list[tuple[np.ndarray, np.ndarray]]:
    """Scale and offset (outputs,) for the real discs of each fold, fitted on those of the others.

    Types and classes, of which no real disc has a grade, keep `scale` and `offset`.
    """
    folds = np.array([fold_of(patient, FOLDS) for patient in patients])
    nothing = np.empty((0, OUTPUTS))
    found = []
    for fold in range(FOLDS):
        own_scale, own_offset = fit_calibration(logits[folds != fold], targets[folds != fold], nothing, nothing)
        own_scale[YES_NO:], own_offset[YES_NO:] = scale[YES_NO:], offset[YES_NO:]
        found.append((own_scale, own_offset))
    return found


def calibrate_across_folds(
    patients: Sequence[str], logits: np.ndarray, calibrations: Sequence[tuple[np.ndarray, np.ndarray]]
) -> np.ndarray:
    """Probabilities (discs, outputs), each by the calibration of its patient's fold."""
    return np.stack([
        calibrate(logit, *calibrations[fold_of(patient, FOLDS)])
        for patient, logit in zip(patients, logits, strict=True)
    ])  # fmt: skip


def platt(logits: np.ndarray, targets: np.ndarray) -> tuple[float, float]:
    """Scale and offset under which `sigmoid(scale * logit + offset)` is a probability (Platt 1999); unknown is NaN."""
    known = ~np.isnan(targets)
    fitted = LogisticRegression(C=WEAK_PENALTY).fit(logits[known, None], targets[known] > 0.5)
    return float(fitted.coef_[0, 0]), float(fitted.intercept_[0])


def fit_marrow_change(logits: np.ndarray, targets: np.ndarray) -> tuple[float, float]:
    """One scale and offset for both endplates, under which the disc's probability fits.

    A real grade is one of the whole disc, whose probability is that at least one of its endplates is changed.
    """
    known = ~np.isnan(targets[:, MODIC_CHANGE])
    marrow, changed = logits[known][:, MARROW_CHANGE], targets[known, MODIC_CHANGE] > 0.5

    def cost(parameters: np.ndarray) -> float:
        chance = expit(parameters[0] * marrow + parameters[1])
        disc = np.clip(either(chance[:, 0], chance[:, 1]), 1e-6, 1 - 1e-6)
        return float(-np.mean(np.where(changed, np.log(disc), np.log(1 - disc))) + 1e-3 * (parameters[0] - 1) ** 2)

    scale, offset = minimize(cost, [1.0, 0.0], method="Nelder-Mead").x
    return float(scale), float(offset)


def temperature(logits: np.ndarray, shares: np.ndarray) -> float:
    """Scale under which a softmax of logits (N, classes) fits the shares (N, classes) best (Guo 2017)."""

    def cost(parameters: np.ndarray) -> float:
        scaled = parameters[0] * logits
        log_chance = scaled - np.logaddexp.reduce(scaled, axis=1, keepdims=True)
        return float(-(shares * log_chance).sum(1).mean())

    return float(minimize(cost, [1.0], method="Nelder-Mead").x[0]) if len(logits) else 1.0
