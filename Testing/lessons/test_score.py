"""Scores of known answers."""

import numpy as np
import pytest
from sklearn.metrics import cohen_kappa_score

from ModicGraderLib.lessons.items import ITEMS
from ModicGraderLib.lessons.score import FEWEST_CASES, Row, score_rows

CASES = 6


def drawn_rows(item, cases=CASES, per_case=6, seed=0, machine=True):
    rng = np.random.default_rng(seed)
    grades = ITEMS[item]

    def one(case):
        truth = grades[rng.integers(len(grades))]
        answer, said = (truth if rng.random() < 0.6 else grades[rng.integers(len(grades))] for _ in range(2))
        return Row(case, item, answer, truth, said if machine else None)

    return [one(case) for case in range(cases) for _ in range(per_case)]


def kappa_of(rows, given, weights):
    item = rows[0].item
    index = ITEMS[item].index
    return cohen_kappa_score(
        [index(row.truth) for row in rows],
        [index(grade) for grade in given],
        weights=weights,
        labels=range(len(ITEMS[item])),
    )


@pytest.mark.parametrize(
    ("item", "weights"),
    [("modic_upper", None), ("pfirrmann", "quadratic"), ("narrowing", None), ("endplate_lesion", None)],
)
def test_kappa_is_cohens_with_the_weights_of_the_task(item, weights):
    rows = drawn_rows(item)
    score = score_rows(rows)[0]
    assert score.reader.kappa.value == pytest.approx(kappa_of(rows, [row.answer for row in rows], weights))
    assert score.machine.kappa.value == pytest.approx(kappa_of(rows, [row.machine for row in rows], weights))
    assert score.reader.kappa.low < score.reader.kappa.value < score.reader.kappa.high


def test_accuracy_has_the_interval_of_wilson():
    rows = [Row(1, "narrowing", int(number < 9), 1, None) for number in range(12)]
    accuracy = score_rows(rows)[0].reader.accuracy
    assert accuracy.value == 0.75
    # By Wilson's formula for 9 of 12.
    assert (accuracy.low, accuracy.high) == pytest.approx((0.4677, 0.9111), abs=1e-4)


def test_both_endplates_are_scored_together():
    rows = drawn_rows("modic_upper") + drawn_rows("modic_lower", seed=1)
    (score,) = score_rows(rows)
    assert (score.task, score.reader.count) == ("modic", len(rows))


def test_tasks_that_were_not_answered_have_no_score():
    assert [one.task for one in score_rows(drawn_rows("narrowing"))] == ["narrowing"]
    assert score_rows([]) == []


@pytest.mark.parametrize(("cases", "per_case"), [(FEWEST_CASES - 1, 12), (FEWEST_CASES, 2)])
def test_kappa_of_too_few_is_refused_in_a_sentence_that_says_how_many(cases, per_case):
    reader = score_rows(drawn_rows("pfirrmann", cases, per_case))[0].reader
    assert reader.kappa is None
    assert reader.why_no_kappa.endswith(f"so far there are {cases * per_case} in {cases}: read on.")


def test_kappa_of_one_true_grade_is_refused():
    rows = [Row(number // 6, "narrowing", number % 2, 0, None) for number in range(36)]
    reader = score_rows(rows)[0].reader
    assert reader.kappa is None
    assert "the same" in reader.why_no_kappa


def test_the_machine_is_set_beside_the_reader_where_it_gave_a_grade():
    rows = drawn_rows("pfirrmann") + drawn_rows("pfirrmann", seed=1, machine=False)
    score = score_rows(rows)[0]
    assert (score.reader.count, score.reader_there.count, score.machine.count) == (72, 36, 36)
    assert score.reader_there == score_rows(rows[:36])[0].reader


def test_without_the_machine_there_is_only_the_reader():
    score = score_rows(drawn_rows("pfirrmann", machine=False))[0]
    assert score.machine is None and score.reader_there is None
