"""CohortFolder: what of a cohort lies on disk, whole at every moment, whoever is killed in the midst of it."""

from __future__ import annotations

import csv
import hashlib
import json
import logging
import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import astuple, dataclass, fields
from pathlib import Path
from typing import Any

from ..errors import InputError
from ..whole_files import whole_file, write_text
from .settings import Settings
from .study_list import StudyEntry

SCHEMA = "modicgrader-cohort-1"

_LOGGER = logging.getLogger(__name__)

REPORT = "report.json"
"""A folder of results that has it is whole."""


@dataclass(frozen=True)
class Failure:
    """A row of `failures.csv`: a study that was given up, why, and after how many seconds and attempts."""

    study: str
    kind: str
    message: str
    seconds: float
    attempts: int


class CohortFolder:
    """The folder of a cohort: `cohort.json`, `studies/NAME/`, `failures.csv`, and the tables that are made of them."""

    def __init__(self, directory: Path) -> None:
        self.directory = Path(directory)
        self.studies = self.directory / "studies"
        self._failures = self.directory / "failures.csv"

    @contextmanager
    def held(self) -> Iterator[None]:
        """Keep other runs away for a while; the system lets go of it when this process is gone, however it ends.

        Raises
        ------
        InputError
            Another run is at work here.
        """
        from filelock import FileLock, Timeout

        self.studies.mkdir(parents=True, exist_ok=True)
        lock = FileLock(self.directory / ".lock")
        try:
            lock.acquire(timeout=0)
        except Timeout:
            raise InputError(
                "another run is at work in this folder; wait for its end, or name another folder with -o"
            ) from None
        except NotImplementedError:
            _LOGGER.warning("the storage of this folder has no locks; see to it that no other run works in it")
        try:
            yield
        finally:
            lock.release()

    def claim(self, entries: Sequence[StudyEntry], settings: Settings, source: Path) -> None:
        """Say in `cohort.json` what belongs here.

        Raises
        ------
        InputError
            Something else belongs here.
        """
        path = self.directory / "cohort.json"
        mine = configuration(entries, settings, source)
        if path.exists():
            theirs = json.loads(path.read_text(encoding="utf-8"))
            if other := [name for name in mine if theirs.get(name) != mine[name]]:
                raise InputError(
                    f"the folder holds a cohort of another {' and '.join(other)}; name a new folder with -o, or go on "
                    "with what it was begun with"
                )
        else:
            write_text(path, json.dumps(mine, indent=2))

    def sweep(self) -> None:
        """Remove what killed runs and workers left half done; nobody may be grading."""
        for left in self.studies.glob(".*"):
            shutil.rmtree(left, ignore_errors=True)

    def done(self) -> set[str]:
        """Names of the studies whose results are whole."""
        return {path.name for path in self.studies.iterdir() if (path / REPORT).exists()}

    def is_done(self, study: str) -> bool:
        return (self.studies / study / REPORT).exists()

    def publish(self, unfinished: Path, study: str) -> None:
        """Move a whole folder of results to its place, unless another worker's is there already."""
        try:
            unfinished.rename(self.studies / study)
        except OSError:
            if not self.is_done(study):
                raise

    def failures(self) -> list[Failure]:
        """What `failures.csv` says."""
        if not self._failures.exists():
            return []
        with self._failures.open(newline="", encoding="utf-8") as file:
            # A row that was cut off when the machine went down is that of a study that will be tried again.
            whole = [row for row in csv.DictReader(file) if None not in row.values()]
        return [Failure(**{**row, "seconds": float(row["seconds"]), "attempts": int(row["attempts"])}) for row in whole]

    def write_failures(self, failures: Sequence[Failure]) -> None:
        """Write `failures.csv` anew; it is there also where nothing failed, so that one sees that nothing did."""
        with whole_file(self._failures) as unfinished, unfinished.open("w", newline="", encoding="utf-8") as file:
            csv.writer(file).writerows([[one.name for one in fields(Failure)], *map(astuple, failures)])

    def add_failure(self, failure: Failure) -> None:
        """Add a row to `failures.csv`."""
        with self._failures.open("a", newline="", encoding="utf-8") as file:
            csv.writer(file).writerow(astuple(failure))


def configuration(entries: Sequence[StudyEntry], settings: Settings, source: Path) -> dict[str, Any]:
    """What `cohort.json` says: all on which results depend, so that a folder never holds two kinds of them."""
    from .. import __version__
    from ..models import describe

    return {
        "schema": SCHEMA,
        "version": __version__,
        "models": describe(),
        "only": list(settings.only),
        "keep_identity": settings.keep_identity,
        "studies": len(entries),
        "manifest": digest(entries, source),
    }


def digest(entries: Sequence[StudyEntry], source: Path) -> str:
    """SHA-256 of what the list of studies says of their pictures; labels and ages may be mended later.

    Paths count from the list, which may be moved with its data.
    """
    top = source if source.is_dir() else source.parent
    words = [
        [
            one.name,
            one.examination,
            one.lowest_disc,
            *(path and _relative(path, top) for path in (one.t1, one.t2, one.dicom)),
        ]
        for one in entries
    ]
    return hashlib.sha256(json.dumps(words).encode()).hexdigest()


def _relative(path: Path, top: Path) -> str:
    try:
        return Path(os.path.relpath(path, top)).as_posix()
    except ValueError:  # on another drive of Windows
        return path.as_posix()
