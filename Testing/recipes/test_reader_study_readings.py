"""Tables of readings: what is taken, and one sentence for what is wrong."""

import pytest

from ModicGraderLib.errors import InputError
from ModicGraderLib.reader_study.readings import COLUMNS, Reading, read_grades, read_readings

HEAD = ",".join(COLUMNS)
LINE = "A,1,0,case-01,L4/L5,I/II,12.5"


@pytest.fixture
def table(tmp_path):
    def write(*lines, head=HEAD, name="readings.csv"):
        path = tmp_path / name
        path.write_text("\n".join([head, *lines]) + "\n", encoding="utf-8")
        return path

    return write


def test_readings_come_back_as_they_were_said(table):
    path = table(LINE, "A,2,1,case-01,L4/L5,,3")
    assert read_readings([path]) == [
        Reading("A", "1", False, "case-01", "L4/L5", "I/II", 12.5),
        Reading("A", "2", True, "case-01", "L4/L5", None, 3.0),
    ]


def test_a_table_that_a_spreadsheet_saved_is_read(tmp_path):
    path = tmp_path / "saved.csv"
    path.write_bytes(f"{HEAD}\r\n{LINE}\r\n".encode("utf-8-sig"))
    assert [one.modic for one in read_readings([path])] == ["I/II"]


def test_columns_may_come_in_any_order_with_others_beside(table):
    path = table("note,I/II,12.5,L4/L5,case-01,0,1,A", head="comment,modic,seconds,level,case,assisted,session,reader")
    assert read_readings([path]) == [Reading("A", "1", False, "case-01", "L4/L5", "I/II", 12.5)]


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        ("A,1,yes,case-01,L4/L5,I,1", "line 2 of readings.csv: assisted is 'yes'; give 0"),
        ("A,1,0,case-01,L5/L4,I,1", "'L5/L4' is no level; give one of L5/S1"),
        ("A,1,0,case-01,L4/L5,2,1", "'2' is no modic; give one of 0, I, II, III, I/II, II/III"),
        ("A,1,0,case-01,L4/L5,I,soon", "seconds is 'soon'; give a number"),
        ("A,1,0,case-01,L4/L5,I,-1", "seconds is '-1'"),
        ("A,1,0,case-01,L4/L5,I,nan", "seconds is 'nan'"),
        (",1,0,case-01,L4/L5,I,1", "reader is empty; fill it in"),
        ("A,1,0,case-01", "level is empty"),
    ],
)
def test_a_wrong_field_is_told_with_its_line_and_mend(table, line, sentence):
    with pytest.raises(InputError, match=r"line 2 of readings\.csv") as error:
        read_readings([table(line)])
    assert sentence in str(error.value)


@pytest.mark.parametrize(("line", "number"), [('"Ann" B,1,0,case-01,L4/L5,I,1', 3), ('"Ann,1,0,case-01,L4/L5,I,1', 4)])
def test_a_line_that_is_no_csv_is_told_with_its_mend(table, line, number):
    sentence = rf"^line {number} of readings\.csv is no CSV \(.+\); close its quotes, and double those inside a cell$"
    with pytest.raises(InputError, match=sentence):
        read_readings([table(LINE, line, LINE.replace("L4/L5", "L5/S1"))])


def test_semicolons_and_empty_cells_beyond_the_columns_are_read(table):
    commas = read_readings([table(LINE)])
    semicolons = table(LINE.replace(",", ";") + ";;", ";" * 9, head="\ufeff" + HEAD.replace(",", ";"))
    assert read_readings([semicolons]) == commas


def test_a_missing_column_an_empty_table_and_no_table_are_told(table, tmp_path):
    with pytest.raises(InputError, match="has no column 'seconds'"):
        read_readings([table("A", head=HEAD.removesuffix(",seconds"))])
    with pytest.raises(InputError, match="hold no readings"):
        read_readings([table()])
    with pytest.raises(InputError, match="cannot be read"):
        read_readings([tmp_path / "absent.csv"])
    (tmp_path / "page.csv").write_bytes(b"\xff\xfe\x00picture")
    with pytest.raises(InputError, match=r"page\.csv is no text in UTF-8; save it as CSV in UTF-8"):
        read_readings([tmp_path / "page.csv"])


def test_a_disc_that_was_read_twice_under_a_condition_is_refused_also_across_tables(table):
    tables = [table(LINE), table(LINE.replace("A,1,", "A,3,"), name="again.csv")]
    with pytest.raises(InputError, match=r"again\.csv: A read L4/L5 of case-01 without assistance more than once"):
        read_readings(tables)


def test_grades_of_a_reference_are_read_and_open_ones_left_out(table):
    path = table("case-01,L4/L5,I", "case-01,L5/S1,", head="case,level,modic")
    assert read_grades(path) == {("case-01", "L4/L5"): "I"}
    with pytest.raises(InputError, match="more than one grade"):
        read_grades(table("case-01,L4/L5,I", "case-01,L4/L5,II", head="case,level,modic"))
