"""A researcher's own labelled studies, listed in a CSV with one row a disc (see docs/manifest.md)."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from .. import __version__
from ..anatomy import CORNERS, DISCS_UPWARDS, MODIC_MAP_LABELS, moved_up, steps_up
from ..errors import InputError
from ..grid import Grid, unit
from ..io import read_dicom_study, read_study
from ..io.files import read_file
from ..io.orientation import to_canonical
from ..localization.spine import LocatedDisc
from ..regions import resample
from ..study import Volume
from .labelled_study import LabelledStudy
from .located_study import located_study, with_age
from .manifest_rows import FILE_COLUMNS, DiscRow, StudyRow, read_rows
from .simulated_discs import nearest


@dataclass(frozen=True)
class ManifestStudy:
    """One study of a manifest: its files, and what is written of its discs.

    Attributes
    ----------
    files:
        What the rows of the study have in common.
    discs:
        By level.
    """

    files: StudyRow
    discs: Mapping[str, DiscRow] = field(default_factory=dict)


def read_manifest(path: Path) -> ManifestStudies:
    """The studies that a manifest lists; the pictures are read only when they are asked for.

    Raises
    ------
    InputError
        Something is wrong with it; the sentence names the row as a spreadsheet counts it, the column, and the mend.
    """
    path = Path(path)
    studies: dict[str, ManifestStudy] = {}
    for files, disc in read_rows(path):
        study = studies.setdefault(files.study, ManifestStudy(files, {}))
        if disc is not None:
            studies[files.study] = ManifestStudy(study.files, {**study.discs, disc.level: disc})
    return ManifestStudies(path, studies)


class ManifestStudies:
    """The `StudySource` that `read_manifest` returns.

    A study's discs are those whose corners are given; where none are, those that the shipped localizer finds.
    """

    def __init__(self, path: Path, studies: Mapping[str, ManifestStudy]) -> None:
        self._studies = dict(studies)
        self.studies = tuple(studies)
        patients = len({study.files.patient for study in studies.values()})
        self.title = f"{len(studies)} studies of {patients} patients in {path.name}"
        grades = [disc.labels.narrowing or 0 for study in studies.values() for disc in study.discs.values()]
        self.narrowing_grades = 4 if max(grades, default=0) > 1 else 2
        self.key = f"manifest-{_digest(path, studies.values())}"

    def read(self, study: str) -> LabelledStudy:
        """One study, located anew each time."""
        if study not in self._studies:
            raise InputError(f"the manifest has no study {study!r}; take one of its `studies`")
        files, discs = self._studies[study].files, self._studies[study].discs
        pictures = read_dicom_study(files.dicom) if files.dicom else read_study(files.t1, files.t2)
        if files.age_years is not None:
            pictures = with_age(pictures, files.age_years)
        volumes, location = located_study(pictures, files.lowest_disc)
        given = [given_disc(level, disc.corners, volumes.reference) for level, disc in discs.items() if disc.corners]
        given.sort(key=lambda disc: DISCS_UPWARDS.index(disc.level), reverse=True)
        if (lowest := counted_from(given, location.discs)) != location.discs[-1].level:
            volumes, location = located_study(pictures, lowest)
        return LabelledStudy(
            name=study,
            patient=files.patient,
            study=volumes,
            discs=tuple(given) or location.discs,
            spine=location.labels,
            changes=None if files.changes is None else read_changes(files.changes, volumes.reference.grid),
            labels={level: disc.labels for level, disc in discs.items()},
        )


def counted_from(given: Sequence[LocatedDisc], found: Sequence[LocatedDisc]) -> str:
    """Name of the lowest disc of `found` (head to foot) that agrees with the names of `given` discs at their places."""
    for disc in reversed(given):
        number = nearest(disc.center, disc.width_mm, found)
        if number is not None:
            steps = steps_up(found[number].level, disc.level)
            return moved_up(found[-1].level, steps) or found[-1].level
    return found[-1].level


def _digest(path: Path, studies: Sequence[ManifestStudy]) -> str:
    """Short hash of the manifest, of the size and date of each file that it names, and of this version."""
    named = (getattr(study.files, column) for study in studies for column in FILE_COLUMNS)
    files = [file for file in named if file]
    stamps = [(file.name, file.stat().st_size, file.stat().st_mtime_ns) for file in files]
    content = path.read_bytes() + json.dumps([stamps, __version__]).encode()
    return hashlib.sha256(content).hexdigest()[:10]


def given_disc(level: str, corners: Mapping[str, np.ndarray], reference: Volume) -> LocatedDisc:
    """The disc between four given corners, by the names of `anatomy.CORNERS`, each (3,) LPS mm.

    Its sideways direction is that of the slices' normal: four points on one slice do not tell it.
    """
    upper_anterior, upper_posterior, lower_anterior, lower_posterior = (corners[name] for name in CORNERS)
    left = unit(reference.affine[:3, 0])
    anterior = upper_anterior + lower_anterior - upper_posterior - lower_posterior
    anterior = unit(anterior - (anterior @ left) * left)
    normal = np.cross(anterior, left)
    widths = [np.linalg.norm(upper_anterior - upper_posterior), np.linalg.norm(lower_anterior - lower_posterior)]
    return LocatedDisc(
        level=level,
        center=np.mean(list(corners.values()), axis=0),
        normal=normal,
        anterior=anterior,
        width_mm=float(np.mean(widths)),
        height_mm=float((upper_anterior + upper_posterior - lower_anterior - lower_posterior) @ normal) / 2,
        corners=dict(corners),
        confidence=1.0,
    )


def read_mask(path: Path) -> tuple[np.ndarray, Grid]:
    """The labels (slices, rows, columns) of a mask file, in canonical orientation, and where they lie.

    Raises
    ------
    InputError
        It cannot be read.
    """
    array, affine = to_canonical(*read_file(path), path.name)
    return np.round(array).astype(np.int16), Grid(affine, array.shape)


def read_changes(path: Path, grid: Grid) -> np.ndarray:
    """Modic changes (slices, rows, columns) uint8 on `grid`, labels of `anatomy.MODIC_MAP_LABELS`, of a mask file.

    Raises
    ------
    InputError
        It cannot be read, or has other labels.
    """
    labels, own = read_mask(path)
    known = {0, *MODIC_MAP_LABELS.values()}
    if strange := set(np.unique(labels).tolist()) - known:
        raise InputError(
            f"{path.name} has voxels labelled {min(strange)}; mark Modic changes of type I, II and III with 1, 2 and 3"
        )
    return resample(labels.astype(np.uint8), own, grid, order=0, outside=0)
