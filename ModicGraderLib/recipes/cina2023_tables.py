"""Folds, metrics and Table 2 of Cina et al. 2023, whose system is in cina2023.py; sections are the paper's."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..evaluation.metrics import Estimate, balanced_accuracy, bootstrap, confusion, macro_f1
from ..training.folds import disc_folds, patient_folds
from .cina2023_classifier import CLASSES, Discs
from .recipe import Cell

REPEATS, FOLDS = 10, 5
"""Of the stratified cross-validation (2.1)."""

COLUMNS = (
    *(f"Accuracy {name}" for name in ("MC-0", "MC-1", "MC-2")),
    *("Balanced accuracy", "Macro-F1", "Weighted F1"),
    *(f"F1 {name}" for name in ("MC-0", "MC-1", "MC-2")),
)
"""The accuracies are sensitivities (2.3). How the paper averaged its F1 is unknown, so that each class has its own."""


@dataclass(frozen=True)
class Row:
    """A row of Table 2: how it is made, and the paper's means and standard deviations over folds, by column.

    The paper's one F1 score stands beside our weighted F1: a macro-F1 of 0.88 is beyond sensitivities like its own.
    """

    normalization: str
    paper: tuple[float | None, ...]
    deviations: tuple[float | None, ...]
    by_disc: bool = False
    stops_on_measured: bool = False

    def cell(self, column: int, ours: Estimate) -> Cell:
        """The paper's figure beside ours."""
        if column >= len(self.paper) or self.paper[column] is None:
            return Cell(ours=ours)
        paper, deviation = self.paper[column], self.deviations[column]
        return Cell(paper, ours, f"{paper:.2f} ({deviation:.2f})")


_STANDARDIZATION = ("standardization", (0.83, 0.85, 0.78, 0.80, None, 0.88), (0.08, 0.12, 0.11, 0.04, None, 0.02))

ROWS = {
    "No normalization": Row("none", (0.76, 0.73, 0.65, 0.71, None, 0.83), (0.09, 0.14, 0.11, 0.05, None, 0.03)),
    "Standardization": Row(*_STANDARDIZATION),
    "CLAHE": Row("clahe", (0.82, 0.79, 0.71, 0.77, None, 0.86), (0.08, 0.11, 0.12, 0.05, None, 0.02)),
    "Gamma correction": Row("gamma", (0.81, 0.78, 0.74, 0.77, None, 0.86), (0.07, 0.13, 0.13, 0.05, None, 0.03)),
    "Standardization, folds by disc (leak)": Row(*_STANDARDIZATION, by_disc=True),
    "Standardization, by disc, stopped on the measured discs (as published)": Row(
        *_STANDARDIZATION, by_disc=True, stops_on_measured=True
    ),
}
"""Table 2, and the paper's own protocol in two steps."""

INTERVALS = "Ours are of all answers together, with 95 % intervals of a bootstrap over patients."

BOXES = (
    "Discs are read in the boxes that came with the study, in training too, so that normalizations are compared and not"
    " detectors; the paper reads them in its detector's. Both are in the last table."
)

PAPER_NOTE = (
    "The paper prints a balanced accuracy of 0.80 for standardization, the mean of whose sensitivities is 0.82. With"
    " these and its mix of classes a weighted F1 cannot exceed 0.87, so how its 0.88 was averaged is unknown."
)


def folds_of(discs: Discs, by_disc: bool, seed: int) -> list[np.ndarray]:
    """Rows (N,) that each of the 10 x 5 folds measures on, stratified by class (2.1): by patient, or by disc."""
    folds = []
    for repeat in range(REPEATS):
        # No two seeds have a repeat in common.
        lot = seed * REPEATS + repeat
        if by_disc:
            folds += disc_folds(discs.targets, FOLDS, lot)
        else:
            folds += patient_folds(discs.patients, discs.targets, FOLDS, lot)
    return folds


def scores(matrix: np.ndarray) -> np.ndarray:
    """`COLUMNS` (2.3) of a confusion matrix (3, 3), truth in rows; NaN where a class that it takes is absent."""
    there, hits = matrix.sum(1), matrix.diagonal()
    with np.errstate(invalid="ignore"):
        sensitivities = hits / there
        f1 = np.where(there > 0, 2 * hits / (there + matrix.sum(0)), 0)
        weighted = f1 @ there / there.sum()
    known = np.where(there > 0, f1, np.nan)
    return np.array([*sensitivities, balanced_accuracy(matrix), macro_f1(matrix), weighted, *known])


def estimates(truth: np.ndarray, called: np.ndarray, patients: Sequence[str]) -> list[Estimate]:
    """`COLUMNS` of class numbers (N,), with the intervals of a bootstrap over patients."""
    return [
        bootstrap(lambda rows, one=one: scores(confusion(truth[rows], called[rows], len(CLASSES)))[one], patients)
        for one in range(len(COLUMNS))
    ]


def counted(truth: Sequence[np.ndarray], called: Sequence[np.ndarray], folds: int) -> str:
    """How many of so many folds and how many answers there are, and the standard deviation of `COLUMNS` over folds."""
    counts = np.bincount(np.concatenate(truth), minlength=len(CLASSES))
    each = np.array([scores(confusion(*pair, len(CLASSES))) for pair in zip(truth, called, strict=True)])
    spread = [np.std(known, ddof=1) if len(known := one[np.isfinite(one)]) > 1 else np.nan for one in each.T]
    deviations = ", ".join("–" if np.isnan(one) else f"{one:.2f}" for one in spread)
    return (
        f"{len(truth)} of {folds} folds; {counts.sum()} answers at"
        f" {', '.join(f'{count} MC-{number}' for number, count in enumerate(counts))};"
        f" standard deviations over folds {deviations}"
    )
