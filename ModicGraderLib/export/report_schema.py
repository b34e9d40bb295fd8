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


def described(field: str, definition: str) -> str:
    """What the schema says of a field of one of its definitions ("disc", "endplate", ...)."""
    return _field(field, definition)["description"]


def can_be_null(field: str, definition: str) -> bool:
    """Whether a report may hold null there."""
    return "null" in _field(field, definition)["type"]


def unit_of(measure: str) -> str:
    """Unit (UCUM) of a measure.

    Example
    -------
    >>> unit_of("volume_mm3"), unit_of("height_index")
    ('mm3', '1')
    """
    return UCUM[measure.rsplit("_", 1)[1]]


def _field(field: str, definition: str) -> dict[str, Any]:
    return report_schema()["$defs"][definition]["properties"][field]
