"""run.json: what was trained, how, on what and by which code, so that anyone can do it again."""

from __future__ import annotations

import hashlib
import json
import subprocess
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .. import __version__
from ..errors import InputError
from . import ranks
from .data_folder import write_json
from .samples import FOLDER as SAMPLES

if TYPE_CHECKING:
    from ..recipes.recipe import Run

NAME = "run.json"

PATIENTS = "patients"
"""Entry of a record with a short hash of the name of each patient who was learned from: names are not written out."""

BETWEEN = 2
"""So many folders, of a variant and a fold, lie at most between that of a run and the weights that it left."""

LIBRARIES = ("torch", "torchvision", "monai", "numpy", "scikit-learn")
"""Whose versions may change a result."""


def write_run_record(run: Run, recipe_name: str, source_title: str, source_key: str) -> Path:
    """Write `run.json` into the folder of a run, and return its path.

    Where there is one of the same configuration, as after a stop, this session is added to it: `sessions` tells when
    and with which code each part of a training was done.

    Raises
    ------
    InputError
        The folder holds a run of another configuration, whose weights would be taken for those of this one.
    """
    configuration = {
        "recipe": recipe_name,
        "variant": run.variant,
        "budget": run.budget,
        "plan": asdict(run.plan),
        "seed": run.seed,
        "pretrained": None if run.pretrained is None else _fingerprint(run.pretrained),
        "source": {"title": source_title, "key": source_key},
    }
    path = run.folder / NAME
    record = {"sessions": []}
    if path.exists():
        record = read_run_record(run.folder)
        _check_same(record["configuration"], configuration, run.folder)
    session = {"started": datetime.now(UTC).isoformat(timespec="seconds"), "device": run.device, **_software()}
    if ranks.is_first():
        run.folder.mkdir(parents=True, exist_ok=True)
        write_json(path, {**record, "configuration": configuration, "sessions": [*record["sessions"], session]})
    return path


def record_patients(run: Run, source_title: str, patients: Iterable[str]) -> None:
    """Add to the record of a run, once its samples are cut, whom it learns from and what tables call these studies.

    Those whom the weights that it starts from have learned from are among them.
    """
    if not ranks.is_first():
        return
    record = read_run_record(run.folder)
    record["configuration"]["source"]["title"] = source_title
    before = (run_of(run.pretrained) if run.pretrained else None) or {}
    marks = {*map(_mark, patients), *record.get(PATIENTS, ()), *before.get(PATIENTS, ())}
    write_json(run.folder / NAME, {**record, PATIENTS: sorted(marks)})


def run_of(weights: Path) -> dict[str, Any] | None:
    """The record of the run that left a file of weights; None where there is none beside it or above."""
    folders = weights.absolute().parents[: 1 + BETWEEN] if weights.suffix == ".safetensors" else ()
    for folder in folders:
        with suppress(InputError):
            return read_run_record(folder)
    return None


def seen_patients(record: dict[str, Any], patients: Iterable[str]) -> int | None:
    """How many of these patients a run learned from, as far as their names tell; None where its record is too old."""
    if PATIENTS not in record:
        return None
    return len({_mark(one) for one in patients} & set(record[PATIENTS]))


def _mark(patient: str) -> str:
    return hashlib.sha256(patient.encode()).hexdigest()[:12]


@contextmanager
def run_recorded(run: Run, recipe_name: str, source_title: str, source_key: str) -> Iterator[None]:
    """What is done within is recorded as by `write_run_record`.

    If it is refused with an `InputError` before anything was trained, the record goes again: the folder is free for a
    call that is mended.
    """
    write_run_record(run, recipe_name, source_title, source_key)
    try:
        yield
    except InputError:
        if ranks.is_first() and not _trained(run.folder):
            (run.folder / NAME).unlink(missing_ok=True)
        raise


def _trained(folder: Path) -> bool:
    """Whether there is any file beside the record and the samples, which know from which source they are."""
    files = (path.relative_to(folder) for path in folder.rglob("*") if path.is_file())
    return any(path.parts[0] not in (NAME, SAMPLES) for path in files)


def read_run_record(folder: Path) -> dict[str, Any]:
    """What `write_run_record` wrote: `configuration` and `sessions`; and `record_patients`: `PATIENTS`, if it did.

    Raises
    ------
    InputError
        There is no such record in the folder, or it is damaged.
    """
    path = Path(folder) / NAME
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(f"{folder} has no {NAME}; name a folder that `modicgrader train` wrote.") from error
    except ValueError as error:
        raise InputError(f"{path} is damaged; train into another folder.") from error
    if not isinstance(record, dict) or not {"configuration", "sessions"} <= record.keys():
        raise InputError(f"{path} is no record of a training; name a folder that `modicgrader train` wrote.")
    return record


def _check_same(before: dict[str, Any], now: dict[str, Any], folder: Path) -> None:
    for name, value in now.items():
        if _decisive(before.get(name)) != _decisive(value):
            raise InputError(
                f"{folder} holds a run with {name} {_short(before.get(name))}, not {_short(value)}; name another folder"
                " with -o, or give what it was begun with."
            )


def _decisive(value: Any) -> Any:
    """What two configurations may not differ in: of a source its key, not what it is called."""
    return value["key"] if isinstance(value, dict) and "key" in value else value


def _short(value: Any) -> str:
    if not isinstance(value, dict):
        return str(value)
    if "key" in value:
        # Of data that were changed the title stays the same.
        return f"{value['title']} ({value['key']})"
    return value.get("file") or ", ".join(f"{key} {one}" for key, one in value.items())


def _fingerprint(path: Path) -> dict[str, str]:
    """Name and checksum of a file, or of all files of a folder; where it lies says nothing to others."""
    files = [one for one in sorted(path.iterdir()) if one.is_file()] if path.is_dir() else [path]
    checksum = hashlib.sha256()
    try:
        for one in files:
            checksum.update(one.read_bytes())
        return {"file": path.name, "sha256": checksum.hexdigest()}
    except OSError as error:
        raise InputError(f"The weights {path} cannot be read; check --pretrained.") from error


def _software() -> dict[str, Any]:
    """Versions of this code and of the libraries, and how many processes train."""
    return {
        "modicgrader": __version__,
        "commit": _commit(),
        "libraries": {name: _version(name) for name in LIBRARIES},
        "processes": ranks.processes(),
    }


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def _commit() -> str | None:
    """Commit of the checkout that this code runs from, ending in "-dirty" if it was changed; None outside of one."""
    root = Path(__file__).parents[2]
    if not (root / ".git").exists():
        return None
    call = ["git", "-C", str(root), "describe", "--always", "--dirty", "--abbrev=40", "--exclude=*"]
    try:
        return subprocess.run(call, capture_output=True, text=True, check=True, timeout=30).stdout.strip()
    except (OSError, subprocess.SubprocessError):
        return None
