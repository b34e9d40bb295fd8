"""Tests of the tables of a cohort: what they hold, that they stream, and that they are whole or as they were."""

import csv
from dataclasses import replace

import pytest
from drawn_cohort import draw_cohort, write_study
from graded_example import example_graded_study
from pyarrow import parquet

from ModicGraderLib.cohort import agreement, outcome, outcome_tables
from ModicGraderLib.cohort.outcome import write_outcome
from ModicGraderLib.cohort.outcome_columns import STUDY_COLUMNS, study_row
from ModicGraderLib.cohort.study_list import StudyEntry
from ModicGraderLib.corrections import correct
from ModicGraderLib.export.tables import endplate_rows, level_rows
from ModicGraderLib.report import StudyReport

EXAMPLE = example_graded_study().report
TABLES = ("cohort", "endplates", "studies")


@pytest.fixture(autouse=True)
def few_draws(monkeypatch):
    """Intervals are not what these tests look at."""
    monkeypatch.setattr(agreement, "DRAWN_ROWS", 0)
    monkeypatch.setattr(agreement, "LEAST_DRAWS", 5)


@pytest.fixture(scope="module")
def cohort(tmp_path_factory):
    """Folder and entries of six studies that are done, one that failed and two that are left."""
    directory = tmp_path_factory.mktemp("cohort")
    entries = draw_cohort(directory, 6, failed=1, left=2)
    write_outcome(directory, entries)
    return directory, entries


def rows_in(directory, table):
    with (directory / f"{table}.csv").open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def report_of(directory, entry):
    return StudyReport.read(directory / "studies" / entry.name / "report.json")


@pytest.mark.parametrize(("table", "rows_of"), [("cohort", level_rows), ("endplates", endplate_rows)])
def test_a_table_has_the_rows_of_each_study_behind_its_name_patient_and_age(cohort, table, rows_of):
    directory, entries = cohort
    wanted = [
        {"study": one.name, "patient": one.patient, "age_years": one.age_years, **row}
        for one in entries[:6]
        for row in rows_of(report_of(directory, one))
    ]
    assert parquet.read_table(directory / f"{table}.parquet").to_pylist() == wanted
    assert rows_in(directory, table) == [
        {name: "" if value is None else str(value) for name, value in row.items()} for row in wanted
    ]


def test_a_row_of_studies_tells_what_a_reader_should_know_of_one(tmp_path):
    report = correct(EXAMPLE, "L4/L5", "pfirrmann", 5, "AB")
    write_study(tmp_path, "a", report, {"seconds": 21.5, "peak_memory_mb": 900.0})
    write_outcome(tmp_path, [StudyEntry("a", "p", age_years=61.0)])
    (row,) = parquet.read_table(tmp_path / "studies.parquet").to_pylist()
    assert (row["study"], row["patient"], row["age_years"], row["discs"]) == ("a", "p", 61.0, 6)
    assert (row["errors"], row["warnings"], row["findings"]) == (0, 1, "cropped; modic_type_by_signal")
    assert (row["grades_withheld"], row["corrections"], row["seconds"]) == (1, 1, 21.5)
    assert (row["lowest_disc"], row["transitional_suspected"], row["models"]) == ("L5/S1", 0, "example 1")


def test_a_row_of_studies_holds_what_its_columns_say(cohort):
    for entry in cohort[1][:6]:
        row = {"study": entry.name, "patient": entry.patient, "age_years": entry.age_years}
        row |= study_row(report_of(cohort[0], entry), {})
        assert list(row) == [column.name for column in STUDY_COLUMNS]
        for column in STUDY_COLUMNS:
            value = row[column.name]
            assert value is not None or column.empty, column.name
            assert value is None or not column.values or value in column.values, column.name


def test_columns_keep_their_types_where_nothing_is_known(cohort, tmp_path):
    write_outcome(tmp_path, [StudyEntry("left", "p")])
    for table in TABLES:
        empty, full = (parquet.read_table(folder / f"{table}.parquet") for folder in (tmp_path, cohort[0]))
        assert empty.num_rows == 0 and empty.schema.equals(full.schema)
        assert (tmp_path / f"{table}.csv").read_text().splitlines()[0].split(",") == full.column_names
    assert "No disc is graded yet" in (tmp_path / "overview.html").read_text()


