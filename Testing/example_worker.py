"""A worker that hands over the example study, or fails or waits, for tests of the panel: no network, no minute.

`python example_worker.py FOLDER HOW` says its progress as the worker does.
"""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path

from ModicGraderLib import launch, worker
from ModicGraderLib.errors import InputError
from ModicGraderLib.progress import Progress


def launcher(how: str) -> launch.Launcher:
    """A `launch.Launcher` of this worker; `how` is "done", "wrong", "broken" or "waits"."""

    def start(arguments: list[str], environment: Mapping[str, str]) -> subprocess.Popen:
        return launch.start_python([__file__, arguments[-1], how], environment)

    return start


def _work(how: str):
    def grade(folder: Path, request: dict, progress: Progress) -> str:
        for number, stage in enumerate(("Reading T1", "Finding the discs", "Grading the discs")):
            progress.step(number / 3, stage)
        if how == "wrong":
            raise InputError("No lumbar spine is seen in T2; check that it is a sagittal series of the lumbar spine.")
        if how == "broken":
            raise ZeroDivisionError("division by zero")
        if how == "waits":
            time.sleep(60)
        from graded_example import example_graded_study

        from ModicGraderLib.handover import save_graded

        save_graded(example_graded_study(), folder / "graded.npz")
        return "graded.npz"

    return grade


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parent))
    worker._grade = _work(sys.argv[2])
    sys.exit(worker.main(sys.argv[1:2]))
