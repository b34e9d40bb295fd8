"""How far a cohort is: a line that grows on a terminal, a line now and then elsewhere."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

LINE_S = 60.0
"""Seconds between two lines where nobody watches."""


@dataclass
class Tally:
    """Counts of studies: `total` of the cohort, `done_before` and `done` earlier and in this run, `failed` of both.

    Example
    -------
    >>> str(Tally(total=10, done_before=3, done=2, failed=1))
    '5 of 10 studies done, 1 failed'
    """

    total: int
    done_before: int = 0
    failed: int = 0
    done: int = 0
    began: float = field(default_factory=time.monotonic)

    def __post_init__(self) -> None:
        self._failed_before = self.failed

    @property
    def all_done(self) -> int:
        return self.done_before + self.done

    @property
    def left(self) -> int:
        return self.total - self.all_done - self.failed

    @property
    def seconds(self) -> float:
        """Since the run began."""
        return time.monotonic() - self.began

    @property
    def per_hour(self) -> float:
        """Studies that ended in this run, by the hour."""
        return 3600 * (self.done + self.failed - self._failed_before) / max(self.seconds, 1e-3)

    @property
    def seconds_left(self) -> float | None:
        """None before the first study has ended."""
        return 3600 * self.left / self.per_hour if self.per_hour else None

    def __str__(self) -> str:
        failed = f", {self.failed} failed" if self.failed else ""
        return f"{self.all_done} of {self.total} studies done{failed}"

    @property
    def line(self) -> str:
        """All of it in words."""
        if not self.left:
            return f"{self} in {duration(self.seconds)}"
        if self.seconds_left is None:
            return f"{self}, {self.left} left"
        return f"{self}, {self.left} left, {self.per_hour:.0f} an hour, {duration(self.seconds_left)} to go"


def duration(seconds: float) -> str:
    """Seconds as people say them: "40 s", "12 min", "3.5 h", "6.2 days"."""
    for unit, size, digits in (("days", 86400, 1), ("h", 3600, 1), ("min", 60, 0)):
        if seconds >= 2 * size:
            return f"{seconds / size:.{digits}f} {unit}"
    return f"{seconds:.0f} s"


@contextmanager
def shown_tally() -> Iterator[Callable[[Tally], None]]:
    """What shows a tally on stderr: a bar where that is a terminal, else a line each minute."""
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn

    console = Console(stderr=True)
    if not console.is_terminal:
        yield _lines()
        return
    with Progress(BarColumn(), TextColumn("{task.description}"), console=console, transient=True) as bar:
        task = bar.add_task("Starting", total=1.0)
        yield lambda tally: bar.update(
            task, total=tally.total, completed=tally.total - tally.left, description=tally.line
        )


def _lines() -> Callable[[Tally], None]:
    said = time.monotonic()

    def show(tally: Tally) -> None:
        nonlocal said
        if time.monotonic() - said >= LINE_S:
            said = time.monotonic()
            print(f"modicgrader: {tally.line}", file=sys.stderr, flush=True)

    return show
