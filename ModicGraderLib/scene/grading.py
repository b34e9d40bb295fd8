"""Grades volumes of a scene in a process of its own, and adds the result to the scene. No Qt in here."""

from __future__ import annotations

import logging
import tempfile
from collections.abc import Callable
from pathlib import Path

import slicer

from ..errors import Cancelled, InputError
from ..handover import load_graded
from ..launch import Event, Launcher, Run, RunState, wait_for
from . import in_application
from .build import STUDY_NAME, SceneNodes, build_scene, studies
from .host import current_scene
from .launcher import launcher
from .views import arrange_views
from .volumes import dicom_files, write_volume

OUR_FAULT = "{error} (a fault of ModicGrader; please report it as README.md says)"

_LOGGER = logging.getLogger(__name__)


class GradingError(RuntimeError):
    """A grading failed by a fault that is not the input's; the message is one sentence."""


class SceneGrader:
    """One grading after the other, of volumes in a scene.

    A grading that fails or is cancelled leaves the scene as it was; one that is done replaces what an earlier grading
    of the same volume added, and no other node.

    Parameters
    ----------
    scene:
        The application's unless another is given; in plain Python one that is made.
    start_python:
        How the worker's Python is started, as `launcher.launcher` says unless given.

    Attributes
    ----------
    state:
        As of the last `poll`.
    name:
        Name of the study in the scene (see `build.find_study`); it is there once the state is DONE.
    problem:
        Why it failed, in one sentence for the user.

    Example
    -------
    >>> grader = SceneGrader()
    >>> nodes = grader.grade_study(t1, t2)  # doctest: +SKIP
    """

    def __init__(self, scene: slicer.vtkMRMLScene | None = None, start_python: Launcher | None = None):
        self._scene = scene or current_scene()
        self._run = Run(start_python or launcher())
        self.state, self.name, self.problem = RunState.IDLE, STUDY_NAME, ""
        self.nodes: SceneNodes | None = None
        self._is_fault = False

    def grade_study(
        self,
        t1: slicer.vtkMRMLScalarVolumeNode | None,
        t2: slicer.vtkMRMLScalarVolumeNode | None,
        lowest_disc: str | None = None,
        device: str = "auto",
        hear: Callable[[Event], None] = lambda event: None,
    ) -> SceneNodes:
        """Grade and wait for the result.

        Raises
        ------
        InputError
            The volumes cannot be graded, or the call is wrong.
        GradingError
            It failed otherwise.
        Cancelled
            `hear` has cancelled it.
        """
        self.start(t1, t2, lowest_disc=lowest_disc, device=device)
        end = wait_for(self, hear)
        if end is RunState.CANCELLED:
            raise Cancelled("cancelled; the scene is as it was")
        if end is RunState.FAILED:
            raise (GradingError if self._is_fault else InputError)(self.problem)
        return self.nodes

    def start(
        self,
        t1: slicer.vtkMRMLScalarVolumeNode | None,
        t2: slicer.vtkMRMLScalarVolumeNode | None,
        lowest_disc: str | None = None,
        device: str = "auto",
    ) -> None:
        """Start grading and return; then `poll` until the state is an end.

        Raises InputError where the volumes cannot be handed over, RuntimeError while a grading is under way.
        """
        if self.state.is_active:
            raise RuntimeError("this grading is not over yet")
        if t1 is None and t2 is None:
            raise InputError("neither T1 nor T2 was given; give at least one of them")
        if t1 is t2:
            raise InputError("T1 and T2 are the same volume; give one of each contrast")
        self._volumes = {role: node for role, node in (("t1", t1), ("t2", t2)) if node is not None}
        self.name, self.problem, self.nodes = self._name_for(t2 or t1), "", None
        self._folder = tempfile.TemporaryDirectory(
            prefix="ModicGrader-", dir=_temporary_folder(), ignore_cleanup_errors=True
        )
        folder = Path(self._folder.name)
        try:
            for role, node in self._volumes.items():
                write_volume(node, folder / f"{role}.nrrd", role.upper())
            images = {role: f"{role}.nrrd" if role in self._volumes else None for role in ("t1", "t2")}
            headers = {role: str(files[0]) for role, node in self._volumes.items() if (files := dicom_files(node))}
            options = {"headers": headers, "lowest_disc": lowest_disc, "device": device, "temporary": True}
            self._run.start(folder, {"task": "grade", **images, **options})
        except BaseException:
            self._folder.cleanup()
            raise
        self.state = self._run.state

    def poll(self) -> list[Event]:
        """What happened since the last call; adds the result to the scene when it is there. Never waits."""
        events = []
        for event in self._run.poll():
            if event.kind in ("done", "error", "cancelled"):
                event = self._conclude(event)
            events.append(event)
        if self.state.is_active and self._run.state.is_active:
            self.state = self._run.state
        return events

    def cancel(self) -> None:
        """End the grading; returns at once, and `poll` says when nothing of it is left."""
        self._run.cancel()
        if self._run.state.is_active:
            self.state = self._run.state

    def _conclude(self, end: Event) -> Event:
        try:
            if end.kind == "done":
                self._add_result(Path(self._folder.name) / end.text)
            elif end.kind == "error":
                self._is_fault = self._run.is_fault
                self.problem = OUR_FAULT.format(error=end.text) if self._is_fault else end.text
                _LOGGER.info("what the worker said last:\n%s", "\n".join(self._run.log))
            self.state = self._run.state
        except Exception as error:
            _LOGGER.exception("the result could not be added to the scene")
            self.problem = OUR_FAULT.format(error=f"the result could not be added to the scene: {error}")
            self.state, self._is_fault = RunState.FAILED, True
        finally:
            self._folder.cleanup()
        return Event("error", self.problem) if self.state is RunState.FAILED else end

    def _add_result(self, path: Path) -> None:
        graded = load_graded(path)
        # The user may have removed a volume meanwhile; the result brings its own then.
        given = {role: node for role, node in self._volumes.items() if self._scene.IsNodePresent(node)}
        self.nodes = build_scene(graded, self._scene, self.name, given)
        arrange_views(self._scene, self.nodes, graded)

    def _name_for(self, reference: slicer.vtkMRMLScalarVolumeNode) -> str:
        """The name of the study that was graded on this volume before, or one that is new to the scene."""
        taken = studies(self._scene)
        earlier = next((name for name, volume in taken.items() if volume is reference), None)
        number, name = 1, STUDY_NAME
        while name in taken:
            number += 1
            name = f"{STUDY_NAME} {number}"
        return earlier or name


def _temporary_folder() -> str | None:
    return slicer.app.temporaryPath if in_application() else None
