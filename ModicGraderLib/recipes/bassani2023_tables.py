"""Bassani et al. 2023 beside ours: who was studied (Tables 1 and 2), and how well it went (Figure 6, Table 3)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from ..evaluation.metrics import Estimate, auroc, balanced_accuracy, bootstrap, confusion, macro_f1
from .recipe import Cell, Table

BOOTSTRAPS = 500
"""Iterations (2.2). The paper draws discs; here whole patients are drawn, whose discs are alike."""

TABLE_1 = {
    "10–20": (25, 10, 13, 1),
    "21–30": (32, 13, 26, 5),
    "31–40": (124, 50, 51, 8),
    "41–50": (134, 90, 86, 21),
    "51–60": (130, 118, 83, 22),
    "61–70": (119, 131, 63, 37),
    "71–80": (2, 57, 29, 37),
    "81–90": (0, 16, 11, 14),
}
"""Discs of each type by the patient's age in years; the normal ones sum to 566 where the text says 567."""

AGE_BOUNDS = (21, 31, 41, 51, 61, 71, 81)
"""Least ages, in whole years, of the second row of Table 1 and those after it."""

TABLE_2 = {
    "L1/L2": (105, 97, 109, 40),
    "L2/L3": (123, 79, 126, 30),
    "L3/L4": (137, 79, 83, 43),
    "L4/L5": (127, 106, 28, 28),
    "L5/S1": (75, 124, 16, 4),
}
"""Discs of each type by level."""

PRINTED = {("31–40", 50): 22, ("41–50", 134): 41, ("71–80", 57): 45, ("L5/S1", 124): 56}
"""Percentages of Tables 1 and 2 that are printed other than their counts give them, by row and count."""

FIGURE_6 = ((104, 114), (80, 97), (67, 72), (24, 29))
"""Discs of each type that were called right, of so many."""

TABLE_3 = {
    "AUC": (96, 94, 98),
    "accuracy": (88, 84, 91),
    "precision": (87, 82, 91),
    "recall": (87, 83, 91),
    "specificity": (96, 94, 97),
    "F1": (87, 82, 91),
}
"""Mean and 95 % interval, percent. Their recall is the mean over the types: that over all discs would be 88."""

FOUR_TYPES = 4


@dataclass(frozen=True)
class Measured:
    """What a network said of discs that it is measured on.

    Attributes
    ----------
    classes:
        Their names.
    targets, called:
        Numbers (N,) of the true classes, and of those that the network called.
    probabilities:
        (N, classes), calibrated.
    patients:
        (N,) whose discs they are.
    """

    classes: Sequence[str]
    targets: np.ndarray
    called: np.ndarray
    probabilities: np.ndarray
    patients: np.ndarray

    def __getitem__(self, rows: np.ndarray) -> Measured:
        return Measured(
            self.classes, self.targets[rows], self.called[rows], self.probabilities[rows], self.patients[rows]
        )

    @property
    def right(self) -> np.ndarray:
        """(N,) whether the true class was called."""
        return self.called == self.targets

    @property
    def matrix(self) -> np.ndarray:
        """Confusion (classes, classes), truth in rows."""
        return confusion(self.targets, self.called, len(self.classes))

    def percent(self, metric: Callable[[Measured], float], seed: int) -> Estimate:
        """A metric in percent, with its interval over patients."""
        return bootstrap(lambda rows: 100 * metric(self[rows]), self.patients, BOOTSTRAPS, seed)


def mean_auc(measured: Measured) -> float:
    """Mean over the classes of the area under the curve of one against all; NaN where a class is absent."""
    areas = [auroc(measured.targets == one, chances) for one, chances in enumerate(measured.probabilities.T)]
    return float(np.mean(areas))


def accuracy(matrix: np.ndarray) -> float:
    """Share of all discs that are called right, of a confusion matrix."""
    return float(matrix.trace() / matrix.sum())


def precision(matrix: np.ndarray) -> float:
    """Mean over the classes of the share of calls that are right, 0 for a class never called; NaN if one is absent."""
    right = matrix.diagonal() / np.maximum(matrix.sum(0), 1)
    return float(right.mean()) if matrix.sum(1).all() else float("nan")


def specificity(matrix: np.ndarray) -> float:
    """Mean over the classes of the share of other discs that are not called so; NaN where all discs are of one."""
    others = matrix.sum() - matrix.sum(1)
    wrong = matrix.sum(0) - matrix.diagonal()
    return float(1 - (wrong / others).mean()) if others.all() else float("nan")


