"""`key.csv`: which study is whose, for who asks to keep it."""

from __future__ import annotations

import csv
import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from pydicom import dcmread
from pydicom.errors import InvalidDicomError

from ..whole_files import whole_file
from .study_list import StudyEntry

COLUMNS = ("study", "path", "study_instance_uid")


def write_key(path: Path, entries: Sequence[StudyEntry]) -> None:
    """Write the paths of each study, and the StudyInstanceUID of those that are DICOM."""
    with whole_file(path) as unfinished, unfinished.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(COLUMNS)
        for entry in entries:
            writer.writerow([entry.name, "; ".join(map(str, entry.paths)), _uid(entry)])


def _uid(entry: StudyEntry) -> str:
    """The first that a header tells; "" where there is none."""
    if entry.examination is not None:
        return entry.examination
    for path in _files(entry):
        try:
            header = dcmread(path, stop_before_pixels=True, specific_tags=["StudyInstanceUID"])
        except (InvalidDicomError, EOFError, OSError):
            continue
        if uid := header.get("StudyInstanceUID"):
            return str(uid)
    return ""


def _files(entry: StudyEntry) -> Iterator[Path]:
    for folder in entry.paths:
        for parent, _, names in os.walk(folder):
            yield from (Path(parent, name) for name in sorted(names))
