"""Tests of the report and its JSON: what is written is what is read."""

import json
from dataclasses import replace

import jsonschema
import pytest
from graded_example import example_graded_study

from ModicGraderLib.report import SCHEMA, StudyReport
from ModicGraderLib.resources import resource_path


@pytest.fixture(scope="module")
def report() -> StudyReport:
    return example_graded_study().report


def test_a_report_is_the_same_after_a_trip_through_plain_values(report):
    again = StudyReport.from_dict(report.to_dict())
    assert again == report
    assert again is not report
    assert again.discs[0].endplates["upper"] == report.discs[0].endplates["upper"]


def test_a_report_is_the_same_after_a_trip_through_a_file(report, tmp_path):
    path = tmp_path / "report.json"
    path.write_text(report.to_json(), encoding="utf-8")
    assert StudyReport.read(path) == report
    assert StudyReport.read(path).to_json() == report.to_json()


def test_a_change_of_one_value_is_a_change_of_the_report(report):
    data = json.loads(report.to_json())
    data["discs"][2]["endplates"]["lower"]["modic"]["any_change"] = 0.123
    assert StudyReport.from_dict(data) != report


def test_a_report_from_before_the_measures_is_read_and_follows_the_schema(report):
    data = json.loads(report.to_json())
    for one in (data, *data["discs"], *(end for disc in data["discs"] for end in disc["endplates"].values())):
        for name in ("lordosis_deg", "anterior_height_mm", "posterior_height_mm", "angle_deg", "listhesis_mm"):
            one.pop(name, None)
        for name in ("uncertainty", "height_class_probabilities"):
            one.pop(name, None)
    jsonschema.validate(data, json.loads(resource_path(f"Schemas/{SCHEMA}.schema.json").read_text(encoding="utf-8")))
    old = StudyReport.from_dict(data)
    assert old.lordosis_deg is None
    assert old.discs[0].angle_deg is None
    assert old.discs[0].endplates["upper"].uncertainty == {}


def test_reading_leaves_the_values_it_read_alone(report):
    data = report.to_dict()
    before = json.dumps(data)
    StudyReport.from_dict(data)
    assert json.dumps(data) == before


def test_a_report_follows_its_schema(report):
    schema = json.loads(resource_path(f"Schemas/{SCHEMA}.schema.json").read_text(encoding="utf-8"))
    jsonschema.validate(json.loads(report.to_json()), schema)
    assert report.schema == SCHEMA


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_a_value_that_is_not_finite_is_a_fault_of_ours(report, value):
    with pytest.raises(ValueError, match="JSON"):
        replace(report, discs=[replace(report.discs[0], width_mm=value)]).to_json()
