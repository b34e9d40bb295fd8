"""Keeps the panel alive while a study is graded: looks after the run from the application's own event loop."""

from __future__ import annotations

from collections.abc import Callable

import qt
import slicer

from ..launch import RunState
from ..scene.grading import SceneGrader

POLL_MS = 100
"""Milliseconds between two looks at the run."""


class GradingRun:
    """One grading that the panel has started.

    :param onProgress: called with how much is done, from 0 to 1, and what comes next.
    :param onEnd: called once, with the study's name and None, with None and the problem in one sentence, or with
        None and None where the user has cancelled.
    """

    def __init__(
        self,
        grader: SceneGrader,
        onProgress: Callable[[float, str], None],
        onEnd: Callable[[str | None, str | None], None],
    ):
        self._grader, self._onProgress, self._onEnd = grader, onProgress, onEnd
        self._timer = qt.QTimer()
        self._timer.setInterval(POLL_MS)
        self._timer.connect("timeout()", self.poll)

    def start(
        self,
        t1: slicer.vtkMRMLScalarVolumeNode | None,
        t2: slicer.vtkMRMLScalarVolumeNode | None,
        lowestDisc: str | None = None,
        device: str = "auto",
    ) -> None:
        """Start grading and return; raises InputError where the volumes cannot be graded."""
        self._grader.start(t1, t2, lowest_disc=lowestDisc, device=device)
        self._timer.start()

    def isRunning(self) -> bool:
        """Whether the run is not over yet; one that is being cancelled is not."""
        return self._grader.state.is_active

    def cancel(self) -> None:
        """End the run; `onEnd` is called when nothing of it is left."""
        self._grader.cancel()

    def poll(self) -> None:
        """Pass on what happened; called by the timer."""
        for event in self._grader.poll():
            if event.kind == "progress":
                self._onProgress(event.fraction, event.text)
        if not self._grader.state.is_active and self._timer.isActive():
            self._timer.stop()
            done = self._grader.state is RunState.DONE
            self._onEnd(self._grader.name if done else None, self._grader.problem or None)
