"""SpineNet 2016: measures and tables."""

from __future__ import annotations

import math

import numpy as np
import pytest
from spinenet_samples import noise_sample

from ModicGraderLib.evaluation import metrics
from ModicGraderLib.recipes.spinenet2016 import (
    RECIPE,
)
from ModicGraderLib.recipes.spinenet2016_discs import TASKS
from ModicGraderLib.recipes.spinenet2016_tables import (
    PAPER_BRANCHES,
    PAPER_LABELS,
    Measured,
    over_models,
    per_class_accuracy,
    tables,
)
from ModicGraderLib.training.labelled_study import DiscLabels


def test_the_papers_label_counts_add_up_as_printed():
    assert [sum(counts) for counts in PAPER_LABELS.values()] == [11994, 11989, 11986, 11983, 11893, 11892]
    assert list(PAPER_LABELS) == list(TASKS)
    assert {task: len(counts) for task, counts in PAPER_LABELS.items()} == TASKS
    assert sum(RECIPE.cohort.mix.values()) == pytest.approx(1)


def test_conv5_is_best_for_three_tasks_as_the_paper_says():
    best = [max(PAPER_BRANCHES, key=lambda branch: PAPER_BRANCHES[branch][task][0]) for task in range(6)]
    assert best.count("conv5") == 3
    # Pfirrmann is a tie of conv3 and conv5.
    assert PAPER_BRANCHES["conv3"][0][0] == PAPER_BRANCHES["conv5"][0][0] == 71.2


def test_per_class_accuracy_weighs_classes_alike_and_leaves_out_absent_ones():
    truth, called = np.array([0, 0, 0, 0, 2]), np.array([0, 0, 0, 1, 2])
    assert per_class_accuracy(truth, called, 4) == pytest.approx((75 + 100) / 2)
    assert math.isnan(per_class_accuracy(truth[:4], called[:4], 4))


def measured(grades: list[int], called: list[int]) -> Measured:
    """A model that says in all views what it calls, but the opposite of nothing in the plain one."""
    samples = [noise_sample(f"p{n}", DiscLabels(pfirrmann=grade)) for n, grade in enumerate(grades)]
    views = {task: np.zeros((len(grades), 54, classes)) for task, classes in TASKS.items()}
    views["pfirrmann"][:, 1:] = np.eye(5)[np.array(called) - 1][:, None]
    views["pfirrmann"][:, 0, 0] = 1
    return Measured("conv5", samples, views)


def test_the_accuracy_is_the_mean_over_models_and_all_views_decide():
    models = [measured([1, 2], [1, 2]), measured([1, 2], [1, 1])]

    def score(truth, called):
        return per_class_accuracy(truth, called, 5)

    assert over_models(models, "pfirrmann", score).value == pytest.approx(75)
    assert over_models(models, "pfirrmann", score, slice(1)).value == pytest.approx(50)
    assert over_models(models, "narrowing", score) is None


def test_tables_show_the_spread_of_two_models_and_pfirrmann_to_within_one(monkeypatch):
    monkeypatch.setattr(metrics, "BOOTSTRAPS", 5)
    models = [measured([1, 2], [1, 2]), measured([1, 4], [2, 1])]
    made = {table.title: table for table in tables(models[0].samples, models, [], "noise", "small")}
    spread = made["Table 2: standard deviation over models"].rows["Pfirrmann"][3].ours
    assert spread == pytest.approx(np.std([100, 0], ddof=1))
    near = made["Section 5: protocol of Lootus 2015"].rows["Pfirrmann to within one grade"][0]
    assert (near.paper, near.ours.value) == (96.1, pytest.approx(75))
    change = made["Section 5: test-time averaging"].rows["Pfirrmann"][2]
    assert (change.paper, change.ours) == (-0.5, pytest.approx(0))
