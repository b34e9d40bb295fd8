"""Options that commands share, and whether results can be put into a folder, asked before the long work starts."""

from __future__ import annotations

import os
from enum import Enum
from pathlib import Path
from typing import Annotated

import typer

from .errors import InputError

Device = Enum("Device", {name: name for name in ("auto", "cpu", "cuda", "mps")}, type=str)
Output = Enum("Output", {name: name for name in ("report", "map", "evidence")}, type=str)

OutputFolder = Annotated[Path, typer.Option("--output", "-o", metavar="DIR", help="Folder for the results.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Where = Annotated[Device, typer.Option("--device", help="Where the networks run.")]
Only = Annotated[list[Output] | None, typer.Option(help="Leave the rest out to save time; may be repeated.")]


def check_output(directory: Path) -> None:
    """Refuse a folder that cannot be made or written.

    Raises
    ------
    InputError
        It, or the nearest folder above it that exists, is a file or may not be written.
    """
    existing = next(path for path in (directory.absolute(), *directory.absolute().parents) if path.exists())
    if not existing.is_dir():
        raise InputError(f"{existing.name} is a file, so no results can be put there; name another folder with -o")
    if not os.access(existing, os.W_OK | os.X_OK):
        raise InputError(f"the folder {existing} may not be written; name another folder with -o")
