"""Pages of results: measured text between marks, which a run replaces piece by piece, and tables of scores."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from textwrap import fill

from ..errors import InputError
from ..whole_files import write_text


def write_blocks(page: Path, blocks: Mapping[str, str]) -> None:
    """Replace what stands between `<!-- measured: NAME -->` and `<!-- end -->` in a page, for each name in `blocks`.

    What people wrote around the marks stays. The page is written to a temporary name and moved.

    Raises
    ------
    InputError
        The page is not there, or lacks the marks of a block; nothing was changed then.
    """
    if not page.exists():
        raise InputError(f"The page {page} is not there; get it back with `git checkout -- {page}`.")
    text = page.read_text(encoding="utf-8")
    for name, block in blocks.items():
        mark = f"<!-- measured: {name} -->"
        pattern = re.compile(re.escape(mark) + r".*?<!-- end -->", re.DOTALL)
        if not pattern.search(text):
            raise InputError(f"{page.name} has no place for {name!r}; put {mark} and <!-- end --> where it belongs.")
        text = pattern.sub(lambda _, mark=mark, block=block: f"{mark}\n{block}\n<!-- end -->", text, count=1)
    write_text(page, text)


def wrapped(text: str) -> str:
    """Markdown with its paragraphs in lines of 120 characters; tables, pictures and headings are left alone."""
    parts = text.split("\n\n")
    return "\n\n".join(part if part[:1] in "|#!<" else fill(part, 120, break_on_hyphens=False) for part in parts)


def table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """A Markdown table."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(map(str, line)) + " |" for line in lines)
