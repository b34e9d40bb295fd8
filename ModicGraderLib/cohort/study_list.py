"""StudyEntry: one study of a cohort, and the lists of them: a manifest (docs/manifest.md) or a folder of DICOM."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from ..errors import InputError
from ..progress import Progress
from ..training.labelled_study import DiscLabels
from ..training.manifest_rows import StudyRow, read_rows

FOLDER_NAME = re.compile(r'(?![.])[^<>:"/\\|?*\x00-\x1f]{1,120}(?<![. ])')
"""What every file system takes as the name of a folder; a leading dot is kept for unfinished ones."""

NAME_DIGITS = 4
"""Digits, at least, of the number that names a study of a folder of DICOM."""


@dataclass(frozen=True)
class StudyEntry:
    """One study to be graded. What tells where it lies is not shown, so that no log gives it away.

    Attributes
    ----------
    name:
        Unique in the cohort, and the name of its folder of results.
    patient:
        Whom it shows, by a pseudonym: the unit of statistics.
    t1, t2:
        Absolute paths as `io.read_study` takes them; not checked to be there.
    dicom:
        Instead of these a folder with the whole examination, as `io.read_dicom_study` takes it.
    examination:
        Its StudyInstanceUID, only where `dicom` holds other examinations too.
    age_years:
        None where it is unknown; 90 stands for 90 and more where it was read from DICOM.
    labels:
        What readers said, by level; {} where nothing is known.
    lowest_disc:
        Overrides the model's numbering.
    """

    name: str
    patient: str
    t1: Path | None = field(default=None, repr=False)
    t2: Path | None = field(default=None, repr=False)
    dicom: Path | None = field(default=None, repr=False)
    examination: str | None = field(default=None, repr=False)
    age_years: float | None = None
    labels: Mapping[str, DiscLabels] = field(default_factory=dict, repr=False)
    lowest_disc: str | None = None

    @property
    def paths(self) -> tuple[Path, ...]:
        """The files and folders that it names."""
        return tuple(path for path in (self.t1, self.t2, self.dicom) if path is not None)


def read_studies(path: Path, progress: Progress | None = None) -> list[StudyEntry]:
    """The studies that a manifest lists, in its order, or that lie in a folder of DICOM.

    Each examination of MR in a folder is a study, named 0001, 0002, ... in the order of the folder, never by what the
    files or their headers say. A manifest's files need not be there: that is the matter of their study alone.

    Raises
    ------
    InputError
        It cannot be read, or something is wrong with it; the sentence says where, and how to mend it.
    """
    path = Path(path).absolute()
    return _from_folder(path, progress or Progress()) if path.is_dir() else _from_manifest(path)


def _from_manifest(path: Path) -> list[StudyEntry]:
    entries: dict[str, StudyEntry] = {}
    for files, disc in read_rows(path, unlabelled=True):
        entry = entries.get(files.study) or _entry(files)
        if disc is not None:
            entry = replace(entry, labels={**entry.labels, disc.level: disc.labels})
        entries[files.study] = entry
    _check_names(list(entries))
    return list(entries.values())


def _entry(row: StudyRow) -> StudyEntry:
    return StudyEntry(
        name=row.study,
        patient=row.patient,
        t1=row.t1,
        t2=row.t2,
        dicom=row.dicom,
        age_years=row.age_years,
        lowest_disc=row.lowest_disc,
    )


def _check_names(names: list[str]) -> None:
    """Studies become folders, which some systems tell apart without regard to case."""
    first: dict[str, str] = {}
    for name in names:
        if not FOLDER_NAME.fullmatch(name):
            raise InputError(f"the study {name!r} cannot be the name of a folder; use letters, digits, - and _")
        other = first.setdefault(name.casefold(), name)
        if other != name:
            raise InputError(f"the studies {other!r} and {name!r} differ only in case; rename one of them")


def _from_folder(folder: Path, progress: Progress) -> list[StudyEntry]:
    # Only here: workers take studies as they are.
    from .dicom_folder import find_examinations

    found = find_examinations(folder, progress)
    digits = max(NAME_DIGITS, len(str(len(found))))
    first_of_patient: dict[str, str] = {}
    entries = []
    for number, one in enumerate(found, start=1):
        name = f"{number:0{digits}d}"
        patient = first_of_patient.setdefault(one.patient, name) if one.patient else name
        entries.append(
            StudyEntry(
                name=name,
                patient=patient,
                dicom=one.folder,
                examination=None if one.alone else one.uid,
                age_years=one.age_years,
            )
        )
    return entries
