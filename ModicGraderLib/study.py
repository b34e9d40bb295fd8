"""A SpineStudy: the T1 and T2 volumes of one patient, checked, oriented and in one patient space."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from .grid import Grid
from .report import QualityFinding


@dataclass(frozen=True)
class Volume:
    """One sagittal MR series in its canonical orientation.

    Attributes
    ----------
    array:
        (slices, rows, columns), float32, finite. Slices run from the patient's right to the left, rows from head to
        foot, columns from front to back: each picture stands upright with the abdomen on its left.
    affine:
        4x4, maps the homogeneous index (slice, row, column, 1) to LPS millimetres. Its columns need not be along the
        axes of the patient: obliquity is kept.
    contrast:
        "t1", "t2" or "t2_fat_suppressed".
    source:
        What is known of where it came from, ready for the report: `path`, and where read from DICOM
        `repetition_time_ms`, `echo_time_ms`, `field_strength_t`, ... Never names, birth dates or identifiers.
    dicom:
        The DICOM files it was read from, each once, in the order of the source's slices; empty where it was read from
        another format. Only for what is written as DICOM again: what identifies the patient stays in these files.
    """

    array: np.ndarray
    affine: np.ndarray
    contrast: str
    source: dict = field(default_factory=dict)
    dicom: tuple[Path, ...] = ()

    @property
    def spacing(self) -> np.ndarray:
        """Distance in mm between neighbouring (slices, rows, columns)."""
        return np.linalg.norm(self.affine[:3, :3], axis=0)

    @property
    def grid(self) -> Grid:
        """Where the voxels lie."""
        return Grid(self.affine, self.array.shape)

    def to_patient(self, index: np.ndarray) -> np.ndarray:
        """LPS millimetres (..., 3) of continuous indices (..., 3) in (slice, row, column) order."""
        return self.grid.to_patient(index)

    def to_index(self, point: np.ndarray) -> np.ndarray:
        """Continuous indices (..., 3) in (slice, row, column) order of LPS points (..., 3) in millimetres."""
        return self.grid.to_index(point)


@dataclass(frozen=True)
class Alignment:
    """How far T1 lies from T2 once their geometry is taken into account.

    Attributes
    ----------
    shift_lps_mm:
        Translation (3,) that brings T1 onto T2, in mm.
    gain:
        Mutual information with the shift divided by that without it; 1 where nothing was gained.
    applied:
        Whether the shift is already part of the T1 volume's affine.
    """

    shift_lps_mm: tuple[float, float, float] = (0.0, 0.0, 0.0)
    gain: float = 1.0
    applied: bool = False


@dataclass(frozen=True)
class SpineStudy:
    """What is graded: T1, T2 or both, of one patient, in one LPS patient space."""

    t1: Volume | None
    t2: Volume | None
    alignment: Alignment = Alignment()
    quality: tuple[QualityFinding, ...] = ()

    @property
    def reference(self) -> Volume:
        """The volume whose grid results lie on: T2 where there is one."""
        volume = self.t2 if self.t2 is not None else self.t1
        assert volume is not None, "a study holds at least one volume"
        return volume

    @classmethod
    def of(cls, volume: Volume) -> SpineStudy:
        """The study of one volume alone."""
        return cls(volume, None) if volume.contrast == "t1" else cls(None, volume)

    @property
    def volumes(self) -> tuple[Volume, ...]:
        """The volumes that are there, T1 first."""
        return tuple(volume for volume in (self.t1, self.t2) if volume is not None)

    def without_folders(self) -> SpineStudy:
        """The study whose volumes name their files without the folder, for a folder that will soon be gone."""
        return replace(self, t1=_without_folder(self.t1), t2=_without_folder(self.t2))


def _without_folder(volume: Volume | None) -> Volume | None:
    return volume and replace(volume, source={**volume.source, "path": Path(volume.source["path"]).name})
