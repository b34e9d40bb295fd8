"""How far the program agrees with given labels: each task with intervals by bootstrap over patients.

Two figures are always told: of all discs as the program calls them, those too whose grade it withholds, and of those
whose grade it gives. The second alone would flatter, the first alone would not be what a user gets.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ..evaluation.answers import METRICS, Answers
from ..evaluation.metrics import BOOTSTRAPS, Estimate, bootstrap
from .agreement_tasks import TASKS, Answered, Task
from .outcome_read import rows_of
from .overview_shares import ENOUGH_PATIENTS
from .study_list import StudyEntry

DRAWN_ROWS = 4_000_000
LEAST_DRAWS = 200
"""Of many discs fewer bootstrap draws are taken, so that they draw no more rows than this, but so many at least: their
intervals are narrow, and need not be known to a hundredth of their width."""


@dataclass(frozen=True)
class Measured:
    """The answers to a task beside its labels, and how good they are: measures by the names in `answers.METRICS`."""

    answers: Answers
    measures: Mapping[str, Estimate]

    @property
    def count(self) -> int:
        """Number of discs or endplates."""
        return len(self.answers.truth)


@dataclass(frozen=True)
class TaskAgreement:
    """Agreement in one task.

    Attributes
    ----------
    labelled:
        Discs or endplates with a label in the studies that are done.
    called:
        Those of them that were found, with what the program gives or would call.
    given:
        Those of them whose grade it gives.
    """

    task: Task
    labelled: int
    called: Measured
    given: Measured

    @property
    def coverage(self) -> float:
        """Share of the labelled ones whose grade is given."""
        return self.given.count / self.labelled

    @property
    def patients(self) -> int:
        return len(set(self.called.answers.patients))


@dataclass(frozen=True)
class Agreement:
    """Agreement in all tasks that have labels; of how many labelled studies, and how many of these are done."""

    tasks: tuple[TaskAgreement, ...]
    labelled_studies: int
    done_studies: int


def agreement_of(directory: Path, entries: Sequence[StudyEntry]) -> Agreement:
    """Compare what a cohort's tables say with the labels of its entries.

    Discs that a reader would not use (`DiscLabels.excluded`) are compared too: the program graded them.
    """
    labelled = [entry for entry in entries if entry.labels]
    names = [entry.name for entry in labelled]
    done = {row["study"] for row in rows_of(directory, "studies", names)}
    rows: dict[tuple[str, str, str], dict[str, Any]] = {
        (row["study"], row["level"], row.get("endplate", "")): row
        for table in ("cohort", "endplates")
        for row in rows_of(directory, table, names)
    }
    there = [entry for entry in labelled if entry.name in done]
    compared = [_compared(task, there, rows) for task in TASKS]
    return Agreement(tuple(one for one in compared if one is not None), len(labelled), len(there))


def _compared(
    task: Task, entries: Sequence[StudyEntry], rows: Mapping[tuple[str, str, str], Mapping[str, Any]]
) -> TaskAgreement | None:
    """Agreement in a task; None where nothing is labelled."""
    labelled, cases = 0, []
    for entry in entries:
        for level, labels in entry.labels.items():
            for side in task.sides:
                label, row = task.label(labels, side), rows.get((entry.name, level, side))
                labelled += label is not None
                answer = task.answer(row) if row is not None and label is not None else None
                if answer is not None:
                    cases.append((entry.patient, label, answer))
    if not labelled:
        return None
    given = [case for case in cases if case[2].given]
    called = _measured(task, cases)
    return TaskAgreement(task, labelled, called, called if len(given) == len(cases) else _measured(task, given))


def _measured(task: Task, cases: Sequence[tuple[str, str, Answered]]) -> Measured:
    numbers = {name: number for number, name in enumerate(task.classes)}
    answers = Answers(
        task=task.title,
        unit=task.unit,
        classes=task.classes,
        patients=np.array([patient for patient, _, _ in cases], dtype=str),
        truth=np.array([numbers[label] for _, label, _ in cases], int),
        called=np.array([numbers[answer.called] for _, _, answer in cases], int),
        chances=np.array([answer.chances for _, _, answer in cases]).reshape(-1, len(task.classes)),
    )
    return Measured(answers, {name: _estimate(answers, METRICS[name]) for name in (task.metrics if cases else ())})


def _estimate(answers: Answers, metric: Callable[[Answers, np.ndarray], float]) -> Estimate:
    """A metric with its interval, which is NaN of too few patients: drawn again and again they vary too little."""
    count = len(answers.truth)
    if len(set(answers.patients)) < ENOUGH_PATIENTS:
        return Estimate(metric(answers, np.arange(count)), np.nan, np.nan)
    draws = max(LEAST_DRAWS, min(BOOTSTRAPS, DRAWN_ROWS // count))
    return bootstrap(lambda rows: metric(answers, rows), answers.patients, draws)
