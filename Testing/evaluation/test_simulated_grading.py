"""Tests of how grades on simulated patients are measured: the truth itself is perfect, that of others is chance."""

from copy import deepcopy
from dataclasses import replace

import numpy as np
import pytest
from drawn_reports import certain_modic, drawn_report

from ModicGraderLib.anatomy import ENDPLATES, GRADED_DISCS
from ModicGraderLib.evaluation import metrics
from ModicGraderLib.evaluation.measured_studies import MAPPED_TYPES, TRUE_TYPES, MeasuredStudy
from ModicGraderLib.evaluation.simulated_answers import all_answers, disc_pairs, endplate_pairs, modic_type
from ModicGraderLib.evaluation.simulated_grading import (
    ASKED,
    all_scores,
    levels_table,
    map_scores,
    mixed_table,
    numbers_table,
    withheld_table,
)
from ModicGraderLib.report import ModicReading

ERRORS = ("calibration error",)
"""Metrics of which the best value is 0."""


@pytest.fixture(autouse=True)
def few_draws(monkeypatch):
    """Intervals are not what these tests look at."""
    monkeypatch.setattr(metrics, "BOOTSTRAPS", 20)


def studies(count=12, answer=lambda truths, number: truths[number]):
    truths = [drawn_report(np.random.default_rng(seed)) for seed in range(count)]
    overlap = np.zeros((len(GRADED_DISCS), len(ENDPLATES), len(TRUE_TYPES), len(MAPPED_TYPES)), int)
    return [
        MeasuredStudy(f"p{number}", truth, deepcopy(answer(truths, number)), overlap)
        for number, truth in enumerate(truths)
    ]


@pytest.fixture(scope="module")
def perfect():
    return studies()


def test_the_truth_itself_is_perfect_in_every_task(perfect):
    found = all_scores(all_answers(disc_pairs(perfect)))
    assert {score.task for score in found} == {task for task, *_ in ASKED}
    for score in found:
        best = 0 if score.metric in ERRORS else 1
        assert score.estimate.value == pytest.approx(best), (score.task, score.metric)
        assert score.count > 20


def test_the_truth_of_another_patient_is_chance():
    others = studies(40, lambda truths, number: truths[number - 1])
    found = {(one.task, one.metric): one.estimate.value for one in all_scores(all_answers(disc_pairs(others)))}
    assert found["any Modic change", "AUROC"] == pytest.approx(0.5, abs=0.1)
    assert found["Modic 0, I, II, III of an endplate", "balanced accuracy"] == pytest.approx(0.25, abs=0.12)
    assert found["Pfirrmann", "quadratic kappa"] == pytest.approx(0, abs=0.2)
    assert found["height class", "linear kappa"] == pytest.approx(0, abs=0.2)
    assert found["endplate lesion (Bassani)", "balanced accuracy"] == pytest.approx(0.25, abs=0.1)


def test_a_disc_that_is_missing_misnamed_or_elsewhere_is_not_found(perfect):
    missing, misnamed, moved = (deepcopy(perfect[number].truth) for number in range(3))
    del missing.discs[0]
    misnamed.discs[4].level, misnamed.discs[5].level = misnamed.discs[5].level, misnamed.discs[4].level
    disc = moved.discs[2]
    disc.center_lps_mm = list(np.add(disc.center_lps_mm, 0.4 * disc.width_mm * np.array(disc.normal_lps)))
    wrong = [replace(one, report=report) for one, report in zip(perfect, (missing, misnamed, moved), strict=False)]
    assert len(disc_pairs(wrong)) == 3 * 6 - 1 - 2 - 1


def test_a_disc_that_lies_beside_the_true_one_is_found(perfect):
    report = deepcopy(perfect[0].truth)
    for disc in report.discs:
        left = np.cross(disc.normal_lps, disc.anterior_lps)
        disc.center_lps_mm = list(np.add(disc.center_lps_mm, 20 * left))
    assert len(disc_pairs([replace(perfect[0], report=report)])) == 6


def test_patients_without_a_spine_count_among_the_levels_alone(perfect):
    blind = [replace(perfect[0], report=None), perfect[1]]
    pairs = disc_pairs(blind)
    assert {pair.patient for pair in pairs} == {"p1"}
    line = levels_table(blind, pairs).split("\n")[-1]
    assert line.startswith("| 2 | 1 | 12 | 0.500")


def test_a_mixed_answer_counts_as_its_likelier_type():
    chances = {"0": 0.1, "I": 0.4, "II": 0.5, "III": 0.0}
    assert modic_type(ModicReading("I/II", chances, 0.9))[0] == "II"
    assert modic_type(ModicReading("I", chances, 0.9))[0] == "I"


