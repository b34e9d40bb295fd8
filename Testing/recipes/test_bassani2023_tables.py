"""Bassani 2023: metrics and tables, held against the paper's own counts."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import softmax
from sklearn.metrics import f1_score, precision_score, recall_score, roc_auc_score

from ModicGraderLib.anatomy import ENDPLATE_LESIONS
from ModicGraderLib.recipes import bassani2023_tables as tables_part
from ModicGraderLib.recipes.bassani2023 import ANY_LESION


class TestTables:
    def test_the_papers_tables_add_up_to_its_counts_but_for_one_normal_disc(self):
        assert np.sum(list(tables_part.TABLE_2.values()), axis=0).tolist() == [567, 485, 362, 145]
        assert np.sum(list(tables_part.TABLE_1.values()), axis=0).tolist() == [566, 485, 362, 145]
        right, there = np.sum(tables_part.FIGURE_6, axis=0)
        assert (right, there) == (275, 312)

    def test_the_papers_counts_give_its_figures(self):
        # 37 discs are called wrong; of what, its text does not say: here each type's by the shares of the others.
        matrix = np.zeros((4, 4))
        for true, (right, there) in enumerate(tables_part.FIGURE_6):
            others = np.array([count if one != true else 0 for one, (_, count) in enumerate(tables_part.FIGURE_6)])
            matrix[true] = (there - right) * others / others.sum()
            matrix[true, true] = right
        figures = {
            "accuracy": tables_part.accuracy(matrix),
            "precision": tables_part.precision(matrix),
            "recall": tables_part.balanced_accuracy(matrix),
            "specificity": tables_part.specificity(matrix),
            "F1": tables_part.macro_f1(matrix),
        }
        for name, value in figures.items():
            assert round(100 * value) == pytest.approx(tables_part.TABLE_3[name][0], abs=1), name
        assert round(100 * figures["accuracy"]) == 88 and round(100 * figures["recall"]) == 87

    def test_metrics_are_those_of_scikit_learn(self):
        random = np.random.default_rng(0)
        targets = random.integers(0, 4, 200)
        chances = softmax(random.normal(size=(200, 4)) + 1.5 * np.eye(4)[targets], axis=1)
        called = (chances * [1, 1, 2, 1]).argmax(1)
        assert (called != chances.argmax(1)).any(), "what is called is not told by the probabilities"
        wanted = {
            "AUC": roc_auc_score(targets, chances, multi_class="ovr"),
            "accuracy": np.mean(called == targets),
            "precision": precision_score(targets, called, average="macro"),
            "recall": recall_score(targets, called, average="macro"),
            "specificity": np.mean([recall_score(targets != one, called != one) for one in range(4)]),
            "F1": f1_score(targets, called, average="macro"),
        }
        measured = tables_part.Measured(ENDPLATE_LESIONS, targets, called, chances, np.arange(200))
        assert {name: metric(measured) for name, metric in tables_part.METRICS.items()} == pytest.approx(wanted)

    def test_five_hundred_bootstraps_draw_whole_patients(self, monkeypatch):
        asked = []
        monkeypatch.setattr(tables_part, "bootstrap", lambda metric, *others: asked.append(others))
        patients = np.array(["a", "a"])
        measured = tables_part.Measured(ENDPLATE_LESIONS, np.zeros(2, int), np.zeros(2, int), np.eye(4)[:2], patients)
        measured.percent(tables_part.mean_auc, 7)
        assert asked == [(patients, 500, 7)]

    def test_ages_fall_into_the_papers_ranges_by_whole_years(self):
        ages = np.array([12, 20.9, 21, 30.5, 41, 80.9, 88, np.nan])
        rows = ["10–20", "10–20", "21–30", "21–30", "41–50", "71–80", "81–90", ""]
        assert tables_part.age_rows(ages).tolist() == rows

    def test_a_distribution_is_in_percent_of_its_row_beside_the_papers(self):
        rows = np.array(["L5/S1", "L5/S1", "L5/S1", "L5/S1", "L1/L2"])
        table = tables_part.distribution("t", tables_part.TABLE_2, ENDPLATE_LESIONS, rows, np.array([0, 1, 1, 3, 2]))
        assert [cell.ours for cell in table.rows["L5/S1"]] == [25, 50, 0, 25]
        assert [cell.paper_text for cell in table.rows["L1/L2"]] == ["105 (30)", "97 (28)", "109 (31)", "40 (11)"]
        assert [cell.ours for cell in table.rows["L3/L4"]] == [None] * 4
        assert table.rows["L5/S1"][1].paper_text == "124 (56)", "as printed, though 124 of 219 are 57 %"
        two = tables_part.distribution("t", tables_part.TABLE_2, ANY_LESION, rows, np.array([0, 1, 1, 1, 0]))
        assert [cell.paper_text for cell in two.rows["L5/S1"]] == ["75 (34)", "144 (66)"]

    def test_accuracy_is_told_for_each_type_with_its_counts(self):
        targets = np.array([0, 0, 1, 2, 3])
        called, even = np.array([0, 1, 1, 2, 0]), np.full((5, 4), 0.25)
        measured = tables_part.Measured(ENDPLATE_LESIONS, targets, called, even, np.array(list("abcde")))
        table = tables_part.per_class({"by_patient": measured}, 0)
        assert [cell.ours.value for cell in table.rows["by_patient"]] == [50, 100, 100, 0, 60]
        assert [cell.paper_text for cell in table.rows["by_patient"]] == [
            "91 (104/114)",
            "82 (80/97)",
            "93 (67/72)",
            "83 (24/29)",
            "88 (275/312)",
        ]
        assert [round(cell.paper) for cell in table.rows["by_patient"]] == [91, 82, 93, 83, 88]
        assert table.notes == ["Our counts, by_patient: 1/2, 1/1, 1/1, 0/1, 3/5."]
