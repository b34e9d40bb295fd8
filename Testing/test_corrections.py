"""Tests of corrections: whatever a reader does and takes back, the report ends where it should."""

import json
from copy import deepcopy

import jsonschema
import numpy as np
import pytest
from drawn_reports import drawn_report
from graded_example import example_graded_study
from hypothesis import given, settings
from hypothesis import strategies as st

from ModicGraderLib.anatomy import DISCS_UPWARDS, ENDPLATES, GRADED_DISCS, MODIC_MAP_LABELS
from ModicGraderLib.corrections import (
    GRADES,
    correct,
    correct_map,
    describe,
    machine_report,
    map_reading,
    rename,
    renumber,
    standing,
    undo,
)
from ModicGraderLib.disagreement import DISAGREE
from ModicGraderLib.errors import InputError
from ModicGraderLib.report import EndplateReport, ModicReading, QualityFinding, StudyReport
from ModicGraderLib.resources import resource_path

EXAMPLE = example_graded_study().report
SCHEMA = json.loads(resource_path("Schemas/modicgrader-report-1.schema.json").read_text(encoding="utf-8"))
NOON = "2026-01-31T13:00:00+01:00"

grades = st.sampled_from(sorted(GRADES)).flatmap(
    lambda field: st.tuples(st.just(field), st.sampled_from([None, *GRADES[field]]))
)
steps = st.one_of(
    st.tuples(st.just("grade"), st.integers(0, 5), grades),
    st.tuples(st.just("number"), st.sampled_from(DISCS_UPWARDS)),
    st.tuples(st.just("map"), st.integers(0, 5), st.sampled_from(ENDPLATES), st.integers(0, 900)),
    st.just(("undo",)),
)


def take(report: StudyReport, step: tuple) -> StudyReport:
    """One thing a reader does; the report itself where it is refused."""
    try:
        match step:
            case ("grade", disc, (field, value)):
                return correct(report, report.discs[disc].level, field, value, "AB", NOON)
            case ("number", lowest):
                return renumber(report, lowest, "AB", NOON)
            case ("map", disc, endplate, voxels):
                return edited(report, disc, endplate, voxels)
            case _:
                return undo(report)
    except InputError:
        return report


def edited(report: StudyReport, disc: int, endplate: str, voxels: int) -> StudyReport:
    """The map of an endplate as a reader drew it, with so many voxels of type I."""
    machine = machine_report(report).discs[disc].endplates
    said = {name: map_reading(one, dict.fromkeys(MODIC_MAP_LABELS, 0)) for name, one in machine.items()}
    drawn = EndplateReport(ModicReading(None), height_percent=3.0, volume_mm3=4.0 * voxels, location=["central"])
    says = {**said, endplate: map_reading(drawn, {"I": voxels, "II": 0, "III": 0})}
    return correct_map(report, report.discs[disc].level, said, says, "CD", NOON)


@given(st.integers(0, 2**32 - 1), st.lists(steps, max_size=8))
@settings(max_examples=25)
def test_after_any_corrections_the_program_still_says_what_it_said(seed, done):
    original = drawn_report(np.random.default_rng(seed))
    report = original
    for step in done:
        report = take(report, step)
        assert machine_report(report) == original
    jsonschema.validate(json.loads(report.to_json()), SCHEMA)
    assert StudyReport.from_dict(json.loads(report.to_json())) == report


@given(st.lists(steps, max_size=8), steps)
@settings(max_examples=25)
def test_undoing_a_correction_gives_the_report_from_before_it(done, last):
    report = EXAMPLE
    for step in done:
        report = take(report, step)
    changed = take(report, last)
    replaces = last[0] == "map" and len(changed.corrections) == len(report.corrections)
    if changed is not report and last[0] != "undo" and not replaces:
        assert undo(changed) == report


@given(st.lists(steps, max_size=8))
@settings(max_examples=25)
def test_undoing_everything_gives_the_program_s_report(done):
    report = EXAMPLE
    for step in done:
        report = take(report, step)
    for _ in list(report.corrections):
        report = undo(report)
    assert report == EXAMPLE
    with pytest.raises(InputError, match="no correction to undo"):
        undo(report)


