"""Tests of grading measured out of fold: whose members grade whom, what calibration sees, and what is shown."""

from dataclasses import replace

import numpy as np
import pytest
from drawn_reports import certain_modic, drawn_report

from ModicGraderLib.evaluation import grading, metrics
from ModicGraderLib.evaluation.answers import FINDING, GRADE
from ModicGraderLib.evaluation.grading import (
    BOTH_ENDPLATES,
    FINDINGS,
    FLOORS,
    fold_ensembles,
    fold_logits,
    out_of_fold,
    rare_table,
    spider_answers,
    spider_scores,
)
from ModicGraderLib.grading.disc_input import SCALARS, DiscInput
from ModicGraderLib.grading.grader import Ensemble
from ModicGraderLib.grading.tasks import BINARY_TASKS, OUTPUTS, PFIRRMANN
from ModicGraderLib.grid import Grid
from ModicGraderLib.training import grader
from ModicGraderLib.training.data_folder import FOLDS, fold_of
from ModicGraderLib.training.graded_discs import GradedDisc, grade_targets

MEMBERS = 2 * FOLDS


@pytest.fixture(autouse=True)
def few_draws(monkeypatch):
    """Intervals are not what these tests look at."""
    monkeypatch.setattr(metrics, "BOOTSTRAPS", 20)


def disc(patient, answers, pfirrmann, modic_type=0):
    shape = (1, 20, 20)
    one = DiscInput("L4/L5", np.zeros((4, *shape), np.float32), np.zeros(SCALARS, np.float32), Grid(np.eye(4), shape))
    return GradedDisc(f"spider-{patient:03}", one, grade_targets(answers, pfirrmann), modic_type, pfirrmann)


@pytest.fixture(scope="module")
def discs():
    rng = np.random.default_rng(0)
    names = [name for name in BINARY_TASKS if "marrow" not in name]
    return [
        disc(patient, dict(zip(names, rng.integers(2, size=len(names)), strict=True)), int(rng.integers(1, 6)))
        for patient in range(30)
        for _ in range(4)
    ]


def certain(discs):
    """Outputs that are what the targets say, and half where they say nothing."""
    return np.nan_to_num(np.stack([one.targets for one in discs]), nan=0.5)


@pytest.fixture
def numbered(monkeypatch):
    """An ensemble whose members answer with their own number everywhere."""
    monkeypatch.setattr(grader, "predict", lambda member, store, rows: np.full((len(rows), OUTPUTS), float(member)))
    scale = np.arange(OUTPUTS, dtype=np.float32)
    return Ensemble(tuple(range(MEMBERS)), scale, np.zeros(OUTPUTS, np.float32))


def test_each_disc_is_graded_by_the_members_of_its_own_fold(numbered, discs):
    logits = fold_logits(discs, numbered)
    for one, logit in zip(discs, logits, strict=True):
        fold = fold_of(one.patient, FOLDS)
        assert logit == pytest.approx(np.full(OUTPUTS, (fold + fold + FOLDS) / 2))


def test_the_ensemble_of_a_fold_has_its_members_and_its_calibration(numbered):
    calibrations = [(np.full(OUTPUTS, fold), np.full(OUTPUTS, -fold)) for fold in range(FOLDS)]
    parts = fold_ensembles(numbered, calibrations)
    assert [part.members for part in parts] == [(fold, fold + FOLDS) for fold in range(FOLDS)]
    assert [(part.scale[0], part.offset[0]) for part in parts] == [(fold, -fold) for fold in range(FOLDS)]


def test_what_a_fold_is_told_does_not_depend_on_its_own_grades(monkeypatch, numbered, discs):
    folds = np.array([fold_of(one.patient, FOLDS) for one in discs])
    noise = np.random.default_rng(1).normal(size=(len(discs), OUTPUTS))
    monkeypatch.setattr(grader, "predict", lambda member, store, rows: noise[rows])
    before = out_of_fold(discs, numbered)
    lied = [replace(one, targets=1 - one.targets) if fold == 2 else one for one, fold in zip(discs, folds, strict=True)]
    after = out_of_fold(lied, numbered)
    assert before[folds == 2] == pytest.approx(after[folds == 2])
    assert abs(before[folds != 2] - after[folds != 2]).max() > 0.05


def test_out_of_fold_gives_calibrated_probabilities_to_every_disc(numbered, discs):
    found = out_of_fold(discs, numbered)
    assert found.shape == (len(discs), OUTPUTS)
    assert ((found >= 0) & (found <= 1)).all()
    # Members that know nothing are calibrated to about how frequent a finding is.
    assert found[:, PFIRRMANN.start].mean() == pytest.approx(0.8, abs=0.15)


def test_answers_that_are_the_truth_are_perfect(discs):
    found = spider_scores(spider_answers(discs, certain(discs)))
    assert {one.task for one in found} == {*FINDINGS.values(), BOTH_ENDPLATES, "Pfirrmann"}
    for one in found:
        assert one.estimate.value == pytest.approx(0 if one.metric == "calibration error" else 1), (
            one.task,
            one.metric,
        )


def test_answers_about_other_discs_are_chance(discs):
    order = np.random.default_rng(3).permutation(len(discs))
    found = spider_scores(spider_answers(discs, certain(discs)[order]))
    value = {(one.task, one.metric): one.estimate.value for one in found}
    assert value[BOTH_ENDPLATES, "AUROC"] == pytest.approx(0.5, abs=0.12)
    assert value["Pfirrmann", "quadratic kappa"] == pytest.approx(0, abs=0.25)


def test_both_endplates_are_put_together(discs):
    answers = spider_answers(discs, certain(discs))
    assert len(answers[BOTH_ENDPLATES].truth) == 2 * len(discs)
    assert answers[BOTH_ENDPLATES].unit == "endplate"


def test_every_floor_is_asked_of_a_metric_that_is_measured(discs):
    metrics_of = {task: (GRADE if task == "Pfirrmann" else FINDING) for task in FLOORS}
    assert all(name in metrics_of[task] for task, floors in FLOORS.items() for name in floors)
    asked = [one for one in spider_scores(spider_answers(discs, certain(discs))) if one.floor is not None]
    assert len(asked) == sum(map(len, FLOORS.values()))


def test_every_disc_of_a_rare_type_is_listed_with_what_the_fold_of_its_patient_says(monkeypatch, numbered):
    rare = [disc(7, {}, 3, modic_type=1), disc(8, {}, 3, modic_type=3), disc(9, {}, 3, modic_type=2)]
    asked = {}

    def graded(patient, ensemble):
        asked[patient] = ensemble
        report = drawn_report(np.random.default_rng(0))
        found = {one.level: one for one in report.discs}
        found["L4/L5"].modic = certain_modic("II")
        found["L4/L5"].endplates["lower"].modic.grade = None
        return found

    monkeypatch.setattr(grading, "_graded", graded)
    rows = rare_table(rare, [f"fold {fold}" for fold in range(FOLDS)]).split("\n")[2:]
    assert [row.split("|")[1:4] for row in rows] == [
        [" spider-007 ", " L4/L5 ", " I "],
        [" spider-008 ", " L4/L5 ", " III "],
    ]
    assert all("| II | 1.00 | 0.00, 1.00, 0.00 |" in row and row.endswith("| withheld |") for row in rows)
    assert asked == {one.patient: f"fold {fold_of(one.patient, FOLDS)}" for one in rare[:2]}
