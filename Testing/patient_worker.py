"""The worker with work that takes a minute and no processor, and other launchers, for tests of starting and ending.

`python patient_worker.py FOLDER` says its number and holds its leash as the worker does, starts a child of its own, and
then waits. `python patient_worker.py --launcher COMMAND...` only starts another process, as PythonSlicer does.
"""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path

from ModicGraderLib import launch, worker
from ModicGraderLib.progress import Progress

CHILD = "child.pid"
"""File in the folder with the number of the process that the work has started."""


def patient(arguments: list[str], environment: Mapping[str, str]) -> subprocess.Popen:
    """A `launch.Launcher` of the worker that waits."""
    return launch.start_python([__file__, arguments[-1]], environment)


def behind_a_launcher(arguments: list[str], environment: Mapping[str, str]) -> subprocess.Popen:
    """The same, with a process in between."""
    return launch.start_python([__file__, "--launcher", sys.executable, __file__, arguments[-1]], environment)


def slow_to_start(arguments: list[str], environment: Mapping[str, str]) -> subprocess.Popen:
    """The same, where the process in between takes a while before it starts the worker."""
    return launch.start_python([__file__, "--slow-launcher", sys.executable, __file__, arguments[-1]], environment)


def _wait(folder: Path, request: dict, progress: Progress) -> str:
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    (folder / CHILD).write_text(str(child.pid))
    progress.step(0.5, "Waiting")
    time.sleep(60)
    return "nothing"


if __name__ == "__main__":
    if sys.argv[1].endswith("launcher"):
        if sys.argv[1].startswith("--slow"):
            time.sleep(1.0)
        sys.exit(subprocess.run(sys.argv[2:]).returncode)
    worker._grade = _wait
    sys.exit(worker.main(sys.argv[1:]))
