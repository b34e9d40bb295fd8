"""The teaching library: ready case files in `Resources/Simulation/Cases`, one for every grade of every scheme."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ..errors import InputError
from ..resources import resource_path
from .case_file import read_case


def teaching_cases() -> dict[str, Path]:
    """The case files by name, sorted."""
    return {path.stem: path for path in sorted(resource_path("Simulation/Cases").glob("*.json"))}


def find_case(name_or_path: str) -> dict[str, Any]:
    """The checked contents of a teaching case by its name, or else of a case file by its path."""
    cases = teaching_cases()
    path = cases.get(name_or_path) or Path(name_or_path)
    if name_or_path not in cases and not path.is_file():
        raise InputError(
            f"{name_or_path!r} is neither a case file nor a teaching case; give a path or one of {', '.join(cases)}"
        )
    return read_case(path)
