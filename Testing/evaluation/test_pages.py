"""Tests of pages of results: pieces take each other's place, and what people wrote stays."""

import pytest

from ModicGraderLib.errors import InputError
from ModicGraderLib.evaluation.pages import table, wrapped, write_blocks


def test_a_block_is_replaced_and_what_is_written_around_it_stays(tmp_path):
    page = tmp_path / "page.md"
    page.write_text("before\n<!-- measured: a -->\nold\n<!-- end -->\nafter\n<!-- measured: b -->\n<!-- end -->\n")
    write_blocks(page, {"a": "new \\1", "b": "other"})
    assert page.read_text() == (
        "before\n<!-- measured: a -->\nnew \\1\n<!-- end -->\nafter\n<!-- measured: b -->\nother\n<!-- end -->\n"
    )
    assert [path.name for path in tmp_path.iterdir()] == ["page.md"]


def test_a_page_without_the_place_for_a_block_is_refused_and_left_as_it_was(tmp_path):
    page = tmp_path / "page.md"
    page.write_text("<!-- measured: b -->\n<!-- end -->\n")
    with pytest.raises(InputError, match=r"page\.md has no place for 'a'"):
        write_blocks(page, {"b": "new", "a": "new"})
    assert page.read_text() == "<!-- measured: b -->\n<!-- end -->\n"


def test_a_page_that_is_not_there_is_named(tmp_path):
    with pytest.raises(InputError, match=r"page\.md is not there"):
        write_blocks(tmp_path / "page.md", {"a": "new"})


def test_paragraphs_are_wrapped_and_tables_pictures_and_headings_are_not():
    picture, rows = "![" + "long " * 40 + "](a.png)", table(("a", "b"), [("long " * 40, 1)])
    text = wrapped(f"## Head\n\n{'word ' * 60}\n\n{rows}\n\n{picture}")
    head, paragraph, *after = text.split("\n\n")
    assert (head, after) == ("## Head", [rows, picture])
    assert max(map(len, paragraph.split("\n"))) <= 120
    assert paragraph.split() == ["word"] * 60


def test_a_table_has_a_head_a_rule_and_a_line_for_each_row():
    assert table(("a", "b"), [(1, "x"), (2, "y")]) == "| a | b |\n| --- | --- |\n| 1 | x |\n| 2 | y |"
