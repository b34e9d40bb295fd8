"""Tests of the command line: exit codes, the one line on stderr, and what is left behind."""

import dataclasses
import json
import os
import subprocess
import sys
import time
from contextlib import contextmanager

import pytest
from graded_example import example_graded_study

from ModicGraderLib import __version__, cli, io, pipeline, scene
from ModicGraderLib.errors import InputError
from ModicGraderLib.export import dicom
from ModicGraderLib.export.printed import BROWSER
from ModicGraderLib.io import dicomweb

GRADE = ("grade", "--t1", "t1.nii.gz", "--t2", "t2.nii.gz", "-o")


@pytest.fixture
def stand_in(monkeypatch):
    """A study that needs no images and no networks; returns the keyword arguments the pipeline was called with."""
    graded, calls = example_graded_study(), []

    def grade_study(study, **options):
        calls.append(options)
        options["progress"].step(0.5, "Grading")
        return graded

    monkeypatch.setattr(io, "read_study", lambda t1, t2, progress: graded.study)
    monkeypatch.setattr(io, "read_dicom_study", lambda folder, progress: graded.study)
    monkeypatch.setattr(pipeline, "grade_study", grade_study)
    monkeypatch.setattr(scene, "available", lambda: False)
    return calls


def fails_in_the_pipeline(monkeypatch, error):
    def grade_study(study, **options):
        raise error

    monkeypatch.setattr(pipeline, "grade_study", grade_study)


def test_grading_writes_the_results_and_prints_the_levels(stand_in, tmp_path, capsys):
    assert cli.main([*GRADE, str(tmp_path / "out")]) == 0
    printed = capsys.readouterr()
    assert "L4/L5" in printed.out
    assert f"{tmp_path / 'out' / 'report.html'}" in printed.out
    assert printed.err == ""
    assert (tmp_path / "out/report.json").is_file()


def test_json_on_stdout_is_json_alone(stand_in, tmp_path, capsys):
    assert cli.main([*GRADE, str(tmp_path / "out"), "--json"]) == 0
    printed = json.loads(capsys.readouterr().out)
    assert [disc["level"] for disc in printed["discs"]][-1] == "L5/S1"
    assert str(tmp_path / "out" / "report.json") in printed["files"]


def test_dicom_is_asked_for_in_vain_where_the_study_is_not_dicom(stand_in, tmp_path, capsys):
    assert cli.main([*GRADE, str(tmp_path / "out"), "--dicom"]) == 2
    assert "no DICOM can refer to it; leave --dicom out" in capsys.readouterr().err
    assert not stand_in and not (tmp_path / "out").exists()


def test_a_missing_browser_is_told_before_the_long_work_starts(stand_in, tmp_path, capsys, monkeypatch):
    monkeypatch.setenv(BROWSER, "no-such-browser")
    assert cli.main([*GRADE, str(tmp_path / "out"), "--pdf"]) == 2
    assert "no-such-browser, which is no program" in capsys.readouterr().err and not stand_in


def test_fhir_is_written_where_it_is_asked_for(stand_in, tmp_path):
    assert cli.main([*GRADE, str(tmp_path / "out"), "--fhir"]) == 0
    assert json.loads((tmp_path / "out/report.fhir.json").read_text())["resourceType"] == "Bundle"
    assert cli.main([*GRADE, str(tmp_path / "out")]) == 0
    assert not (tmp_path / "out/report.fhir.json").exists()


def test_options_reach_the_pipeline(stand_in, tmp_path):
    options = ("--device", "cpu", "--lowest-disc", "L4/L5", "--only", "map", "--only", "report")
    assert cli.main(["grade", str(tmp_path), "-o", str(tmp_path / "out"), *options]) == 0
    (call,) = stand_in
    assert (call["device"], call["lowest_disc"], call["only"]) == ("cpu", "L4/L5", {"map", "report"})


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["frobnicate"], "No such command"),
        (["grade"], "Missing option '--output'"),
        (["grade", "-o", "OUT"], "no images were named"),
        (["grade", "FOLDER", "--t1", "t1.nii.gz", "-o", "OUT"], "either the folder or the two series"),
        (["grade", "--dicomweb", "http://127.0.0.1", "-o", "OUT"], "give --dicomweb URL --study UID"),
        (
            ["grade", "FOLDER", "--dicomweb", "http://127.0.0.1", "--study", "1.2", "-o", "OUT"],
            "files or a study",
        ),
        (["grade", "FOLDER", "--store", "-o", "OUT"], "--store puts DICOM results on the server of --dicomweb"),
        ([*GRADE, "OUT", "--lowest-disc", "L6/S1"], "is no disc"),
        ([*GRADE, "OUT", "--device", "abacus"], "'abacus'"),
        ([*GRADE, "OUT", "--threads", "0"], "'--threads'"),
        ([*GRADE, "OUT"], "t1.nii.gz does not exist"),
        (["simulate"], "no folder was named"),
        (["simulate", "-o", "taken"], "taken is a file"),
        (["simulate", "-o", "OUT", "--case", "modic-9"], "'modic-9' is neither a case file nor a teaching case"),
        (["simulate", "-o", "OUT", "--case", "taken"], "taken is no JSON"),
        (["simulate", "-o", "OUT", "--seed", "-1"], "'--seed'"),
        (["simulate", "-o", "OUT", "--count", "0"], "'--count'"),
        ([*GRADE, "taken"], "taken is a file"),
    ],
)
def test_a_wrong_call_ends_with_code_two_and_one_line(arguments, said, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "taken").write_text("something else")
    assert cli.main(arguments) == 2
    printed = capsys.readouterr()
    assert said in printed.err
    assert printed.err.count("\n") == 1
    assert printed.out == ""
    assert [path.name for path in tmp_path.iterdir()] == ["taken"]


