"""The `.seg.nrrd` that the library writes without Slicer, read by Slicer's own storage node."""

import numpy as np
import pytest
from graded_example import example_graded_study

from ModicGraderLib.export.segmentation import write_segmentation
from ModicGraderLib.terminology import SPINE, slicer_terminology, structures_in

pytestmark = pytest.mark.slicer

RAS = np.array([-1.0, -1.0, 1.0])


@pytest.fixture
def segmentation(tmp_path):
    from ModicGraderLib.scene.host import Host

    graded = example_graded_study()
    path = tmp_path / "spine.seg.nrrd"
    write_segmentation(path, graded.location.labels, graded.study.t2.affine)
    host = Host()
    node = host.scene.AddNewNodeByClass("vtkMRMLSegmentationNode")
    node.AddDefaultStorageNode()
    node.GetStorageNode().SetFileName(str(path))
    assert node.GetStorageNode().ReadData(node)
    yield node.GetSegmentation()


def test_slicer_reads_names_colors_and_terminology(segmentation):
    import vtk

    structures = structures_in(example_graded_study().location.labels, SPINE)
    assert segmentation.GetNumberOfSegments() == len(structures)
    for structure in structures:
        segment = segmentation.GetSegment(structure.id)
        assert segment.GetName() == structure.name
        assert segment.GetLabelValue() == structure.label
        np.testing.assert_allclose(segment.GetColor(), np.array(structure.color) / 255, atol=1e-5)
        terminology = vtk.reference("")
        assert segment.GetTag(segment.GetTerminologyEntryTagName(), terminology)
        assert str(terminology) == slicer_terminology(structure)


def test_slicer_finds_every_voxel_where_it_was(segmentation):
    import vtk
    from vtk.util.numpy_support import vtk_to_numpy

    graded = example_graded_study()
    labels, affine = graded.location.labels, graded.study.t2.affine
    image = segmentation.GetNthSegment(0).GetRepresentation("Binary labelmap")
    matrix = vtk.vtkMatrix4x4()
    image.GetImageToWorldMatrix(matrix)
    to_ras = np.array([[matrix.GetElement(row, column) for column in range(4)] for row in range(4)])
    values = vtk_to_numpy(image.GetPointData().GetScalars()).reshape(image.GetDimensions()[::-1])
    ras = RAS * (np.argwhere(labels) @ affine[:3, :3].T + affine[:3, 3])
    ijk = (ras - to_ras[:3, 3]) @ np.linalg.inv(to_ras[:3, :3]).T
    assert np.linalg.norm((ijk - np.round(ijk)) @ to_ras[:3, :3].T, axis=1).max() < 0.01
    i, j, k = (np.round(ijk).astype(int) - np.array(image.GetExtent())[::2]).T
    assert np.array_equal(values[k, j, i], labels[labels > 0])
    assert np.count_nonzero(values) == np.count_nonzero(labels)
