"""Readings: what a reader said of a disc in one session, as the CSV that the page gives out, or any other way makes.

Columns: `reader` and `session` (codes); `assisted` (0 or 1); `case` (code); `level` (for example L4/L5); `modic` (0, I,
II, III, I/II or II/III; empty where the reader could not tell); `seconds` (that the disc was before the reader).
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from ..anatomy import DISCS_UPWARDS, MODIC_GRADES
from ..csv_table import read_csv_table
from ..errors import InputError

COLUMNS = ("reader", "session", "assisted", "case", "level", "modic", "seconds")
GRADE_COLUMNS = ("case", "level", "modic")

Disc = tuple[str, str]
"""(case, level)."""


@dataclass(frozen=True)
class Reading:
    """One line of a table of readings; `modic` is None where the reader could not tell."""

    reader: str
    session: str
    assisted: bool
    case: str
    level: str
    modic: str | None
    seconds: float

    @property
    def disc(self) -> Disc:
        """What was read."""
        return self.case, self.level


def read_readings(tables: Iterable[Path]) -> list[Reading]:
    """All readings in tables.

    Raises
    ------
    InputError
        A table cannot be read, a field is wrong, or a reader read a disc twice under the same condition.
    """
    readings: dict[tuple[str, bool, Disc], Reading] = {}
    for table in map(Path, tables):
        for line, row in _lines(table, COLUMNS):
            one = Reading(
                row["reader"],
                row["session"],
                _assisted(row["assisted"], line),
                row["case"],
                row["level"],
                row["modic"] or None,
                _seconds(row["seconds"], line),
            )
            key = (one.reader, one.assisted, one.disc)
            if key in readings:
                how = "with" if one.assisted else "without"
                raise InputError(
                    f"{line}: {one.reader} read {one.level} of {one.case} {how} assistance more than once; keep one"
                )
            readings[key] = one
    if not readings:
        raise InputError("the tables hold no readings; give the CSV files that the pages made")
    return list(readings.values())


def read_grades(table: Path) -> dict[Disc, str]:
    """Grades by disc from a table of `GRADE_COLUMNS`: a truth, or any other reference; raises InputError."""
    grades: dict[Disc, str] = {}
    for line, row in _lines(Path(table), GRADE_COLUMNS):
        disc = row["case"], row["level"]
        if disc in grades:
            raise InputError(f"{line}: {row['level']} of {row['case']} has more than one grade; keep one")
        if row["modic"]:
            grades[disc] = row["modic"]
    return grades


def _lines(table: Path, columns: tuple[str, ...]) -> Iterator[tuple[str, dict[str, str]]]:
    """Where each line stands, in words, and its checked fields."""
    header, rows = read_csv_table(table, f"give a CSV with the columns {', '.join(columns)}")
    missing = [name for name in columns if name not in header]
    if missing:
        raise InputError(f"{table.name} has no column {missing[0]!r}; its columns are {', '.join(columns)}")
    for number, row in rows:
        line = f"line {number} of {table.name}"
        fields = {name: row[name] for name in columns}
        empty = [name for name in columns if not fields[name] and name != "modic"]
        if empty:
            raise InputError(f"{line}: {empty[0]} is empty; fill it in")
        for name, known in (("level", DISCS_UPWARDS), ("modic", ("", *MODIC_GRADES))):
            if fields[name] not in known:
                words = ", ".join(filter(None, known))
                raise InputError(f"{line}: {fields[name]!r} is no {name}; give one of {words}")
        yield line, fields


def _assisted(word: str, line: str) -> bool:
    if word not in ("0", "1"):
        raise InputError(f"{line}: assisted is {word!r}; give 0 for without and 1 for with assistance")
    return word == "1"


def _seconds(word: str, line: str) -> float:
    try:
        seconds = float(word)
    except ValueError:
        seconds = math.nan
    if not (math.isfinite(seconds) and seconds >= 0):
        raise InputError(f"{line}: seconds is {word!r}; give a number that is not negative")
    return seconds
