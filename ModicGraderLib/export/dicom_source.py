"""The DICOM series a volume was read from, as what is derived from it must refer to it and inherit from it.

Names, birth dates and identifiers pass from the source into the new DICOM objects unread: nothing here logs, changes
or checks them.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from pydicom import Dataset, config, dcmread
from pydicom.errors import InvalidDicomError
from pydicom.uid import MRImageStorage, generate_uid
from pydicom.valuerep import format_number_as_ds

from ..errors import InputError
from ..io.dicom_contrast import parameters_of
from ..io.dicom_headers import Frame, pictures_in
from ..io.dicom_series import Series, normal_of, stacks
from ..study import Volume

IDENTITY = (
    "PatientID",
    "PatientName",
    "PatientBirthDate",
    "PatientSex",
    "AccessionNumber",
    "StudyID",
    "StudyDate",
    "StudyTime",
    "ReferringPhysicianName",
)
"""Attributes that every DICOM object has (type 2: present, but maybe empty)."""

REFERENCES = ("StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID", "SOPClassUID")
"""Attributes without which nothing can refer to an image."""

SAME_VOXEL = 0.01
"""How far, in voxels, two grids may lie apart and still be one: rounding of the decimal strings in DICOM."""

_PLANE = ("ImagePositionPatient", "ImageOrientationPatient", "PixelSpacing")
_THICKNESS = ("SliceThickness", "SpacingBetweenSlices")
_NESTED = ("SharedFunctionalGroupsSequence", "PerFrameFunctionalGroupsSequence", "NumberOfFrames")


@dataclass(frozen=True)
class SourceFrame:
    """One frame of the source: the header of its file, and its number in it, counted from 1 (None in classic MR)."""

    file: Dataset
    number: int | None


@dataclass(frozen=True)
class SourceFrames:
    """The frames that became a volume, in the order of the source's slices.

    Attributes
    ----------
    frames:
        Where each frame is.
    headers:
        Each frame as a classic MR image, without identity; Enhanced frames go by a UID of their own.
    affine:
        4x4, maps the index (frame, row, column, 1) of the source to LPS millimetres.
    """

    frames: tuple[SourceFrame, ...]
    headers: tuple[Dataset, ...]
    affine: np.ndarray

    def in_order(self, array: np.ndarray, affine: np.ndarray) -> np.ndarray:
        """An array (slices, rows, columns) on a volume's grid as (frames, rows, columns) of the source."""
        turn = _turn(self.affine, affine)
        axes = np.abs(turn).argmax(axis=1)
        backwards = [axis for axis in range(3) if turn[axis, axes[axis]] < 0]
        return np.flip(array.transpose(axes), backwards)


def read_files(volume: Volume) -> list[Dataset]:
    """The headers, without pixels, of the files a volume was read from.

    Raises
    ------
    InputError
        It was not read from DICOM, a file is gone, or lacks what others need to refer to it.
    """
    if not volume.dicom:
        raise InputError(
            f"{volume.contrast[:2].upper()} was not read from DICOM, so there is no examination that DICOM results "
            "could belong to; give the DICOM folder, or leave DICOM results out"
        )
    return [_read(path) for path in volume.dicom]


def read_frames(volume: Volume, files: Iterable[Dataset]) -> SourceFrames:
    """The frames of a volume, whose files `read_files` gave.

    Raises
    ------
    InputError
        The files are no longer those the volume was read from, or have no frame of reference.
    """
    by_path = dict(zip(volume.dicom, files, strict=True))
    frames = [frame for path, header in by_path.items() for frame in pictures_in(path, header)]
    series = _series_on_grid(frames, volume)
    if not all(by_path[frame.path].get("FrameOfReferenceUID") for frame in series.frames):
        raise InputError(
            "the DICOM images have no FrameOfReferenceUID, which ties DICOM results to their place in the patient; "
            "export them again from the archive, or leave DICOM results out"
        )
    several = {frame.path for frame in series.frames if "PerFrameFunctionalGroupsSequence" in by_path[frame.path]}
    return SourceFrames(
        frames=tuple(
            SourceFrame(by_path[frame.path], frame.index + 1 if frame.path in several else None)
            for frame in series.frames
        ),
        headers=tuple(_classic(frame, by_path[frame.path], _distance(series)) for frame in series.frames),
        affine=series.affine(),
    )


def without_identity(header: Dataset) -> Dataset:
    """A copy of a header whose `IDENTITY` is empty: whatever a scanner wrote there cannot fail, nor be logged."""
    blank = _without(header, IDENTITY)
    for keyword in IDENTITY:
        setattr(blank, keyword, None)
    return blank


