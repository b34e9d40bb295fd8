"""A volume node as files: its voxels for the worker, and the DICOM files it was loaded from."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import slicer
import vtk
from vtk.util.numpy_support import vtk_to_numpy

from ..errors import InputError
from .nodes import LPS_TO_RAS


def write_volume(node: slicer.vtkMRMLScalarVolumeNode, path: Path, title: str) -> None:
    """Write the voxels of a volume node and where they lie in the world, and nothing else: no name, no identifier.

    Parameters
    ----------
    path:
        Where to, in the format that its name says.
    title:
        What errors call the volume, for example "T1": its own name may be that of the patient.

    Raises
    ------
    InputError
        It is not one gray-scale volume whose axes are at right angles.
    """
    # Only here: the panel opens before all that the results need is installed.
    from ..export.images import to_image, write_image

    array = _voxels(node, title)
    affine = (LPS_TO_RAS @ ijk_to_world(node, title))[:, [2, 1, 0, 3]]
    try:
        image = to_image(array, affine)
    except RuntimeError:
        raise InputError(f"the axes of {title} are not at right angles; resample it to a regular grid") from None
    write_image(path, image, compress=False)


def dicom_files(node: slicer.vtkMRMLScalarVolumeNode) -> tuple[Path, ...]:
    """The DICOM files that a volume was loaded from, each once, without those that the database has lost."""
    database = getattr(slicer, "dicomDatabase", None)
    instances = (node.GetAttribute("DICOM.instanceUIDs") or "").split() if database is not None else []
    names = dict.fromkeys(database.fileForInstance(instance) for instance in instances)
    return tuple(Path(name) for name in names if name and Path(name).is_file())


def _voxels(node: slicer.vtkMRMLScalarVolumeNode, title: str) -> np.ndarray:
    """(slices, rows, columns) in MRML's own order."""
    image = node.GetImageData()
    scalars = image.GetPointData().GetScalars() if image is not None else None
    if scalars is None or not scalars.GetNumberOfTuples():
        raise InputError(f"{title} holds no voxels; load it again")
    if scalars.GetNumberOfComponents() != 1:
        raise InputError(f"{title} holds several values per voxel; give a plain gray-scale MR volume")
    return vtk_to_numpy(scalars).reshape(image.GetDimensions()[::-1])


def ijk_to_world(node: slicer.vtkMRMLScalarVolumeNode, title: str) -> np.ndarray:
    """4x4 from MRML's voxel index (column, row, slice, 1) to RAS mm of the world, through the transforms it is under.

    Raises InputError where one of them bends the volume.
    """
    to_ras, to_world = vtk.vtkMatrix4x4(), vtk.vtkMatrix4x4()
    node.GetIJKToRASMatrix(to_ras)
    transform = node.GetParentTransformNode()
    if transform is not None and not transform.GetMatrixTransformToWorld(to_world):
        raise InputError(f"{title} is under a transform that bends it; harden the transform first")
    return array_of(to_world) @ array_of(to_ras)


def array_of(matrix: vtk.vtkMatrix4x4) -> np.ndarray:
    """A VTK matrix as an array (4, 4)."""
    return np.array([[matrix.GetElement(row, column) for column in range(4)] for row in range(4)])
