"""Tests of docs/result-files.md: it says what the code does, and its examples run as they stand there."""

import json
import re
import shutil

import jsonschema
import pytest
from graded_example import example_graded_study

from ModicGraderLib.corrections import correct
from ModicGraderLib.evaluation.result_files import PAGE, blocks, schemas, write
from ModicGraderLib.export.report_schema import report_schema
from ModicGraderLib.export.tables import endplate_rows, level_rows, write_table
from ModicGraderLib.resources import resource_path

MEND = "run `python -m ModicGraderLib.evaluation.result_files`"
EXAMPLE = example_graded_study().report


@pytest.fixture(scope="module")
def page():
    return PAGE.read_text(encoding="utf-8")


def examples(page, word):
    """The Python examples of the page that hold a word."""
    return [code for code in re.findall(r"```python\n(.*?)```", page, re.DOTALL) if word in code]


def properties(schema):
    """Every property of a schema, with its name, but not what only conditions repeat."""
    for name, field in schema.get("properties", {}).items():
        yield name, field
        yield from properties(field)
        yield from properties(field.get("items", {}))
    for definition in schema.get("$defs", {}).values():
        yield from properties(definition)


@pytest.mark.parametrize("name", sorted(schemas()))
def test_the_schemas_that_lie_there_are_those_of_the_code(name):
    assert json.loads(resource_path(f"Schemas/{name}").read_text(encoding="utf-8")) == schemas()[name], MEND


@pytest.mark.parametrize("name", sorted(blocks()))
def test_the_tables_of_the_page_are_those_of_the_code(name, page):
    assert f"<!-- measured: {name} -->\n{blocks()[name]}\n<!-- end -->" in page, MEND


def test_the_page_has_no_table_that_nothing_fills(page):
    assert set(re.findall(r"<!-- measured: (.*?) -->", page)) == set(blocks())


def test_every_field_of_the_report_has_a_meaning():
    jsonschema.Draft202012Validator.check_schema(report_schema())
    named = list(properties(report_schema()))
    assert len(named) > 100
    for name, field in named:
        assert field.get("description", "").endswith("."), name


def test_every_field_of_a_report_is_on_the_page(page):
    report = EXAMPLE.to_dict()
    disc = report["discs"][0]
    for name in (*report, *disc, *disc["endplates"]["upper"], *disc["modic"], *report["numbering"]):
        assert f"`{name}`" in page or f".{name}`" in page, name


def test_writing_changes_nothing_that_is_up_to_date(tmp_path, page, monkeypatch):
    shutil.copytree(resource_path("Schemas"), tmp_path / "Schemas")
    (tmp_path / "page.md").write_text(page, encoding="utf-8")
    (tmp_path / "Schemas/modicgrader-levels-1.schema.json").unlink()
    monkeypatch.setattr("ModicGraderLib.evaluation.result_files.PAGE", tmp_path / "page.md")
    monkeypatch.setattr("ModicGraderLib.evaluation.result_files.resource_path", lambda name: tmp_path / name)
    write()
    assert (tmp_path / "page.md").read_text(encoding="utf-8") == page
    for path in resource_path("Schemas").iterdir():
        assert (tmp_path / "Schemas" / path.name).read_bytes() == path.read_bytes()


def test_the_example_for_pandas_joins_results_without_mixing_types(tmp_path, page, monkeypatch):
    (code,) = examples(page, "pandas")
    quiet = EXAMPLE
    for level in ("L4/L5", "L5/S1"):
        quiet = correct(quiet, level, "modic", "0", "AB")
    for name, report in (("0001", EXAMPLE), ("0002", quiet)):
        folder = tmp_path / "results" / name
        folder.mkdir(parents=True)
        write_table(folder / "levels.csv", level_rows(report))
        write_table(folder / "endplates.csv", endplate_rows(report))
    schemas_folder = tmp_path / "Resources" / "Schemas"
    shutil.copytree(resource_path("Schemas"), schemas_folder)
    monkeypatch.chdir(tmp_path)
    said = {}
    exec(code, said)
    levels = said["levels"]
    assert levels["modic"].tolist() == ["0", "0", "0", "0", "II", "I", *6 * ["0"]]
    assert levels["study"].tolist() == [*6 * ["0001"], *6 * ["0002"]]
    assert str(levels["pfirrmann"].dtype) == "Int64"
    assert levels["pfirrmann"].isna().sum() == 2
    assert said["endplates"]["modic"].dropna().unique().tolist() == ["0", "II", "I"]
    assert len(said["both"]) == len(said["endplates"]) == 24
    assert said["both"]["modic_of_disc"].tolist() == [grade for grade in levels["modic"] for _ in range(2)]


def test_the_example_for_fhir_runs(tmp_path, page, monkeypatch):
    (code,) = examples(page, "fhir")
    (tmp_path / "result").mkdir()
    (tmp_path / "result/report.json").write_text(EXAMPLE.to_json(), encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    said = {}
    exec(code, said)
    assert said["bundle"]["entry"][0]["resource"]["subject"] == {"reference": "Patient/17"}
