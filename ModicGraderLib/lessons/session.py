"""TeachingSession: one case after the other, answered blind, revealed and scored."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from ..comparison import compare
from ..errors import InputError
from ..report import StudyReport
from .items import ITEMS, Grade, check_grade, look_at
from .score import Row, Score, score_rows
from .wish import Wish, case_words, difficulty_of

Sheet = dict[str, dict[str, Grade | None]]
"""Grades by level, head to foot, and item; None where open or withheld."""

LARGEST_SEED = 2**31


@dataclass(frozen=True)
class Draw:
    """A case before it is simulated: what was wished, the seed, and the words of a case file that follow from both."""

    wish: Wish
    seed: int

    @property
    def words(self) -> dict:
        """What to ask the simulator for."""
        return case_words(self.wish, self.seed)


@dataclass(frozen=True)
class Verdict:
    """One item of a case that was revealed. `answer` is None where left open, the others where no grade is given."""

    level: str
    item: str
    answer: Grade | None
    truth: Grade | None
    machine: Grade | None

    @property
    def right(self) -> bool | None:
        """Whether the reader is right; None where there is no answer or no true grade."""
        return _agrees(self.answer, self.truth)

    @property
    def machine_right(self) -> bool | None:
        """Whether the machine is; None as with the reader."""
        return _agrees(self.machine, self.truth)

    @property
    def look_at(self) -> str:
        """What to look at on the pictures."""
        return look_at(self.item, self.truth)


@dataclass(frozen=True)
class RevealedCase:
    """A case that is over: what was answered, what is true, and what the machine said of it.

    Attributes
    ----------
    number:
        Counts from 1.
    draw:
        From which the case can be simulated again.
    difficulty:
        As measured on its pictures; None where no Modic change is called.
    answers, truth, machine:
        `machine` is None where it did not grade the case.
    """

    number: int
    draw: Draw
    difficulty: str | None
    answers: Sheet
    truth: Sheet
    machine: Sheet | None

    @property
    def verdicts(self) -> list[Verdict]:
        """Every item of every disc in view, head to foot."""
        machine = self.machine or {}
        return [
            Verdict(level, item, self.answers[level][item], grades[item], machine.get(level, {}).get(item))
            for level, grades in self.truth.items()
            for item in ITEMS
        ]


@dataclass
class _OpenCase:
    """The case that is being read. Nothing outside this module looks at its truth."""

    number: int
    draw: Draw
    truth: StudyReport
    answers: Sheet = field(init=False)

    def __post_init__(self) -> None:
        levels = [one.level for one in compare(self.truth, self.truth)]
        self.answers = {level: dict.fromkeys(ITEMS) for level in levels}


class TeachingSession:
    """A reader's session.

    Parameters
    ----------
    seed:
        From which the cases are drawn; by lot if None.
    cases:
        Those of an earlier session that goes on.

    Example
    -------
    >>> session = TeachingSession(seed=1)
    >>> session.draw(Wish(finding="modic_1")) == TeachingSession(seed=1).draw(Wish(finding="modic_1"))
    True
    """

    def __init__(self, seed: int | None = None, cases: Sequence[RevealedCase] = ()):
        self.seed = secrets.randbelow(LARGEST_SEED) if seed is None else seed
        self._cases = list(cases)
        self._open: _OpenCase | None = None
        self._draws = 0

    @property
    def cases(self) -> tuple[RevealedCase, ...]:
        """Those that were revealed. The open one is not among them."""
        return tuple(self._cases)

    @property
    def next_number(self) -> int:
        """Number of the open case, or of the one that comes next."""
        return len(self._cases) + 1

    @property
    def levels(self) -> tuple[str, ...]:
        """The discs of the open case that are to be graded, head to foot; empty where no case is open."""
        return tuple(self._open.answers) if self._open else ()

    def draw(self, wish: Wish) -> Draw:
        """Another case for a wish. Every call draws another one, until one of them is begun."""
        rng = np.random.default_rng([self.seed, self.next_number, self._draws])
        self._draws += 1
        return Draw(wish, int(rng.integers(LARGEST_SEED)))

    def begin(self, draw: Draw, truth: StudyReport) -> None:
        """Open a simulated case; one that is open already and was not revealed is given up."""
        self._open = _OpenCase(self.next_number, draw, truth)
        self._draws = 0

    def answer(self, level: str, item: str, grade: Grade | None) -> None:
        """Fill in one item of the open case, or change it; None leaves it open.

        Raises
        ------
        InputError
            There is no such grade, or no case is open: what is changed after revealing does not count.
        """
        if self._open is None:
            raise InputError("no case is open; an answer counts only before its case is revealed")
        if level not in self._open.answers:
            raise InputError(f"{level!r} is not asked; give one of {', '.join(self._open.answers)}")
        check_grade(item, grade)
        self._open.answers[level][item] = grade

    def reveal(self, machine: StudyReport | None = None) -> RevealedCase:
        """Close the open case and tell what is true; from now on its answers stand.

        `machine` is the report that the program made of it. Raises InputError where no answer was given.
        """
        if self._open is None:
            raise InputError("no case is open; begin one")
        case = self._open
        if not any(grade is not None for grades in case.answers.values() for grade in grades.values()):
            raise InputError("nothing was answered; fill in at least one grade before you reveal the truth")
        revealed = RevealedCase(
            number=case.number,
            draw=case.draw,
            difficulty=difficulty_of(case.truth),
            answers=case.answers,
            truth=_sheet(case.truth, case.truth),
            machine=None if machine is None else _sheet(machine, case.truth),
        )
        self._cases.append(revealed)
        self._open = None
        return revealed

    def score(self) -> list[Score]:
        """The score of every task over all cases that were revealed."""
        rows = [
            Row(case.number, one.item, one.answer, one.truth, one.machine)
            for case in self._cases
            for one in case.verdicts
            if one.right is not None
        ]
        return score_rows(rows)


def _sheet(report: StudyReport, truth: StudyReport) -> Sheet:
    """The grades of a report at the discs of the truth."""
    return {one.level: {item: one.result[item] for item in ITEMS} for one in compare(report, truth)}


def _agrees(grade: Grade | None, truth: Grade | None) -> bool | None:
    return None if grade is None or truth is None else grade == truth
