"""Tests of what the command line prints."""

import pytest
from graded_example import example_graded_study

from ModicGraderLib.comparison import compare
from ModicGraderLib.corrections import correct
from ModicGraderLib.terminal import print_comparison, print_summary


@pytest.fixture(scope="module")
def report():
    return example_graded_study().report


def test_a_corrected_table_fits_into_80_columns_with_whole_headings(report, tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    for level, value in (("L4/L5", "II/III"), ("L5/S1", "I/II")):
        report = correct(report, level, "modic", value, "AB")
    print_summary(correct(report, "L1/L2", "narrowing", 1, "AB"), tmp_path, [], as_json=False)
    out = capsys.readouterr().out
    table = out[: out.index("info: ")].splitlines()
    assert max(map(len, table)) <= 80
    for heading in ("Modic", "any change", "Pfirrmann", "narrowed", "herniation", "bulging", "slip"):
        assert heading in table[0]
    assert "7\u202f% → yes" in out
    assert "II → II/III" in out


def test_a_grade_that_only_the_second_report_gives_stands_beside_a_dash(report, capsys):
    reader = correct(report, "T12/L1", "pfirrmann", 2, "AB")
    print_comparison(compare(reader, report), as_json=False)
    out = capsys.readouterr().out
    assert "– → 2" in out
    assert "None" not in out
