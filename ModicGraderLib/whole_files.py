"""Files that are never seen half written."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def whole_file(path: Path, several_writers: bool = False) -> Iterator[Path]:
    """A name beside `path`, with its suffix, to write to; it takes the place of `path` when the block has ended well.

    Where the block fails, what it has written is deleted and `path` stays as it was. With `several_writers`, processes
    may write the same file at the same time. Without, what a process that was killed has left is written over.
    """
    unfinished = path.with_name(f".unfinished-{f'{os.getpid()}-' * several_writers}{path.name}")
    try:
        yield unfinished
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)


def write_text(path: Path, text: str) -> None:
    """Write a whole text file in UTF-8."""
    with whole_file(path) as unfinished:
        unfinished.write_text(text, encoding="utf-8")
