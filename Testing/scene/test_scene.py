"""A scene is written as `grade` writes it, opened again, and everything in it compared with the graded study."""

import functools
import tempfile
import zipfile
from pathlib import Path

import numpy as np
import pytest
from graded_example import CANAL_MM, PFIRRMANN, example_graded_study
from hypothesis import given, settings
from hypothesis import strategies as st

from ModicGraderLib.anatomy import CORNERS, ENDPLATES, GRADED_DISCS
from ModicGraderLib.scene import write_scene
from ModicGraderLib.terminology import MODIC_CHANGES, SPINE, slicer_terminology, structures_in

pytestmark = pytest.mark.slicer

RAS = np.array([-1.0, -1.0, 1.0])
TOLERANCE_MM = 0.01


@functools.cache
def graded():
    return example_graded_study()


@functools.cache
def bundle() -> Path:
    path = Path(tempfile.mkdtemp()) / "scene.mrb"
    write_scene(graded(), path)
    return path


@functools.cache
def reopened():
    from ModicGraderLib.scene.host import open_scene

    return open_scene(bundle())


def node(role: str):
    scene = reopened().scene
    nodes = [scene.GetNthNode(i) for i in range(scene.GetNumberOfNodes())]
    (found,) = [node for node in nodes if node.GetAttribute("ModicGrader.role") == role]
    return found


def voxels(image) -> np.ndarray:
    from vtk.util.numpy_support import vtk_to_numpy

    return vtk_to_numpy(image.GetPointData().GetScalars()).reshape(image.GetDimensions()[::-1])


def array_of(matrix) -> np.ndarray:
    return np.array([[matrix.GetElement(row, column) for column in range(4)] for row in range(4)])


def ijk_to_ras(volume_node) -> np.ndarray:
    import vtk

    matrix = vtk.vtkMatrix4x4()
    volume_node.GetIJKToRASMatrix(matrix)
    return array_of(matrix)


def assert_same_picture(volume_node, array: np.ndarray, affine: np.ndarray) -> None:
    """Every voxel of an array (slices, rows, columns) is found in the node where its affine to LPS mm puts it."""
    index = np.stack(np.meshgrid(*map(np.arange, array.shape), indexing="ij"), axis=-1).reshape(-1, 3)
    ras = RAS * (index @ affine[:3, :3].T + affine[:3, 3])
    matrix = ijk_to_ras(volume_node)
    ijk = (ras - matrix[:3, 3]) @ np.linalg.inv(matrix[:3, :3]).T
    nearest = np.round(ijk).astype(int)
    offset_mm = (ijk - nearest) @ matrix[:3, :3].T
    assert np.linalg.norm(offset_mm, axis=1).max() < TOLERANCE_MM
    found = voxels(volume_node.GetImageData())[nearest[:, 2], nearest[:, 1], nearest[:, 0]]
    np.testing.assert_allclose(found, array.ravel(), atol=1e-6)


def assert_same_segments(segmentation_node, labels: np.ndarray, affine: np.ndarray, structures: tuple) -> None:
    segmentation = segmentation_node.GetSegmentation()
    expected = structures_in(labels, structures)
    assert segmentation.GetNumberOfSegments() == len(expected)
    for structure in expected:
        segment = segmentation.GetSegment(structure.id)
        assert segment.GetName() == structure.name
        np.testing.assert_allclose(segment.GetColor(), np.array(structure.color) / 255, atol=1e-5)
        assert tag_of(segment, segment.GetTerminologyEntryTagName()) == slicer_terminology(structure)
        np.testing.assert_allclose(
            voxel_places(segment), sorted_rows(places(labels == structure.label, affine)), atol=TOLERANCE_MM
        )


def tag_of(segment, name: str) -> str:
    import vtk

    value = vtk.reference("")
    assert segment.GetTag(name, value)
    return str(value)


def places(mask: np.ndarray, affine: np.ndarray) -> np.ndarray:
    """RAS mm (n, 3) of the voxels of a mask (slices, rows, columns)."""
    return RAS * (np.argwhere(mask) @ affine[:3, :3].T + affine[:3, 3])


def voxel_places(segment) -> np.ndarray:
    """RAS mm (n, 3) of the voxels of a segment, in the order of `sorted_rows`."""
    import vtk

    image = segment.GetRepresentation("Binary labelmap")
    matrix = vtk.vtkMatrix4x4()
    image.GetImageToWorldMatrix(matrix)
    first = np.array(image.GetExtent())[::2]
    ijk = np.argwhere(voxels(image) == segment.GetLabelValue())[:, ::-1] + first
    return sorted_rows(ijk @ array_of(matrix)[:3, :3].T + array_of(matrix)[:3, 3])


