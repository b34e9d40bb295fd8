"""Tests of answers beside the truth: what metrics are of, what is left out, and which floors are met."""

import numpy as np
import pytest

from ModicGraderLib.evaluation import metrics
from ModicGraderLib.evaluation.answers import (
    FINDING,
    GRADE,
    KIND,
    METRICS,
    Answers,
    Score,
    finding,
    score_table,
    scores,
)
from ModicGraderLib.evaluation.metrics import Estimate
from ModicGraderLib.evaluation.peers import PEERS, peers_table


@pytest.fixture(autouse=True)
def few_draws(monkeypatch):
    """Intervals are not what these tests look at."""
    monkeypatch.setattr(metrics, "BOOTSTRAPS", 20)


def grades(truth, called):
    return Answers(
        "Pfirrmann", "disc", tuple("12345"), np.arange(len(truth)).astype(str), np.array(truth), np.array(called),
        np.eye(5)[called],
    )  # fmt: skip


def test_a_finding_without_truth_or_answer_is_left_out():
    one = finding("narrowing", "disc", list("abcd"), [1.0, None, 0.0, 1.0], [0.7, 0.2, 0.1, float("nan")])
    assert one.patients.tolist() == ["a", "c"]
    assert one.truth.tolist() == [1, 0] and one.called.tolist() == [1, 0]
    assert one.chances == pytest.approx(np.array([[0.3, 0.7], [0.9, 0.1]]))


def test_the_confusion_has_the_truth_in_its_rows():
    assert grades([0, 0, 4], [0, 1, 3]).matrix()[0].tolist() == [1, 1, 0, 0, 0]


def test_reliability_is_that_of_yes_or_of_every_class():
    one = finding("narrowing", "disc", list("ab"), [1.0, 0.0], [0.7, 0.2])
    happened, chance = one.reliability()
    assert happened.tolist() == [True, False] and chance == pytest.approx([0.7, 0.2])
    happened, chance = grades([0, 4], [0, 3]).reliability()
    assert happened.sum() == 2 and chance.sum() == 2 and len(chance) == 10


def test_every_metric_that_is_asked_for_is_known():
    assert {*FINDING, *KIND, *GRADE} <= set(METRICS)


def test_within_one_and_exact_count_grades():
    found = {one.metric: one.estimate.value for one in scores(grades([0, 1, 2, 3], [0, 2, 4, 3]), GRADE)}
    assert (found["exact"], found["within one"]) == (0.5, 0.75)


def test_auroc_is_that_of_anything_but_the_first_class():
    one = Answers("types", "disc", ("0", "I", "II"), np.array(list("abc")), np.array([0, 1, 2]), np.zeros(3, int),
                  np.array([[0.9, 0.1, 0.0], [0.5, 0.0, 0.5], [0.6, 0.4, 0.0]]))  # fmt: skip
    assert METRICS["AUROC"](one, np.arange(3)) == 1


def test_without_answers_there_is_no_score():
    assert scores(finding("narrowing", "disc", [], [], []), FINDING) == []


def test_a_floor_is_met_by_the_value_and_not_by_its_interval():
    held, failed, free = (
        Score("a", "disc", "AUROC", 9, Estimate(value, 0.5, 1.0), floor)
        for value, floor in ((0.88, 0.88), (0.879, 0.88), (0.2, None))
    )
    shown = score_table([held, failed, free])
    asked, _, others, _ = shown.split("\n\n")
    assert [line.split("|")[6:8] for line in asked.split("\n")[2:]] == [
        [" ≥ 0.88 ", " met "], [" ≥ 0.88 ", " **missed** "],
    ]  # fmt: skip
    assert len(others.split("\n")) == 3 and "≥" not in others


def test_published_figures_stand_beside_ours_in_the_same_metric_and_for_our_tasks_alone():
    own = Score("Pfirrmann", "disc", "kappa", 9, Estimate(0.71, 0.6, 0.8))
    lines = peers_table([own]).split("\n\n")[1].split("\n")[2:]
    assert len(lines) == sum(peer.task == "Pfirrmann" for peer in PEERS) > 3
    for line in lines:
        assert ("0.710 (0.600-0.800)" in line) == ("| kappa |" in line)