def test_wrong_input_found_late_leaves_nothing_behind(stand_in, tmp_path, monkeypatch, capsys):
    fails_in_the_pipeline(monkeypatch, InputError("no spine is seen;\ngive another series"))
    assert cli.main([*GRADE, str(tmp_path / "out")]) == 2
    assert capsys.readouterr().err == "modicgrader: no spine is seen; give another series\n"
    assert not list(tmp_path.iterdir())


def test_a_fault_of_ours_says_where_to_report_it(stand_in, tmp_path, monkeypatch, capsys):
    monkeypatch.delenv(cli.DEBUG, raising=False)
    fails_in_the_pipeline(monkeypatch, ZeroDivisionError("by nothing"))
    assert cli.main([*GRADE, str(tmp_path / "out")]) == 1
    printed = capsys.readouterr().err
    assert "ZeroDivisionError: by nothing" in printed
    assert "report it" in printed
    assert printed.count("\n") == 1


def test_a_fault_of_ours_shows_where_it_arose_when_asked(stand_in, tmp_path, monkeypatch):
    monkeypatch.setenv(cli.DEBUG, "1")
    fails_in_the_pipeline(monkeypatch, ZeroDivisionError("by nothing"))
    with pytest.raises(ZeroDivisionError):
        cli.main([*GRADE, str(tmp_path / "out")])


def test_interrupting_says_so_and_leaves_nothing_behind(stand_in, tmp_path, monkeypatch, capsys):
    fails_in_the_pipeline(monkeypatch, KeyboardInterrupt())
    assert cli.main([*GRADE, str(tmp_path / "out")]) == 130
    assert "cancelled; nothing was written" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


def test_models_are_listed_and_verified(capsys):
    assert cli.main(["models", "list", "--json"]) == 0
    names = [model["name"] for model in json.loads(capsys.readouterr().out)]
    assert cli.main(["models", "verify", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {"verified": names}


def test_help_comes_within_a_second_and_version_is_ours():
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, "-m", "ModicGraderLib"]
    # The best of three: the first start may have to compile, and the machine may be busy.
    times = []
    for _ in range(3):
        start = time.perf_counter()
        helped = subprocess.run([*command, "--help"], env=environment, capture_output=True, text=True, check=True)
        times.append(time.perf_counter() - start)
    assert "grade" in helped.stdout
    assert min(times) < 1.0
    version = subprocess.run([*command, "--version"], env=environment, capture_output=True, text=True, check=True)
    assert version.stdout == f"modicgrader {__version__}\n"


@pytest.fixture
def fetched(stand_in, tmp_path, monkeypatch):
    """A study that a server has, whose grading leaves DICOM results, and what was stored on the server."""
    stored = []

    @contextmanager
    def fetched_study(url, study_uid, progress):
        yield tmp_path

    def write_dicom(graded, folder, page):
        (folder / "report.dcm").write_bytes(b"")

    study = io.read_dicom_study(tmp_path, progress=None)
    volume = dataclasses.replace(study.t2, dicom=(tmp_path / "1.dcm",))
    monkeypatch.setattr(io, "read_dicom_study", lambda folder, progress: dataclasses.replace(study, t2=volume))
    monkeypatch.setattr(dicomweb, "fetched_study", fetched_study)
    monkeypatch.setattr(dicomweb, "store", lambda url, files, uid, progress: stored.extend(files))
    monkeypatch.setattr(dicom, "write_dicom", write_dicom)
    return stored


PACS = ("grade", "--dicomweb", "http://127.0.0.1/dicom-web", "--study", "1.2", "-o")


def test_results_go_back_to_the_server_only_where_that_is_asked_for(fetched, tmp_path, capsys):
    assert cli.main([*PACS, str(tmp_path / "out")]) == 0 and fetched == []
    assert cli.main([*PACS, str(tmp_path / "out"), "--store"]) == 0
    assert fetched == [tmp_path / "out/dicom/report.dcm"] and fetched[0].exists()


def test_results_stay_where_storing_them_fails(fetched, tmp_path, capsys, monkeypatch):
    def store(*_, **__):
        raise InputError("the server refuses")

    monkeypatch.setattr(dicomweb, "store", store)
    assert cli.main([*PACS, str(tmp_path / "out"), "--store"]) == 2
    printed = capsys.readouterr()
    assert printed.err == "modicgrader: the server refuses\n" and "L4/L5" in printed.out
    assert (tmp_path / "out/report.json").exists()
