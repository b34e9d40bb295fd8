"""GradeStudy.py from its call to its files, as a user runs it: in plain Python, and as Slicer runs scripts."""

from __future__ import annotations

import csv
import os
import subprocess
import sys
from pathlib import Path

import pytest

from ModicGraderLib.anatomy import GRADED_DISCS
from ModicGraderLib.export.results import FILES
from ModicGraderLib.report import StudyReport
from ModicGraderLib.simulation.files import simulate_study

ROOT = Path(__file__).resolve().parents[1]
SCRIPT = str(ROOT / "ModicGrader" / "Scripts" / "GradeStudy.py")
PYTHON, SLICER = [sys.executable], [sys.executable, "-m", "Host"]
"""What runs the script; the host runs it as `Slicer --no-main-window --python-script` does."""


def run(program: list[str], *arguments: str) -> subprocess.CompletedProcess:
    paths = os.pathsep.join([str(ROOT / "Testing"), str(ROOT)]) if program is SLICER else ""
    return subprocess.run(
        [*program, SCRIPT, *arguments],
        env={**os.environ, "PYTHONPATH": paths, "QT_QPA_PLATFORM": "offscreen"},
        capture_output=True,
        text=True,
    )


@pytest.mark.parametrize("program", [PYTHON, SLICER], ids=["python", "slicer"])
def test_images_that_are_not_there_end_with_code_two_and_one_line(program, tmp_path):
    done = run(program, "--t1", str(tmp_path / "t1.nii.gz"), "-o", str(tmp_path / "result"))
    assert done.returncode == 2
    assert done.stderr.splitlines()[-1].startswith("GradeStudy.py: ")
    assert "does not exist" in done.stderr.splitlines()[-1]
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("arguments", "said"),
    [(["-o", "result"], "neither T1 nor T2 was given"), (["--t1", "t1.nrrd"], "-o/--output")],
)
def test_a_wrong_call_ends_with_code_two(arguments, said):
    done = run(PYTHON, *arguments)
    assert done.returncode == 2
    assert said in done.stderr


def test_a_simulated_study_is_graded_from_files_to_files(tmp_path):
    paths = simulate_study(7, tmp_path / "study")
    images = ["--t1", str(paths["t1"]), "--t2", str(paths["t2"])]
    done = run(PYTHON, *images, "-o", str(tmp_path / "result"), "--device", "cpu")
    assert done.returncode == 0, done.stderr
    # The program's own map is a file of its own only where a reader has edited it; others are written on request, or of
    # a study that is DICOM.
    absent = {"modic_map_machine.nii.gz", "report.pdf", "report.fhir.json"}
    written = [name for name in FILES if name not in absent and not name.startswith("dicom/")]
    assert done.stdout.split() == [str(tmp_path / "result" / name) for name in written]
    percents = [int(line.split("%")[0]) for line in done.stderr.splitlines() if line[3:4] == "%"]
    assert percents == sorted(percents)
    assert len(percents) > 10
    report = StudyReport.read(tmp_path / "result" / "report.json")
    assert [disc.level for disc in report.discs] == list(GRADED_DISCS)
    assert report.input["t1"]["path"] == "t1.nii.gz"
    with (tmp_path / "result" / "levels.csv").open(newline="") as table:
        assert len(list(csv.DictReader(table))) == len(GRADED_DISCS)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["result", "study"]
