"""A paper's tables with ours beside them: as JSON, as Markdown, and back from JSON."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from ..errors import InputError
from ..evaluation.metrics import Estimate
from ..evaluation.pages import table as markdown_table
from ..evaluation.pages import wrapped
from ..training.data_folder import write_json
from .recipe import Cell, Table

JSON, MARKDOWN = "tables.json", "tables.md"

NONE = "–"
"""Where there is no figure."""

PERCENT_FROM = 1.5
"""Figures of a paper from here on are percents or counts; those below are shares."""


def write_tables(folder: Path, tables: Sequence[Table]) -> list[Path]:
    """Write `tables.json` and `tables.md` into a folder, each complete or not at all, and return their paths."""
    folder.mkdir(parents=True, exist_ok=True)
    write_json(folder / JSON, without_nan([asdict(one) for one in tables]))
    write_text(folder / MARKDOWN, "\n\n".join(markdown(one) for one in tables) + "\n")
    return [folder / JSON, folder / MARKDOWN]


def read_tables(folder: Path) -> list[Table]:
    """The tables in a folder.

    Raises
    ------
    InputError
        There are none, or the file is damaged.
    """
    path = folder / JSON
    try:
        return [_table(one) for one in json.loads(path.read_text(encoding="utf-8"))]
    except OSError as error:
        raise InputError(f"{folder} has no {JSON}; make it with `modicgrader reproduce`.") from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise InputError(f"{path} is damaged; delete it and call `modicgrader reproduce` again.") from error


def markdown(table: Table) -> str:
    """A heading, what ours was measured on, the table, and the notes as a list.

    A cell reads "92.8 / 90.1 (85.0-94.2)": the paper's figure, ours, and its 95 % interval.
    """
    measured = f"The paper / ours (95 % interval). Ours: {table.source}, budget `{table.budget}`."
    rows = [[name, *(cell_text(cell) for cell in cells)] for name, cells in table.rows.items()]
    parts = [f"### {table.title}", measured, markdown_table(["", *table.columns], rows)]
    parts += ["\n".join(f"- {note}" for note in table.notes)] if table.notes else []
    return "\n\n".join(part if part.startswith("- ") else wrapped(part) for part in parts)


def cell_text(cell: Cell) -> str:
    """The paper's figure and ours, with as many decimals as the unit of the figure asks for."""
    paper = cell.paper_text or (NONE if cell.paper is None else f"{cell.paper:g}")
    return NONE if paper == NONE and cell.ours is None else f"{paper} / {_ours(cell)}"


def _ours(cell: Cell) -> str:
    ours = cell.ours
    if ours is None or (not isinstance(ours, Estimate) and math.isnan(ours)):
        return NONE
    if not isinstance(ours, Estimate):
        return f"{ours:.{_decimals(cell, ours)}f}" if isinstance(ours, float) else str(ours)
    if math.isnan(ours.value):
        return NONE
    digits = _decimals(cell, ours.value)
    if math.isnan(ours.low):
        return f"{ours.value:.{digits}f}"
    return f"{ours.value:.{digits}f} ({ours.low:.{digits}f}-{ours.high:.{digits}f})"


def _decimals(cell: Cell, ours: float) -> int:
    """Of percents one, of shares two; the paper's figure tells which, since a percent of ours may be small."""
    return 1 if abs(ours if cell.paper is None else cell.paper) >= PERCENT_FROM else 2


def _table(content: dict[str, Any]) -> Table:
    rows = {name: tuple(_cell(cell) for cell in cells) for name, cells in content["rows"].items()}
    fields = {key: content[key] for key in ("title", "source", "budget")}
    return Table(columns=tuple(content["columns"]), rows=rows, notes=tuple(content["notes"]), **fields)


def _cell(content: dict[str, Any]) -> Cell:
    ours = content["ours"]
    if isinstance(ours, dict):
        ours = Estimate(**{name: math.nan if value is None else value for name, value in ours.items()})
    return Cell(content["paper"], ours, content["paper_text"])


def without_nan(content: Any) -> Any:
    """Content for JSON, which knows no NaN: None in its place."""
    if isinstance(content, dict):
        return {name: without_nan(value) for name, value in content.items()}
    if isinstance(content, (list, tuple)):
        return [without_nan(value) for value in content]
    return None if isinstance(content, float) and math.isnan(content) else content


def write_text(path: Path, text: str) -> None:
    """A text file, complete or not at all."""
    partial = path.with_name(f"{path.name}.partial")
    partial.write_text(text, encoding="utf-8")
    partial.replace(path)
