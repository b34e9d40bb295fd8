"""GradingProcess: a process of its own that grades studies, watched from outside for time and memory.

A process that we start and speak to through its pipes, rather than a pool of `multiprocessing`, because it can be
started where a Dask worker, itself a daemon, may have no children of that kind; because it can be ended in the midst of
any library's code without harm to others, whose pipes are their own; and because its end tells for certain what
happened to which study. It ends by itself when the one who started it is gone.
"""

from __future__ import annotations

import json
import os
import queue
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Literal

import psutil

from ..errors import InputError
from ..launch import python_path
from .child import to_words
from .settings import Settings
from .study_list import StudyEntry

LOOK_S = 0.1
"""Seconds between two looks at time and memory."""

START_S = 600.0
"""Seconds within which it must have started and loaded the networks, also from a slow disk."""

END_S = 10.0
"""Seconds within which a process that was killed is gone."""

STUDIES = 500
"""Studies after which a process makes way for a new one: libraries let a process grow by some 20 MB in a hundred of
them (docs/cohort.md), which would be gigabytes in a large cohort, while loading the networks takes but seconds."""

Kind = Literal["done", "input", "timeout", "memory", "crash", "fault"]


@dataclass(frozen=True)
class Trial:
    """How one attempt at a study ended: `message` says why where it was not done."""

    kind: Kind
    message: str
    seconds: float
    peak_memory_mb: float


class GradingProcess:
    """One process; models are loaded once.

    Attributes
    ----------
    settings:
        Those it was started with.
    name:
        Tells it from all others, whose numbers may be the same on another machine.
    """

    def __init__(self, settings: Settings) -> None:
        self.settings, self.name = settings, uuid.uuid4().hex[:8]
        threads = {} if settings.threads is None else {"OMP_NUM_THREADS": str(settings.threads)}
        self._process = subprocess.Popen(
            [sys.executable, "-m", "ModicGraderLib.cohort.child"],
            env={**os.environ, "PYTHONPATH": python_path(os.environ), **threads},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            # Not in the group of the terminal, whose Ctrl-C is for the driver.
            start_new_session=True,
        )
        self._answers: queue.SimpleQueue[dict[str, Any] | None] = queue.SimpleQueue()
        threading.Thread(target=_listen, args=(self._process.stdout, self._answers), daemon=True).start()
        self._is_ready = self._is_spoiled = False
        self._graded = 0

    def is_fit(self) -> bool:
        """Whether it can be asked for another study: it is there, whole after the last, and has not had `STUDIES`."""
        return not self._is_spoiled and self._graded < STUDIES and self._process.poll() is None

    def end(self) -> None:
        """End it at once, whatever it is doing; returns when it is gone."""
        self._process.kill()
        with suppress(OSError):
            self._process.stdin.close()
        # One that waits for storage that has gone ends when that comes back.
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(timeout=END_S)

    def grade(self, entry: StudyEntry, folder: Path) -> Trial:
        """Let it grade a study and make the folder of results.

        Raises
        ------
        InputError, RuntimeError
            No study at all can be graded with these settings, on this machine.
        """
        if not self._is_ready:
            self._start()
            if not self._is_ready:
                return self._crash(0.0, 0.0)
        began, peak = time.monotonic(), 0
        self._say({**to_words(entry), "folder": str(folder)})
        while True:
            # Looked at before the answer is waited for, so that the shortest study has a figure too.
            peak = max(peak, self._memory())
            seconds = time.monotonic() - began
            if peak > self.settings.memory_gb * 1e9:
                self.end()
                text = f"it needs more than {self.settings.memory_gb:g} GB of memory; give more with --memory"
                return self._trial("memory", text, seconds, peak)
            if seconds > self.settings.timeout_s:
                self.end()
                text = f"it takes more than {self.settings.timeout_s:g} s; give it longer with --timeout"
                return self._trial("timeout", text, seconds, peak)
            try:
                answer = self._answers.get(timeout=LOOK_S)
            except queue.Empty:
                continue
            seconds = time.monotonic() - began
            if answer is None:
                return self._crash(seconds, peak)
            self._is_spoiled = answer.get("kind") in ("memory", "fault")
            self._graded += 1
            return self._trial(answer.get("kind", "done"), answer.get("error", ""), seconds, peak)

    def _start(self) -> None:
        self._say(self.settings.to_dict())
        try:
            answer = self._answers.get(timeout=START_S)
        except queue.Empty:
            self.end()
            raise RuntimeError(f"a worker was not ready within {START_S:.0f} s") from None
        if answer is not None and "error" in answer:
            self.end()
            raise (InputError if answer["kind"] == "input" else RuntimeError)(answer["error"])
        self._is_ready = answer is not None
        if not self._is_ready and (code := self._process.wait()) > 0:
            raise RuntimeError(f"a worker ended with code {code} while it started; MODICGRADER_DEBUG=1 shows why")

    def _say(self, words: Mapping[str, Any]) -> None:
        # Where nobody reads any more, the end is told by the answers.
        with suppress(OSError, ValueError):
            self._process.stdin.write(json.dumps(words).encode() + b"\n")
            self._process.stdin.flush()

    def _memory(self) -> int:
        """Resident bytes; 0 where it is gone."""
        try:
            return psutil.Process(self._process.pid).memory_info().rss
        except psutil.Error:
            return 0

    def _crash(self, seconds: float, peak: float) -> Trial:
        code = self._process.wait()
        how = f"was ended by signal {-code}" if code < 0 else f"ended with code {code}"
        text = f"the worker {how}, as where the machine runs out of memory; try --retry-failed with fewer workers"
        return self._trial("crash", text, seconds, peak)

    @staticmethod
    def _trial(kind: Kind, message: str, seconds: float, peak: float) -> Trial:
        return Trial(kind, message, round(seconds, 2), round(peak / 1e6, 1))


def _listen(stdout: IO[bytes], answers: queue.SimpleQueue[dict[str, Any] | None]) -> None:
    with stdout:
        for line in stdout:
            answers.put(json.loads(line))
    answers.put(None)
