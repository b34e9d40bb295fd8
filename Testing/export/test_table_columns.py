"""Tests of the tables as a researcher reads them: every column is described, and what is described is what is there."""

import csv
import io
import json
from dataclasses import replace

import numpy as np
import pytest
from drawn_reports import drawn_report
from graded_example import example_graded_study
from hypothesis import given, settings
from hypothesis import strategies as st

from ModicGraderLib.anatomy import DISCS_UPWARDS, ENDPLATES
from ModicGraderLib.corrections import correct, renumber
from ModicGraderLib.export.table_columns import ENDPLATE_COLUMNS, LEVEL_COLUMNS
from ModicGraderLib.export.tables import endplate_rows, level_rows, write_table
from ModicGraderLib.reading import ONE_CONTRAST
from ModicGraderLib.resources import resource_path

EXAMPLE = example_graded_study().report
NOON = "2026-01-31T12:00:00+00:00"
TYPES = {"string": str, "integer": int, "number": float}

reports = st.builds(
    lambda seed, lowest: renumber(drawn_report(np.random.default_rng(seed)), lowest, "AB", NOON),
    st.integers(0, 2**32 - 1),
    st.sampled_from(DISCS_UPWARDS[:3]),
)


def corrected_report():
    report = correct(EXAMPLE, "L4/L5", "modic", None, "AB", NOON)
    report = correct(report, "L5/S1", "upper_endplate_modic", "I/II", "AB", NOON)
    return correct(report, "T12/L1", "pfirrmann", 2, "AB", NOON)


def bare_report():
    """A report of which nothing is known but where the discs are."""
    discs = [
        replace(
            disc,
            **{name: replace(disc.readings[name], grade=None, probabilities={}) for name in ("modic", "pfirrmann")},
            endplate_lesion=replace(disc.endplate_lesion, grade=None, probabilities={}),
            narrowing=replace(disc.narrowing, grade=None, present=None),
            height_index=None,
            angle_deg=None,
            uncertainty={},
            abstained=[],
        )
        for disc in EXAMPLE.discs
    ]
    return replace(EXAMPLE, discs=discs)


def published(name):
    return json.loads(resource_path(f"Schemas/modicgrader-{name}-1.schema.json").read_text(encoding="utf-8"))


def read_as_described(rows, schema):
    """The rows through CSV and back, as a program reads them that knows the schema alone; fails where they break it."""
    file = io.StringIO()
    writer = csv.DictWriter(file, [field["name"] for field in schema["fields"]])
    writer.writeheader()
    writer.writerows(rows)
    read = list(csv.DictReader(io.StringIO(file.getvalue())))
    return [{field["name"]: value_of(field, row[field["name"]]) for field in schema["fields"]} for row in read]


def value_of(field, text):
    bounds = field["constraints"]
    if text == "":
        assert not bounds["required"], field["name"]
        return None
    value = TYPES[field["type"]](text)
    assert value in bounds.get("enum", [value]), field["name"]
    assert bounds.get("minimum", -np.inf) <= (0 if isinstance(value, str) else value) <= bounds.get("maximum", np.inf)
    return value


def check(report):
    for name, rows in (("levels", level_rows(report)), ("endplates", endplate_rows(report))):
        schema = published(name)
        read = read_as_described(rows, schema)
        assert read == [{key: value if value != "" else None for key, value in row.items()} for row in rows]
        keys = [tuple(row[key] for key in schema["primaryKey"]) for row in read]
        assert len(set(keys)) == len(keys) == len(rows)


@given(reports)
@settings(max_examples=10)
def test_tables_of_any_report_are_as_their_schema_says(report):
    check(report)


@pytest.mark.parametrize("make", [lambda: EXAMPLE, corrected_report, bare_report])
def test_tables_with_doubts_corrections_and_gaps_are_as_their_schema_says(make):
    check(make())


def test_a_value_out_of_its_vocabulary_breaks_the_schema():
    rows = level_rows(EXAMPLE)
    with pytest.raises(AssertionError, match="pfirrmann"):
        read_as_described([{**rows[0], "pfirrmann": 6}], published("levels"))
    with pytest.raises(AssertionError, match="width_mm"):
        read_as_described([{**rows[0], "width_mm": None}], published("levels"))


@pytest.mark.parametrize(
    ("columns", "rows"), [(LEVEL_COLUMNS, level_rows), (ENDPLATE_COLUMNS, endplate_rows)], ids=["levels", "endplates"]
)
def test_columns_are_those_of_the_table_in_its_order_and_each_has_a_meaning(columns, rows):
    assert [column.name for column in columns] == list(rows(EXAMPLE)[0])
    for column in columns:
        assert column.meaning.endswith("."), column.name
        assert column.unit == "1" or (column.unit is None) == (column.type != "number"), column.name


def test_a_table_without_rows_has_its_header(tmp_path):
    names = [column.name for column in LEVEL_COLUMNS]
    write_table(tmp_path / "levels.csv", [], names)
    assert (tmp_path / "levels.csv").read_text(encoding="utf-8").strip().split(",") == names


def test_rows_run_as_the_vocabulary_of_levels_and_endplates_does():
    levels = next(column for column in LEVEL_COLUMNS if column.name == "level").values
    rows = [(row["level"], row["endplate"]) for row in endplate_rows(EXAMPLE)]
    assert rows == sorted(rows, key=lambda one: (levels.index(one[0]), ENDPLATES.index(one[1])))


def test_withheld_grades_can_be_parted_whatever_the_reasons_say():
    reasons = [{"grade": "modic", "reason": ONE_CONTRAST}, {"grade": "pfirrmann", "reason": "Cut off: not seen."}]
    assert ";" in ONE_CONTRAST
    report = replace(EXAMPLE, discs=[replace(EXAMPLE.discs[0], abstained=reasons)])
    told = [one.split(": ", 1) for one in level_rows(report)[0]["abstained"].split("; ")]
    assert told == [["modic", ONE_CONTRAST.replace(";", ",")], ["pfirrmann", "Cut off: not seen."]]
