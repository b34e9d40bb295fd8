"""Files appear whole or not at all."""

from __future__ import annotations

import pytest

from ModicGraderLib.whole_files import whole_file, write_text


@pytest.mark.parametrize("several_writers", [False, True])
def test_a_file_appears_when_the_block_has_ended(tmp_path, several_writers):
    path = tmp_path / "a.json"
    with whole_file(path, several_writers) as unfinished:
        assert unfinished.parent == tmp_path and unfinished.suffix == ".json"
        unfinished.write_text("whole")
        assert not path.exists()
    assert path.read_text() == "whole" and list(tmp_path.iterdir()) == [path]


def test_a_block_that_fails_leaves_what_was_there(tmp_path):
    path = tmp_path / "a.txt"
    write_text(path, "old")
    with pytest.raises(ValueError, match="half"), whole_file(path) as unfinished:
        unfinished.write_text("ne")
        raise ValueError("half")
    assert path.read_text() == "old" and list(tmp_path.iterdir()) == [path]


def test_what_a_killed_process_left_is_written_over(tmp_path):
    path = tmp_path / "a.txt"
    with whole_file(path) as unfinished:
        unfinished.write_text("old")
    unfinished.write_text("left")
    write_text(path, "new")
    assert path.read_text() == "new" and list(tmp_path.iterdir()) == [path]
