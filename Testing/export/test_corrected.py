"""Tests of exported corrections: files, page and terminal show what the program said beside what a reader says."""

import csv
import dataclasses
import json
import re

import jsonschema
import pytest
from graded_example import example_graded_study

from ModicGraderLib.corrections import correct, correct_map, map_reading, renumber
from ModicGraderLib.export import write_results
from ModicGraderLib.export.impression import summary
from ModicGraderLib.graded import MACHINE_MAP
from ModicGraderLib.report import StudyReport
from ModicGraderLib.resources import resource_path
from ModicGraderLib.terminal import print_summary

GRADED = example_graded_study()
NOON = "2026-01-31T12:00:00+00:00"


def corrected_report() -> StudyReport:
    """The example after a reader: grades changed, given, taken away, and the map of one endplate erased."""
    report = correct(GRADED.report, "L4/L5", "modic", "I", "AB", NOON)
    report = correct(report, "L4/L5", "upper_endplate_modic", "0", "AB", NOON)
    report = correct(report, "T12/L1", "pfirrmann", 2, "AB", NOON)
    report = correct(report, "L5/S1", "pfirrmann", None, "AB", NOON)
    report = correct(report, "L1/L2", "narrowing", 1, "AB", NOON)
    machine = {
        name: map_reading(one, {"I": 9, "II": 0, "III": 0}) for name, one in GRADED.report.discs[5].endplates.items()
    }
    drawn = dataclasses.replace(GRADED.report.discs[5].endplates["upper"], volume_mm3=1500.0)
    return correct_map(
        report, "L5/S1", machine, {**machine, "upper": map_reading(drawn, {"I": 5, "II": 0, "III": 0})}, "CD", NOON
    )


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    path = tmp_path_factory.mktemp("corrected") / "result"
    maps = {**GRADED.maps, MACHINE_MAP: GRADED.maps["modic_map"]}
    write_results(dataclasses.replace(GRADED, report=corrected_report(), maps=maps), path, without=("scene",))
    return path


def rows(path):
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def words(page: str) -> str:
    """The words of a page, without its style."""
    return " ".join(re.sub(r"<style>.*?</style>|<[^>]*>", " ", page, flags=re.DOTALL).split())


def test_report_keeps_every_correction_and_follows_its_schema(folder):
    report = json.loads((folder / "report.json").read_text(encoding="utf-8"))
    schema = resource_path("Schemas/modicgrader-report-1.schema.json").read_text(encoding="utf-8")
    jsonschema.validate(report, json.loads(schema))
    assert StudyReport.from_dict(report) == corrected_report()


@pytest.mark.parametrize(
    "spoil",
    [
        lambda one: one.update(reader=""),
        lambda one: one.update(when="yesterday"),
        lambda one: one.update(field="herniation"),
        lambda one: one.update(reader_value="IV"),
        lambda one: one.pop("machine"),
    ],
)
def test_schema_refuses_a_spoiled_correction(spoil):
    report = corrected_report().to_dict()
    spoil(report["corrections"][0])
    schema = resource_path("Schemas/modicgrader-report-1.schema.json").read_text(encoding="utf-8")
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(report, json.loads(schema))


def test_levels_say_what_counts_what_the_program_said_and_who_corrected_it(folder):
    table = {row["level"]: row for row in rows(folder / "levels.csv")}
    one = table["L4/L5"]
    assert (one["modic"], one["modic_machine"]) == ("I", "II")
    assert (one["modic_corrected_by"], one["modic_corrected_at"]) == ("AB", NOON)
    assert (one["pfirrmann_machine"], one["pfirrmann_corrected_by"]) == ("4", "")
    assert (table["T12/L1"]["pfirrmann"], table["T12/L1"]["pfirrmann_machine"]) == ("2", "")
    assert (table["L5/S1"]["pfirrmann"], table["L5/S1"]["pfirrmann_machine"]) == ("", "5")
    assert (table["L1/L2"]["narrowing"], table["L1/L2"]["narrowing_machine"]) == ("1", "0")
    assert (one["level_machine"], one["level_corrected_by"]) == ("L4/L5", "")


def test_endplates_say_so_too_and_tell_an_edited_map_from_the_program_s(folder):
    table = {(row["level"], row["endplate"]): row for row in rows(folder / "endplates.csv")}
    one, edited = table["L4/L5", "upper"], table["L5/S1", "upper"]
    assert (one["modic"], one["modic_machine"], one["modic_corrected_by"]) == ("0", "II", "AB")
    assert one["map_corrected_by"] == ""
    assert (edited["volume_mm3"], edited["volume_mm3_machine"]) == ("1500.0", "2100.0")
    assert (edited["map_corrected_by"], edited["modic_corrected_by"]) == ("CD", "")
    assert table["L5/S1", "lower"]["map_corrected_by"] == ""


def test_a_renumbered_table_says_what_the_program_called_each_level(tmp_path):
    report = renumber(GRADED.report, "L4/L5", "AB", NOON)
    discs = tuple(
        dataclasses.replace(disc, level=one.level)
        for disc, one in zip(GRADED.location.discs, report.discs, strict=True)
    )
    location = dataclasses.replace(GRADED.location, discs=discs, numbering=report.numbering)
    write_results(
        dataclasses.replace(GRADED, location=location, report=report), tmp_path / "result", without=("scene",)
    )
    last = rows(tmp_path / "result/levels.csv")[-1]
    assert (last["level"], last["level_machine"], last["level_corrected_by"]) == ("L4/L5", "L5/S1", "AB")


def test_the_program_s_own_map_is_written_beside_the_edited_one(folder):
    assert (folder / "modic_map_machine.nii.gz").exists()


def test_page_shows_both_with_who_and_when(folder):
    page = words((folder / "report.html").read_text(encoding="utf-8"))
    for said in (
        "I &#9998; program: II, 94 %",
        "L4/L5 Modic type II I AB 2026-01-31 12:00 UTC",
        "L4/L5 Modic type at the upper endplate II 0 AB",
        "T12/L1 Pfirrmann grade withheld 2 AB",
        "L5/S1 Modic map upper 2100 mm³, lower 0 mm³ upper 1500 mm³, lower 0 mm³ CD",
        "The corrected grades of L4/L5 disagree",
        "L4 inferior L4/L5 0 &#9998; program: II, 94 % by a reader, not the map",
        "corrected by a reader where it says so",
    ):
        assert said in page.replace("\u202f", " ").replace("✎", "&#9998;"), said
    assert "Withheld: Pfirrmann" not in page


def test_a_page_without_corrections_does_not_speak_of_them(tmp_path):
    write_results(GRADED, tmp_path / "result", without=("scene",))
    page = words((tmp_path / "result/report.html").read_text(encoding="utf-8"))
    assert "Corrected" not in page
    assert "without a physician's review" in page


def test_the_summary_follows_the_reader():
    report = correct(correct(GRADED.report, "L4/L5", "modic", "0", "AB"), "L1/L2", "modic", "III", "AB")
    assert summary(report).startswith("Modic changes: L1/L2 type III. L5/S1 type I at the inferior endplate of L5")


def test_terminal_shows_both_and_json_holds_all(capsys, tmp_path):
    print_summary(corrected_report(), tmp_path, [], as_json=False)
    out = capsys.readouterr().out
    assert "II → I" in out
    assert "– → 2" in out
    assert "corrected: L4/L5 Modic type: II → I (AB, 2026-01-31 12:00 UTC)" in out
    print_summary(corrected_report(), tmp_path, [], as_json=True)
    assert len(json.loads(capsys.readouterr().out)["corrections"]) == 6
