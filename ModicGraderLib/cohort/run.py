"""run_cohort(): grades all studies of a cohort that are not done yet, wherever an executor grades them."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import FIRST_COMPLETED, CancelledError, Future, wait
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

from ..errors import Cancelled, InputError
from .executors import Executor
from .folder import CohortFolder, Failure
from .settings import Settings
from .study_list import StudyEntry
from .tally import Tally
from .worker import Outcome

ATTEMPTS = 3
"""How often a study is tried whose worker is killed."""

LOOK_S = 1.0
"""Seconds between two looks at the progress and at Ctrl-C."""

LOST = "its worker was lost, again and again"

Tell = Callable[[Path, Sequence[StudyEntry]], list[Path]]

Opened = AbstractContextManager[Executor]

Hear = Callable[[Outcome, int], None]


@dataclass(frozen=True)
class CohortEnd:
    """How a run ended: how many studies of the cohort are done, failed (also earlier), and left; and its files."""

    done: int
    failed: int
    left: int
    seconds: float
    files: list[Path]


def run_cohort(
    source: Path,
    entries: Sequence[StudyEntry],
    settings: Settings,
    executor: Opened,
    *,
    retry_failed: bool = False,
    show: Callable[[Tally], None] = lambda tally: None,
    tell: Tell | None = None,
) -> CohortEnd:
    """Grade what is not done yet, and tell the cohort as one.

    Parameters
    ----------
    source:
        The manifest or the folder that lists the entries.
    executor:
        `executors.local_executor` or `executors.dask_executor`, not yet entered.
    retry_failed:
        Try those again that failed earlier.
    show:
        Called about once a second, and at the end.
    tell:
        Writes the tables and pages of what is done, and returns their paths; `outcome.write_outcome` if None.

    Raises
    ------
    InputError
        The folder holds another cohort or is being worked in, or nothing can be graded with these settings.
    Cancelled
        Ctrl-C; what was finished is kept.
    """
    if tell is None:
        # Only here: tables and pages are of no use to workers.
        from .outcome import write_outcome as tell
    folder = CohortFolder(settings.directory)
    with folder.held():
        folder.claim(entries, settings, source)
        folder.sweep()
        if settings.keep_identity:
            from .identity import write_key

            write_key(settings.directory / "key.csv", entries)
        todo, tally = _left(folder, entries, retry_failed)
        interruption = _grade(todo, executor, folder, tally, show)
        folder.sweep()
        try:
            files = tell(settings.directory, entries)
        except KeyboardInterrupt:
            raise Cancelled(f"cancelled; {tally}, but the tables and the overview are not up to date") from None
    if interruption is not None:
        raise interruption
    return CohortEnd(tally.all_done, tally.failed, tally.left, tally.seconds, files)


def _left(folder: CohortFolder, entries: Sequence[StudyEntry], retry_failed: bool) -> tuple[list[StudyEntry], Tally]:
    """The studies that are neither done nor failed, and the count of those that are."""
    done = folder.done() & {entry.name for entry in entries}
    failures = [] if retry_failed else [one for one in folder.failures() if one.study not in done]
    folder.write_failures(failures)
    ended = done | {one.study for one in failures}
    tally = Tally(total=len(entries), done_before=len(done), failed=len(failures))
    return [entry for entry in entries if entry.name not in ended], tally


def _grade(
    todo: list[StudyEntry], executor: Opened, folder: CohortFolder, tally: Tally, show: Callable[[Tally], None]
) -> Exception | None:
    """Grade all; what came between is returned where the cohort has got further than it was, and raised elsewhere."""

    def hear(outcome: Outcome, attempts: int) -> None:
        if outcome.kind == "done":
            tally.done += 1
        else:
            tally.failed += 1
            folder.add_failure(Failure(outcome.study, outcome.kind, outcome.message, outcome.seconds, attempts))

    try:
        if todo:
            with executor as opened:
                _grade_all(todo, opened, hear, lambda: show(tally))
    except KeyboardInterrupt:
        return Cancelled(f"cancelled; {tally}; the same command goes on with the rest")
    except InputError as error:
        if not tally.done:
            raise
        return error
    show(tally)
    return None


def _grade_all(todo: Iterable[StudyEntry], executor: Executor, hear: Hear, look: Callable[[], None]) -> None:
    """Hand in studies as the executor can take them; one whose worker is killed is tried again after the others."""
    waiting = deque((entry, 1) for entry in todo)
    running: dict[Future[Outcome], tuple[StudyEntry, int]] = {}
    while waiting or running:
        free = executor.slots() - len(running)
        for _ in range(min(free, len(waiting))):
            entry, attempt = waiting.popleft()
            running[executor.submit(entry, attempt)] = entry, attempt
        ended, _ = wait(running, timeout=LOOK_S, return_when=FIRST_COMPLETED)
        for future in ended:
            entry, attempt = running.pop(future)
            outcome = _outcome(future, entry)
            if outcome.kind == "crash" and attempt < ATTEMPTS:
                waiting.append((entry, attempt + 1))
            else:
                hear(outcome, attempt)
        look()


def _outcome(future: Future[Outcome], entry: StudyEntry) -> Outcome:
    try:
        return future.result()
    except CancelledError:
        raise InputError(
            "the scheduler is gone; what is done is kept: start it again, and the same command goes on"
        ) from None
    except Exception as error:
        if isinstance(error, ModuleNotFoundError):
            raise InputError(f"a worker has no Python package {error.name}; install ModicGrader on every one") from None
        # Dask has this of its own, which need not be installed here.
        if type(error).__name__ == "KilledWorker":
            return Outcome(entry.name, "crash", LOST)
        raise
