"""The library's arrays, points and tables as MRML nodes. Here, and nowhere else, LPS becomes RAS."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
import slicer
import vtk
from vtk.util.numpy_support import numpy_to_vtk, vtk_to_numpy

from ..grid import Grid
from ..terminology import Structure, slicer_terminology, structures_in
from .findings import Landmark

LPS_TO_RAS = np.diag([-1.0, -1.0, 1.0, 1.0])
"""MRML's patient space runs to the right and to the front, the library's to the left and to the back."""

Columns = dict[str, Sequence[str] | Sequence[float | None]]
"""Columns of a table by title: text where every cell is text, otherwise numbers (None where there is none)."""

BINARY_LABELMAP = "Binary labelmap"
"""Slicer's name of a segmentation's representation as voxels."""


def to_ras(point: np.ndarray) -> np.ndarray:
    """RAS mm (3,) of an LPS point (3,) in mm."""
    return LPS_TO_RAS[:3, :3] @ np.asarray(point)


def ijk_to_ras(affine: np.ndarray, slices: int) -> np.ndarray:
    """4x4 from MRML's voxel index (column, row, slice, 1) to RAS mm.

    `affine` maps the library's (slice, row, column, 1) to LPS mm. MRML counts the `slices` from the other end: Slicer
    turns every volume it reads so that its index axes are right-handed, and these are so from the start.
    """
    turned = affine[:, [2, 1, 0, 3]]
    turned[:, 3] += (slices - 1) * turned[:, 2]
    turned[:, 2] *= -1
    return LPS_TO_RAS @ turned


def to_matrix(array: np.ndarray) -> vtk.vtkMatrix4x4:
    """A VTK matrix of a 4x4 array."""
    matrix = vtk.vtkMatrix4x4()
    matrix.DeepCopy(np.asarray(array, float).ravel())
    return matrix


def add_volume(scene: slicer.vtkMRMLScene, name: str, array: np.ndarray, affine: np.ndarray):
    """A scalar volume node, without display, of an array (slices, rows, columns) and its affine to LPS mm."""
    return _filled(scene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", name), array, affine)


def add_label_volume(scene: slicer.vtkMRMLScene, name: str, labels: np.ndarray, affine: np.ndarray):
    """A hidden label volume node of labels (slices, rows, columns) and their affine to LPS mm."""
    node = _filled(scene.AddNewNodeByClass("vtkMRMLLabelMapVolumeNode", name), labels, affine)
    node.SetHideFromEditors(True)
    return node


def _filled(node: slicer.vtkMRMLScalarVolumeNode, array: np.ndarray, affine: np.ndarray):
    node.SetAndObserveImageData(_image_data(vtk.vtkImageData(), array))
    node.SetIJKToRASMatrix(to_matrix(ijk_to_ras(affine, len(array))))
    return node


def add_segmentation(
    scene: slicer.vtkMRMLScene,
    name: str,
    labels: np.ndarray,
    affine: np.ndarray,
    structures: tuple[Structure, ...],
    reference: slicer.vtkMRMLScalarVolumeNode,
):
    """A segmentation node with one named, colored and coded segment for each label that occurs.

    `labels` is (slices, rows, columns) uint8 with an affine to LPS mm; `reference` is the volume it was drawn on.
    """
    node = scene.AddNewNodeByClass("vtkMRMLSegmentationNode", name)
    node.CreateDefaultDisplayNodes()
    node.SetReferenceImageGeometryParameterFromVolumeNode(reference)
    set_segments(node, labels, affine, structures)
    return node


def set_segments(
    node: slicer.vtkMRMLSegmentationNode, labels: np.ndarray, affine: np.ndarray, structures: tuple[Structure, ...]
) -> None:
    """Make the segments of a segmentation anew for all of `structures` that occur in `labels`; others are kept."""
    image = oriented_image(labels, affine)
    segmentation = node.GetSegmentation()
    for structure in structures:
        if segmentation.GetSegment(structure.id):
            segmentation.RemoveSegment(structure.id)
    for structure in structures_in(labels, structures):
        segment = new_segment(structure)
        # Segments do not overlap, so that they can share one image.
        segment.AddRepresentation(BINARY_LABELMAP, image)
        segmentation.AddSegment(segment, structure.id)


def new_segment(structure: Structure) -> slicer.vtkSegment:
    """A segment without voxels, with the name, color, code and label of a structure."""
    segment = slicer.vtkSegment()
    segment.SetName(structure.name)
    segment.SetColor(*(channel / 255 for channel in structure.color))
    segment.SetTag(segment.GetTerminologyEntryTagName(), slicer_terminology(structure))
    segment.SetLabelValue(structure.label)
    return segment


def add_points(scene: slicer.vtkMRMLScene, name: str, landmarks: Iterable[Landmark]):
    """A markups point list, locked so that it is not moved by accident."""
    node = scene.AddNewNodeByClass("vtkMRMLMarkupsFiducialNode", name)
    node.CreateDefaultDisplayNodes()
    fill_points(node, landmarks)
    node.SetLocked(True)
    return node


def fill_points(node: slicer.vtkMRMLMarkupsFiducialNode, landmarks: Iterable[Landmark]) -> None:
    """Put landmarks into a point list in the place of what is in it."""
    node.RemoveAllControlPoints()
    for landmark in landmarks:
        index = node.AddControlPoint(*to_ras(landmark.point), landmark.label)
        node.SetNthControlPointDescription(index, landmark.description)


def add_table(scene: slicer.vtkMRMLScene, name: str, columns: Columns):
    """A table node of columns."""
    node = scene.AddNewNodeByClass("vtkMRMLTableNode", name)
    fill_table(node, columns)
    node.SetUseColumnTitleAsColumnHeader(True)
    node.SetLocked(True)
    return node


def fill_table(node: slicer.vtkMRMLTableNode, columns: Columns) -> None:
    """Put columns into a table in the place of what is in it."""
    node.RemoveAllColumns()
    for title, cells in columns.items():
        if all(isinstance(cell, str) for cell in cells):
            array = vtk.vtkStringArray()
        else:
            array = vtk.vtkDoubleArray()
            cells = [np.nan if cell is None else float(cell) for cell in cells]
        array.SetName(title)
        for cell in cells:
            array.InsertNextValue(cell)
        node.AddColumn(array)


def add_text(scene: slicer.vtkMRMLScene, name: str, text: str):
    """A text node."""
    node = scene.AddNewNodeByClass("vtkMRMLTextNode", name)
    node.SetEncoding(vtk.VTK_ENCODING_UTF_8)
    node.SetText(text)
    return node


def _image_data(image: vtk.vtkImageData, array: np.ndarray) -> vtk.vtkImageData:
    """The voxels of an array (slices, rows, columns), slices from the other end: see `ijk_to_ras`."""
    image.SetDimensions(*array.shape[::-1])
    image.GetPointData().SetScalars(numpy_to_vtk(np.ascontiguousarray(array[::-1]).ravel(), deep=True))
    return image


def oriented_image(array: np.ndarray, affine: np.ndarray) -> slicer.vtkOrientedImageData:
    """An array (slices, rows, columns) and its affine to LPS mm as the image of a segment."""
    image = _image_data(slicer.vtkOrientedImageData(), array)
    image.SetImageToWorldMatrix(to_matrix(ijk_to_ras(affine, len(array))))
    return image


def voxels(image: vtk.vtkImageData) -> np.ndarray:
    """A copy of the array (slices, rows, columns) that an image was made of: the inverse of `_image_data`."""
    scalars = vtk_to_numpy(image.GetPointData().GetScalars())
    return scalars.reshape(image.GetDimensions()[::-1])[::-1].copy()


def segment_labels(
    node: slicer.vtkMRMLSegmentationNode, structures: tuple[Structure, ...], grid: Grid
) -> tuple[np.ndarray, list[str]]:
    """The segments of a segmentation as labels (slices, rows, columns) uint8 on a grid, wherever they were drawn.

    Also the names of segments with voxels that are none of `structures`, by identifier or by name.
    """
    labels, unknown = np.zeros(grid.shape, np.uint8), []
    segmentation = node.GetSegmentation()
    # Segments that do not overlap share one image.
    images: dict[slicer.vtkOrientedImageData, np.ndarray] = {}
    for identifier in segmentation.GetSegmentIDs():
        segment = segmentation.GetSegment(identifier)
        image = segment.GetRepresentation(BINARY_LABELMAP)
        if image is None or image.IsEmpty():
            continue
        if image not in images:
            images[image] = _resampled(image, grid)
        mask = images[image] == segment.GetLabelValue()
        if not mask.any():
            continue
        label = next((one.label for one in structures if identifier == one.id or segment.GetName() == one.name), None)
        if label is None:
            unknown.append(segment.GetName())
        else:
            labels[mask] = label
    return labels, unknown


def _resampled(image: slicer.vtkOrientedImageData, grid: Grid) -> np.ndarray:
    """The voxels of a segment's image on a grid, each the nearest."""
    there, found = oriented_image(np.zeros(grid.shape, np.uint8), grid.affine), slicer.vtkOrientedImageData()
    slicer.vtkOrientedImageDataResample.ResampleOrientedImageToReferenceOrientedImage(image, there, found)
    return voxels(found)


def patient_affine(node: slicer.vtkMRMLScalarVolumeNode) -> np.ndarray:
    """4x4 from the index (k, j, i, 1) of a volume's array to LPS mm."""
    matrix = vtk.vtkMatrix4x4()
    node.GetIJKToRASMatrix(matrix)
    rows = [[matrix.GetElement(row, column) for column in (2, 1, 0, 3)] for row in range(4)]
    return LPS_TO_RAS @ np.array(rows)
