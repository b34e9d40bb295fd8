"""Stands in for grading in tests of cohorts: fast, and as wild as the name of the study asks for.

`Settings.grader` is "cohort_stand_in:StandIn". What comes before the dash in the name of a study says what it does;
each start at a study appends a line to DIR/starts.txt, so that tests see what was done twice.
"""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

from ModicGraderLib.cohort.settings import Settings
from ModicGraderLib.cohort.study_list import StudyEntry
from ModicGraderLib.errors import InputError

GRADER = "cohort_stand_in:StandIn"

STARTS = "starts.txt"

BRIEF_S = 0.15
"""How long an ordinary study takes."""

LONG_S = 60.0


class StandIn:
    """As `StudyGrader`."""

    def __init__(self, settings: Settings) -> None:
        if settings.device == "mps":
            raise InputError("The device 'mps' is not available here")
        self._directory = settings.directory
        self._kept: list[bytearray] = []
        self._note("loaded")

    def __call__(self, entry: StudyEntry, folder: Path) -> None:
        self._note(entry.name)
        kind = entry.name.split("-")[0]
        if kind == "wrong":
            raise InputError(f"{entry.t1} is truncated or damaged; copy or export it again")
        if kind == "fault":
            raise ValueError(f"{entry.t1} of Phantom^Spine, born 19700101")
        if kind == "slow":
            time.sleep(LONG_S)
        if kind == "big":
            self._kept.append(bytearray(os.urandom(1 << 20) * 1024))
            time.sleep(LONG_S)
        if kind == "deadly" or (kind == "onceDeadly" and not self._started_before(entry.name)):
            os._exit(9)
        if kind == "loud":
            print("Phantom^Spine", flush=True)
            print("Phantom^Spine", file=sys.stderr, flush=True)
        time.sleep(BRIEF_S)
        folder.mkdir()
        for name in ("levels.csv", "report.json"):
            (folder / name).write_text(entry.name, encoding="utf-8")
            time.sleep(0.01)

    def _note(self, text: str) -> None:
        with (self._directory / STARTS).open("a", encoding="utf-8") as file:
            file.write(f"{os.getpid()} {text}\n")

    def _started_before(self, name: str) -> bool:
        return starts(self._directory).count(name) > 1


class Nothing:
    """A study takes no time at all, so that what is left is what the engine costs."""

    def __init__(self, settings: Settings) -> None: ...

    def __call__(self, entry: StudyEntry, folder: Path) -> None:
        folder.mkdir()
        (folder / "report.json").touch()


def starts(directory: Path) -> list[str]:
    """What was started, "loaded" once for each process; in order."""
    path = directory / STARTS
    return [line.split(" ", 1)[1] for line in path.read_text(encoding="utf-8").splitlines()] if path.exists() else []


def pids(directory: Path) -> list[int]:
    """Processes that grade or did so, in the order of their starts."""
    path = directory / STARTS
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    return list(dict.fromkeys(int(line.split(" ", 1)[0]) for line in lines))