@given(st.integers(0, 5), grades)
@settings(max_examples=25)
def test_a_correction_changes_one_grade_and_no_report_but_the_new_one(disc, grade):
    field, value = grade
    before = deepcopy(EXAMPLE)
    report = correct(EXAMPLE, EXAMPLE.discs[disc].level, field, value, "AB", NOON)
    assert before == EXAMPLE
    assert report.discs[disc].readings[field].grade == value
    report.discs[disc].readings[field].grade = EXAMPLE.discs[disc].readings[field].grade
    assert report.discs == EXAMPLE.discs


def test_a_second_correction_keeps_what_the_program_said():
    report = correct(correct(EXAMPLE, "L4/L5", "pfirrmann", 3, "AB", NOON), "L4/L5", "pfirrmann", 5, "CD", NOON)
    assert [(one.machine, one.reader_value, one.reader) for one in report.corrections] == [(4, 3, "AB"), (4, 5, "CD")]
    assert [one.reader_value for one in standing(report)] == [5]
    assert report.discs[4].pfirrmann.probabilities == EXAMPLE.discs[4].pfirrmann.probabilities


def test_going_back_to_what_the_program_said_is_recorded_and_nothing_stands_corrected():
    report = correct(correct(EXAMPLE, "L4/L5", "pfirrmann", 3, "AB"), "L4/L5", "pfirrmann", 4, "AB")
    assert len(report.corrections) == 2
    assert standing(report) == []
    assert report.discs == EXAMPLE.discs


def test_agreeing_with_the_program_is_no_correction():
    assert correct(EXAMPLE, "L4/L5", "pfirrmann", 4, "AB") is EXAMPLE
    assert renumber(EXAMPLE, "L5/S1", "AB") is EXAMPLE


def test_a_withheld_grade_can_be_given_and_a_given_one_withheld():
    report = correct(EXAMPLE, "T12/L1", "pfirrmann", 2, "AB", NOON)
    report = correct(report, "L1/L2", "narrowing", None, "AB", NOON)
    assert describe(report.corrections[0]) == "T12/L1 Pfirrmann grade: withheld → 2 (AB, 2026-01-31 12:00 UTC)"
    assert describe(report.corrections[1]) == "L1/L2 narrowing: no → withheld (AB, 2026-01-31 12:00 UTC)"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("L6/S1", "modic", "I", "AB"), "no disc 'L6/S1'"),
        (("L4/L5", "herniation", 1, "AB"), "no grade 'herniation'"),
        (("L4/L5", "modic", "IV", "AB"), "'IV' is no grade of Modic type; give one of 0, I, II, III, I/II, II/III"),
        (("L4/L5", "pfirrmann", "3", "AB"), "'3' is no grade of Pfirrmann grade"),
        (("L4/L5", "narrowing", True, "AB"), "True is no grade of narrowing"),
        (("L4/L5", "pfirrmann", 3, "  "), "name or the initials"),
        (("L4/L5", "pfirrmann", 3, "AB", "yesterday"), "'yesterday' is no time"),
        (("L4/L5", "pfirrmann", 3, "AB", "2026-01-31T12:00"), "offset from UTC"),
        ((None, "lowest_disc", "L6/S1", "AB"), "no disc 'L6/S1'"),
        ((None, "lowest_disc", "T12/L1", "AB"), "would have no name"),
    ],
)
def test_what_cannot_be_corrected_is_refused_in_one_sentence(arguments, said):
    with pytest.raises(InputError, match=said) as caught:
        correct(EXAMPLE, *arguments)
    assert str(caught.value).endswith(".")
    assert "\n" not in str(caught.value)


