"""grade_entry(): what a worker does with one study, on this machine or as a task of a Dask cluster."""

from __future__ import annotations

import json
import shutil
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from ..errors import InputError
from .folder import CohortFolder
from .grading_process import GradingProcess, Kind, Trial
from .settings import Settings
from .study_list import StudyEntry

RUN = "run.json"
"""How a study was graded, beside its results."""

ROOM_GB = 0.2
"""Room on disk, in 1e9 bytes, below which no study is begun: a full disk would make failures of all that are left."""


@dataclass(frozen=True)
class Outcome:
    """What became of an attempt at a study; `kind` and `message` as `Trial` has them."""

    study: str
    kind: Kind
    message: str = ""
    seconds: float = 0.0


def grade_entry(settings: Settings, entry: StudyEntry, attempt: int) -> Outcome:
    """Grade a study in a process of its own, and put its results into the folder of the cohort, all at once.

    A study whose results are there already, since a worker that was thought lost had gone on, is not graded again.

    Parameters
    ----------
    attempt:
        Which one it is, from 1.

    Raises
    ------
    InputError, RuntimeError
        No study can be graded here: as `GradingProcess.grade`, or its folder is not seen or has no room.
    """
    folder = CohortFolder(settings.directory)
    if not folder.studies.is_dir():
        raise InputError(
            "a worker does not see the folder of the cohort; put it where all machines find it under the same path"
        )
    if shutil.disk_usage(folder.studies).free < ROOM_GB * 1e9:
        raise InputError(
            f"less than {ROOM_GB:g} GB are free where the results go; make room, and the same command goes on"
        )
    if folder.is_done(entry.name):
        return Outcome(entry.name, "done")
    with tempfile.TemporaryDirectory(prefix=f".{entry.name}-", dir=folder.studies, ignore_cleanup_errors=True) as name:
        unfinished = Path(name, entry.name)
        with _processes.lent(settings) as process:
            trial = process.grade(entry, unfinished)
        if trial.kind == "done":
            _write_run(unfinished / RUN, trial, process.name, attempt)
            folder.publish(unfinished, entry.name)
    return Outcome(entry.name, trial.kind, trial.message, trial.seconds)


def end_processes(settings: Settings) -> None:
    """End the grading processes of this worker that have these settings, also those at work."""
    _processes.end(settings)


def _write_run(path: Path, trial: Trial, worker: str, attempt: int) -> None:
    words = {
        "seconds": trial.seconds,
        "peak_memory_mb": trial.peak_memory_mb,
        "worker": worker,
        "attempt": attempt,
    }
    path.write_text(json.dumps(words), encoding="utf-8")


class _Processes:
    """The grading processes of this worker, kept from study to study: one for each of its threads at work."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._idle: list[GradingProcess] = []
        self._lent: set[GradingProcess] = set()

    @contextmanager
    def lent(self, settings: Settings) -> Iterator[GradingProcess]:
        """One that is idle, or a new one; it is kept if it is fit for another study."""
        process = self._take(settings)
        try:
            yield process
        finally:
            fit = process.is_fit()
            with self._lock:
                self._lent.discard(process)
                if fit:
                    self._idle.append(process)
            if not fit:
                process.end()

    def _take(self, settings: Settings) -> GradingProcess:
        with self._lock:
            others = [one for one in self._idle if one.settings != settings or not one.is_fit()]
            self._idle = [one for one in self._idle if one not in others]
            process = self._idle.pop() if self._idle else GradingProcess(settings)
            self._lent.add(process)
        for one in others:
            one.end()
        return process

    def end(self, settings: Settings) -> None:
        with self._lock:
            ended = [one for one in (*self._idle, *self._lent) if one.settings == settings]
            self._idle = [one for one in self._idle if one not in ended]
        for process in ended:
            process.end()


_processes = _Processes()
