"""Tests of a report beside the truth."""

import json
from dataclasses import replace

import pytest
from graded_example import example_graded_study

from ModicGraderLib.cli import main
from ModicGraderLib.comparison import compare


def changed(report, level, **fields):
    """The report with other fields of one disc."""
    discs = [replace(disc, **fields) if disc.level == level else disc for disc in report.discs]
    return replace(report, discs=discs)


@pytest.fixture(scope="module")
def report():
    return example_graded_study().report


def test_a_report_agrees_with_itself(report):
    for one in compare(report, report):
        assert one.distance_mm == 0
        assert set(one.agreeing) == {name for name, grade in one.truth.items() if grade is not None}


def test_a_disc_that_was_not_found_has_no_grades(report):
    rest = replace(report, discs=[disc for disc in report.discs if disc.level != "L4/L5"])
    missing = next(one for one in compare(rest, report) if one.level == "L4/L5")
    assert missing.distance_mm is None
    assert not any(missing.result.values())
    assert missing.agreeing == []


@pytest.mark.parametrize(("slip", "within"), [(0.5, True), (3.0, False)])
def test_a_measure_is_within_its_interval_or_beyond(report, slip, within):
    truth = changed(report, "L4/L5", listhesis_mm=slip)
    found = next(one for one in compare(report, truth) if one.level == "L4/L5").measures["listhesis_mm"]
    assert (found.truth, found.result) == (slip, -1.2)
    assert found.within == within


def test_measures_without_interval_hold_nothing_and_missing_ones_are_left_out(report):
    one = next(one for one in compare(report, report) if one.level == "L4/L5")
    assert not one.measures["height_index"].within
    assert one.measures["volume_mm3_upper"].within
    assert "volume_mm3_lower" not in one.measures


def test_the_command_prints_every_level(report, tmp_path, capsys):
    path = tmp_path / "report.json"
    path.write_text(report.to_json(), encoding="utf-8")
    assert main(["compare", str(path), str(path), "--json"]) == 0
    assert [one["level"] for one in json.loads(capsys.readouterr().out)] == [disc.level for disc in report.discs]
    assert main(["compare", str(path), str(path)]) == 0
    assert "L5/S1" in capsys.readouterr().out


@pytest.mark.parametrize("content", [None, "{}", "not JSON"])
def test_what_is_no_report_is_refused_with_one_sentence(report, tmp_path, capsys, content):
    path = tmp_path / "report.json"
    if content is not None:
        path.write_text(content, encoding="utf-8")
    assert main(["compare", str(path), str(path)]) == 2
    assert capsys.readouterr().err.count("\n") == 1
