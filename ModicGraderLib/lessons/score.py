"""How well a reader did over the cases of a session, and how well the machine did on the same discs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from scipy.stats import binomtest

from ..evaluation.metrics import Estimate, bootstrap, confusion, kappa
from .items import ITEMS, Grade

FEWEST_CASES, FEWEST_GRADES = 5, 20
"""Kappa of fewer is not given: its interval would be wider than all that kappa can be."""

BOOTSTRAPS = 500
"""Enough for an interval that is read to two digits, at once."""


class Task(NamedTuple):
    """Items that are scored together, and the power of the weights in their kappa (see `metrics.kappa`)."""

    items: tuple[str, ...]
    power: int


TASKS = {
    "modic": Task(("modic_upper", "modic_lower"), 0),
    "pfirrmann": Task(("pfirrmann",), 2),
    "narrowing": Task(("narrowing",), 0),
    "endplate_lesion": Task(("endplate_lesion",), 0),
}
"""Modic types have no order that a distance could follow; Pfirrmann's grades do, and take quadratic weights."""


@dataclass(frozen=True)
class Row:
    """One item of one case that was answered and has a true grade; `machine` is None where it gave none."""

    case: int
    item: str
    answer: Grade
    truth: Grade
    machine: Grade | None


@dataclass(frozen=True)
class Agreement:
    """Agreement of a reader with the truth.

    Attributes
    ----------
    right, count:
        Grades that are the true ones, of so many.
    accuracy:
        Their share, with Wilson's 95 % interval, as if every disc were another patient's.
    kappa:
        Cohen's kappa with its 95 % interval from a bootstrap over cases; None where there are too few.
    why_no_kappa:
        That in one sentence; empty where there is one.
    """

    right: int
    count: int
    accuracy: Estimate
    kappa: Estimate | None
    why_no_kappa: str


@dataclass(frozen=True)
class Score:
    """How a task was done.

    Attributes
    ----------
    task:
        One of `TASKS`.
    reader:
        On all that the reader answered.
    machine, reader_there:
        The machine, and the reader once more, on those of them that the machine graded; None where there are none.
    """

    task: str
    reader: Agreement
    machine: Agreement | None
    reader_there: Agreement | None


def score_rows(rows: Sequence[Row]) -> list[Score]:
    """The score of each task of which anything was answered."""
    scores = []
    for name, task in TASKS.items():
        mine = [row for row in rows if row.item in task.items]
        if not mine:
            continue
        there = [row for row in mine if row.machine is not None]
        scores.append(
            Score(
                name,
                _agreement(mine, [row.answer for row in mine], task),
                _agreement(there, [row.machine for row in there], task) if there else None,
                _agreement(there, [row.answer for row in there], task) if there else None,
            )
        )
    return scores


def _agreement(rows: Sequence[Row], given: Sequence[Grade], task: Task) -> Agreement:
    right = sum(grade == row.truth for grade, row in zip(given, rows, strict=True))
    interval = binomtest(right, len(rows)).proportion_ci(method="wilson")
    accuracy = Estimate(right / len(rows), float(interval.low), float(interval.high))
    why = _too_few(rows)
    return Agreement(right, len(rows), accuracy, None if why else _kappa(rows, given, task), why)


def _too_few(rows: Sequence[Row]) -> str:
    cases = len({row.case for row in rows})
    if cases < FEWEST_CASES or len(rows) < FEWEST_GRADES:
        return (
            f"Kappa needs {FEWEST_GRADES} grades in {FEWEST_CASES} cases; "
            f"so far there are {len(rows)} in {cases}: read on."
        )
    if len({row.truth for row in rows}) < 2:
        return "Kappa needs discs of different true grades, and all so far have the same: read other cases."
    return ""


def _kappa(rows: Sequence[Row], given: Sequence[Grade], task: Task) -> Estimate:
    grades = ITEMS[task.items[0]]
    truth = np.array([grades.index(row.truth) for row in rows])
    called = np.array([grades.index(grade) for grade in given])
    return bootstrap(
        lambda drawn: kappa(confusion(truth[drawn], called[drawn], len(grades)), task.power),
        [str(row.case) for row in rows],
        BOOTSTRAPS,
    )
