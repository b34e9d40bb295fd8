"""Which rows measure and which train: folds and splits that keep a patient whole, and the leaky kind, to show the leak.

Rows are samples, most often discs; all results are row numbers.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence

import numpy as np
from sklearn.model_selection import GroupKFold, StratifiedGroupKFold, StratifiedKFold

from ..errors import InputError


def patient_folds(patients: Sequence[str], labels: Sequence[object], folds: int, seed: int) -> list[np.ndarray]:
    """Rows that each fold measures on; every row is in one fold, and all rows of a patient in the same.

    Each fold has about the same mix of labels. There are at most as many folds as patients.

    Parameters
    ----------
    patients, labels:
        (N,) of the rows.

    Raises
    ------
    InputError
        There are fewer than two patients.
    """
    folds = min(folds, _count(patients))
    classes, counts = _classes(labels)
    # Rather than fail where no label is frequent enough for the folds, go by patients alone.
    kind = StratifiedGroupKFold if counts.max() >= folds else GroupKFold
    return _measured(kind(folds, shuffle=True, random_state=seed), classes, patients)


def disc_folds(labels: Sequence[object], folds: int, seed: int) -> list[np.ndarray]:
    """Rows that each fold measures on, stratified by label and blind for patients.

    One disc of a patient may train while another measures. Only to show what that does to a paper's numbers.

    Raises
    ------
    InputError
        No label is there as often as there are folds.
    """
    classes, counts = _classes(labels)
    if counts.max() < folds:
        raise InputError(f"{len(classes)} discs are too few for {folds} folds; give more labelled discs.")
    return _measured(StratifiedKFold(folds, shuffle=True, random_state=seed), classes, None)


def split(patients: Sequence[str], shares: Sequence[float], seed: int) -> list[np.ndarray]:
    """Rows of each part, in rising order; the parts have these shares of the patients, who stay whole.

    Parameters
    ----------
    patients:
        (N,) of the rows.
    shares:
        For example (0.8, 0.1, 0.1).

    Raises
    ------
    InputError
        There are fewer patients than parts.
    """
    if _count(patients) < len(shares):
        raise InputError(f"{_count(patients)} patients are too few for {len(shares)} parts; give more studies.")
    names, groups = np.unique(np.asarray(patients), return_inverse=True)
    ends = np.round(np.cumsum(shares) / np.sum(shares) * len(names)).astype(int)
    # A small share of few patients is still one patient.
    for part in range(len(ends)):
        ends[part] = max(ends[part], (ends[part - 1] if part else 0) + 1)
        ends[part] = min(ends[part], len(names) - (len(ends) - 1 - part))
    order = np.random.default_rng(seed).permutation(len(names))
    return [np.flatnonzero(np.isin(groups, some)) for some in np.split(order, ends[:-1])]


def _count(patients: Sequence[str]) -> int:
    count = len(set(patients))
    if count < 2:
        raise InputError(f"{count} patients cannot be divided into those to train on and others; give more studies.")
    return count


def _classes(labels: Sequence[object]) -> tuple[np.ndarray, np.ndarray]:
    """Class numbers (N,) and the rows of each class."""
    classes = np.unique(np.asarray([str(label) for label in labels]), return_inverse=True)[1]
    return classes, np.bincount(classes)


def _measured(splitter, classes: np.ndarray, patients: Sequence[str] | None) -> list[np.ndarray]:
    with warnings.catch_warnings():
        # A class with fewer rows than folds is absent from some: the metrics say so where it matters.
        warnings.filterwarnings("ignore", "The least populated class", UserWarning)
        return [measured for _, measured in splitter.split(np.zeros(len(classes)), classes, patients)]
