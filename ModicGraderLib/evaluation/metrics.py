"""Metrics with 95 % intervals from a bootstrap over patients."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.stats import rankdata
from sklearn.metrics import cohen_kappa_score

BOOTSTRAPS = 2000

BINS = 10
"""Bins of equal count in the calibration error."""


@dataclass(frozen=True)
class Estimate:
    """A value with its 95 % interval."""

    value: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.value:.3f} ({self.low:.3f}-{self.high:.3f})"


def bootstrap(
    metric: Callable[[np.ndarray], float], patients: Sequence[str], repeats: int = BOOTSTRAPS, seed: int = 0
) -> Estimate:
    """A metric of row numbers (N,) with its percentile interval, drawing whole patients with replacement.

    Draws on which the metric is undefined (NaN, or one class alone) are left out.
    """
    names, group = np.unique(np.asarray(patients), return_inverse=True)
    rows = [np.flatnonzero(group == number) for number in range(len(names))]
    random = np.random.default_rng(seed)
    values = []
    for _ in range(repeats):
        drawn = np.concatenate([rows[number] for number in random.integers(len(rows), size=len(rows))])
        value = metric(drawn)
        if np.isfinite(value):
            values.append(value)
    low, high = np.percentile(values, [2.5, 97.5]) if values else (np.nan, np.nan)
    return Estimate(float(metric(np.arange(len(group)))), float(low), float(high))


def auroc(truth: np.ndarray, score: np.ndarray) -> float:
    """Area under the ROC curve; NaN where only one class is there."""
    truth = np.asarray(truth, bool)
    there, absent = int(truth.sum()), int((~truth).sum())
    if not there or not absent:
        return float("nan")
    # The Mann-Whitney statistic; a bootstrap asks for it thousands of times.
    return float((rankdata(score)[truth].sum() / there - (there + 1) / 2) / absent)


def quadratic_kappa(truth: np.ndarray, grade: np.ndarray) -> float:
    """Cohen's kappa with quadratic weights."""
    return float(cohen_kappa_score(truth, grade, weights="quadratic"))


def balanced_accuracy(truth: np.ndarray, called: np.ndarray) -> float:
    """Mean of sensitivity and specificity of yes-or-no calls; NaN where only one class is there."""
    truth, called = np.asarray(truth, bool), np.asarray(called, bool)
    if truth.all() or not truth.any():
        return float("nan")
    return float((called[truth].mean() + (~called[~truth]).mean()) / 2)


def calibration_error(truth: np.ndarray, probability: np.ndarray) -> float:
    """Expected calibration error: mean distance of frequency and probability over bins of equal count."""
    order = np.argsort(probability)
    bins = np.array_split(order, BINS)
    distances = [
        abs(float(np.mean(truth[part]) - np.mean(probability[part]))) * len(part) for part in bins if len(part)
    ]
    return sum(distances) / len(order)
