"""A DICOM series: frames of one contrast in one orientation, stacked into a volume."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from pydicom import Dataset, dcmread

try:
    from pydicom.pixels import apply_rescale
except ImportError:  # pydicom 2, which Slicer 5.10 brings
    from pydicom.pixel_data_handlers import apply_rescale

from ..errors import InputError
from ..progress import Progress
from .dicom_contrast import contrast_of, parameters_of
from .dicom_headers import Frame, read_frames
from .orientation import plane_of

POSITION_TOLERANCE = 0.1
"""How far, in slice distances, a slice may lie off its place in an evenly spaced stack."""

MIN_SLICE_DISTANCE_MM = 0.05
"""Slices closer than this lie at the same place."""


@dataclass(frozen=True)
class Series:
    """Frames of one series that share contrast, orientation and matrix, sorted along their normal.

    `frames` may have gaps; `affine` and `read` refuse them.
    """

    frames: tuple[Frame, ...]

    @property
    def header(self) -> Dataset:
        """The flat header of the first frame."""
        return self.frames[0].header

    @property
    def name(self) -> str:
        """What to call it in a message: folder and number of slices; descriptions may hold anything."""
        return f"the series of {len(self.frames)} slices in {self.frames[0].path.parent.name}"

    @property
    def paths(self) -> tuple[Path, ...]:
        """Its files, each once, in the order of the slices."""
        return tuple(dict.fromkeys(frame.path for frame in self.frames))

    @cached_property
    def contrast(self) -> str:
        """As `contrast_of`."""
        return contrast_of(self.header)

    @property
    def plane(self) -> str:
        """ "sagittal", "axial" or "coronal"."""
        return plane_of(normal_of(self.header))

    @property
    def patient(self) -> tuple[str, str, str]:
        """Identifier, name and birth date, only to be compared: never to be shown or stored."""
        values = (str(self.header.get(key) or "") for key in ("PatientID", "PatientName", "PatientBirthDate"))
        return tuple(" ".join(value.upper().replace("^", " ").split()) for value in values)

    def affine(self) -> np.ndarray:
        """4x4 from (slice, row, column) to LPS millimetres.

        Raises
        ------
        InputError
            Slices are missing, doubled or unevenly spaced.
        """
        header = self.header
        positions = np.array([frame.header.ImagePositionPatient for frame in self.frames], dtype=float)
        along_columns, along_rows = np.array(header.ImageOrientationPatient, dtype=float).reshape(2, 3)
        row_spacing, column_spacing = (float(value) for value in header.PixelSpacing)
        affine = np.eye(4)
        affine[:3, 0] = self._slice_step(positions)
        affine[:3, 1] = along_rows * row_spacing
        affine[:3, 2] = along_columns * column_spacing
        affine[:3, 3] = positions[0]
        return affine

    def _slice_step(self, positions: np.ndarray) -> np.ndarray:
        """Vector (3,) in mm from each slice to the next."""
        if len(positions) == 1:
            thickness = self.header.get("SpacingBetweenSlices") or self.header.get("SliceThickness")
            if not thickness:
                raise InputError(f"{self.name} does not give its slice thickness; export the whole series again")
            return normal_of(self.header) * abs(float(thickness))
        gaps = np.diff(positions @ normal_of(self.header))
        if gaps.min() < MIN_SLICE_DISTANCE_MM:
            raise InputError(f"{self.name} has several images at one position; give a single acquisition")
        step = (positions[-1] - positions[0]) / (len(positions) - 1)
        expected = positions[0] + np.arange(len(positions))[:, None] * step
        if np.linalg.norm(positions - expected, axis=1).max() > POSITION_TOLERANCE * np.median(gaps):
            raise InputError(
                f"{self.name} lacks slices or is unevenly spaced (distances {gaps.min():.1f} to {gaps.max():.1f} mm); "
                "export the complete series again"
            )
        return step

    def is_complete(self) -> bool:
        """Whether its slices are evenly spaced, none missing."""
        try:
            self.affine()
        except InputError:
            return False
        return True

    def read(self, progress: Progress) -> tuple[np.ndarray, np.ndarray, dict]:
        """(slices, rows, columns) float32 with rescale applied, the 4x4 affine, and what `Volume.source` says."""
        affine = self.affine()
        decoded: tuple[Path | None, np.ndarray] = (None, np.empty(0))
        pictures = []
        for number, frame in enumerate(self.frames):
            progress.step(number / len(self.frames), f"Reading slice {number + 1} of {len(self.frames)}")
            if decoded[0] != frame.path:
                decoded = (frame.path, _decode(frame.path))
            picture = decoded[1][frame.index]
            pictures.append(apply_rescale(picture, frame.header).astype(np.float32))
        return np.stack(pictures), affine, parameters_of(self.header)


def find_series(folder: Path, progress: Progress) -> list[Series]:
    """All series of MR pictures below `folder`; one that mixes echoes, kinds of picture or planes is several here."""
    return stacks(read_frames(folder, progress))


def stacks(frames: Iterable[Frame]) -> list[Series]:
    """The series that these frames make up, told apart as in `find_series`."""
    groups: dict[tuple, list[Frame]] = defaultdict(list)
    for frame in frames:
        groups[_group(frame.header)].append(frame)
    return [Series(tuple(sorted(frames, key=_position_along_normal))) for frames in groups.values()]


def normal_of(header: Dataset) -> np.ndarray:
    """Unit normal (3,) of a picture, in LPS, to the patient's left where it is sagittal.

    The sign is fixed so that frames sort the same way however the rows and columns run.
    """
    normal = np.cross(*np.array(header.ImageOrientationPatient, dtype=float).reshape(2, 3))
    return normal * np.sign(normal[np.argmax(np.abs(normal))])


def _position_along_normal(frame: Frame) -> float:
    return float(normal_of(frame.header) @ np.array(frame.header.ImagePositionPatient, dtype=float))


def _group(header: Dataset) -> tuple:
    """What frames of one stack have in common."""
    return (
        header.get("SeriesInstanceUID"),
        tuple(header.get("ImageType") or ()),
        tuple(round(float(value), 3) for value in header.ImageOrientationPatient),
        tuple(round(float(value), 4) for value in header.PixelSpacing),
        (header.Rows, header.Columns),
        round(float(header.get("EchoTime") or 0), 1),
    )


def _decode(path: Path) -> np.ndarray:
    """(frames, rows, columns) of one DICOM file, as stored.

    pydicom reads plain and RLE pixels itself and all JPEG families through python-gdcm.
    """
    try:
        dataset = dcmread(path)
        pixels = dataset.pixel_array
    except Exception as error:  # every decoder has exceptions of its own
        if isinstance(error, MemoryError):
            raise
        raise InputError(f"the pixels of {path.name} cannot be read ({_reason(path)}); export it again") from error
    return pixels if pixels.ndim == 3 else pixels[np.newaxis]


def _reason(path: Path) -> str:
    syntax = getattr(dcmread(path, stop_before_pixels=True).file_meta, "TransferSyntaxUID", None)
    return f"truncated, damaged, or {syntax.name} without a decoder" if syntax else "truncated or damaged"
