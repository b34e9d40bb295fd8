"""Preparation: simulates the next case and has the machine grade it, in processes of their own, one after the other."""

from __future__ import annotations

import tempfile
from enum import Enum
from pathlib import Path

from ..graded import GradedStudy
from ..handover import load_graded
from ..launch import Launcher, Run
from ..report import StudyReport
from ..worker import GRADED, STUDY
from .session import TeachingSession
from .wish import Wish, fulfills

MOST_DRAWS = 4
"""After so many patients the last one is taken, though it is not quite what was wished."""

_VOLUMES = {"t1": f"{STUDY}/t1.nii.gz", "t2": f"{STUDY}/t2.nii.gz"}


class Stage(Enum):
    """How far a case is. While it is graded it can be read already."""

    IDLE = "idle"
    SIMULATING = "simulating"
    GRADING = "grading"
    READY = "ready"
    FAILED = "failed"

    @property
    def is_active(self) -> bool:
        """Whether a process is at work."""
        return self in (Stage.SIMULATING, Stage.GRADING)


class Preparation:
    """Prepares one case after the other for a session. `poll` does all the work; nothing here waits.

    Parameters
    ----------
    session:
        Draws the cases, and is told to begin them.
    launcher:
        How a Python is started (see `launch`).

    Attributes
    ----------
    stage:
        As of the last `poll`.
    fraction:
        How far the stage is. What is being done is not told: the machine says at which discs it looks longest.
    error:
        Why there is no case (`FAILED`), or why the machine did not grade it (`READY` without `graded`).
    graded:
        What the machine found; not to be shown before the case is revealed.
    """

    def __init__(self, session: TeachingSession, launcher: Launcher | None = None):
        self.session = session
        self._run = Run(launcher)
        self._folder: tempfile.TemporaryDirectory | None = None
        self._forget()

    @property
    def volumes(self) -> dict[str, Path]:
        """Files of T1 and T2 of the case, by role."""
        return {role: self._path(name) for role, name in _VOLUMES.items()}

    @property
    def labels(self) -> Path:
        """File of its true labels; not to be shown before the case is revealed."""
        return self._path(f"{STUDY}/labels.nii.gz")

    def start(self, wish: Wish, device: str = "auto") -> None:
        """Begin to prepare another case, which the machine grades on a device.

        What was under way is ended, and the files of the last case are removed.
        """
        self.close()
        self._wish, self._device = wish, device
        self._simulate()

    def poll(self) -> None:
        """Hear the processes, and take the next step when one is done."""
        for event in self._run.poll():
            if event.kind == "progress":
                self.fraction = event.fraction
            elif event.kind == "done":
                self._simulated() if self.stage is Stage.SIMULATING else self._graded()
            elif event.kind == "error":
                self.error = event.text
                self.stage = Stage.FAILED if self.stage is Stage.SIMULATING else Stage.READY

    def close(self) -> None:
        """End what is under way and remove the files; the session keeps what it knows."""
        self._run.cancel()
        self._run.wait()
        self._forget()

    def _forget(self) -> None:
        if self._folder is not None:
            self._folder.cleanup()
        self._folder = None
        self.stage, self.fraction, self.error = Stage.IDLE, 0.0, ""
        self.graded: GradedStudy | None = None
        self._draws = 0

    def _simulate(self) -> None:
        if self._folder is not None:
            self._folder.cleanup()
        # Its name says nothing of what is in it.
        self._folder = tempfile.TemporaryDirectory(prefix="lesson-")
        self._draw = self.session.draw(self._wish)
        self._draws += 1
        self.stage, self.fraction = Stage.SIMULATING, 0.0
        words = {"task": "simulate", "seed": self._draw.seed, "case": self._draw.words, "temporary": True}
        self._run.start(self._path("."), words)

    def _simulated(self) -> None:
        truth = StudyReport.read(self._path(f"{STUDY}/truth.json"))
        if not fulfills(truth, self._wish) and self._draws < MOST_DRAWS:
            return self._simulate()
        self.session.begin(self._draw, truth)
        self.stage, self.fraction = Stage.GRADING, 0.0
        words = {"task": "grade", **_VOLUMES, "device": self._device, "temporary": True}
        self._run.start(self._path("."), words)
        return None

    def _graded(self) -> None:
        self.graded = load_graded(self._path(GRADED))
        self.stage = Stage.READY

    def _path(self, name: str) -> Path:
        return Path(self._folder.name) / name
