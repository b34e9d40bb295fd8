"""The commands with a recipe that only counts, on studies that are drawn in a moment."""

from __future__ import annotations

import csv
import json

import numpy as np
import pytest

from ModicGraderLib import cli
from ModicGraderLib.errors import InputError
from ModicGraderLib.recipes import commands
from ModicGraderLib.recipes.commands import MEASURING_SEEDS, chosen_studies, open_source
from ModicGraderLib.recipes.measures import measure, measures_page, truth_of
from ModicGraderLib.recipes.recipe import Answer, Cell, CohortWish, Plan, Table
from ModicGraderLib.recipes.registry import load_recipe
from ModicGraderLib.training.labelled_study import DiscLabels, LabelledStudy
from ModicGraderLib.training.run_record import read_run_record
from ModicGraderLib.training.samples import Sample

LABELS = {
    "L5/S1": DiscLabels(modic="I", pfirrmann=4),
    "L4/L5": DiscLabels(modic="0", pfirrmann=2),
    "L3/L4": DiscLabels(modic="III"),
}


class Source:
    """Four patients; the last cannot be read."""

    title, key, narrowing_grades = "4 drawn patients", "drawn-1", 2
    studies = ("a", "b", "c", "broken")

    def read(self, study: str) -> LabelledStudy:
        if study == "broken":
            raise InputError("no spine is seen on it")
        return LabelledStudy(study, f"patient-{study}", None, (), np.zeros((1, 1, 1), np.uint8), labels=LABELS)


class Recipe:
    """Answers type I for every disc."""

    name, title, doi = "damopoulos2019", "Counting", "10.0/0"
    cohort = CohortWish(7, "modic", {"0": 0.5, "I": 0.5})
    plans = {"smoke": Plan(2, 1, 1), "small": Plan(3, 1, 1), "full": Plan(None, None, 9)}  # noqa: RUF012
    variants = ("first", "second")
    tasks = ("modic", "any_change", "pfirrmann")

    def cut(self, study):
        discs = [*study.labels, "L2/L3"]
        return [Sample(study.name, study.patient, level, study.labels.get(level, DiscLabels()), {}) for level in discs]

    def fit(self, samples, run):
        (run.folder / f"{run.variant}.txt").write_text(f"{len(samples)} {run.plan.epochs} {run.seed}")

    def answer(self, samples, run):
        assert (run.folder / f"{run.variant}.txt").exists()
        said = {
            "modic": ({"0": 0.3, "I": 0.6, "II": 0.1}, "I"),
            "any_change": ({"False": 0.3, "True": 0.7}, "True"),
            "pfirrmann": ({str(grade): 0.2 for grade in range(1, 6)}, "4"),
        }
        return [
            Answer(one.study, one.patient, one.level, task, *answer) for one in samples for task, answer in said.items()
        ]

    def reproduce(self, samples, run, source):
        return [Table("Table 1", ["discs"], {"all": [Cell(552, len(samples))]}, source, run.budget)]


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
    assert "These are the studies that it was trained on" in page
    assert "Left out, since the recipe has no such answer: 3 labelled III." in page
    assert "patient-" not in page + (tmp_path / "out" / "answers.csv").read_text()


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


@pytest.mark.parametrize(
    ("task", "labels", "truth"),
    [
        ("any_change", DiscLabels(modic="0"), "False"),
        ("any_change", DiscLabels(modic="II"), "True"),
        ("any_change", DiscLabels(), None),
        ("pfirrmann", DiscLabels(pfirrmann=3), "3"),
        ("upper_marrow_change", DiscLabels(upper_marrow_change=False), "False"),
        ("any_endplate_lesion", DiscLabels(endplate_lesion="normal"), "False"),
        ("any_endplate_lesion", DiscLabels(endplate_lesion="notched"), "True"),
        ("any_endplate_lesion", DiscLabels(upper_endplate_change=True), "True"),
        ("any_endplate_lesion", DiscLabels(upper_endplate_change=False), None),
        ("any_endplate_lesion", DiscLabels(upper_endplate_change=False, lower_endplate_change=False), "False"),
    ],
)
def test_the_truth_of_a_task_is_told_in_the_words_of_an_answer(task, labels, truth):
    assert truth_of(task, labels) == truth


def test_measures_are_those_of_a_constructed_case():
    def answer(patient: str, change: float) -> Answer:
        return Answer("s", patient, "L4/L5", "any_change", {"False": 1 - change, "True": change}, str(change > 0.5))

    rows = [(answer("p", 0.9), "I"), (answer("p", 0.6), "0"), (answer("q", 0.4), "II"), (answer("q", 0.1), "0")]
    (measured,) = measure((one, DiscLabels(modic=modic)) for one, modic in rows)
    assert measured.confusion == [[1, 1], [1, 1]]
    assert measured.measures["accuracy"].value == 0.5
    assert measured.measures["kappa"].value == 0
    assert measured.measures["AUC of True"].value == 0.75
    assert measured.patients == 2 and measured.left_out == {}


def test_without_any_label_the_page_says_that_nothing_was_measured():
    assert "nothing was measured" in measures_page([], "title", [])
