"""Answers to one task on many discs or endplates, beside the truth, and how good they are."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from ..grading.decisions import DECIDED
from .metrics import (
    Estimate,
    auroc,
    balanced_accuracy,
    bootstrap,
    calibration_error,
    confusion,
    kappa,
    macro_f1,
)
from .pages import table


@dataclass(frozen=True)
class Answers:
    """What is true and what was answered, for one task.

    Attributes
    ----------
    task, unit:
        What was asked, and of what: "disc" or "endplate".
    classes:
        Names of the possible answers, in their order; "no" and "yes" of a finding.
    patients:
        (N,) whose disc or endplate it is.
    truth, called:
        (N,) numbers in `classes`.
    chances:
        (N, classes) calibrated probabilities.
    """

    task: str
    unit: str
    classes: tuple[str, ...]
    patients: np.ndarray
    truth: np.ndarray
    called: np.ndarray
    chances: np.ndarray

    def matrix(self, rows: np.ndarray | slice = slice(None)) -> np.ndarray:
        """Confusion (classes, classes) of some rows: truth down, answers across."""
        return confusion(self.truth[rows], self.called[rows], len(self.classes))

    def reliability(self, rows: np.ndarray | slice = slice(None)) -> tuple[np.ndarray, np.ndarray]:
        """What happened (0 or 1) and its probability, one beside the other: of "yes", or of every class in turn."""
        happened = self.truth[rows, None] == np.arange(len(self.classes))
        asked = slice(1, None) if len(self.classes) == 2 else slice(None)
        return happened[:, asked].ravel(), self.chances[rows][:, asked].ravel()


@dataclass(frozen=True)
class Score:
    """One metric of one task on `count` discs or endplates, and the least value asked of it, if any."""

    task: str
    unit: str
    metric: str
    count: int
    estimate: Estimate
    floor: float | None = None


Rows = np.ndarray
METRICS: dict[str, Callable[[Answers, Rows], float]] = {
    "AUROC": lambda one, rows: auroc(one.truth[rows] > 0, 1 - one.chances[rows, 0]),
    "balanced accuracy": lambda one, rows: balanced_accuracy(one.matrix(rows)),
    "kappa": lambda one, rows: kappa(one.matrix(rows)),
    "linear kappa": lambda one, rows: kappa(one.matrix(rows), 1),
    "quadratic kappa": lambda one, rows: kappa(one.matrix(rows), 2),
    "exact": lambda one, rows: float((one.truth[rows] == one.called[rows]).mean()),
    "within one": lambda one, rows: float((abs(one.truth[rows] - one.called[rows]) <= 1).mean()),
    "macro F1": lambda one, rows: macro_f1(one.matrix(rows)),
    "calibration error": lambda one, rows: calibration_error(*one.reliability(rows)),
}
"""Metrics by name. AUROC is that of anything but the first class; balanced accuracy is the mean sensitivity."""

FINDING = ("AUROC", "balanced accuracy", "kappa", "macro F1", "calibration error")
KIND = ("balanced accuracy", "kappa", "macro F1", "exact", "calibration error")
GRADE = (
    "quadratic kappa",
    "linear kappa",
    "kappa",
    "within one",
    "exact",
    "balanced accuracy",
    "macro F1",
    "calibration error",
)
"""Metrics that suit yes or no, classes without an order, and grades."""


def scores(answers: Answers, metrics: Sequence[str], floors: dict[str, float] | None = None) -> list[Score]:
    """`metrics` of a task, with intervals by bootstrap over patients, and `floors` by metric; none without answers."""
    if not len(answers.truth):
        return []
    return [
        Score(
            answers.task,
            answers.unit,
            name,
            len(answers.truth),
            bootstrap(lambda rows, name=name: METRICS[name](answers, rows), answers.patients),
            (floors or {}).get(name),
        )
        for name in metrics
    ]


def finding(
    task: str,
    unit: str,
    patients: Sequence[str],
    truth: Sequence[float | None],
    chance: Sequence[float | None],
    least: float = DECIDED,
) -> Answers:
    """A yes-or-no finding from true and answered probabilities (N,); what is None or NaN in either is left out.

    It is called from the probability `least` on.
    """
    true, said = np.array(truth, float), np.array(chance, float)
    known = ~(np.isnan(true) | np.isnan(said))
    true, said = true[known], said[known]
    called = (said >= least).astype(int)
    return Answers(
        task, unit, ("no", "yes"), np.array(patients)[known], (true > DECIDED).astype(int), called,
        np.stack([1 - said, said], axis=1),
    )  # fmt: skip


def score_table(found: Sequence[Score]) -> str:
    """Scores as Markdown: first those of which something is asked, then, folded away, all others.

    Floors are met or missed by the value itself, not by its interval.
    """
    head = ("task", "unit", "number", "metric", "value (95 % interval)")
    asked = [(*_row(one), *_verdict(one)) for one in found if one.floor is not None]
    others = [_row(one) for one in found if one.floor is None]
    return "\n\n".join([
        table((*head, "asked for", ""), asked),
        f"<details><summary>All other metrics ({len(others)})</summary>",
        table(head, others),
        "</details>",
    ])  # fmt: skip


def _row(score: Score) -> tuple:
    return score.task, score.unit, score.count, score.metric, score.estimate


def _verdict(score: Score) -> tuple[str, str]:
    return f"≥ {score.floor:.2f}", "met" if score.estimate.value >= score.floor else "**missed**"
