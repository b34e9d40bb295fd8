"""Tests of how answers are measured: the truth in the words of an answer, and figures of constructed cases."""

from __future__ import annotations

import pytest

from ModicGraderLib.recipes.measures import measure, measures_page, on_one_scale, truth_of
from ModicGraderLib.recipes.recipe import Answer
from ModicGraderLib.training.labelled_study import DiscLabels


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
    def answer(patient: str, level: str, change: float) -> Answer:
        return Answer(patient, patient, level, "any_change", {"False": 1 - change, "True": change}, str(change > 0.5))

    answers = [
        answer("p", "L5/S1", 0.9),
        answer("p", "L4/L5", 0.6),
        answer("q", "L5/S1", 0.4),
        answer("q", "L4/L5", 0.1),
    ]
    modic = {("p", "L5/S1"): "I", ("p", "L4/L5"): "0", ("q", "L5/S1"): "II", ("q", "L4/L5"): "0"}
    (measured,) = measure(answers, {place: DiscLabels(modic=one) for place, one in modic.items()})
    assert measured.confusion == [[1, 1], [1, 1]]
    assert measured.measures["accuracy"].value == 0.5
    assert measured.measures["kappa"].value == 0
    assert measured.measures["AUC of True"].value == 0.75
    assert measured.patients == 2 and measured.left_out == {} and measured.unanswered == {}


def test_labelled_discs_without_an_answer_are_counted_by_level_for_each_task():
    said = {
        "any_change": {"False": 0.2, "True": 0.8},
        "pfirrmann": {"3": 0.4, "4": 0.6},
        "narrowing": {"0": 0.4, "1": 0.6},
    }
    answers = [
        Answer("s", "p", "L5/S1", task, chances, max(chances, key=chances.get)) for task, chances in said.items()
    ]
    labels = {
        ("s", "L5/S1"): DiscLabels(pfirrmann=4),
        ("s", "L4/L5"): DiscLabels(modic="I", pfirrmann=3),
        ("s", "L3/L4"): DiscLabels(),
        ("r", "L4/L5"): DiscLabels(modic="0"),
    }
    # Of no disc is it known whether it is narrowed.
    change, pfirrmann = measure(answers, labels)
    assert change.unanswered == {"L4/L5": 2} and change.discs == 0 and change.measures == {}
    assert pfirrmann.unanswered == {"L4/L5": 1} and pfirrmann.discs == 1
    told = "2 labelled discs have no answer, since they were not found or the recipe cannot use them: 2 L4/L5."
    assert told in measures_page([change, pfirrmann], "title", [])


def _narrowing(level: str, *chances: float) -> Answer:
    named = {str(grade): chance for grade, chance in enumerate(chances)}
    return Answer("s", "p", level, "narrowing", named, max(named, key=named.get))


def test_graded_narrowing_is_measured_as_there_or_not_where_labels_tell_no_more():
    answers = [_narrowing("L5/S1", 0.2, 0.1, 0.6, 0.1), _narrowing("L4/L5", 0.7, 0.3, 0, 0)]
    labels = {("s", "L5/S1"): DiscLabels(narrowing=1), ("s", "L4/L5"): DiscLabels(narrowing=0)}
    (measured,) = measure(*on_one_scale(answers, labels, narrowing_grades=2))
    assert measured.classes == ["0", "1"] and measured.confusion == [[1, 0], [0, 1]]
    # 0.8 of the narrowed disc against 0.3: the probability of a slight narrowing alone would be the wrong way round.
    assert measured.measures["AUC of 1"].value == 1 and measured.measures["accuracy"].value == 1


def test_graded_labels_are_measured_as_there_or_not_where_answers_tell_no_more():
    answers = [_narrowing("L5/S1", 0.2, 0.8), _narrowing("L4/L5", 0.7, 0.3), _narrowing("L3/L4", 0.9, 0.1)]
    graded = {"L5/S1": 3, "L4/L5": 0, "L3/L4": None}
    labels = {("s", level): DiscLabels(narrowing=one) for level, one in graded.items()}
    (measured,) = measure(*on_one_scale(answers, labels, narrowing_grades=4))
    assert measured.confusion == [[1, 0], [0, 1]] and measured.left_out == {}


def test_narrowing_on_one_scale_stays_as_it_is():
    graded = [_narrowing("L5/S1", 0.2, 0.1, 0.6, 0.1)], {("s", "L5/S1"): DiscLabels(narrowing=2)}
    there = [_narrowing("L5/S1", 0.2, 0.8)], {("s", "L5/S1"): DiscLabels(narrowing=1)}
    assert on_one_scale(*graded, 4) == graded and on_one_scale(*there, 2) == there


def test_without_any_label_the_page_says_that_nothing_was_measured():
    assert "nothing was measured" in measures_page([], "title", [])
