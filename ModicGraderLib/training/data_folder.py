"""Where the training and evaluation data lie, and which patients are held out."""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path

from ..errors import InputError
from ..whole_files import write_text

FOLDS = 5
"""Parts of the patients in cross-validation."""


def data_folder() -> Path:
    """Folder of the public training data: `MODICGRADER_DATA`, else `../shared/data` beside the checkout."""
    folder = Path(os.environ.get("MODICGRADER_DATA") or Path(__file__).parents[3] / "shared" / "data")
    if not folder.is_dir():
        raise InputError(f"The training data are not at {folder}; set MODICGRADER_DATA to their folder.")
    return folder


def fold_of(patient: str, folds: int) -> int:
    """Fold of a patient in [0, folds): a hash of the name, so that it never depends on what else is there."""
    return int(hashlib.sha256(patient.encode()).hexdigest(), 16) % folds


def write_json(path: Path, content: object) -> None:
    """A JSON file, complete or not at all."""
    write_text(path, json.dumps(content, indent=1))
