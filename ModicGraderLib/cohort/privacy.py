"""What tells who a patient is, taken out of what a cohort writes: paths, names of files, identifiers."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

from ..study import SpineStudy, Volume
from .study_list import StudyEntry

UID = re.compile(r"(?<![\w.])[0-2](?:\.\d+){4,}(?![\w.])")
"""A DICOM unique identifier; decimal numbers and versions have fewer parts."""

PLAIN = re.compile(r"\d{1,3}")
"""Names that say nothing, and that are numbers of slices and the like too."""


def nameless(study: SpineStudy, *, keep_dicom: bool) -> SpineStudy:
    """The study whose volumes do not say where they were read from, and only if asked to of which DICOM files."""

    def without(volume: Volume | None) -> Volume | None:
        if volume is None:
            return None
        source = {key: value for key, value in volume.source.items() if key != "path"}
        return replace(volume, source=source, dicom=volume.dicom if keep_dicom else ())

    return replace(study, t1=without(study.t1), t2=without(study.t2))


def without_names(text: str, entry: StudyEntry) -> str:
    """A message about a study in which its files are called T1, T2 or the examination, and no path or UID stands."""
    words = _words(entry)
    places = [(str(one), word) for path, word in words for one in (path, path.resolve())]
    places += [(str(above), "a folder") for path, _ in words for above in path.parents if above.name]
    for place, word in sorted(places, key=lambda pair: -len(pair[0])):
        text = text.replace(place, word)
    for path, word in words:
        text = _replaced(text, path.name, word)
    for path in entry.paths:
        # Only where a message is to be shown, so never for studies that are well.
        for below in sorted(path.rglob("*") if path.is_dir() else (), key=lambda one: -len(one.name)):
            text = _replaced(text, below.name, "a folder" if below.is_dir() else "a file")
    return UID.sub("a UID", text)


def _words(entry: StudyEntry) -> list[tuple[Path, str]]:
    named = ((entry.t1, "T1"), (entry.t2, "T2"), (entry.dicom, "the examination"))
    return [(path, word) for path, word in named if path is not None]


def _replaced(text: str, name: str, word: str) -> str:
    if name not in text or PLAIN.fullmatch(name):
        return text
    return re.sub(rf"(?<!\w){re.escape(name)}(?!\w)", word, text)
