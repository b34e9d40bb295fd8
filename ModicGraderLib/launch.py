"""Starts the worker from any Python, hears what it says, and ends it with all that it started. No Qt in here."""

from __future__ import annotations

import json
import os
import queue
import signal
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Any, Literal, Protocol

from .worker import REQUEST

POLL_S = 0.05
"""Seconds between two looks at a run that is waited for."""

KEPT_LINES = 50
"""Remarks of the worker that are kept, to be shown with a fault."""

Launcher = Callable[[list[str], Mapping[str, str]], subprocess.Popen]
"""Starts a Python with arguments and with environment variables of ours; its stdout is a pipe, stderr joins it."""


class RunState(Enum):
    """Where a run stands. The last three are ends: nothing of the run is left then but the files in its folder."""

    IDLE = "idle"
    STARTING = "starting"
    RUNNING = "running"
    CANCELLING = "cancelling"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def is_active(self) -> bool:
        """Whether processes of the run may be there."""
        return self in (RunState.STARTING, RunState.RUNNING, RunState.CANCELLING)


@dataclass(frozen=True)
class Event:
    """Something that happened: progress (what comes next, and the fraction that is done), a remark, or an end.

    `text` of "done" is the name of what was left in the folder, that of "error" is `Run.error`.
    """

    kind: Literal["progress", "log", "done", "error", "cancelled"]
    text: str = ""
    fraction: float | None = None


class Run:
    """One worker, from its start to its end; a run that has ended may be started again.

    Parameters
    ----------
    launcher:
        How a Python is started; as a plain process with this interpreter unless another way is given.

    Attributes
    ----------
    state:
        As of the last `poll`.
    error, is_fault:
        Why it failed, in one sentence, and whether that is a fault of ours rather than of the input.
    log:
        The last remarks of the worker and its libraries.

    Example
    -------
    >>> run = Run()
    >>> run.state
    <RunState.IDLE: 'idle'>
    """

    def __init__(self, launcher: Launcher | None = None):
        self._launcher = launcher or start_python
        self.state = RunState.IDLE
        self._forget()

    def start(self, folder: Path, request: Mapping[str, Any]) -> None:
        """Write `request` (see `worker`) into a folder and start a worker on it; returns at once.

        A Python that cannot be started is told by `poll`, as every other failure. Raises RuntimeError while active.
        """
        if self.state.is_active:
            raise RuntimeError("this run is not over yet")
        self._forget()
        self._request = Path(folder) / REQUEST
        self._request.write_text(json.dumps(dict(request)), encoding="utf-8")
        self.state = RunState.STARTING
        try:
            self._process = self._launcher(
                ["-m", "ModicGraderLib.worker", str(folder)], {"PYTHONPATH": python_path(os.environ)}
            )
        except OSError as error:
            self.error = f"the worker could not be started ({error.strerror}); install the application again"
            self._lines.put(None)
            return
        threading.Thread(target=_listen, args=(self._process, self._lines), daemon=True).start()

    def poll(self) -> list[Event]:
        """What happened since the last call, oldest first; empty where nothing did. Never waits."""
        events = []
        while self.state.is_active:
            try:
                line = self._lines.get_nowait()
            except queue.Empty:
                break
            event = self._end() if line is None else self._hear(line)
            if event is not None:
                events.append(event)
        return events

    def wait(self, hear: Callable[[Event], None] = lambda event: None) -> RunState:
        """As `wait_for`."""
        return wait_for(self, hear)

    def cancel(self) -> None:
        """End the worker and what it started; returns at once, and `poll` says when all of it is gone."""
        if self.state not in (RunState.STARTING, RunState.RUNNING):
            return
        self.state = RunState.CANCELLING
        # A worker that has not said its number yet finds no request when it gets to look for it. Where Windows does not
        # let go of the file because the worker reads it just now, the number is near.
        with suppress(OSError):
            self._request.unlink()
        if self._process is not None:
            self._process.kill()
        if self._pid is not None:
            end_group(self._pid)

    def _forget(self) -> None:
        self.error, self.is_fault = "", False
        self.log: deque[str] = deque(maxlen=KEPT_LINES)
        self._process: subprocess.Popen | None = None
        self._pid: int | None = None
        self._done: str | None = None
        # Each start has its own: a listener of an earlier one has nowhere to speak.
        self._lines: queue.SimpleQueue[str | None] = queue.SimpleQueue()

    def _hear(self, line: str) -> Event | None:
        words = _words(line)
        if words is None:
            return self._remark(line)
        if "pid" in words and self._pid is None:
            self._pid = int(words["pid"])
            if self.state is RunState.CANCELLING:
                end_group(self._pid)
            else:
                self.state = RunState.RUNNING
        elif "fraction" in words and self.state is RunState.RUNNING:
            return Event("progress", words["text"], words["fraction"])
        elif "done" in words:
            self._done = words["done"]
        elif "error" in words:
            self.error, self.is_fault = words["error"], words["kind"] == "fault"
        return None

    def _remark(self, line: str) -> Event | None:
        if not line:
            return None
        self.log.append(line)
        return Event("log", line)

    def _end(self) -> Event:
        """The pipe is closed by all who held it, so that nothing of the run is left."""
        if self.state is RunState.CANCELLING:
            self.state = RunState.CANCELLED
            return Event("cancelled")
        if self._done is not None:
            self.state = RunState.DONE
            return Event("done", self._done)
        self.state = RunState.FAILED
        if not self.error:
            code = self._process.returncode if self._process else None
            self.error, self.is_fault = f"the worker ended without a result (exit code {code})", True
        return Event("error", self.error)


