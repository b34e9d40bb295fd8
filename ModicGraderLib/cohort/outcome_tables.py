"""Tables of any length, row by row, each as CSV for people and spreadsheets and as Parquet for programs."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any

BATCH = 4096
"""Rows kept in memory before they are written: a row group of the Parquet file."""


class TableFiles:
    """`NAME.csv` and `NAME.parquet` in a folder, which take the place of older ones when all rows are written.

    A context manager: where it is left with an exception, the older files stay as they were.

    Parameters
    ----------
    directory, name:
        Where the files go, and what they are called without their endings.
    columns:
        Type of each column in its order: "string", "integer" or "number". Every row has all of them; None is what is
        not known, in a column of any type.
    """

    def __init__(self, directory: Path, name: str, columns: Mapping[str, str]) -> None:
        # Only here: whoever grades a single study does not need it.
        import pyarrow as pa
        from pyarrow import parquet

        types = {"string": pa.string(), "integer": pa.int64(), "number": pa.float64()}
        self.paths = [directory / f"{name}.csv", directory / f"{name}.parquet"]
        self._unfinished = [path.with_name(f".{path.name}.unfinished") for path in self.paths]
        self._schema = pa.schema([(column, types[kind]) for column, kind in columns.items()])
        self._text = self._unfinished[0].open("w", newline="", encoding="utf-8")
        self._csv = csv.DictWriter(self._text, list(columns))
        self._csv.writeheader()
        self._parquet = parquet.ParquetWriter(self._unfinished[1], self._schema)
        self._rows: list[dict[str, Any]] = []

    def write(self, rows: Iterable[dict[str, Any]]) -> None:
        """Add rows."""
        for row in rows:
            self._csv.writerow(row)
            self._rows.append(row)
        if len(self._rows) >= BATCH:
            self._flush()

    def _flush(self) -> None:
        import pyarrow as pa

        self._parquet.write_table(pa.Table.from_pylist(self._rows, self._schema))
        self._rows = []

    def __enter__(self) -> TableFiles:
        return self

    def __exit__(self, kind: type | None, error: BaseException | None, trace: TracebackType | None) -> None:
        try:
            if kind is None and self._rows:
                self._flush()
        finally:
            self._parquet.close()
            self._text.close()
        for unfinished, path in zip(self._unfinished, self.paths, strict=True):
            if kind is None:
                unfinished.replace(path)
            else:
                unfinished.unlink()
