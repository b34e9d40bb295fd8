"""Metrics with 95 % intervals from a bootstrap over patients."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.stats import rankdata

BOOTSTRAPS = 2000

BINS = 10
"""Bins of equal count in the calibration error."""


@dataclass(frozen=True)
class Estimate:
    """A value with its 95 % interval; NaN where it cannot be told, as that of a class that no patient has."""

    value: float
    low: float
    high: float

    def __str__(self) -> str:
        if np.isnan(self.value):
            return "–"
        if np.isnan(self.low):
            return f"{self.value:.3f}"
        return f"{self.value:.3f} ({self.low:.3f}-{self.high:.3f})"


def bootstrap(
    metric: Callable[[np.ndarray], float], patients: Sequence[str], repeats: int | None = None, seed: int = 0
) -> Estimate:
    """A metric of row numbers (N,) with its percentile interval, drawing whole patients with replacement.

    `repeats` draws, `BOOTSTRAPS` if None.

    Draws on which the metric is undefined (NaN, or one class alone) are left out. A single patient has no interval:
    drawn again and again he would give one of no width.
    """
    names, group = np.unique(np.asarray(patients), return_inverse=True)
    rows = [np.flatnonzero(group == number) for number in range(len(names))]
    random = np.random.default_rng(seed)
    values = []
    for _ in range(repeats or BOOTSTRAPS):
        drawn = np.concatenate([rows[number] for number in random.integers(len(rows), size=len(rows))])
        value = metric(drawn)
        if np.isfinite(value):
            values.append(value)
    low, high = np.percentile(values, [2.5, 97.5]) if values and len(rows) > 1 else (np.nan, np.nan)
    return Estimate(float(metric(np.arange(len(group)))), float(low), float(high))


def auroc(truth: np.ndarray, score: np.ndarray) -> float:
    """Area under the ROC curve; NaN where only one class is there."""
    truth = np.asarray(truth, bool)
    there, absent = int(truth.sum()), int((~truth).sum())
    if not there or not absent:
        return float("nan")
    # The Mann-Whitney statistic; a bootstrap asks for it thousands of times.
    return float((rankdata(score)[truth].sum() / there - (there + 1) / 2) / absent)


def confusion(truth: np.ndarray, called: np.ndarray, classes: int) -> np.ndarray:
    """Counts (classes, classes) of what is true (rows) and what was called (columns), from class numbers (N,)."""
    pairs = np.asarray(truth, int) * classes + np.asarray(called, int)
    return np.bincount(pairs, minlength=classes**2).reshape(classes, classes)


def balanced_accuracy(matrix: np.ndarray) -> float:
    """Mean of the classes' sensitivities in a confusion matrix; NaN where a class is absent from the truth."""
    there = matrix.sum(1)
    return float((matrix.diagonal() / there).mean()) if there.all() else float("nan")


def macro_f1(matrix: np.ndarray) -> float:
    """Mean of the classes' F1 scores in a confusion matrix; NaN where a class is absent from the truth."""
    there = matrix.sum(1)
    return float((2 * matrix.diagonal() / (there + matrix.sum(0))).mean()) if there.all() else float("nan")


def kappa(matrix: np.ndarray, power: int = 0) -> float:
    """Cohen's kappa of a confusion matrix; NaN where chance alone explains it all.

    `power` is that of the distance between two grades that weighs their confusion: 1 for linear, 2 for quadratic
    weights, 0 where any two grades are equally far apart.
    """
    grades = np.arange(len(matrix))
    apart = abs(grades[:, None] - grades)
    weight = apart.astype(float) ** power if power else (apart > 0).astype(float)
    by_chance = (weight * np.outer(matrix.sum(1), matrix.sum(0))).sum() / matrix.sum()
    return float(1 - (weight * matrix).sum() / by_chance) if by_chance else float("nan")


def dice(matrix: np.ndarray) -> float:
    """Dice overlap of what is marked in the truth and by us, from counts (2, 2) of voxels; NaN where both are empty."""
    marked = matrix[1].sum() + matrix[:, 1].sum()
    return float(2 * matrix[1, 1] / marked) if marked else float("nan")


def calibration_error(truth: np.ndarray, probability: np.ndarray) -> float:
    """Expected calibration error: mean distance of frequency and probability over bins of equal count."""
    order = np.argsort(probability)
    bins = np.array_split(order, BINS)
    distances = [
        abs(float(np.mean(truth[part]) - np.mean(probability[part]))) * len(part) for part in bins if len(part)
    ]
    return sum(distances) / len(order)
