"""Finding the MR frames in a DICOM folder, each with one flat header, whether classic or Enhanced."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from pydicom import Dataset, dcmread
from pydicom.errors import InvalidDicomError
from pydicom.uid import EnhancedMRImageStorage

from ..errors import InputError
from ..progress import Progress

_IDENTITY = ("PatientID", "PatientName", "PatientBirthDate", "StudyInstanceUID", "StudyDate", "SeriesInstanceUID",
             "FrameOfReferenceUID", "SOPClassUID", "SOPInstanceUID")  # fmt: skip
_PICTURE = ("Rows", "Columns", "SamplesPerPixel", "PhotometricInterpretation", "NumberOfFrames", "RescaleSlope",
            "RescaleIntercept", "ImagePositionPatient", "ImageOrientationPatient", "PixelSpacing", "SliceThickness",
            "SpacingBetweenSlices")  # fmt: skip
_SEQUENCE = ("Modality", "ImageType", "SeriesDescription", "ProtocolName", "SequenceName", "ScanningSequence",
             "ScanOptions", "RepetitionTime", "EchoTime", "InversionTime", "EchoTrainLength", "MagneticFieldStrength",
             "Manufacturer", "ManufacturerModelName", "ContrastBolusAgent", "DiffusionBValue")  # fmt: skip
_FUNCTIONAL_GROUPS = ("SharedFunctionalGroupsSequence", "PerFrameFunctionalGroupsSequence")
KEYWORDS = [*_IDENTITY, *_PICTURE, *_SEQUENCE, *_FUNCTIONAL_GROUPS, "EchoPulseSequence"]
"""The attributes that tell what a picture is; no others are looked at."""

_CLASSIC_NAME = {
    "EffectiveEchoTime": "EchoTime",
    "RFEchoTrainLength": "EchoTrainLength",
    "InversionTimes": "InversionTime",
    "FrameType": "ImageType",
}
"""Attributes of Enhanced MR under the name that classic MR gave them."""


@dataclass(frozen=True)
class Frame:
    """One picture of a series: `header` is flat, with the attributes of classic MR; `index` counts within the file."""

    path: Path
    index: int
    header: Dataset


def read_frames(folder: Path, progress: Progress) -> list[Frame]:
    """Every MR picture with a place in the patient below `folder`, in no particular order; copies are dropped.

    Raises
    ------
    InputError
        No DICOM file, or none of MR.
    """
    frames: list[Frame] = []
    modalities: set[str] = set()
    seen: set[str] = set()
    paths = sorted(path for path in folder.rglob("*") if path.is_file())
    for number, path in enumerate(paths):
        progress.step(number / len(paths), f"Reading DICOM headers ({number + 1} of {len(paths)})")
        header = _read_header(path)
        if header is None or header.get("SOPInstanceUID") in seen:
            continue
        seen.add(header.get("SOPInstanceUID"))
        modalities.add(header.get("Modality") or "unknown")
        frames += pictures_in(path, header)
    if not modalities:
        raise InputError(f"{folder.name} holds no DICOM images; give a folder with an MR series")
    if "MR" not in modalities:
        raise InputError(f"{folder.name} holds {' and '.join(sorted(modalities))} images but no MR; give MR series")
    return frames


def pictures_in(path: Path, header: Dataset) -> list[Frame]:
    """The MR pictures with a place in the patient that the header of a file describes."""
    frames = _frames(path, header) if header.get("Modality") == "MR" else ()
    return [frame for frame in frames if _is_picture_of_the_patient(frame.header)]


def frames_of(path: Path) -> list[Frame]:
    """The MR pictures in one file; none where it is no DICOM file of MR."""
    header = _read_header(path)
    return list(_frames(path, header)) if header is not None and header.get("Modality") == "MR" else []


def _read_header(path: Path) -> Dataset | None:
    """The attributes used here; None where the file is no DICOM image."""
    try:
        header = dcmread(path, stop_before_pixels=True, specific_tags=KEYWORDS)
    except (InvalidDicomError, EOFError, OSError):
        return None
    return header if "SOPClassUID" in header and "Modality" in header else None


def _frames(path: Path, header: Dataset) -> Iterator[Frame]:
    if header.SOPClassUID != EnhancedMRImageStorage:
        yield Frame(path, 0, header)
        return
    shared, per_frame = (header.get(groups) or [Dataset()] for groups in _FUNCTIONAL_GROUPS)
    top = Dataset({element.tag: element for element in header if element.keyword not in _FUNCTIONAL_GROUPS})
    for index, groups in enumerate(per_frame):
        yield Frame(path, index, _flat(top, shared[0], groups))


def _flat(top: Dataset, *groups: Dataset) -> Dataset:
    """The header this frame would have had as classic MR: what is nested in functional groups, laid out flat."""
    flat = Dataset()
    flat.update(top)  # Dataset(top) would share its elements with every other frame
    for group in groups:
        for macro in group:
            for element in macro.value[0] if macro.VR == "SQ" and macro.value else ():
                keyword = _CLASSIC_NAME.get(element.keyword, element.keyword)
                if keyword:
                    setattr(flat, keyword, element.value)
    return flat


def _is_picture_of_the_patient(header: Dataset) -> bool:
    """Whether it is a gray picture of known place; screenshots and reports are not."""
    needed = ("ImagePositionPatient", "ImageOrientationPatient", "PixelSpacing", "Rows", "Columns")
    gray = str(header.get("PhotometricInterpretation", "MONOCHROME2")).startswith("MONOCHROME")
    return gray and all(header.get(keyword) for keyword in needed)
