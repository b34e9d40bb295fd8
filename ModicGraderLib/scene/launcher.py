"""How the worker's Python is started: Slicer's own inside the application, this one elsewhere."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Mapping

from ..launch import Launcher, python_path, start_python
from . import in_application


def launcher() -> Launcher:
    """The `launch.Launcher` for where this runs."""
    return start_python_slicer if in_application() else start_python


def start_python_slicer(arguments: list[str], environment: Mapping[str, str]) -> subprocess.Popen:
    """Start PythonSlicer without a console window. It is a launcher: the process that works is another.

    Raises FileNotFoundError where this Slicer has none.
    """
    import slicer.util

    python = shutil.which("PythonSlicer")
    if python is None:
        raise FileNotFoundError(2, "PythonSlicer is not on the application's path")
    # Slicer hands the user's environment on without its own paths, so that what was there before counts.
    ours = {**environment, "PYTHONPATH": python_path(slicer.util.startupEnvironment())}
    return slicer.util.launchConsoleProcess([python, *arguments], updateEnvironment=ours)