def sorted_rows(points: np.ndarray) -> np.ndarray:
    return points[np.lexsort(np.round(points, 2).T)]


@pytest.mark.parametrize("role", ["t1", "t2"])
def test_every_voxel_of_a_volume_lies_where_it_was(role):
    volume = getattr(graded().study, role)
    assert_same_picture(node(role), volume.array, volume.affine)


@pytest.mark.parametrize("role", ["modic_probability", "evidence"])
def test_every_voxel_of_a_heat_volume_lies_where_it_was(role):
    assert_same_picture(node(role), graded().maps[role], graded().study.t2.affine)


@given(shape=st.tuples(*[st.integers(1, 5)] * 3), numbers=st.lists(st.floats(-100, 100), min_size=12, max_size=12))
@settings(deadline=None)
def test_the_way_to_ras_reaches_every_voxel_of_any_grid(shape, numbers):
    from ModicGraderLib.scene.nodes import ijk_to_ras as way

    affine = np.vstack([np.reshape(numbers, (3, 4)), [0, 0, 0, 1]])
    index = np.array([*np.argwhere(np.ones(shape))])
    ijk = np.stack([index[:, 2], index[:, 1], shape[0] - 1 - index[:, 0]], axis=1)
    matrix = way(affine, shape[0])
    np.testing.assert_allclose(
        ijk @ matrix[:3, :3].T + matrix[:3, 3], RAS * (index @ affine[:3, :3].T + affine[:3, 3]), atol=1e-9
    )


@pytest.mark.parametrize("role", ["t1", "t2", "modic_probability"])
def test_index_axes_are_right_handed_so_that_slicer_does_not_turn_them(role):
    assert np.linalg.det(ijk_to_ras(node(role))[:3, :3]) > 0


def test_images_are_gray_and_heat_is_see_through_where_there_is_none():
    for role in ("t1", "t2"):
        assert node(role).GetDisplayNode().GetColorNodeID() == "vtkMRMLColorTableNodeGrey"
        assert not node(role).GetDisplayNode().GetApplyThreshold()
    for role in ("modic_probability", "evidence"):
        display = node(role).GetDisplayNode()
        assert display.GetColorNode().GetName() == "Iron"
        assert display.GetApplyThreshold()
        assert 0 < display.GetLowerThreshold() < display.GetUpperThreshold()


def test_the_spine_is_segmented_with_names_colors_and_codes():
    assert_same_segments(node("spine"), graded().location.labels, graded().study.t2.affine, SPINE)


def test_modic_changes_are_segmented_by_type():
    assert_same_segments(node("modic"), graded().maps["modic_map"], graded().study.t2.affine, MODIC_CHANGES)


def test_segmentations_know_the_volume_they_were_drawn_on():
    for role in ("spine", "modic"):
        assert node(role).GetNodeReference("referenceImageGeometryRef") is node("t2")


def test_every_level_has_one_label_behind_its_disc_and_the_canal():
    levels = node("levels")
    labels = [levels.GetNthControlPointLabel(i) for i in range(levels.GetNumberOfControlPoints())]
    assert labels == list(GRADED_DISCS)
    for i, disc in enumerate(graded().location.discs):
        offset = RAS * levels.GetNthControlPointPosition(i) - disc.center
        behind = -(offset @ disc.anterior)
        assert disc.width_mm / 2 + CANAL_MM < behind < disc.width_mm / 2 + CANAL_MM + 10
        np.testing.assert_allclose(offset, -behind * disc.anterior, atol=TOLERANCE_MM)


def test_levels_are_described_by_their_grades():
    levels = node("levels")
    assert levels.GetNthControlPointDescription(0) == "Modic 0, Pfirrmann withheld"
    assert levels.GetNthControlPointDescription(4) == "Modic II, Pfirrmann 4"


def test_the_four_corners_of_every_disc_are_marked():
    corners = node("corners")
    found = {
        corners.GetNthControlPointLabel(i): RAS * corners.GetNthControlPointPosition(i)
        for i in range(corners.GetNumberOfControlPoints())
    }
    assert len(found) == len(GRADED_DISCS) * len(CORNERS)
    for disc in graded().location.discs:
        for corner in CORNERS:
            place = found[f"{disc.level} {corner.replace('_', ' ')}"]
            np.testing.assert_allclose(place, disc.corners[corner], atol=TOLERANCE_MM)


NUMBERS = ("(probability)", "(mm)", "Confidence")
"""How the titles of columns of numbers end."""


