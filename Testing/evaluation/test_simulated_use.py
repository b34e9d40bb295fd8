"""Tests of the page that reports what training on simulated patients gives."""

from ModicGraderLib.evaluation.simulated_use import SECTION, put_section, wrapped


def test_a_section_takes_the_place_of_the_one_before_and_leaves_the_rest(tmp_path):
    page = tmp_path / "page.md"
    page.write_text(f"# Page\n\n## First\n\none\n\n{SECTION}\n\nold\n\n### Part\n\nold\n\n## Last\n\nz\n")
    put_section(page, f"{SECTION}\n\nnew\n")
    assert page.read_text() == f"# Page\n\n## First\n\none\n\n{SECTION}\n\nnew\n\n## Last\n\nz\n"
    put_section(page, f"{SECTION}\n\nnewer\n")
    assert page.read_text() == f"# Page\n\n## First\n\none\n\n{SECTION}\n\nnewer\n\n## Last\n\nz\n"


def test_a_section_that_is_not_there_yet_is_appended(tmp_path):
    page = tmp_path / "page.md"
    page.write_text("# Page\n\n## First\n\none\n")
    put_section(page, f"{SECTION}\n\nnew\n")
    assert page.read_text() == f"# Page\n\n## First\n\none\n\n{SECTION}\n\nnew\n"
    assert [path.name for path in tmp_path.iterdir()] == ["page.md"]


def test_paragraphs_are_wrapped_and_tables_are_not():
    table = "| a | b |\n|---|---|\n| " + "long " * 40 + "| 1 |"
    text = wrapped(f"## Head\n\n{'word ' * 60}\n\n{table}")
    head, paragraph, after = text.split("\n\n")
    assert (head, after) == ("## Head", table)
    assert max(map(len, paragraph.split("\n"))) <= 120
    assert paragraph.split() == ["word"] * 60
