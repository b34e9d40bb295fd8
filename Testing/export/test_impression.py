"""The impression of a report: complete, in a radiologist's order, and never more than the grades say."""

import re
from copy import deepcopy

import numpy as np
import pytest
from drawn_reports import drawn_report
from graded_example import example_graded_study
from hypothesis import given, settings
from hypothesis import strategies as st

from ModicGraderLib.corrections import TITLES, correct
from ModicGraderLib.export.impression import impression, is_changed, level_findings, summary
from ModicGraderLib.report import GradeReading, Numbering

EXAMPLE = example_graded_study().report
LEVEL = re.compile(r"(?:T12|L[1-5])/(?:L[1-5]|S1)")
reports = st.integers(0, 2**32 - 1).map(lambda seed: drawn_report(np.random.default_rng(seed)))


def said(report):
    """Texts of the impression by topic, several of one topic one after the other."""
    texts = {}
    for one in impression(report):
        texts.setdefault(one.topic, []).append(one.text.replace("\u202f", " "))
    return {topic: " ".join(one) for topic, one in texts.items()}


def test_it_reads_as_a_radiologist_would_dictate_it():
    assert said(EXAMPLE) == {
        "Modic changes": "L4/L5 type II at the inferior endplate of L4, 22 % of the vertebral height (class A),"
        " anterior. L5/S1 type I at the inferior endplate of L5, 22 % of the vertebral height (class A), anterior.",
        "Disc degeneration": "Pfirrmann 5 at L5/S1, 4 at L4/L5, 3 at L3/L4, 2 at L1/L2 and L2/L3;"
        " narrowed: L4/L5 and L5/S1.",
        "Endplates": "no lesion called.",
        "Contour and alignment": "bulging likely at L3/L4 (62 %), L4/L5 (62 %) and L5/S1 (62 %);"
        " no herniation or slip likely.",
        "Withheld": "Pfirrmann grade at T12/L1.",
    }


@given(reports)
@settings(max_examples=60)
def test_it_names_the_discs_that_the_grades_name_and_no_others(report):
    text = said(report)
    grades = {disc.level: disc for disc in report.discs}
    changed = [level for level, disc in grades.items() if disc.modic.grade != "0"]
    assert LEVEL.findall(text["Modic changes"]) == changed
    degenerated, narrowed = text["Disc degeneration"].split(";")
    assert sorted(LEVEL.findall(degenerated)) == sorted(grades) or "all discs" in degenerated
    steps = [int(grade) for grade in re.findall(r"(\d) at", degenerated)]
    assert steps == sorted({disc.pfirrmann.grade for disc in report.discs}, reverse=True)
    lesions = [level for level, disc in grades.items() if disc.endplate_lesion.grade != "normal"]
    assert sorted(LEVEL.findall(text["Endplates"])) == sorted(lesions) or "all discs" in text["Endplates"]
    assert set(LEVEL.findall(narrowed)) == {level for level, disc in grades.items() if disc.narrowing.grade} or (
        "all discs" in narrowed
    )
    assert "Withheld" not in text


@given(reports)
@settings(max_examples=30)
def test_what_is_said_of_a_level_is_what_the_impression_says(report):
    text = summary(report)
    for disc in report.discs:
        findings = level_findings(report, disc)
        assert (findings[0] == "No Modic change called.") is not is_changed(report, disc)
        if is_changed(report, disc):
            assert f"{disc.level} {findings[0].removeprefix('Modic ')[:-1]}" in text
        assert f"Pfirrmann\u00a0{disc.pfirrmann.grade}." in findings


def test_endplates_of_different_types_are_told_apart():
    report = deepcopy(EXAMPLE)
    report.discs[4].modic.grade = "I/II"
    report.discs[4].endplates["lower"].modic.grade = "I"
    assert said(report)["Modic changes"].startswith(
        "L4/L5 type I/II (type II at the inferior endplate of L4 and type I at the superior endplate of L5), 22 %"
    )


def test_a_likely_change_without_a_type_is_told_and_an_unlikely_one_is_only_withheld():
    report = deepcopy(EXAMPLE)
    for index, chance in ((2, 0.30), (3, 0.60)):
        report.discs[index].modic.grade, report.discs[index].modic.any_change = None, chance
        report.discs[index].abstained = [{"grade": "modic", "reason": "It is in doubt."}]
    text = said(report)
    assert text["Modic changes"].startswith("L3/L4 change of a withheld type (60 %). L4/L5 type II")
    assert "Modic type at L2/L3 and L3/L4" in text["Withheld"]
    assert level_findings(report, report.discs[2])[-1] == "Withheld: Modic type."


@pytest.mark.parametrize("grade", ["0", None])
def test_a_change_that_a_reader_takes_away_is_gone(grade):
    report = correct(EXAMPLE, "L4/L5", "modic", grade, "AB")
    assert said(report)["Modic changes"].startswith("L5/S1 type I")
    assert level_findings(report, report.discs[4])[0] == "No Modic change called."


def test_a_grade_that_a_reader_gave_is_no_longer_withheld():
    report = correct(EXAMPLE, "T12/L1", "pfirrmann", 2, "AB")
    assert "Withheld" not in said(report)
    assert "2 at T12/L1, L1/L2 and L2/L3" in said(report)["Disc degeneration"]


def test_of_one_contrast_types_are_withheld_once_and_not_an_endplate_each():
    report = deepcopy(EXAMPLE)
    for disc in report.discs:
        for name in ("modic", "upper_endplate_modic", "lower_endplate_modic"):
            disc.readings[name].grade = None
            disc.abstained.append({"grade": name, "reason": "One contrast."})
    text = said(report)
    assert text["Withheld"] == "Pfirrmann grade at T12/L1; Modic type at all discs."
    assert LEVEL.findall(text["Modic changes"]) == ["L4/L5", "L5/S1"]
    assert "L4/L5 change of a withheld type (94 %) at the inferior endplate of L4, 22 %" in text["Modic changes"]


def test_an_endplate_alone_in_doubt_is_named():
    report = deepcopy(EXAMPLE)
    report.discs[4].endplates["upper"].modic.grade = None
    report.discs[4].abstained = [{"grade": "upper_endplate_modic", "reason": "It is in doubt."}]
    assert f"{TITLES['upper_endplate_modic']} at L4/L5" in said(report)["Withheld"]


def test_doubt_of_the_numbering_comes_last_and_nothing_is_said_of_no_disc():
    report = deepcopy(EXAMPLE)
    report.numbering = Numbering("L5/S1", "model", 0.4, transitional_suspected=True)
    assert impression(report)[-1].text == "a transitional vertebra is suspected, so all levels may be shifted."
    report.discs = []
    assert summary(report) == "Discs: no disc was graded."


def test_what_was_not_read_is_not_said_to_be_absent():
    report = deepcopy(EXAMPLE)
    for disc in report.discs:
        disc.herniation = disc.bulging = disc.spondylolisthesis = None
        disc.pfirrmann = GradeReading(None)
    assert "Contour and alignment" not in said(report)
    assert said(report)["Disc degeneration"].startswith("no Pfirrmann grade;")
