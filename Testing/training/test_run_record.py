from __future__ import annotations

import json
from dataclasses import replace
from importlib.metadata import version

import pytest

from ModicGraderLib import __version__
from ModicGraderLib.errors import InputError
from ModicGraderLib.recipes.recipe import Plan, Run
from ModicGraderLib.training.run_record import (
    read_run_record,
    record_patients,
    run_of,
    seen_patients,
    write_run_record,
)


@pytest.fixture
def run(tmp_path) -> Run:
    weights = tmp_path / "somewhere" / "resnet18.pth"
    weights.parent.mkdir()
    weights.write_bytes(b"abc")
    return Run(tmp_path / "run", Plan(36, 1, 0.5), "small", seed=3, variant="mixup", pretrained=weights)


def test_a_record_tells_configuration_data_and_code(run):
    path = write_run_record(run, "damopoulos2019", "36 simulated patients", "simulated-abc")
    record = read_run_record(run.folder)
    assert path == run.folder / "run.json"
    assert record["configuration"] == {
        "recipe": "damopoulos2019",
        "variant": "mixup",
        "budget": "small",
        "plan": {"studies": 36, "folds": 1, "epochs": 0.5},
        "seed": 3,
        "pretrained": {
            "file": "resnet18.pth",
            "sha256": "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
        },
        "source": {"title": "36 simulated patients", "key": "simulated-abc"},
    }
    (session,) = record["sessions"]
    assert session["modicgrader"] == __version__ and session["device"] == "cpu" and session["processes"] == 1
    assert session["libraries"]["torch"] == version("torch")
    assert session["libraries"]["monai"] == version("monai")
    assert session["started"].endswith("+00:00")
    assert "somewhere" not in path.read_text()


def test_going_on_adds_a_session_and_keeps_the_first(run):
    for _ in range(2):
        write_run_record(run, "damopoulos2019", "36 simulated patients", "simulated-abc")
    assert len(read_run_record(run.folder)["sessions"]) == 2


def test_whom_a_run_learned_from_is_counted_and_not_named(run):
    write_run_record(run, "damopoulos2019", "3 studies in a.csv", "manifest-1")
    record_patients(run, "2 of 3 studies in a.csv", ["Anna", "Berta"])
    # Another session, in which one more could be read.
    write_run_record(run, "damopoulos2019", "3 studies in a.csv", "manifest-1")
    record_patients(run, "3 studies in a.csv", ["Anna", "Berta", "Carla"])
    record = read_run_record(run.folder)
    assert record["configuration"]["source"]["title"] == "3 studies in a.csv" and len(record["sessions"]) == 2
    assert seen_patients(record, ["Anna", "Anna", "Carla", "Dora"]) == 2 and seen_patients(record, ["Dora"]) == 0
    assert not any(name in (run.folder / "run.json").read_text() for name in ("Anna", "Berta", "Carla"))


def test_a_record_of_an_older_version_does_not_tell_whom_it_learned_from_until_it_goes_on(run):
    write_run_record(run, "damopoulos2019", "a.csv", "manifest-1")
    assert seen_patients(read_run_record(run.folder), ["Anna"]) is None
    record_patients(run, "a.csv", ["Anna"])
    assert seen_patients(read_run_record(run.folder), ["Anna"]) == 1


@pytest.mark.parametrize("inside", ["", "two-stage", "two-stage/fold-1"])
def test_patients_of_the_weights_to_start_from_are_learned_from_too(run, inside):
    write_run_record(run, "damopoulos2019", "a.csv", "manifest-1")
    record_patients(run, "a.csv", ["Anna"])
    weights = run.folder / inside / "change.safetensors"
    weights.parent.mkdir(parents=True, exist_ok=True)
    weights.write_bytes(b"abc")
    assert run_of(weights) == read_run_record(run.folder)
    second = replace(run, folder=run.folder.parent / "second", pretrained=weights)
    write_run_record(second, "damopoulos2019", "b.csv", "manifest-2")
    record_patients(second, "b.csv", ["Berta"])
    assert seen_patients(read_run_record(second.folder), ["Anna", "Berta", "Carla"]) == 2


def test_weights_that_no_run_of_ours_left_have_no_record(run, tmp_path):
    assert run_of(run.pretrained) is None
    (tmp_path / "run.json").write_text('{"of": "another program"}')
    assert run_of(tmp_path / "some.safetensors") is None


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"seed": 4}, "holds a run with seed 3, not 4; name another folder"),
        ({"variant": "plain"}, "holds a run with variant mixup, not plain"),
        ({"plan": Plan(36, 1, 1.0)}, "holds a run with plan studies 36, folds 1, epochs 0.5, not studies 36"),
        ({"pretrained": None}, "holds a run with pretrained resnet18.pth, not None"),
    ],
)
def test_a_folder_of_another_run_is_not_taken_for_this_one(run, change, message):
    write_run_record(run, "damopoulos2019", "36 simulated patients", "simulated-abc")
    with pytest.raises(InputError, match=message):
        write_run_record(replace(run, **change), "damopoulos2019", "36 simulated patients", "simulated-abc")
    assert len(read_run_record(run.folder)["sessions"]) == 1


def test_changed_data_are_noticed(run):
    write_run_record(run, "damopoulos2019", "5 studies in a.csv", "manifest-1")
    write_run_record(run, "damopoulos2019", "5 studies in b.csv", "manifest-1")
    with pytest.raises(
        InputError, match=r"source 5 studies in b\.csv \(manifest-1\), not 5 studies in b\.csv \(manifest-2\)"
    ):
        write_run_record(run, "damopoulos2019", "5 studies in b.csv", "manifest-2")


def test_missing_and_damaged_records_are_told_in_a_sentence(tmp_path):
    with pytest.raises(InputError, match=r"has no run\.json; name a folder that `modicgrader train` wrote"):
        read_run_record(tmp_path)
    (tmp_path / "run.json").write_text("{")
    with pytest.raises(InputError, match="is damaged"):
        read_run_record(tmp_path)
    (tmp_path / "run.json").write_text(json.dumps([]))
    with pytest.raises(InputError, match="is no record of a training"):
        read_run_record(tmp_path)


def test_weights_that_are_not_there_are_told_before_anything_is_written(run):
    missing = replace(run, pretrained=run.folder / "absent.pth")
    with pytest.raises(InputError, match="check --pretrained"):
        write_run_record(missing, "damopoulos2019", "x", "y")
    assert not run.folder.exists()


def test_weights_may_be_several_files_in_a_folder_each_of_which_counts(run):
    weights = run.folder.parent / "weights"
    weights.mkdir()
    for name in ("detector.pth", "classifier.pth"):
        (weights / name).write_text(name)
    write_run_record(replace(run, pretrained=weights), "cina2023", "x", "y")
    assert read_run_record(run.folder)["configuration"]["pretrained"]["file"] == "weights"
    (weights / "detector.pth").write_text("another")
    with pytest.raises(InputError, match="holds a run with pretrained weights"):
        write_run_record(replace(run, pretrained=weights), "cina2023", "x", "y")