def test_a_study_without_a_disc_has_a_row_among_the_studies_alone(tmp_path):
    write_study(tmp_path, "a", replace(EXAMPLE, discs=[]), {})
    write_outcome(tmp_path, [StudyEntry("a", "p")])
    assert [len(rows_in(tmp_path, table)) for table in TABLES] == [0, 0, 1]


def test_what_is_written_in_batches_is_the_same(cohort, tmp_path, monkeypatch):
    directory, entries = cohort
    (tmp_path / "studies").symlink_to(directory / "studies")
    monkeypatch.setattr(outcome_tables, "BATCH", 7)
    write_outcome(tmp_path, entries)
    assert parquet.ParquetFile(tmp_path / "cohort.parquet").num_row_groups == 3  # twelve rows at a time
    for table in TABLES:
        once, batched = (parquet.read_table(folder / f"{table}.parquet") for folder in (directory, tmp_path))
        assert batched.equals(once)
        assert (tmp_path / f"{table}.csv").read_bytes() == (directory / f"{table}.csv").read_bytes()


def test_reports_are_read_one_after_the_other(cohort, tmp_path, monkeypatch):
    """Each is written before the next is read, so that memory does not grow with the cohort."""
    directory, entries = cohort
    (tmp_path / "studies").symlink_to(directory / "studies")
    told = []
    read = StudyReport.read
    monkeypatch.setattr(StudyReport, "read", lambda path: told.append("read") or read(path))
    monkeypatch.setattr(outcome, "level_rows", lambda report: told.append("written") or level_rows(report))
    outcome._write_tables(tmp_path, entries)
    assert told == ["read", "written"] * 6


def test_a_damaged_report_is_left_out_and_told(cohort, tmp_path, caplog):
    entries = draw_cohort(tmp_path, 3)
    (tmp_path / "studies" / entries[1].name / "report.json").write_text("{")
    write_outcome(tmp_path, entries)
    assert [row["study"] for row in rows_in(tmp_path, "studies")] == [entries[0].name, entries[2].name]
    assert f"the report of study {entries[1].name} is damaged" in caplog.text


def test_a_fault_in_the_midst_leaves_the_older_tables_as_they_were(tmp_path, monkeypatch):
    entries = draw_cohort(tmp_path, 3)
    write_outcome(tmp_path, entries[:2])
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir() if path.is_file()}

    def fault(report, run):
        raise RuntimeError("a fault of ours")

    monkeypatch.setattr(outcome, "study_row", fault)
    with pytest.raises(RuntimeError):
        write_outcome(tmp_path, entries)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir() if path.is_file()} == before


def test_all_that_was_written_is_returned(tmp_path):
    entries = draw_cohort(tmp_path, 2, labelled=True)
    files = write_outcome(tmp_path, entries)
    names = {f"{table}.{kind}" for table in TABLES for kind in ("csv", "parquet")}
    names |= {"overview.html", "agreement.json", "agreement.md"}
    assert {path.name for path in files} == names
    assert {path.name for path in tmp_path.iterdir()} == names | {"failures.csv", "studies"}


def test_where_labels_are_taken_away_the_agreement_goes_too(tmp_path):
    entries = draw_cohort(tmp_path, 2, labelled=True)
    write_outcome(tmp_path, entries)
    write_outcome(tmp_path, [replace(entry, labels={}) for entry in entries])
    assert not list(tmp_path.glob("agreement*"))
    assert "Agreement with" not in (tmp_path / "overview.html").read_text()


def test_what_tells_who_a_patient_is_goes_nowhere(tmp_path):
    """Paths and what a report keeps of its input stay where they are."""
    report = replace(EXAMPLE, input={"t1": {"path": "/data/DOE^JANE/1.2.840.113619.2.1/t1.nii.gz"}})
    write_study(tmp_path, "a", report, {"worker": "DOE^JANE"})
    entry = StudyEntry("a", "p", t1=tmp_path / "DOE^JANE.nii.gz", examination="1.2.840.113619.2.1")
    for path in write_outcome(tmp_path, [entry]):
        content = path.read_bytes()
        assert not [word for word in (b"DOE", b"1.2.840", str(tmp_path).encode()) if word in content], path.name
