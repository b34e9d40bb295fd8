"""A paper's tables with ours beside them: as JSON, as Markdown, and back from JSON."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import asdict
from itertools import zip_longest
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import InputError
from ..evaluation.metrics import Estimate
from ..evaluation.pages import table as markdown_table
from ..evaluation.pages import wrapped
from ..training.data_folder import write_json
from ..whole_files import write_text
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
    columns = list(zip_longest(*table.rows.values(), fillvalue=Cell()))
    rows = [
        [name, *(cell_text(cell, [*cells, *column]) for cell, column in zip(cells, columns, strict=False))]
        for name, cells in table.rows.items()
    ]
    parts = [f"### {table.title}", measured, markdown_table(["", *table.columns], rows)]
    parts += ["\n".join(f"- {note}" for note in table.notes)] if table.notes else []
    return "\n\n".join(part if part.startswith("- ") else wrapped(part) for part in parts)


def cell_text(cell: Cell, beside: Sequence[Cell] = ()) -> str:
    """The paper's figure and ours, with as many decimals as their unit asks for: one of percents, two of shares.

    Where the paper has no figure, the largest one in the same row and column, `beside`, tells the unit, since a percent
    may be small, and 0.
    """
    paper = cell.paper_text or (NONE if cell.paper is None else f"{cell.paper:g}")
    if paper == NONE and cell.ours is None:
        return NONE
    largest = max(map(_figure, [cell, *beside])) if cell.paper is None else abs(cell.paper)
    return f"{paper} / {_ours(cell.ours, 1 if largest >= PERCENT_FROM else 2)}"


def _figure(cell: Cell) -> float:
    ours = cell.ours.value if isinstance(cell.ours, Estimate) else cell.ours
    if isinstance(ours, (int, np.integer)):
        # A count says nothing of the others' unit.
        return 0.0
    return max(abs(one) for one in (cell.paper, ours, 0.0) if one is not None and not math.isnan(one))


def _ours(ours: Estimate | float | None, digits: int) -> str:
    value = ours.value if isinstance(ours, Estimate) else ours
    if value is None or math.isnan(value):
        return NONE
    if isinstance(value, (int, np.integer)):
        return str(value)
    text = f"{value:.{digits}f}"
    has_interval = isinstance(ours, Estimate) and not math.isnan(ours.low)
    return f"{text} ({ours.low:.{digits}f}-{ours.high:.{digits}f})" if has_interval else text


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
    """Content for JSON, which knows neither NaN, in whose place stands None, nor numpy's numbers."""
    if isinstance(content, np.generic):
        content = content.item()
    if isinstance(content, dict):
        return {name: without_nan(value) for name, value in content.items()}
    if isinstance(content, (list, tuple)):
        return [without_nan(value) for value in content]
    return None if isinstance(content, float) and math.isnan(content) else content
