"""DICOM series made for tests: classic and Enhanced MR, in any plane, plain or compressed. Nothing in them is real."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from pydicom import Dataset, FileDataset, FileMetaDataset
from pydicom.uid import UID, EnhancedMRImageStorage, ExplicitVRLittleEndian, MRImageStorage, generate_uid

SEQUENCES = {
    "t1": {"RepetitionTime": 550.0, "EchoTime": 10.0, "EchoTrainLength": 3, "ScanningSequence": "SE"},
    "t2": {"RepetitionTime": 3500.0, "EchoTime": 110.0, "EchoTrainLength": 17, "ScanningSequence": "SE"},
    "stir": {
        "RepetitionTime": 4000.0,
        "EchoTime": 60.0,
        "InversionTime": 160.0,
        "EchoTrainLength": 12,
        "ScanningSequence": ["SE", "IR"],
    },
    "localizer": {
        "RepetitionTime": 6.0,
        "EchoTime": 2.7,
        "ScanningSequence": "GR",
        "ImageType": ["ORIGINAL", "PRIMARY", "LOCALIZER"],
    },
}

ORIENTATIONS = {
    "sagittal": [0.0, 1.0, 0.0, 0.0, 0.0, -1.0],
    "axial": [1.0, 0.0, 0.0, 0.0, 1.0, 0.0],
    "coronal": [1.0, 0.0, 0.0, 0.0, 0.0, -1.0],
}

STUDY = {
    "PatientID": "TEST-1",
    "PatientName": "Phantom^Spine",
    "PatientBirthDate": "19700101",
    "StudyInstanceUID": generate_uid(entropy_srcs=["study"]),
    "FrameOfReferenceUID": generate_uid(entropy_srcs=["frame"]),
    "StudyDate": "20200101",
}


def picture_stack(slices: int = 5, rows: int = 96, columns: int = 96, seed: int = 0) -> np.ndarray:
    """(slices, rows, columns) uint16 with a value of its own in every corner of every slice."""
    return np.random.default_rng(seed).integers(0, 2000, (slices, rows, columns), dtype=np.uint16)


def write_series(
    folder: Path,
    pixels: np.ndarray,
    sequence: str = "t1",
    orientation: list[float] | None = None,
    spacing: tuple[float, float, float] = (4.0, 1.0, 1.0),
    origin: tuple[float, float, float] = (-10.0, -48.0, 48.0),
    skip: tuple[int, ...] = (),
    names: list[str] | None = None,
    **attributes: object,
) -> list[Path]:
    """Write (slices, rows, columns) uint16 as classic MR, one file a slice; slices follow the normal of the picture.

    `spacing` is (slice, row, column) in mm, `skip` are slices left out, `names` the file names, `attributes` override
    DICOM attributes of every file; None removes one.
    """
    folder.mkdir(parents=True, exist_ok=True)
    orientation = orientation or ORIENTATIONS["sagittal"]
    common = {"SeriesInstanceUID": generate_uid(), **attributes}
    paths = []
    for index, position in enumerate(slice_positions(len(pixels), orientation, spacing[0], origin)):
        if index in skip:
            continue
        dataset = _dataset(MRImageStorage, pixels[index], sequence)
        dataset.ImageOrientationPatient = orientation
        dataset.ImagePositionPatient = [float(value) for value in position]
        dataset.PixelSpacing = list(spacing[1:])
        dataset.SliceThickness = dataset.SpacingBetweenSlices = spacing[0]
        _override(dataset, common)
        paths.append(folder / (names[index] if names else f"{index:03d}.dcm"))
        dataset.save_as(paths[-1], enforce_file_format=True)
    return paths


def write_enhanced(
    path: Path,
    pixels: np.ndarray,
    sequence: str = "t2",
    orientation: list[float] | None = None,
    spacing: tuple[float, float, float] = (4.0, 1.0, 1.0),
    origin: tuple[float, float, float] = (-10.0, -48.0, 48.0),
    slopes: list[float] | None = None,
    **attributes: object,
) -> Path:
    """Write (slices, rows, columns) uint16 as one Enhanced MR file; `slopes` are per-frame rescale slopes."""
    path.parent.mkdir(parents=True, exist_ok=True)
    orientation = orientation or ORIENTATIONS["sagittal"]
    values = SEQUENCES[sequence]
    dataset = _dataset(EnhancedMRImageStorage, pixels, "")
    dataset.NumberOfFrames = len(pixels)
    timing = {"RepetitionTime": values["RepetitionTime"], "RFEchoTrainLength": values["EchoTrainLength"]}
    shared = Dataset()
    shared.MRTimingAndRelatedParametersSequence = [_item(**timing)]
    shared.MREchoSequence = [_item(EffectiveEchoTime=values["EchoTime"])]
    shared.PlaneOrientationSequence = [_item(ImageOrientationPatient=orientation)]
    shared.PixelMeasuresSequence = [_item(PixelSpacing=list(spacing[1:]), SliceThickness=spacing[0])]
    if "InversionTime" in values:
        shared.MRModifierSequence = [_item(InversionTimes=[values["InversionTime"]])]
    dataset.SharedFunctionalGroupsSequence = [shared]
    dataset.PerFrameFunctionalGroupsSequence = [
        _item(
            PlanePositionSequence=[_item(ImagePositionPatient=[float(value) for value in position])],
            PixelValueTransformationSequence=[_item(RescaleSlope=slope, RescaleIntercept=0.0, RescaleType="US")],
        )
        for position, slope in zip(
            slice_positions(len(pixels), orientation, spacing[0], origin), slopes or [1.0] * len(pixels), strict=True
        )
    ]
    _override(dataset, attributes)
    dataset.save_as(path, enforce_file_format=True)
    return path


def slice_positions(count: int, orientation: list[float], distance: float, origin: tuple) -> np.ndarray:
    """LPS positions (count, 3) in mm of the first pixels of slices stacked along the normal of the picture."""
    normal = np.cross(orientation[:3], orientation[3:])
    return np.array(origin) + np.arange(count)[:, None] * distance * normal


def compress(path: Path, syntax: UID) -> None:
    """Rewrite a file losslessly in another transfer syntax with GDCM."""
    import gdcm

    reader = gdcm.ImageReader()
    reader.SetFileName(str(path))
    assert reader.Read()
    change = gdcm.ImageChangeTransferSyntax()
    change.SetTransferSyntax(gdcm.TransferSyntax(gdcm.TransferSyntax.GetTSType(str(syntax))))
    change.SetInput(reader.GetImage())
    assert change.Change()
    writer = gdcm.ImageWriter()
    writer.SetFileName(str(path))
    writer.SetFile(reader.GetFile())
    writer.SetImage(change.GetOutput())
    assert writer.Write()


def _dataset(storage: UID, pixels: np.ndarray, sequence: str) -> FileDataset:
    meta = FileMetaDataset()
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    meta.MediaStorageSOPClassUID = storage
    meta.MediaStorageSOPInstanceUID = generate_uid()
    dataset = FileDataset("", {}, file_meta=meta, preamble=b"\0" * 128)
    dataset.SOPClassUID = storage
    dataset.SOPInstanceUID = meta.MediaStorageSOPInstanceUID
    dataset.SeriesInstanceUID = generate_uid()
    dataset.Modality = "MR"
    dataset.ImageType = ["ORIGINAL", "PRIMARY", "M"]
    dataset.MagneticFieldStrength = 1.5
    dataset.Manufacturer = "Maker"
    dataset.ManufacturerModelName = "Model"
    _override(dataset, {**STUDY, **SEQUENCES.get(sequence, {})})
    dataset.SamplesPerPixel = 1
    dataset.PhotometricInterpretation = "MONOCHROME2"
    dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit, dataset.PixelRepresentation = 16, 16, 15, 0
    dataset.Rows, dataset.Columns = pixels.shape[-2:]
    dataset.PixelData = np.ascontiguousarray(pixels, dtype=np.uint16).tobytes()
    return dataset


def _override(dataset: Dataset, attributes: dict) -> None:
    for keyword, value in attributes.items():
        if value is None:
            dataset.pop(keyword, None)
        else:
            setattr(dataset, keyword, value)


def _item(**attributes: object) -> Dataset:
    item = Dataset()
    _override(item, attributes)
    return item
