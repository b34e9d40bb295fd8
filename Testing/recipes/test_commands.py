"""The commands with a recipe that only counts, on studies that are drawn in a moment."""

from __future__ import annotations

import csv
import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import counting_recipe
import pytest
import torch
from counting_recipe import Recipe, Source

from ModicGraderLib import cli
from ModicGraderLib.errors import InputError
from ModicGraderLib.recipes import commands
from ModicGraderLib.recipes.commands import MEASURING_SEEDS, chosen_studies, device_of, open_source
from ModicGraderLib.recipes.recipe import Answer, Plan
from ModicGraderLib.recipes.registry import load_recipe
from ModicGraderLib.training.labelled_study import DiscLabels
from ModicGraderLib.training.run_record import read_run_record

ROOT = Path(__file__).parents[2]


@pytest.fixture
def drawn(monkeypatch):
    """The commands know this recipe and these studies alone."""
    monkeypatch.setattr(commands, "load_recipe", lambda name: Recipe())
    monkeypatch.setattr(commands, "open_source", lambda *args, **more: Source())


def _call(*arguments: object) -> int:
    return cli.main([str(one) for one in arguments])


def test_train_takes_the_papers_whole_protocol_and_the_first_variant(drawn, tmp_path, capsys):
    assert _call("train", "damopoulos2019", "--data", "drawn", "-o", tmp_path / "run", "--seed", 5) == 0
    # Three studies with four discs each; the fourth study is left out with a warning.
    assert (tmp_path / "run" / "first.txt").read_text() == "12 9 5"
    record = read_run_record(tmp_path / "run")["configuration"]
    assert (record["budget"], record["variant"], record["seed"]) == ("full", "first", 5)
    assert record["source"]["title"] == "3 of 4 drawn patients"
    assert len(list((tmp_path / "run" / "samples" / "drawn-1").glob("*.npz"))) == 3
    assert capsys.readouterr().out == f"damopoulos2019 is trained: {tmp_path / 'run'}\n"


def test_a_training_that_is_stopped_by_hand_says_how_to_go_on(drawn, tmp_path, monkeypatch, capsys):
    def stopped(*_arguments):
        raise KeyboardInterrupt

    monkeypatch.setattr(Recipe, "fit", stopped)
    assert _call("train", "damopoulos2019", "--data", "drawn", "-o", tmp_path / "run") == 130
    assert capsys.readouterr().err.endswith("modicgrader: stopped; the same call goes on from here\n")


def test_evaluate_answers_every_disc_and_measures_those_with_labels(drawn, tmp_path, capsys):
    _call(
        "train", "damopoulos2019", "--data", "drawn", "-o", tmp_path / "run", "--variant", "second", "--budget", "smoke"
    )
    assert (
        _call("evaluate", "damopoulos2019", "--run", tmp_path / "run", "--data", "drawn", "-o", tmp_path / "out") == 0
    )
    with (tmp_path / "out" / "answers.csv").open() as file:
        rows = list(csv.DictReader(file))
    # All three readable studies, though only two were to be trained on.
    assert len(rows) == 12
    assert rows[0] == {
        "study": "a",
        "level": "L5/S1",
        "modic": "I",
        "modic_truth": "I",
        "modic_0": "0.3",
        "modic_I": "0.6",
        "modic_II": "0.1",
        "any_change": "True",
        "any_change_truth": "True",
        "any_change_False": "0.3",
        "any_change_True": "0.7",
        "pfirrmann": "4",
        "pfirrmann_truth": "4",
        **{f"pfirrmann_{grade}": "0.2" for grade in range(1, 6)},
    }
    assert rows[3]["level"] == "L2/L3" and rows[3]["modic_truth"] == "" and rows[3]["modic"] == "I"
    measured = json.loads((tmp_path / "out" / "metrics.json").read_text(), parse_constant=pytest.fail)
    modic, change, pfirrmann = measured
    assert modic["task"] == "modic" and modic["discs"] == 6 and modic["patients"] == 3
    assert modic["left_out"] == {"III": 3}
    assert modic["confusion"] == [[0, 3, 0], [0, 3, 0], [0, 0, 0]]
    assert modic["measures"]["accuracy"] == {"value": 0.5, "low": 0.5, "high": 0.5}
    assert modic["measures"]["sensitivity for I"]["value"] == 1
    # No disc is of type II, so that nothing can be said of all types alike.
    assert modic["measures"]["balanced accuracy"]["value"] is None
    assert change["discs"] == 9 and change["measures"]["accuracy"]["value"] == pytest.approx(2 / 3)
    assert pfirrmann["discs"] == 6
    page = (tmp_path / "out" / "metrics.md").read_text()
    assert "Trained on 2 of 4 drawn patients, budget `smoke`; applied to 3 of 4 drawn patients." in page
    assert "**damopoulos2019 learned from 2 of these 3 patients, as far as names tell, so that these figures" in page
    assert "Left out, since the recipe has no such answer: 3 labelled III." in page
    assert "patient-" not in page + (tmp_path / "out" / "answers.csv").read_text()


