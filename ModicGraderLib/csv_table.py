"""Tables that people fill in: CSV as spreadsheets save it, separated by commas or by semicolons."""

from __future__ import annotations

import csv
import io
from itertools import zip_longest
from pathlib import Path

from .errors import InputError


def read_csv_table(path: Path, mend: str = "check its name") -> tuple[list[str], list[tuple[int, dict[str, str]]]]:
    """Columns of a table, and the number and cells by column of each line that is not empty; the header is line 1.

    Cells are without the blanks around them. Those that a line lacks at its end are empty.

    Raises
    ------
    InputError
        The table cannot be read, which `mend` says what to do about, or is no CSV in UTF-8.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except OSError:
        raise InputError(f"the table {path} cannot be read; {mend}") from None
    except UnicodeDecodeError:
        raise InputError(f"{path.name} is no text in UTF-8; save it as CSV in UTF-8") from None
    title = text.partition("\n")[0]
    # Spreadsheets write semicolons where the comma is the decimal point.
    delimiter = ";" if title.count(";") > title.count(",") else ","
    # Read leniently, a quote that is not closed would take in all lines that follow.
    table = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    try:
        lines = [(table.line_num, [cell.strip() for cell in cells]) for cells in table]
    except csv.Error as error:
        raise InputError(
            f"line {table.line_num} of {path.name} is no CSV ({error}); close its quotes, and double those inside a"
            " cell"
        ) from None
    header = lines[0][1] if lines else []
    rows = []
    for number, cells in lines[1:]:
        if any(cells[len(header) :]):
            raise InputError(
                f"line {number} of {path.name} has {len(cells)} cells for {len(header)} columns; quote its commas"
            )
        if any(cells):
            rows.append((number, dict(zip_longest(header, cells[: len(header)], fillvalue=""))))
    return header, rows