def test_the_table_has_one_row_for_each_disc_with_what_the_report_says():
    table = node("table").GetTable()
    columns = {table.GetColumnName(i): table.GetColumn(i) for i in range(table.GetNumberOfColumns())}
    assert table.GetNumberOfRows() == len(GRADED_DISCS)
    for row, disc in enumerate(graded().report.discs):
        texts = {title: columns[title].GetValue(row) for title in columns if not title.endswith(NUMBERS)}
        pfirrmann = PFIRRMANN[disc.level]
        assert texts["Level"] == disc.level
        assert texts["Modic"] == disc.modic.grade
        for name in ENDPLATES:
            grade = disc.endplates[name].modic.grade
            assert texts[f"Modic, {name} endplate"] == ("withheld" if grade is None else grade)
        assert texts["Corrected by a reader"] == ""
        assert texts["Pfirrmann"] == ("withheld" if pfirrmann is None else str(pfirrmann))
        assert texts["Withheld"] == "; ".join(f"{item['grade']}: {item['reason']}" for item in disc.abstained)
        numbers = {
            "Modic change (probability)": disc.modic.any_change,
            "Narrowing (probability)": disc.narrowing.present,
            "Upper endplate change (probability)": disc.endplates["upper"].endplate_change,
            "Lower endplate change (probability)": disc.endplates["lower"].endplate_change,
            "Herniation (probability)": disc.herniation,
            "Bulging (probability)": disc.bulging,
            "Spondylolisthesis (probability)": disc.spondylolisthesis,
            "Height (mm)": disc.height_mm,
            "Width (mm)": disc.width_mm,
            "Confidence": disc.confidence,
        }
        for title, number in numbers.items():
            assert columns[title].GetValue(row) == pytest.approx(number), title
        assert columns.keys() == texts.keys() | numbers.keys()
        assert len(texts) == 7


def test_the_report_is_restored_word_for_word():
    from ModicGraderLib.scene.build import read_report

    assert read_report(reopened().scene) == graded().report


def test_everything_lies_under_one_study():
    import slicer
    import vtk

    hierarchy = slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(reopened().scene)
    top = vtk.vtkIdList()
    hierarchy.GetItemChildren(hierarchy.GetSceneItemID(), top, False)
    assert [hierarchy.GetItemName(top.GetId(i)) for i in range(top.GetNumberOfIds())] == ["ModicGrader study"]
    assert hierarchy.GetItemLevel(top.GetId(0)) == "Study"
    roles = ("t1", "t2", "spine", "modic", "levels", "corners", "table", "modic_probability", "evidence", "report")
    for role in roles:
        item = hierarchy.GetItemByDataNode(node(role))
        assert hierarchy.GetItemParent(item) == top.GetId(0), role


def test_it_opens_with_t1_beside_t2_in_upright_slices_through_the_discs():
    import slicer

    scene = reopened().scene
    layout = scene.GetFirstNodeByClass("vtkMRMLLayoutNode").GetViewArrangement()
    assert layout == slicer.vtkMRMLLayoutNode.SlicerLayoutSideBySideView
    middle = RAS * np.mean([disc.center for disc in graded().location.discs], axis=0)
    for role, view in (("t1", "Red"), ("t2", "Yellow")):
        composite = scene.GetSingletonNode(view, "vtkMRMLSliceCompositeNode")
        assert composite.GetBackgroundVolumeID() == node(role).GetID()
        assert composite.GetForegroundVolumeID() == node("modic_probability").GetID()
        plane = array_of(scene.GetSingletonNode(view, "vtkMRMLSliceNode").GetSliceToRAS())
        to_the_right, up, normal, center = plane[:3].T
        assert to_the_right[1] < -0.9, "the right of the picture is the back"
        assert up[2] > 0.9
        assert abs((middle - center) @ normal) <= getattr(graded().study, role).spacing[0] / 2


def test_the_bundle_tells_nothing_of_the_machine_it_was_made_on():
    with zipfile.ZipFile(bundle()) as archive:
        names = archive.namelist()
        texts = [archive.read(name).decode("latin-1") for name in names]
    for secret in {tempfile.gettempdir(), str(Path.cwd()), str(Path.home()), str(bundle().parent)}:
        assert not any(secret in text for text in texts if secret != "/")
        assert not any(secret in name for name in names if secret != "/")


def test_writing_leaves_nothing_but_the_scene():
    assert [path.name for path in bundle().parent.iterdir()] == ["scene.mrb"]


def test_a_file_that_is_no_bundle_is_refused_in_one_sentence(tmp_path):
    from ModicGraderLib.scene import SceneError
    from ModicGraderLib.scene.host import open_scene

    (tmp_path / "scene.mrb").write_text("not a bundle")
    with pytest.raises(SceneError, match=r"scene\.mrb is not a Slicer scene bundle"):
        open_scene(tmp_path / "scene.mrb")
