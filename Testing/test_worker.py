"""What the worker says, and leaves in its folder."""

import functools
import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from graded_example import example_graded_study

from ModicGraderLib import io, pipeline, worker
from ModicGraderLib.errors import ModelError
from ModicGraderLib.graded import GradedStudy
from ModicGraderLib.handover import load_graded
from ModicGraderLib.simulation import files as simulation_files


@functools.cache
def example() -> GradedStudy:
    return example_graded_study()


@pytest.fixture
def ask(tmp_path, monkeypatch, capfd):
    """Run the worker in this process on a request; what it says, and its exit code."""
    # Here they would end the tests.
    monkeypatch.setattr(worker, "_lead_group", lambda: None)
    monkeypatch.setattr(worker._Caller, "hold_leash", lambda caller, folder, temporary: None)

    def run(**request):
        (tmp_path / worker.REQUEST).write_text(json.dumps(request))
        code = worker.main([str(tmp_path)])
        said = [json.loads(line) for line in capfd.readouterr().out.splitlines() if line]
        return said, code

    return run


@pytest.fixture
def graded(monkeypatch):
    """A graded study that needs neither images nor networks; keeps what the pipeline was asked."""
    graded, calls = example(), []

    def grade_study(study, **options):
        calls.append({"study": study, **options})
        options["progress"].step(0.5, "Grading")
        return replace(graded, study=study)

    def read_study(t1, t2, headers, progress):
        calls.append({"headers": headers})
        volumes = {
            role: path and replace(getattr(graded.study, role), source={"path": str(path)})
            for role, path in (("t1", t1), ("t2", t2))
        }
        return replace(graded.study, **volumes)

    monkeypatch.setattr(io, "read_study", read_study)
    monkeypatch.setattr(pipeline, "grade_study", grade_study)
    return calls


def test_a_grading_says_its_number_its_progress_and_what_it_left(ask, graded, tmp_path):
    said, code = ask(task="grade", t1="t1.nrrd", t2="t2.nrrd")
    assert code == 0
    assert said[0] == {"pid": os.getpid()}
    assert said[-1] == {"done": "graded.npz"}
    fractions = [words["fraction"] for words in said[1:-1]]
    assert fractions == sorted(fractions)
    assert 0 <= fractions[0] < fractions[-1] < 1
    assert load_graded(tmp_path / "graded.npz").report == example().report
    assert sorted(path.name for path in tmp_path.iterdir()) == ["graded.npz", "request.json"]


def test_what_is_asked_for_reaches_the_pipeline(ask, graded):
    ask(task="grade", t2="t2.nrrd", headers={"t2": "/a/1.dcm"}, lowest_disc="L4/L5", device="cpu", only=["map"])
    reading, call = graded
    assert reading["headers"] == {"t2": Path("/a/1.dcm")}
    assert (call["lowest_disc"], call["device"], call["only"]) == ("L4/L5", "cpu", {"map"})
    assert call["study"].t1 is None


def test_volumes_are_named_without_the_folder_they_lay_in(ask, graded, tmp_path):
    ask(task="grade", t1="t1.nrrd", t2="t2.nrrd")
    study = load_graded(tmp_path / "graded.npz").study
    assert [volume.source["path"] for volume in study.volumes] == ["t1.nrrd", "t2.nrrd"]


@pytest.mark.parametrize(
    ("request_", "said"),
    [
        ({"task": "juggle"}, "'juggle' is no task; ask for one of grade, simulate"),
        ({"task": "grade"}, "neither T1 nor T2 was given"),
        ({"task": "grade", "t2": "t2.nrrd"}, "does not exist"),
        ({"task": "simulate", "case": "modic-9"}, "neither a case file nor a teaching case"),
        ({"task": "simulate", "case": {"schema": "modicgrader-case-2"}}, "modicgrader-case"),
    ],
)
def test_a_request_that_cannot_be_met_is_an_error_of_the_input(ask, request_, said):
    words, code = ask(**request_)
    assert code == 2
    assert words[-1]["kind"] == "input"
    assert said in words[-1]["error"]


@pytest.mark.parametrize(
    ("error", "kind", "said"),
    [
        (ModelError("disc-grader is damaged; install again"), "input", "install again"),
        (ModuleNotFoundError("No module", name="torch"), "input", "package torch is not installed"),
        (MemoryError(), "input", "too little memory"),
        (ZeroDivisionError("by\nnothing"), "fault", "ZeroDivisionError: by nothing"),
    ],
)
def test_errors_are_one_sentence_and_say_whose_they_are(ask, graded, monkeypatch, error, kind, said):
    def grade_study(study, **options):
        raise error

    monkeypatch.setattr(pipeline, "grade_study", grade_study)
    words, code = ask(task="grade", t2="t2.nrrd")
    assert code == (2 if kind == "input" else 1)
    assert words[-1]["kind"] == kind
    assert said in words[-1]["error"]


def test_a_simulation_takes_the_words_of_a_case_and_leaves_a_study(ask, monkeypatch, tmp_path):
    calls = []
    monkeypatch.setattr(
        simulation_files, "simulate_study", lambda *arguments, **pictures: calls.append((arguments, pictures))
    )
    case = {"schema": "modicgrader-case-1", "title": "Modic I", "discs": {"L4/L5": {"pfirrmann": 4}}}
    said, code = ask(task="simulate", seed=7, case=case, slices=3)
    assert (said[-1], code) == ({"done": "study"}, 0)
    assert calls == [((7, tmp_path / "study", case), {"slices": 3})]


def start(folder, work: str) -> subprocess.Popen:
    """A worker in a process of its own, whose grading is a line of Python."""
    script = (
        "import sys, time, pathlib; from ModicGraderLib import worker\n"
        f"def grade(folder, request, progress): {work}\n"
        "worker._grade = grade; sys.exit(worker.main(sys.argv[1:]))"
    )
    (folder / worker.REQUEST).write_text('{"task": "grade"}')
    return subprocess.Popen([sys.executable, "-c", script, str(folder)], stdout=subprocess.PIPE)


def test_it_ends_when_its_request_is_taken_away(tmp_path):
    process = start(tmp_path, "(folder / 'started').touch(); time.sleep(60)")
    while not (tmp_path / "started").exists():
        assert process.poll() is None
    (tmp_path / worker.REQUEST).unlink()
    assert process.wait(10) != 0
    process.stdout.close()


def test_it_ends_when_nobody_hears_it_and_leaves_a_folder_that_is_not_its_own(tmp_path):
    process = start(tmp_path, "(folder / 'started').touch(); time.sleep(60)")
    while not (tmp_path / "started").exists():
        assert process.poll() is None
    process.stdout.close()
    assert process.wait(10) != 0
    assert (tmp_path / worker.REQUEST).exists()


def test_what_a_library_leaves_on_a_line_does_not_hide_what_is_said(tmp_path):
    process = start(tmp_path, "print('no end of line', end='', flush=True); return 'x'")
    said = process.communicate(timeout=60)[0].decode().split("\n")
    assert json.loads([line for line in said if line][-1]) == {"done": "x"}


def test_it_starts_without_torch_and_without_images():
    check = "import sys, ModicGraderLib.launch; sys.exit(bool({'torch', 'numpy'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", check]).returncode == 0
