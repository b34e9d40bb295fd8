"""A worker that has its files ready at once: simulated spines of boxes, and a machine that grades them with errors."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
from small_study import small_study

from ModicGraderLib.anatomy import MODIC_MAP_LABELS
from ModicGraderLib.graded import GradedStudy
from ModicGraderLib.handover import save_graded
from ModicGraderLib.localization.spine import SpineLocation
from ModicGraderLib.simulation.case_file import build_case
from ModicGraderLib.simulation.files import write_study
from ModicGraderLib.simulation.simulate import SimulatedStudy
from ModicGraderLib.study import SpineStudy
from ModicGraderLib.worker import GRADED, REQUEST, STUDY

MACHINE_PFIRRMANN = 3
"""What this machine says of every disc."""


class LessonWorker:
    """A `launch.Launcher`.

    `requests` holds what was asked for, `fails` names the task that fails, and why; while `is_stuck`, nothing is done.
    """

    def __init__(self, see: Callable[[SimulatedStudy], SimulatedStudy] = lambda study: study):
        self.requests: list[dict] = []
        self.folders: list[Path] = []
        self.fails: dict[str, str] = {}
        self.is_stuck = False
        self._see = see
        self._study: SimulatedStudy | None = None

    def __call__(self, arguments: list[str], environment: Mapping[str, str]) -> subprocess.Popen:
        folder = Path(arguments[-1])
        request = json.loads((folder / REQUEST).read_text(encoding="utf-8"))
        self.requests.append(request)
        self.folders.append(folder)
        if self.is_stuck:
            return subprocess.Popen(["sleep", "60"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        if request["task"] in self.fails:
            return _say({"error": self.fails[request["task"]], "kind": "input"})
        if request["task"] == "simulate":
            case = build_case(request["case"], np.random.default_rng(request["seed"]))
            self._study = self._see(small_study(request["seed"], case))
            write_study(self._study, folder / STUDY)
            return _say({"done": STUDY})
        assert all((folder / request[role]).is_file() for role in ("t1", "t2"))
        save_graded(graded_with_errors(self._study), folder / GRADED)
        return _say({"done": GRADED})


def visible(study: SimulatedStudy) -> SimulatedStudy:
    """The study with changes that are easy to see, whatever its boxes look like."""
    for change in study.truth.input["simulated_changes"]:
        change |= {"called": True, "contrast_to_noise": 9.0, "largest_areas_mm2": [90.0, 90.0]}
    return study


def graded_with_errors(study: SimulatedStudy) -> GradedStudy:
    """The truth but for Pfirrmann, which is `MACHINE_PFIRRMANN` everywhere, and the lowest disc, which is missed."""
    discs = [
        replace(disc, pfirrmann=replace(disc.pfirrmann, grade=MACHINE_PFIRRMANN)) for disc in study.truth.discs[:-1]
    ]
    report = replace(study.truth, discs=discs, input={})
    return GradedStudy(
        SpineStudy(study.t1, study.t2),
        SpineLocation(study.discs, report.numbering, study.labels),
        report,
        {"modic_map": np.where(study.lesions > 0, MODIC_MAP_LABELS["I"], 0).astype(np.uint8)},
    )


def _say(words: dict) -> subprocess.Popen:
    lines = [json.dumps(one) for one in ({"pid": 2**22 + 1}, {"fraction": 0.5, "text": "Half of it is done"}, words)]
    return subprocess.Popen(["printf", "%s\\n", *lines], stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