def test_renumbering_moves_every_name_and_keeps_what_the_program_said():
    report = correct(EXAMPLE, "L4/L5", "pfirrmann", 3, "AB", NOON)
    report.quality.append(QualityFinding("numbering_unsure", "warning", "L5/S1 with 60% confidence; check it."))
    report = renumber(report, "L4/L5", "AB", NOON)
    assert [disc.level for disc in report.discs] == ["T11/T12", *GRADED_DISCS[:-1]]
    assert (report.numbering.lowest_disc, report.numbering.source) == ("L4/L5", "user")
    assert report.corrections[0].level == "L3/L4"
    assert (report.corrections[1].machine, report.corrections[1].reader_value) == ("L5/S1", "L4/L5")
    assert [finding.level for finding in report.quality] == [None, "T11/T12"]
    assert report.lordosis_deg is None, "no disc is called L5/S1 now"
    back = renumber(report, "L5/S1", "AB", NOON)
    assert (back.lordosis_deg, back.numbering) == (EXAMPLE.lordosis_deg, EXAMPLE.numbering)
    assert back.corrections[0].level == "L4/L5"


def test_names_inside_findings_move_along():
    report = deepcopy(EXAMPLE)
    report.quality = [
        QualityFinding("block_vertebra", "warning", "The body of L3 is as tall as two on T1.", "L3/L4"),
        QualityFinding("level_not_in_view", "info", "The disc T12/L1 was not found and is not graded.", "T12/L1"),
    ]
    assert renumber(report, "L4/L5", "AB").quality == [
        QualityFinding("block_vertebra", "warning", "The body of L2 is as tall as two on T1.", "L2/L3")
    ]


def test_a_disc_given_its_true_name_renumbers_all():
    assert rename(EXAMPLE, "L1/L2", "T12/L1", "AB", NOON) == renumber(EXAMPLE, "L4/L5", "AB", NOON)
    with pytest.raises(InputError, match="would have no name"):
        rename(EXAMPLE, "L1/L2", "L2/L3", "AB")


def disagreement(report: StudyReport) -> list[str]:
    return [finding.message for finding in report.quality if finding.code == DISAGREE]


def test_a_change_called_off_at_an_endplate_alone_is_told_apart_from_disc_and_map():
    report = correct(EXAMPLE, "L4/L5", "upper_endplate_modic", "0", "AB")
    assert report.discs[4].modic.grade == "II"
    assert report.discs[4].endplates["upper"].volume_mm3 == 2100.0
    assert disagreement(report) == [
        "The corrected grades of L4/L5 disagree: the disc has Modic type II, its upper endplate 0 and its lower"
        " endplate 0; no change is called in L4, but the map shows one of 2100 mm³ there, and the extents are those of"
        " the map."
    ]


def test_grades_that_agree_again_are_no_longer_told_apart():
    report = correct(EXAMPLE, "L4/L5", "upper_endplate_modic", "III", "AB")
    assert len(disagreement(report)) == 1
    assert disagreement(correct(report, "L4/L5", "modic", "III", "AB")) == []
    assert disagreement(undo(report)) == []


def test_a_change_called_where_the_map_shows_none_says_that_its_extents_are_unknown():
    report = correct(EXAMPLE, "L1/L2", "lower_endplate_modic", "I", "AB")
    assert "a change is called in L2, but the map shows none there" in disagreement(report)[0]


def test_a_map_erased_under_a_call_is_told_too():
    report = edited(EXAMPLE, 4, "upper", 0)
    assert "a change is called in L4, but the map shows none there" in disagreement(report)[0]


def test_what_the_program_alone_said_is_not_judged():
    report = deepcopy(EXAMPLE)
    report.discs[4].modic.grade = "0"
    assert disagreement(correct(report, "L4/L5", "pfirrmann", 2, "AB")) == []


def test_a_later_edit_of_a_map_takes_the_place_of_the_earlier():
    report = edited(edited(EXAMPLE, 4, "upper", 100), 4, "upper", 200)
    assert [one.reader_value["upper"]["voxels"]["I"] for one in report.corrections] == [200]
    assert report.discs[4].endplates["upper"].volume_mm3 == 800.0
    assert undo(report) == EXAMPLE
