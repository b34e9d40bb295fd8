from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from drawn_reports import drawn_report

from ModicGraderLib.errors import InputError
from ModicGraderLib.evaluation import side_by_side as module
from ModicGraderLib.evaluation.side_by_side import (
    MEASURES,
    OURS,
    _budget,
    _digest_of_models,
    _digest_of_run,
    _section,
    compare,
    own_answers,
    side_by_side,
    with_combined,
)
from ModicGraderLib.recipes.recipe import Answer, Plan, Run
from ModicGraderLib.training.labelled_study import DiscLabels, LabelledStudy
from ModicGraderLib.training.run_record import NAME, read_run_record, write_run_record

PAGE = Path(__file__).parents[2] / "docs" / "reproduction.md"


def _modic(study: str, level: str, called: str, change: float) -> list[Answer]:
    place = (study, study, level)
    return [
        Answer(*place, "any_change", {"False": 1 - change, "True": change}, str(change >= 0.5)),
        Answer(*place, "modic", {"0": 1 - change, "I": change / 2, "II": change / 4, "III": change / 4}, called),
    ]


LABELS = {
    ("a", "L4/L5"): DiscLabels(modic="0"),
    ("a", "L5/S1"): DiscLabels(modic="I"),
    ("b", "L4/L5"): DiscLabels(modic="II"),
    ("b", "L5/S1"): DiscLabels(modic="0"),
    ("b", "L3/L4"): DiscLabels(modic="III"),
}


def _cells(text: str) -> dict[str, list[str]]:
    lines = [[cell.strip() for cell in line.strip("|").split("|")] for line in text.splitlines()]
    return {line[0]: line[1:] for line in lines[2:]}


def test_systems_are_measured_on_the_discs_that_all_of_them_answered():
    right = [
        one
        for (study, level), given in LABELS.items()
        for one in _modic(study, level, given.modic, float(given.modic != "0"))
    ]
    # The other one lacks the disc of type III, and calls the one of type II a III.
    other = [
        *_modic("a", "L4/L5", "0", 0.1),
        *_modic("a", "L5/S1", "I", 0.9),
        *_modic("b", "L4/L5", "III", 0.8),
        *_modic("b", "L5/S1", "I", 0.85),
        *_modic("c", "L5/S1", "I", 0.85),
    ]
    text, discs = compare({"right": right, "other": other}, LABELS)
    assert discs == set(LABELS) - {("b", "L3/L4")}
    cells = _cells(text)
    assert cells["discs"] == ["4", "4", "4", "0", "0", "0", "0"]
    assert cells["right"][:3] == ["1.000 (1.000-1.000)"] * 3
    # 0.8 of a changed disc against 0.85 of an unchanged one: three of four pairs are in order.
    assert cells["other"][0].startswith("0.750") and cells["other"][1].startswith("0.750")
    # One of two without change, all of type I, none of type II.
    assert cells["other"][2].startswith("0.500")
    assert cells["other"][3:] == ["–"] * 4


def test_a_disc_has_a_finding_if_one_of_its_endplates_has():
    def endplate(name: str, chance: float) -> Answer:
        return Answer("a", "a", "L4/L5", name, {"False": 1 - chance, "True": chance}, str(chance >= 0.5))

    both = [endplate("upper_marrow_change", 0.4), endplate("lower_marrow_change", 0.3)]
    *kept, change = with_combined(both)
    assert kept == both and change.task == "any_change"
    assert change.probabilities == {"False": pytest.approx(0.6), "True": 0.4} and change.answer == "False"
    assert with_combined([both[0], endplate("lower_marrow_change", 0.6)])[-1].answer == "True"
    assert with_combined(both[:1]) == both[:1]


def test_any_of_four_grades_of_narrowing_is_a_yes_where_the_label_is_yes_or_no():
    def narrowing(level: str, *shares: float) -> Answer:
        return Answer("a", "a", level, "narrowing", dict(zip("0123", shares, strict=True)), "0")

    labels = {("a", "L4/L5"): DiscLabels(narrowing=0), ("a", "L5/S1"): DiscLabels(narrowing=1)}
    graded = [narrowing("L4/L5", 0.5, 0.5, 0, 0), narrowing("L5/S1", 0.4, 0, 0, 0.6)]
    assert _cells(compare({"graded": graded}, labels)[0])["graded"][4].startswith("1.000")