def identify(result: Dataset, source: Dataset) -> None:
    """Give a new object the identity of its source, as it is written there."""
    result.SpecificCharacterSet = "ISO_IR 192"
    for keyword in IDENTITY:
        if keyword in source:
            result.add(source[keyword])
        else:
            setattr(result, keyword, None)


@contextmanager
def discreet() -> Iterator[None]:
    """While it lasts, values of the source are taken as they are, and no warning or log quotes them."""
    log = logging.getLogger("highdicom")
    level = log.level
    log.setLevel(logging.WARNING)  # below, it tells UIDs
    try:
        with config.disable_value_validation():
            yield
    finally:
        log.setLevel(level)


def _read(path: Path) -> Dataset:
    try:
        header = _readable(dcmread(path, stop_before_pixels=True))
    except (OSError, EOFError, InvalidDicomError) as error:
        raise InputError(
            "the DICOM images that were graded are no longer where they were; grade the study again"
        ) from error
    missing = [keyword for keyword in REFERENCES if not header.get(keyword)]
    if missing:
        raise InputError(
            f"the DICOM images lack {missing[0]}, without which results cannot refer to them; export them again from "
            "the archive, or leave DICOM results out"
        )
    if header.SOPClassUID.is_private:
        raise InputError(
            "the DICOM images are of a kind that only their vendor knows, to which results cannot refer; export them "
            "as MR images, or leave DICOM results out"
        )
    return header


def _readable(header: Dataset) -> Dataset:
    """What of a header can be read, its text decoded; private attributes, whose meaning is not known, stay behind."""
    readable, charset = Dataset(), header.get("SpecificCharacterSet")
    tags = [tag for tag in list(header.keys()) if not tag.is_private]  # iterating over the header would read it all
    for tag in tags:
        one = Dataset()
        one.SpecificCharacterSet = charset
        try:
            one[tag] = header[tag]
            one.decode()
        except Exception:  # what was written wrongly fails in many ways; what is needed of it is missed later
            continue
        readable[tag] = one[tag]
    return readable


def _series_on_grid(frames: list[Frame], volume: Volume) -> Series:
    """The series among `frames` on whose grid the volume lies; of several (echoes, say) the one it was read from."""
    fitting = [series for series in stacks(frames) if series.is_complete() and _is_same_grid(series, volume)]
    if not fitting:
        raise InputError("the DICOM images are not those that were graded; grade the study again")
    return max(fitting, key=lambda series: parameters_of(series.header).items() <= volume.source.items())


def _is_same_grid(series: Series, volume: Volume) -> bool:
    affine = series.affine()
    turn = _turn(affine, volume.affine)
    corner = np.linalg.solve(affine, volume.affine)[:3, 3]
    shape = (len(series.frames), series.header.Rows, series.header.Columns)
    ends = np.abs(turn) @ volume.array.shape
    return (
        bool((np.abs(turn).sum(axis=0) == 1).all() and (np.abs(turn).sum(axis=1) == 1).all())
        and tuple(ends) == shape
        and np.allclose(corner, np.where(turn.sum(axis=1) < 0, ends - 1, 0), atol=SAME_VOXEL)
    )


def _turn(source: np.ndarray, canonical: np.ndarray) -> np.ndarray:
    """3x3 of -1, 0 and 1: how the axes of a canonical grid (columns) run along those of its source (rows)."""
    return np.rint(np.linalg.solve(source[:3, :3], canonical[:3, :3])).astype(int)


def _distance(series: Series) -> float:
    """Distance in mm of neighboring slices, at right angles to them."""
    return abs(float(normal_of(series.header) @ series.affine()[:3, 0]))


def _classic(frame: Frame, file: Dataset, distance_mm: float) -> Dataset:
    """A frame as a classic MR image: highdicom derives from single frames alike, whatever file they came in.

    The distance of the slices is that of their places, whatever the header says; their thickness, where it is not
    told, is the same.
    """
    header = without_identity(_without(file, (*_NESTED, *_PLANE, *_THICKNESS)))
    for keyword in _PLANE:
        header[keyword] = frame.header[keyword]
    thickness = frame.header.get("SliceThickness") or 0.0
    header.SliceThickness = format_number_as_ds(float(thickness) if thickness > 0 else distance_mm)
    header.SpacingBetweenSlices = format_number_as_ds(distance_mm)
    if any(keyword in file for keyword in _NESTED):
        header = _without(header, ("SOPClassUID", "SOPInstanceUID"))
        header.SOPClassUID, header.SOPInstanceUID = MRImageStorage, generate_uid(prefix=None)
    return header


def _without(header: Dataset, keywords: Iterable[str]) -> Dataset:
    """A header without some of its attributes; to set them in place would set them in the original as well."""
    return Dataset({element.tag: element for element in header if element.keyword not in keywords})
