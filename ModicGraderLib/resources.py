"""Where the files in `Resources/` are: models, schemas, templates."""

from __future__ import annotations

from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent
_ROOTS = (_PACKAGE / "Resources", _PACKAGE.parent / "Resources")
"""Inside the package in a wheel, beside it in a checkout or an extension."""


def resource_path(name: str) -> Path:
    """Path of a file in `Resources/`, for example `Schemas/modicgrader-report-1.schema.json`.

    The file need not exist; the caller says what is missing in its own words.
    """
    root = next((root for root in _ROOTS if root.is_dir()), _ROOTS[-1])
    return root / name