def _evaluated(tmp_path) -> str:
    """The page of what was trained in `run`."""
    call = "evaluate", "damopoulos2019", "--run", tmp_path / "run", "--data", "drawn", "-o", tmp_path / "out"
    assert _call(*call) == 0
    return (tmp_path / "out" / "metrics.md").read_text()


class Elsewhere(Source):
    """The same patients in another list, as those of all.csv in train.csv."""

    key, studies = "drawn-2", ("b", "z")


def test_patients_who_were_learned_from_are_counted_by_their_names_not_by_the_list_that_they_stand_in(
    drawn, tmp_path, monkeypatch, caplog
):
    _call("train", "damopoulos2019", "--data", "drawn", "-o", tmp_path / "run")
    monkeypatch.setattr(commands, "open_source", lambda *args, **more: Elsewhere())
    note = "damopoulos2019 learned from 1 of these 2 patients, as far as names tell, so that these figures are far too"
    assert note in _evaluated(tmp_path) and note in caplog.text
    monkeypatch.setattr(Elsewhere, "studies", ("y", "z"))
    assert "learned from" not in _evaluated(tmp_path)


def test_a_run_of_an_older_version_can_be_evaluated_and_whom_it_learned_from_is_not_known(drawn, tmp_path, monkeypatch):
    _call("train", "damopoulos2019", "--data", "drawn", "-o", tmp_path / "run")
    path = tmp_path / "run" / "run.json"
    record = json.loads(path.read_text())
    del record["patients"]
    path.write_text(json.dumps(record))
    assert "damopoulos2019 learned from these studies, so that these figures are far too good" in _evaluated(tmp_path)
    monkeypatch.setattr(commands, "open_source", lambda *args, **more: Elsewhere())
    assert "Whether damopoulos2019 learned from some of these patients is not known" in _evaluated(tmp_path)


def test_reproduce_tells_whom_the_weights_that_it_starts_from_have_seen(drawn, tmp_path):
    _call("train", "damopoulos2019", "--data", "drawn", "-o", tmp_path / "run")
    call = "reproduce", "damopoulos2019", "--data", "drawn", "--budget", "full"
    for name, told in (("run/own.safetensors", True), ("imagenet.safetensors", False)):
        (tmp_path / name).write_bytes(b"weights")
        out = tmp_path / Path(name).stem
        assert _call(*call, "--pretrained", tmp_path / name, "-o", out) == 0
        page = (out / "damopoulos2019" / "tables.md").read_text().replace("\n", " ")
        note = "**own.safetensors learned from 3 of these 3 patients, as far as names tell, so that these figures are"
        assert (note in page) == told
        assert "Ours: 3 of 4 drawn patients, budget `full`" in page


def test_labelled_discs_that_were_not_found_are_counted_also_when_samples_were_cut_before(drawn, tmp_path, monkeypatch):
    def blind(recipe: Recipe, study) -> list:
        found = Recipe().cut(study)
        return [] if study.name == "a" else [one for one in found if (study.name, one.level) != ("b", "L5/S1")]

    _call("train", "damopoulos2019", "--data", "drawn", "-o", tmp_path / "run")
    monkeypatch.setattr(commands, "load_recipe", lambda name: type("Blind", (Recipe,), {"cut": blind})())
    for _ in range(2):
        page = _evaluated(tmp_path)
        modic, change, pfirrmann = json.loads((tmp_path / "out" / "metrics.json").read_text())
        assert modic["unanswered"] == change["unanswered"] == {"L3/L4": 1, "L4/L5": 1, "L5/S1": 2}
        assert pfirrmann["unanswered"] == {"L4/L5": 1, "L5/S1": 2}
        assert (
            "4 labelled discs have no answer, since they were not found or the recipe cannot use them: 1 L3/L4" in page
        )
        assert "applied to 2 of 4 drawn patients" in page