def test_our_report_answers_every_measured_task_with_what_it_says():
    study = LabelledStudy("s", "p", None, (), np.zeros((1, 1, 1), np.uint8))
    for disc in drawn_report(np.random.default_rng(0)).discs:
        answers = {one.task: one for one in own_answers(study, disc)}
        assert set(answers) == {measure.task for measure in MEASURES}
        assert answers["modic"].answer in (disc.modic.grade or "").split("/")
        assert answers["any_change"].answer == str(disc.modic.grade != "0")
        assert answers["pfirrmann"].answer == str(disc.pfirrmann.grade)
        assert answers["narrowing"].answer == str(disc.narrowing.grade)
        lesion = any(endplate.endplate_change for endplate in disc.endplates.values())
        assert answers["any_endplate_lesion"].answer == str(lesion)
        for one in answers.values():
            assert sum(one.probabilities.values()) == pytest.approx(1)


class Source:
    title, key, studies = "two drawn studies", "drawn-1", ("a", "b")

    def read(self, study: str) -> LabelledStudy:
        labels = {level: given for (name, level), given in LABELS.items() if name == study}
        return LabelledStudy(study, study, None, (), np.zeros((1, 1, 1), np.uint8), labels=labels)


def _system(asked: list[str]):
    def answer(study: LabelledStudy) -> list[Answer]:
        asked.append(study.name)
        return [one for level in study.labels for one in _modic(study.name, level, "0", 0.2)]

    return answer


def test_answers_are_kept_so_that_a_comparison_that_was_stopped_goes_on(tmp_path):
    asked = []
    first, again = (_section(Source(), {OURS: _system(asked)}, 5, {OURS: tmp_path}, "x small") for _ in range(2))
    assert first == again and asked == ["a", "b"]
    assert first.startswith("two drawn studies: 5 discs of 2 patients, those")


def test_a_recipe_that_is_trained_anew_answers_anew_and_the_others_do_not(tmp_path):
    asked, others = [], []
    systems = {OURS: _system(asked), "gao2022": _system(others)}
    for weights in ("first", "second"):
        folders = {OURS: tmp_path / "ours", "gao2022": tmp_path / weights}
        text = _section(Source(), systems, 5, folders, "x small")
    assert asked == ["a", "b"] and others == ["a", "b"] * 2
    assert f"| {OURS} |" in text and "| gao2022 |" in text


def test_answers_are_not_those_of_weights_or_models_that_were_replaced(tmp_path, monkeypatch):
    (tmp_path / NAME).write_text("{}")
    (tmp_path / "fold").mkdir()
    weights = tmp_path / "fold/network.safetensors"
    weights.write_bytes(b"first")
    before = _digest_of_run(tmp_path)
    assert before == _digest_of_run(tmp_path)
    weights.write_bytes(b"other")
    assert _digest_of_run(tmp_path) != before
    # Our own default answers with the models that are shipped.
    shipped = _digest_of_models()
    assert shipped == _digest_of_models()
    monkeypatch.setattr(module, "describe", lambda: [{"name": "grader", "version": "9", "sha256": "0" * 64}])
    assert _digest_of_models() != shipped


def test_the_page_says_from_which_weights_a_recipe_started(tmp_path):
    vgg = tmp_path / "vgg16.safetensors"
    vgg.write_bytes(b"weights")
    said = []
    for start in (None, vgg):
        run = Run(tmp_path / f"run-{start is None}", Plan(3, 1, 1), "small", pretrained=start)
        write_run_record(run, "damopoulos2019", "36 simulated patients", "simulated-1")
        said.append(_budget(read_run_record(run.folder)["configuration"]))
    assert said == ["damopoulos2019 small", "damopoulos2019 small (from vgg16.safetensors)"]


def test_runs_that_learned_from_others_than_simulated_patients_are_refused(tmp_path):
    run = Run(tmp_path / "gao2022", Plan(3, 1, 1), "small")
    write_run_record(run, "gao2022", "92 patients of SPIDER", "spider-1")
    with pytest.raises(InputError, match=r"gao2022 was trained on 92 patients of SPIDER; train it with `modicgrader"):
        side_by_side(tmp_path, tmp_path, 2, "cpu")


def test_a_folder_without_trained_recipes_is_told_in_a_sentence(tmp_path):
    with pytest.raises(InputError, match="has no trained recipe; train one with `modicgrader train RECIPE"):
        side_by_side(tmp_path, tmp_path, 2, "cpu")


def test_the_page_has_a_place_for_every_block():
    text = PAGE.read_text(encoding="utf-8")
    for name in ("damopoulos2019", "cina2023", "bassani2023", "gao2022", "spinenet2016", "side by side"):
        for kind in ("simulated", "spider"):
            assert f"<!-- measured: {name} {kind} -->" in text