class Pollable(Protocol):
    """A run, or what has one inside."""

    state: RunState

    def poll(self) -> list[Event]: ...

    def cancel(self) -> None: ...


def wait_for(run: Pollable, hear: Callable[[Event], None] = lambda event: None) -> RunState:
    """Poll until a run is over, and return its end. Ctrl-C, or an error in `hear`, ends the run first."""
    try:
        while run.state.is_active:
            for event in run.poll():
                hear(event)
            time.sleep(POLL_S)
    except BaseException:
        run.cancel()
        while run.state.is_active:
            run.poll()
            time.sleep(POLL_S)
        raise
    return run.state


def start_python(arguments: list[str], environment: Mapping[str, str]) -> subprocess.Popen:
    """A `Launcher` that starts the Python that runs this."""
    return subprocess.Popen(
        [sys.executable, *arguments],
        env={**os.environ, **environment},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )


def python_path(environment: Mapping[str, str]) -> str:
    """PYTHONPATH with which another Python finds this library too."""
    library = str(Path(__file__).resolve().parents[1])
    return os.pathsep.join(filter(None, (library, environment.get("PYTHONPATH"))))


def end_group(leader: int) -> None:
    """End a process that leads a group, and all of the group, at once; one that is gone already is well."""
    if leader <= 1:
        raise ValueError(f"{leader} leads no group that may be ended")
    if os.name == "nt":
        # Windows has no groups to end; the tool that ends trees is part of it.
        hidden = subprocess.CREATE_NO_WINDOW
        subprocess.run(["taskkill", "/F", "/T", "/PID", str(leader)], capture_output=True, creationflags=hidden)
        return
    # macOS says that a group of zombies may not be ended.
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(leader, signal.SIGKILL)


def _listen(process: subprocess.Popen, lines: queue.SimpleQueue[str | None]) -> None:
    """Pass on every line, and None at the end. Bytes are read: no locale can make a line unreadable."""
    with process.stdout:
        for line in getattr(process.stdout, "buffer", process.stdout):
            lines.put(line.decode("utf-8", errors="replace").rstrip())
    process.wait()
    lines.put(None)


def _words(line: str) -> dict[str, Any] | None:
    """What the worker says in a line; None where some library wrote it."""
    if not line.startswith("{"):
        return None
    try:
        return json.loads(line)
    except ValueError:
        return None
