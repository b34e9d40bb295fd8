"""Columns of a cohort's tables as arrays: what the overview counts in."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

Columns = dict[str, np.ndarray]


def read_columns(directory: Path, table: str, names: Sequence[str]) -> Columns:
    """Columns (rows,) of a table by name; numbers have NaN and text "" where nothing is known.

    Patients are numbers: the same for the rows of one patient.
    """
    import pyarrow as pa
    from pyarrow import parquet

    read = parquet.read_table(directory / f"{table}.parquet", columns=list(names))
    columns = {}
    for name in names:
        column = read.column(name)
        if name == "patient":
            columns[name] = column.combine_chunks().dictionary_encode().indices.to_numpy()
        elif pa.types.is_string(column.type):
            columns[name] = column.fill_null("").to_numpy()
        else:
            columns[name] = column.to_numpy().astype(float)
    return columns


def rows_of(directory: Path, table: str, studies: Iterable[str]) -> list[dict[str, Any]]:
    """Whole rows of a table, of some studies alone."""
    from pyarrow import parquet

    return parquet.read_table(directory / f"{table}.parquet", filters=[("study", "in", list(studies))]).to_pylist()
