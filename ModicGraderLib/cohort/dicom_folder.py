"""The MR examinations in a folder of DICOM files, however they are sorted into folders below it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from pydicom import Dataset, dcmread
from pydicom.errors import InvalidDicomError

from ..errors import InputError
from ..progress import Progress

OLDEST_YEARS = 90.0
"""Who is older is said to be of this age, because so few are (HIPAA, 45 CFR 164.514(b)(2)(i)(C))."""

_TAGS = ["StudyInstanceUID", "Modality", "PatientID", "PatientAge", "PatientBirthDate", "StudyDate"]

_YEARS = {"Y": 1.0, "M": 1 / 12, "W": 7 / 365.25, "D": 1 / 365.25}
"""Units of a DICOM age."""


@dataclass(frozen=True)
class Examination:
    """One examination with MR pictures.

    Attributes
    ----------
    uid, patient:
        StudyInstanceUID and PatientID ("" where it is empty): to tell it apart, never to be shown or stored.
    folder:
        The lowest folder that holds all its files.
    alone:
        Whether no other examination has files there.
    age_years:
        At the examination, at most `OLDEST_YEARS`; None where the headers do not tell.
    """

    uid: str = field(repr=False)
    patient: str = field(repr=False)
    folder: Path = field(repr=False)
    alone: bool
    age_years: float | None


def find_examinations(folder: Path, progress: Progress) -> list[Examination]:
    """All examinations with MR pictures below a folder, in the order of their first files.

    Raises
    ------
    InputError
        There is none.
    """
    headers: dict[str, Dataset] = {}
    places: dict[str, set[Path]] = {}
    with_mr: set[str] = set()
    for number, path in enumerate(_files(folder)):
        progress.step(0.0, f"Reading DICOM headers ({number + 1} files)")
        header = _read_header(path)
        uid = str(header.get("StudyInstanceUID") or "") if header is not None else ""
        if uid:
            headers.setdefault(uid, header)
            places.setdefault(uid, set()).add(path.parent)
            if header.get("Modality") == "MR":
                with_mr.add(uid)
    if not with_mr:
        raise InputError(f"{folder.name} holds no DICOM files of MR; give a folder of examinations, or a manifest")
    shared = _shared(folder, places)
    return [_examination(uid, headers[uid], _common(places[uid]), shared) for uid in places if uid in with_mr]


def _files(folder: Path) -> Iterator[Path]:
    for parent, folders, names in os.walk(folder):
        folders.sort()
        for name in sorted(names):
            yield Path(parent, name)


def _read_header(path: Path) -> Dataset | None:
    try:
        return dcmread(path, stop_before_pixels=True, specific_tags=_TAGS)
    except (InvalidDicomError, EOFError, OSError):
        return None


def _common(folders: set[Path]) -> Path:
    return Path(os.path.commonpath(folders))


def _shared(top: Path, places: dict[str, set[Path]]) -> set[Path]:
    """Folders from `top` down below which lie files of several examinations."""
    owner: dict[Path, str] = {}
    shared = set()
    for uid, folders in places.items():
        for folder in folders:
            for above in (folder, *folder.parents):
                if owner.setdefault(above, uid) != uid:
                    shared.add(above)
                if above == top:
                    break
    return shared


def _examination(uid: str, header: Dataset, folder: Path, shared: set[Path]) -> Examination:
    return Examination(uid, str(header.get("PatientID") or ""), folder, folder not in shared, _age_years(header))


def _age_years(header: Dataset) -> float | None:
    """The age that is written, else whole years between birth and examination."""
    age = str(header.get("PatientAge") or "").strip()
    born, examined = (str(header.get(name) or "") for name in ("PatientBirthDate", "StudyDate"))
    if age[:-1].isdigit() and age[-1:] in _YEARS:
        years = int(age[:-1]) * _YEARS[age[-1]]
    elif len(born) == len(examined) == 8 and (born + examined).isdigit():
        years = float(int(examined[:4]) - int(born[:4]) - (examined[4:] < born[4:]))
    else:
        return None
    return min(round(years, 1), OLDEST_YEARS) if years >= 0 else None