def test_a_withheld_answer_counts_as_what_it_would_have_been():
    assert modic_type(ModicReading(None, {"0": 0.7, "I": 0.3, "II": 0.0, "III": 0.0}, 0.3))[0] == "0"
    # More likely none than any change, and yet called (`CHANGE_CALLED`); then none is likelier than any single type.
    assert modic_type(ModicReading(None, {"0": 0.6, "I": 0.3, "II": 0.1, "III": 0.0}, 0.4))[0] == "I"
    assert modic_type(ModicReading(None, {"0": 0.4, "I": 0.25, "II": 0.35, "III": 0.0}, 0.6))[0] == "II"


def test_mixed_truth_is_left_out_of_the_four_types_and_has_a_table_of_its_own(perfect):
    discs = disc_pairs(perfect)
    pure = sum("/" not in pair.truth.modic.grade for pair in discs)
    assert len(all_answers(discs)["Modic 0, I, II, III"].truth) == pure < len(discs)
    halves = studies(12)
    for study in halves:
        for disc in study.report.discs:
            if disc.modic.grade == "I/II":
                disc.modic = certain_modic("II")
    row = next(line for line in mixed_table(disc_pairs(halves)).split("\n") if line.startswith("| I/II | disc"))
    assert row.split("|")[4].strip().startswith("1.000") and row.split("|")[5].strip().startswith("0.000")


def test_withholding_what_is_wrong_takes_it_out_of_the_risk(perfect):
    cautious = [replace(study, report=deepcopy(study.report)) for study in perfect]
    wrong = [study.report.discs[0] for study in cautious[:6]]
    for disc in wrong:
        disc.pfirrmann.grade = 1 + (disc.pfirrmann.grade + 2) % 5
    off = sum(abs(p.truth.pfirrmann.grade - p.answer.pfirrmann.grade) > 1 for p in disc_pairs(cautious))
    assert _withheld(cautious) == ("1.000", f"{off / 72:.3f}")
    for disc in wrong:
        disc.pfirrmann.grade = None
    assert _withheld(cautious) == (f"{66 / 72:.3f}", "0.000")


def _withheld(measured):
    row = next(line for line in withheld_table(disc_pairs(measured)).split("\n") if "pfirrmann" in line).split("|")
    return row[4].strip()[:5], row[5].strip()[:5]


def test_errors_of_numbers_and_whether_their_intervals_hold_the_truth():
    shifted = studies(12)
    for number, study in enumerate(shifted):
        for disc in study.report.discs:
            disc.height_mm += 1.5
            disc.uncertainty = {"height_mm": 2.0 if number < 6 else 1.0}
    rows = {line.split("|")[1].strip(): [cell.strip() for cell in line.split("|")[2:-1]]
            for line in numbers_table(shifted, disc_pairs(shifted)).split("\n")[2:]}  # fmt: skip
    unit, count, _, off, bias, held = rows["height_mm"]
    assert (unit, count, bias) == ("disc", "72", "+1.50")
    assert off.startswith("1.500") and held.startswith("0.500")
    assert rows["volume_mm3"][3].startswith("0.000") and rows["volume_mm3"][5] == "not stated"
    assert rows["lordosis_deg"][1] == "12"


def test_extents_are_those_of_changes_that_are_true_and_found(perfect):
    pairs = endplate_pairs(disc_pairs(perfect))
    changed = [pair for pair in pairs if pair.truth.height_class]
    changed[0].answer.height_class = None
    table = numbers_table(perfect, disc_pairs(perfect))
    assert f"| height_percent | endplate | {len(changed) - 1} |" in table


def overlapping(cells):
    overlap = np.zeros((len(GRADED_DISCS), len(ENDPLATES), len(TRUE_TYPES), len(MAPPED_TYPES)), int)
    for disc, endplate, true, mapped, voxels in cells:
        overlap[disc, endplate, TRUE_TYPES.index(true), MAPPED_TYPES.index(mapped)] = voxels
    return overlap


def test_the_map_is_measured_over_all_patients_and_by_endplate_and_type(perfect):
    first = overlapping([(0, 0, "I", "I", 30), (0, 0, "I", "0", 10), (1, 1, "0", "II", 20)])
    second = overlapping([(2, 0, "II", "II", 5), (2, 0, "II", "I", 5), (3, 0, "I/II", "I", 40)])
    pair = [replace(perfect[0], overlap=first), replace(perfect[1], overlap=second)]
    found = {(one.task, one.metric.split(",")[1]): one for one in map_scores(pair)}
    whole = found["map of changes", " all patients together"]
    assert whole.estimate.value == pytest.approx(2 * 80 / (90 + 100))
    assert whole.count == 90
    each = found["map of changes", " mean of changed endplates"]
    assert each.count == 3
    assert each.estimate.value == pytest.approx((2 * 30 / 70 + 1 + 1) / 3)
    assert found["map of type I", " all patients together"].estimate.value == pytest.approx(2 * 30 / (40 + 35))
    assert found["map of type II", " all patients together"].estimate.value == pytest.approx(2 * 5 / (10 + 25))
    assert np.isnan(found["map of type III", " all patients together"].estimate.value)
