"""MRML scenes of graded studies. Only modules below this one import Slicer; importing this one does not.

Slicer's classes come from the Slicer application, or in plain Python from the optional package `slicer-core`.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from importlib.util import find_spec
from pathlib import Path

from ..graded import GradedStudy
from ..handover import save_graded
from ..launch import python_path

TIME_LIMIT_S = 300
"""A scene takes seconds; a process that needs longer than this hangs."""


class SceneError(RuntimeError):
    """The scene could not be written or read. The message says why; nothing else is lost by it."""


def in_application() -> bool:
    """Whether this Python runs inside the Slicer application."""
    return hasattr(sys.modules.get("slicer"), "app")


def available() -> bool:
    """Whether scenes can be made here, found out without importing Slicer.

    The package is looked for as `slicer_core`: another package on PyPI is called `slicer`.
    """
    return in_application() or find_spec("slicer_core") is not None


def write_scene(graded: GradedStudy, path: Path) -> None:
    """Write a graded study as a Slicer scene (`.mrb`); the file appears whole or not at all.

    In plain Python another process does it, because Slicer's classes can end the one they run in. Raises `SceneError`
    where that happens, and where `available()` is false.
    """
    path = Path(path)
    if in_application():
        from .build import write_scene as write_here

        return write_here(graded, path)
    if not available():
        raise SceneError("the scene needs the package slicer-core; install it with: pip install slicer-core")
    # Beside the result, so that no picture of a patient ever lies outside the folder the user chose.
    with tempfile.TemporaryDirectory(dir=path.parent, prefix=".unfinished-") as folder:
        handed_over, finished = Path(folder) / "graded.npz", Path(folder) / path.name
        save_graded(graded, handed_over)
        failure = _run("ModicGraderLib.scene", handed_over, finished)
        # What counts is the file: an end with an error after it was written does no harm.
        if not finished.exists():
            raise SceneError(f"the scene was not written: {failure}")
        finished.replace(path)


def _run(module: str, *arguments: Path) -> str:
    """Run a module of this library in a Python of its own; what went wrong there, in words."""
    command = [sys.executable, "-m", module, *map(str, arguments)]
    environment = {**os.environ, "PYTHONPATH": python_path(os.environ)}
    try:
        done = subprocess.run(
            command, env=environment, capture_output=True, text=True, errors="replace", timeout=TIME_LIMIT_S
        )
    except subprocess.TimeoutExpired:
        return f"it took longer than {TIME_LIMIT_S} s"
    if done.returncode < 0:
        return f"Slicer's classes ended their process (signal {-done.returncode})"
    return (done.stderr.strip().splitlines() or [f"exit code {done.returncode}"])[-1]
