"""Tests of the processes that grade: bounds of time and memory, ends of all kinds, and what they say."""

import os
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import cohort_stand_in
import psutil
import pytest
from cohort_stand_in import GRADER, pids, starts

from ModicGraderLib.cohort import grading_process
from ModicGraderLib.cohort.grading_process import GradingProcess
from ModicGraderLib.cohort.settings import Settings
from ModicGraderLib.cohort.study_list import StudyEntry
from ModicGraderLib.errors import InputError

Start = Callable[..., GradingProcess]


@pytest.fixture
def start(tmp_path, monkeypatch) -> Iterator[Start]:
    """Starts processes that grade with the stand-in, and ends them after the test."""
    monkeypatch.setenv("PYTHONPATH", str(Path(cohort_stand_in.__file__).parent))
    started = []

    def process(**settings: object) -> GradingProcess:
        started.append(GradingProcess(Settings(tmp_path, **{"grader": GRADER, **settings})))
        return started[-1]

    yield process
    for one in started:
        one.end()


def entry(name: str) -> StudyEntry:
    return StudyEntry(name, name, t1=Path("/scans/Phantom^Spine/t1.nii.gz"))


def test_networks_are_loaded_once_and_studies_graded_one_after_the_other(start, tmp_path):
    process = start()
    trials = [process.grade(entry(name), tmp_path / name) for name in ("a", "b")]
    assert [trial.kind for trial in trials] == ["done", "done"]
    assert starts(tmp_path) == ["loaded", "a", "b"]
    assert (tmp_path / "b" / "report.json").exists()
    assert all(0 < trial.seconds < 30 and 10 < trial.peak_memory_mb < 1000 for trial in trials)
    assert process.is_fit()


def test_a_process_that_graded_many_studies_makes_way_for_a_new_one(start, tmp_path, monkeypatch):
    monkeypatch.setattr(grading_process, "STUDIES", 2)
    process = start()
    process.grade(entry("a"), tmp_path / "a")
    assert process.is_fit()
    process.grade(entry("b"), tmp_path / "b")
    assert not process.is_fit()


def test_a_wrong_study_and_a_fault_are_told_without_names_and_only_the_fault_costs_the_process(start, tmp_path):
    process = start()
    wrong = process.grade(entry("wrong"), tmp_path / "wrong")
    assert (wrong.kind, wrong.message) == ("input", "T1 is truncated or damaged; copy or export it again")
    assert process.is_fit()
    fault = process.grade(entry("fault"), tmp_path / "fault")
    assert fault.kind == "fault"
    assert fault.message.startswith("ValueError in cohort_stand_in.__call__, line ")
    assert "Phantom" not in fault.message and "1970" not in fault.message
    assert not process.is_fit()


@pytest.mark.parametrize(
    ("name", "settings", "kind", "said"),
    [
        ("slow", {"timeout_s": 0.5}, "timeout", "it takes more than 0.5 s; give it longer with --timeout"),
        ("big", {"memory_gb": 0.5}, "memory", "it needs more than 0.5 GB of memory; give more with --memory"),
    ],
)
def test_who_exceeds_a_bound_is_ended(start, tmp_path, name, settings, kind, said):
    process = start(**settings)
    began = time.monotonic()
    trial = process.grade(entry(name), tmp_path / name)
    assert (trial.kind, trial.message) == (kind, said)
    assert time.monotonic() - began < 30
    assert not psutil.pid_exists(pids(tmp_path)[0])


def test_the_end_of_a_process_is_a_crash_of_its_study(start, tmp_path):
    process = start()
    trial = process.grade(entry("deadly"), tmp_path / "deadly")
    assert trial.kind == "crash"
    assert trial.message.startswith("the worker ended with code 9, as where the machine runs out of memory; try")
    assert not process.is_fit()


@pytest.mark.skipif(os.name == "nt", reason="Windows has no signals that end processes")
def test_a_process_killed_while_idle_crashes_its_next_study_only(start, tmp_path):
    process = start()
    process.grade(entry("a"), tmp_path / "a")
    os.kill(pids(tmp_path)[0], signal.SIGKILL)
    trial = process.grade(entry("b"), tmp_path / "b")
    assert (trial.kind, trial.message.split(",")[0]) == ("crash", "the worker was ended by signal 9")


def test_settings_with_which_nothing_can_be_graded_are_refused(start, tmp_path):
    with pytest.raises(InputError, match="'mps' is not available here"):
        start(device="mps").grade(entry("a"), tmp_path / "a")


def test_who_cannot_even_start_is_the_matter_of_all_studies(start, tmp_path):
    with pytest.raises(InputError, match=r"the Python package no_such_module is not installed; README\.md says how$"):
        start(grader="no_such_module:Grader").grade(entry("a"), tmp_path / "a")
    with pytest.raises(RuntimeError, match=r"^AttributeError in child\._grader, line"):
        start(grader="cohort_stand_in:Nobody").grade(entry("a"), tmp_path / "a")


def test_what_libraries_print_is_thrown_away(start, tmp_path, capfd):
    assert start().grade(entry("loud"), tmp_path / "loud").kind == "done"
    assert capfd.readouterr() == ("", "")