def test_evaluate_says_that_graded_narrowing_was_measured_as_there_or_not(drawn, tmp_path, monkeypatch):
    class Grading(Recipe):
        def cut(self, study):
            narrowed = DiscLabels(narrowing=int(study.name == "a"))
            return [replace(one, labels=narrowed) for one in super().cut(study) if one.level == "L2/L3"]

        def answer(self, samples, run):
            chances = {"0": 0.1, "1": 0.1, "2": 0.7, "3": 0.1}
            return [Answer(one.study, one.patient, one.level, "narrowing", chances, "2") for one in samples]

    monkeypatch.setattr(commands, "load_recipe", lambda name: Grading())
    _call("train", "damopoulos2019", "--data", "drawn", "-o", tmp_path / "run")
    assert "Narrowing is measured as 0 or 1, there or not" in _evaluated(tmp_path)
    (measured,) = json.loads((tmp_path / "out" / "metrics.json").read_text())
    assert measured["confusion"] == [[0, 2], [0, 1]]
    # The table of answers keeps them as they were given.
    assert "narrowing_3" in (tmp_path / "out" / "answers.csv").read_text()
    monkeypatch.setattr(Source, "narrowing_grades", 4)
    assert "there or not" not in _evaluated(tmp_path)


def test_several_processes_evaluate_and_go_on_together_after_what_the_first_was_refused(drawn, tmp_path):
    _call("train", "damopoulos2019", "--data", "drawn", "-o", tmp_path / "run")
    launcher = sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2"
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    run = subprocess.run(
        [*launcher, counting_recipe.__file__, tmp_path], env=environment, capture_output=True, text=True, timeout=300
    )
    assert run.returncode == 0, run.stderr
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [
        "answers.csv",
        "metrics.json",
        "metrics.md",
        "samples",
    ]
    # Both were told of the study that only the first tried to read.
    assert run.stderr.count("cina2023 is left out: none of the 1 studies could be read; broken, for one: no spine") == 2
    assert sorted(path.parent.name for path in (tmp_path / "reproduced").rglob("tables.json")) == [
        "damopoulos2019",
        "gao2022",
    ]


def test_a_recipe_runs_on_the_device_that_its_process_was_given_whatever_was_asked_for(drawn, tmp_path, monkeypatch):
    devices = []
    for method, result in (("fit", None), ("reproduce", []), ("answer", [])):

        def called(recipe, samples, run, *_, result=result):
            devices.append(run.device)
            return result

        monkeypatch.setattr(Recipe, method, called)
    monkeypatch.setattr(commands.ranks, "join", lambda device: torch.device("cuda", 3))
    _call("train", "damopoulos2019", "--data", "drawn", "--device", "cpu", "-o", tmp_path / "run")
    _call("reproduce", "damopoulos2019", "--data", "drawn", "--device", "cpu", "-o", tmp_path)
    call = "evaluate", "damopoulos2019", "--run", tmp_path / "run", "--data", "drawn", "--device", "cpu"
    _call(*call, "-o", tmp_path / "out")
    assert devices == ["cuda:3"] * 3


@pytest.mark.parametrize("name", ["cuda:2", "cuda:x", "cuda:", "cuda:-1", "cpu:0"])
def test_a_device_that_is_not_there_is_told_with_those_that_are(monkeypatch, name):
    monkeypatch.setattr("torch.cuda.is_available", lambda: True)
    monkeypatch.setattr("torch.cuda.device_count", lambda: 2)
    assert device_of("cuda:1") == "cuda:1" and device_of("cuda") == "cuda" and device_of("cpu") == "cpu"
    with pytest.raises(
        InputError, match=f"The device '{name}' is not available here; use auto or one of: .*cuda:0, cuda:1"
    ):
        device_of(name)


def test_evaluate_refuses_the_run_of_another_recipe(drawn, tmp_path, capsys):
    _call("train", "damopoulos2019", "--data", "drawn", "-o", tmp_path / "run")
    code = _call("evaluate", "cina2023", "--run", tmp_path / "run", "--data", "drawn", "-o", tmp_path / "out")
    assert code == 2 and "holds a run of damopoulos2019, not of cina2023" in capsys.readouterr().err


