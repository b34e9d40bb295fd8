"""The papers' tables in `docs/reproduction.md`, from a folder that `modicgrader reproduce` left."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ..errors import InputError
from ..recipes.registry import RECIPES
from ..recipes.tables import JSON, markdown, read_tables
from ..training.run_record import read_run_record


def reproduction_blocks(folder: Path) -> dict[str, str]:
    """Measured blocks of the page by name, for example "damopoulos2019 simulated", of all recipes in a folder.

    Raises
    ------
    InputError
        No recipe has left tables in it.
    """
    there = [name for name in RECIPES if (folder / name / JSON).exists()]
    if not there:
        raise InputError(f"{folder} has no tables; make them with `modicgrader reproduce all -o {folder}`.")
    return dict(_block(name, folder / name) for name in there)


def _block(name: str, folder: Path) -> tuple[str, str]:
    record = read_run_record(folder)
    # Simulated and real patients each have their place.
    kind = record["configuration"]["source"]["key"].partition("-")[0]
    tables = "\n\n".join(markdown(table) for table in read_tables(folder))
    return f"{name} {kind}", f"{tables}\n\n{_made_with(record)}"


def _made_with(record: dict[str, Any]) -> str:
    """How the figures came to be, in one line."""
    asked, last = record["configuration"], record["sessions"][-1]
    devices = sorted({session["device"] for session in record["sessions"]})
    pretrained = asked["pretrained"]["file"] if asked["pretrained"] else "none"
    code = last["commit"] or last["modicgrader"]
    return (
        f"*Seed {asked['seed']}, weights to start from: {pretrained}, device {', '.join(devices)},"
        f" torch {last['libraries']['torch']}, code {code[:12]}{'-dirty' if code.endswith('-dirty') else ''}.*"
    )