def _of_matrix(metric: Callable[[np.ndarray], float]) -> Callable[[Measured], float]:
    return lambda measured: metric(measured.matrix)


METRICS = {
    "AUC": mean_auc,
    "accuracy": _of_matrix(accuracy),
    "precision": _of_matrix(precision),
    "recall": _of_matrix(balanced_accuracy),
    "specificity": _of_matrix(specificity),
    "F1": _of_matrix(macro_f1),
}
"""The columns of Table 3; one against all, and the mean over the classes (2.2)."""


def age_rows(ages: np.ndarray) -> np.ndarray:
    """Names of the rows of Table 1 for ages in years; "" where the age is not known."""
    known = np.isfinite(ages)
    rows = np.array(list(TABLE_1))[np.digitize(np.floor(np.where(known, ages, 0)), AGE_BOUNDS)]
    return np.where(known, rows, "")


def distribution(
    title: str, paper: Mapping[str, Sequence[int]], classes: Sequence[str], rows: np.ndarray, targets: np.ndarray
) -> Table:
    """How many discs are of which class in each row, in percent of the row; `rows` (N,) names the row of each disc."""
    cells = {}
    for name, counts in paper.items():
        theirs = _folded(counts, len(classes))
        ours = np.bincount(targets[rows == name], minlength=len(classes))
        cells[name] = [
            Cell(
                paper=100 * count / sum(theirs),
                ours=100 * own / ours.sum() if ours.any() else None,
                paper_text=f"{count} ({PRINTED.get((name, count), 100 * count / sum(theirs)):.0f})",
            )
            for count, own in zip(theirs, ours.tolist(), strict=True)
        ]
    placed = np.isin(rows, list(paper))
    notes = [
        f"Percent of the discs in a row; ours are {int(placed.sum())} discs. No network is involved. Simulated lesions"
        " grow more frequent with age and degeneration, and are shared out among the types by this table's level or"
        " age; they are not drawn row by row."
    ]
    if not placed.any():
        notes.append("This source does not say to which row a disc belongs.")
    return Table(title, [f"{name}, %" for name in classes], cells, "", "", notes)


def _folded(counts: Sequence[int], classes: int) -> list[int]:
    """The paper's four types, or normal discs against all others."""
    return list(counts) if classes == FOUR_TYPES else [counts[0], sum(counts[1:])]


def per_class(measured: Mapping[str, Measured], seed: int) -> Table:
    """Figure 6: accuracy for each type, which is its sensitivity, a row a variant."""
    first = next(iter(measured.values()))
    counts = _counts(len(first.classes))
    cells, notes = {}, []
    for name, one in measured.items():
        of_class = [one.targets == number for number in range(len(one.classes))] + [np.ones(len(one.targets), bool)]
        metrics = [*(_sensitivity(number) for number in range(len(one.classes))), METRICS["accuracy"]]
        cells[name] = [
            Cell(share := 100 * count[0] / count[1], one.percent(metric, seed), f"{share:.0f} ({count[0]}/{count[1]})")
            if count
            else Cell(ours=one.percent(metric, seed))
            for count, metric in zip(counts, metrics, strict=True)
        ]
        ours = ", ".join(f"{int(one.right[rows].sum())}/{int(rows.sum())}" for rows in of_class)
        notes.append(f"Our counts, {name}: {ours}.")
    return Table("Figure 6: accuracy for each type, %", [*first.classes, "all"], cells, "", "", notes)


def _counts(classes: int) -> list[tuple[int, int] | None]:
    """The paper's counts by class, and of all; how often it called one lesion another is not in its text."""
    if classes != FOUR_TYPES:
        return [FIGURE_6[0], None, None]
    return [*FIGURE_6, tuple(int(total) for total in np.sum(FIGURE_6, axis=0))]


def _sensitivity(number: int) -> Callable[[Measured], float]:
    def metric(measured: Measured) -> float:
        there = measured.targets == number
        return float(measured.right[there].mean()) if there.any() else float("nan")

    return metric


def performance(measured: Mapping[str, Measured], seed: int) -> Table:
    """Table 3: six metrics with their intervals, a row a variant."""
    cells = {
        name: [
            Cell(TABLE_3[title][0], one.percent(metric, seed), "{} ({}–{})".format(*TABLE_3[title]))
            for title, metric in METRICS.items()
        ]
        for name, one in measured.items()
    }
    return Table("Table 3: performance, %", list(METRICS), cells, "", "", [])