def test_reproduce_all_leaves_tables_for_every_recipe_and_names_those_that_could_not(
    drawn, tmp_path, monkeypatch, caplog
):
    class Refusing(Recipe):
        name = "gao2022"

        def reproduce(self, samples, run, source):
            raise InputError("these studies have no outlines")

    class Second(Recipe):
        name = "cina2023"

    named = {"damopoulos2019": Recipe, "cina2023": Second, "gao2022": Refusing}
    monkeypatch.setattr(commands, "RECIPES", tuple(named))
    monkeypatch.setattr(commands, "load_recipe", lambda name: named[name]())
    assert _call("reproduce", "all", "--data", "drawn", "-o", tmp_path) == 0
    assert caplog.messages[-2:] == [
        "gao2022 is left out: these studies have no outlines",
        "1 of 3 recipes were left out: gao2022",
    ]
    for name in ("damopoulos2019", "cina2023"):
        table = (tmp_path / name / "tables.md").read_text()
        # The small plan has three of the four studies; one of them may be the broken one.
        assert "Ours: 3 of 4 drawn patients, budget `small`" in table and "| all | 552 / " in table
        assert read_run_record(tmp_path / name)["configuration"]["variant"] == ""


def test_reproducing_all_fails_if_none_can_be_reproduced(drawn, tmp_path, monkeypatch, capsys):
    def refuse(*_arguments):
        raise InputError("these studies have no outlines")

    monkeypatch.setattr(Recipe, "reproduce", refuse)
    assert _call("reproduce", "all", "--data", "drawn", "-o", tmp_path) == 2
    assert (
        "no recipe was reproduced; damopoulos2019, for one: these studies have no outlines" in capsys.readouterr().err
    )


def test_the_folder_of_a_refused_run_is_free_for_another(drawn, tmp_path, monkeypatch, capsys):
    def refuse(*_arguments):
        raise InputError("these studies have no outlines")

    call = "train", "damopoulos2019", "--data", "drawn", "-o", tmp_path / "run"
    with monkeypatch.context() as patch:
        patch.setattr(Recipe, "fit", refuse)
        assert _call(*call) == 2
    assert _call(*call, "--seed", 5) == 0
    assert read_run_record(tmp_path / "run")["configuration"]["seed"] == 5
    # What was trained here is never taken for the work of another run, not even if it was refused later on.
    with monkeypatch.context() as patch:
        patch.setattr(Recipe, "fit", refuse)
        assert _call(*call, "--seed", 5) == 2
    assert _call(*call, "--seed", 6) == 2
    assert "holds a run with seed 5, not 6" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("train", "vgg", "--data", "simulated"), "no recipe is called 'vgg'; take one of damopoulos2019"),
        (("train", "gao2022", "--data", "absent.csv"), "'absent.csv' is no data; give simulated, spider or the CSV"),
        (("train", "gao2022", "--data", "simulated", "--variant", "x"), "gao2022 has no variant 'x'; take one of"),
        (("train", "gao2022", "--data", "simulated", "--device", "tpu"), "The device 'tpu' is not available"),
        (("evaluate", "gao2022", "--data", "simulated", "--run", "."), "has no run.json"),
        (("prepare", "spider", "absent"), "absent"),
    ],
)
def test_a_wrong_call_ends_in_one_line(tmp_path, monkeypatch, capsys, arguments, message):
    monkeypatch.chdir(tmp_path)
    assert _call(*arguments, "-o", tmp_path / "out" / "file.csv") == 2
    error = capsys.readouterr().err
    assert message in error and error.count("\n") == 1
    assert not (tmp_path / "out").exists()


def test_simulated_patients_to_measure_on_are_others_than_those_to_learn_from():
    recipe, plan = Recipe(), Plan(2, 1, 1)
    learned, measured = (open_source("simulated", recipe, plan, measuring=one) for one in (False, True))
    assert len(learned.studies) == len(measured.studies) == 2
    assert learned.key != measured.key and not set(learned.studies) & set(measured.studies)
    assert len(open_source("simulated", recipe, Plan(None, 1, 1)).studies) == 7


def test_the_largest_cohort_ends_before_the_patients_that_measure():
    from ModicGraderLib.training.simulated_studies import CASES_EACH, RECIPE_SEEDS

    largest = load_recipe("spinenet2016").cohort.patients
    assert RECIPE_SEEDS.start + largest * CASES_EACH <= MEASURING_SEEDS.start


def test_a_small_plan_takes_the_same_lot_of_a_large_source_each_time():
    class Large(Source):
        studies = tuple(f"s{number:03}" for number in range(100))

    names = chosen_studies(Large(), Plan(10, 1, 1))
    assert names == chosen_studies(Large(), Plan(10, 1, 1)) == sorted(names)
    assert len(set(names)) == 10 and names != list(Large.studies[:10])
    assert chosen_studies(Large(), Plan(None, 1, 1)) == list(Large.studies)
