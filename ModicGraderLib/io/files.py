"""Reading one NIfTI, NRRD or MetaImage file: its voxels and their place in the patient."""

from __future__ import annotations

import gzip
import zlib
from pathlib import Path

import numpy as np
import SimpleITK as sitk

from ..errors import InputError

NIFTI = (".nii", ".nii.gz")
METAIMAGE = (".mha", ".mhd")
NRRD = (".nrrd",)
EXTENSIONS = NIFTI + NRRD + METAIMAGE
"""Volume files that can be read."""

_GEOMETRY_FIELDS = {NRRD: ("space directions:",), METAIMAGE: ("transformmatrix", "orientation", "rotation")}
"""Header fields one of which gives the directions of the axes; the reader fills in the identity where none is there."""

_NIFTI_FLOATS = ("16", "64")
_NIFTI_HEADER_SIZES = (348, 540)

_HEADER_BYTES = 16384
"""Enough for the text at the start of a NRRD or MetaImage file."""


def read_file(path: Path) -> tuple[np.ndarray, np.ndarray]:
    """The voxels (slowest, middle, fastest axis in the file) as float32 and their 4x4 affine to LPS millimetres.

    Raises
    ------
    InputError
        Not one complete, three-dimensional, single-channel image that knows its place in the patient.
    """
    extension = _extension(path)
    reader = sitk.ImageFileReader()
    reader.SetFileName(str(path))
    try:
        reader.ReadImageInformation()
        _check_layout(reader, path.name)
        _check_geometry_given(reader, path, extension)
        if extension in NIFTI:
            _check_nifti(reader, path)
        reader.SetOutputPixelType(sitk.sitkFloat32)
        image = reader.Execute()
    except RuntimeError as error:
        if "orthonormal" in str(error):
            raise InputError(
                f"the axes of {path.name} are not at right angles; resample it to a regular grid"
            ) from None
        raise InputError(f"{path.name} is damaged, truncated or not an image; copy or export it again") from None
    while image.GetDimension() > 3:
        image = image[..., 0]
    return sitk.GetArrayFromImage(image), _affine(image)


def _extension(path: Path) -> str:
    for extension in sorted(EXTENSIONS, key=len, reverse=True):
        if path.name.lower().endswith(extension):
            return extension
    if _is_dicom(path):
        raise InputError(f"{path.name} is a single DICOM file; give the folder that holds its series")
    raise InputError(f"{path.name} is no volume file; give one of {', '.join(EXTENSIONS)} or a DICOM folder")


def _is_dicom(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(132)[128:] == b"DICM"


def _check_layout(reader: sitk.ImageFileReader, name: str) -> None:
    size = reader.GetSize()
    if reader.GetNumberOfComponents() != 1 or "complex" in sitk.GetPixelIDValueAsString(reader.GetPixelID()).lower():
        raise InputError(f"{name} holds several values per voxel (color or vectors); give a plain gray-scale MR volume")
    if len(size) < 3:
        raise InputError(f"{name} is a flat picture without a place in the patient; give a volume with three axes")
    if any(count > 1 for count in size[3:]):
        raise InputError(f"{name} holds {np.prod(size[3:])} volumes (4D); save the one to be graded as a 3D volume")


def _check_geometry_given(reader: sitk.ImageFileReader, path: Path, extension: str) -> None:
    """The reader invents an identity where a file does not say how its voxels lie in the patient."""
    if extension in NIFTI:
        given = any(int(reader.GetMetaData(code)) > 0 for code in ("qform_code", "sform_code"))
    else:
        fields = next(fields for extensions, fields in _GEOMETRY_FIELDS.items() if extension in extensions)
        with path.open("rb") as file:
            header = file.read(_HEADER_BYTES).decode("latin-1").lower()
        given = any(f"\n{field}" in header for field in fields)
    if not given:
        raise InputError(
            f"{path.name} does not say how it lies in the patient; export it again with its orientation and spacing"
        )


def _check_nifti(reader: sitk.ImageFileReader, path: Path) -> None:
    """The NIfTI reader turns missing voxels and NaN into zeros without a word; look at the bytes ourselves."""
    bits, start = int(reader.GetMetaData("bitpix")), int(float(reader.GetMetaData("vox_offset")))
    count = int(np.prod(reader.GetSize(), dtype=np.int64))
    try:
        data = gzip.decompress(path.read_bytes()) if path.suffix.lower() == ".gz" else path.read_bytes()
    except (EOFError, gzip.BadGzipFile, zlib.error):
        data = b""
    if len(data) < start + count * bits // 8:
        raise InputError(f"{path.name} is truncated or damaged; copy or export it again")
    if reader.GetMetaData("datatype") in _NIFTI_FLOATS:
        order = "<" if int.from_bytes(data[:4], "little") in _NIFTI_HEADER_SIZES else ">"
        if not np.isfinite(np.frombuffer(data, f"{order}f{bits // 8}", count, start)).all():
            raise InputError(f"{path.name} holds NaN or infinite values; export it again from the original images")


def _affine(image: sitk.Image) -> np.ndarray:
    """4x4 from the index in array order (z, y, x) to LPS millimetres, which is also ITK's patient space."""
    affine = np.eye(4)
    axes = np.array(image.GetDirection()).reshape(3, 3) * np.array(image.GetSpacing())
    affine[:3, :3] = axes[:, ::-1]
    affine[:3, 3] = image.GetOrigin()
    return affine
