"""What the schema of `report.json` says of each field, for tables and codes that tell the same."""

from __future__ import annotations

import json
from functools import cache
from typing import Any

from ..report import SCHEMA
from ..resources import resource_path

UCUM = {"mm3": "mm3", "mm": "mm", "deg": "deg", "percent": "%", "index": "1"}
"""Unit (UCUM) of a measure by how its name ends."""


@cache
def report_schema() -> dict[str, Any]:
    """The schema, as `Resources/Schemas` holds it."""
    return json.loads(resource_path(f"Schemas/{SCHEMA}.schema.json").read_text(encoding="utf-8"))


def described(field: str, where: str | None = None) -> str:
    """What the schema says of a field of the report, or of one of its definitions ("disc", "endplate", "modic")."""
    schema = report_schema()
    return (schema if where is None else schema["$defs"][where])["properties"][field]["description"]


def unit_of(measure: str) -> str:
    """Unit (UCUM) of a measure.

    Example
    -------
    >>> unit_of("volume_mm3"), unit_of("height_index")
    ('mm3', '1')
    """
    return UCUM[measure.rsplit("_", 1)[1]]
