"""A graded study in a scene that holds other things too."""

import dataclasses

import pytest
from graded_example import example_graded_study

pytestmark = pytest.mark.slicer


def ids(scene) -> set[str]:
    return {scene.GetNthNode(i).GetID() for i in range(scene.GetNumberOfNodes())}


def classes(scene) -> list[str]:
    return sorted(scene.GetNthNode(i).GetClassName() for i in range(scene.GetNumberOfNodes()))


def items(scene) -> list[str]:
    import slicer
    import vtk

    hierarchy = slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(scene)
    found = vtk.vtkIdList()
    hierarchy.GetItemChildren(hierarchy.GetSceneItemID(), found, True)
    return sorted(hierarchy.GetItemName(found.GetId(i)) for i in range(found.GetNumberOfIds()))


def test_grading_again_replaces_the_first_result_and_nothing_else(scene):
    from ModicGraderLib.scene.build import build_scene

    of_the_user = scene.AddNewNodeByClass("vtkMRMLMarkupsFiducialNode", "Disc levels")
    of_the_user.CreateDefaultDisplayNodes()
    build_scene(example_graded_study(), scene)
    nodes_once, items_once = classes(scene), items(scene)
    build_scene(example_graded_study(), scene)
    assert classes(scene) == nodes_once
    assert items(scene) == items_once
    assert scene.IsNodePresent(of_the_user)
    assert of_the_user.GetDisplayNode() is not None


def test_studies_of_different_names_stand_beside_each_other(scene):
    from ModicGraderLib.scene.build import build_scene, read_report

    first, second = example_graded_study(1), example_graded_study(2)
    build_scene(first, scene, name="Before")
    build_scene(second, scene, name="After")
    assert read_report(scene, "Before") == first.report
    assert read_report(scene, "After") == second.report


def test_removing_a_study_leaves_the_scene_as_it_was(scene):
    from ModicGraderLib.scene.build import build_scene, remove_study

    before, items_before = ids(scene), items(scene)
    build_scene(example_graded_study(), scene)
    assert ids(scene) > before
    remove_study(scene)
    assert ids(scene) == before
    assert items(scene) == items_before


def test_volumes_that_are_there_already_are_used_and_left_alone(scene):
    from ModicGraderLib.scene.build import build_scene, remove_study
    from ModicGraderLib.scene.nodes import add_volume

    graded = example_graded_study()
    given = {
        role: add_volume(scene, f"My {role}", volume.array, volume.affine)
        for role, volume in (("t1", graded.study.t1), ("t2", graded.study.t2))
    }
    nodes = build_scene(graded, scene, volumes=given)
    assert nodes.t1 is given["t1"]
    assert nodes.t2 is given["t2"]
    assert nodes.spine.GetNodeReference("referenceImageGeometryRef") is given["t2"]
    remove_study(scene)
    assert all(scene.IsNodePresent(node) for node in given.values())


def test_nodes_that_a_user_put_into_the_study_outlive_it(scene):
    import slicer

    from ModicGraderLib.scene.build import build_scene, remove_study

    nodes = build_scene(example_graded_study(), scene)
    of_the_user = scene.AddNewNodeByClass("vtkMRMLTextNode", "My notes")
    hierarchy = slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(scene)
    item = hierarchy.CreateItem(nodes.folder, of_the_user)
    remove_study(scene)
    assert scene.IsNodePresent(of_the_user)
    assert hierarchy.GetItemDataNode(item) is of_the_user


@pytest.mark.parametrize("missing", ["t1", "t2"])
def test_one_contrast_and_no_maps_make_a_scene_too(scene, missing):
    import slicer

    from ModicGraderLib.scene.build import build_scene
    from ModicGraderLib.scene.views import arrange_views

    graded = example_graded_study()
    graded = dataclasses.replace(graded, study=dataclasses.replace(graded.study, **{missing: None}), maps={})
    if missing == "t2":
        labels = graded.study.t1.array.astype("uint8") * 0
        graded = dataclasses.replace(graded, location=dataclasses.replace(graded.location, labels=labels))
    nodes = build_scene(graded, scene)
    assert getattr(nodes, missing) is None
    assert nodes.modic is nodes.modic_probability is nodes.evidence is None
    arrange_views(scene, nodes, graded)
    shown = scene.GetSingletonNode("Red", "vtkMRMLSliceCompositeNode").GetBackgroundVolumeID()
    assert shown == (nodes.t1 or nodes.t2).GetID()
    assert scene.GetSingletonNode("Yellow", "vtkMRMLSliceCompositeNode") is None
    layout = scene.GetFirstNodeByClass("vtkMRMLLayoutNode").GetViewArrangement()
    assert layout == slicer.vtkMRMLLayoutNode.SlicerLayoutOneUpRedSliceView


@pytest.mark.parametrize(
    ("maps", "over"), [(("evidence",), "evidence"), (("modic_probability", "evidence"), "modic_probability")]
)
def test_evidence_lies_over_the_images_where_there_is_no_map_of_changes(scene, maps, over):
    from ModicGraderLib.scene.build import build_scene
    from ModicGraderLib.scene.views import arrange_views

    graded = example_graded_study()
    graded = dataclasses.replace(graded, maps={name: graded.maps[name] for name in maps})
    nodes = build_scene(graded, scene)
    arrange_views(scene, nodes, graded)
    heat = getattr(nodes, over)
    for view in ("Red", "Yellow"):
        assert scene.GetSingletonNode(view, "vtkMRMLSliceCompositeNode").GetForegroundVolumeID() == heat.GetID()


def test_a_scene_without_a_report_says_so(scene):
    from ModicGraderLib.scene import SceneError
    from ModicGraderLib.scene.build import read_report

    with pytest.raises(SceneError, match="no report"):
        read_report(scene)


def test_without_a_scene_one_is_made_and_kept():
    from ModicGraderLib.scene.build import build_scene
    from ModicGraderLib.scene.host import current_scene

    nodes = build_scene(example_graded_study())
    assert nodes.spine.GetScene() is current_scene()


def test_surfaces_are_made_from_the_segments_for_3d_views(scene):
    from ModicGraderLib.scene.build import build_scene

    nodes = build_scene(example_graded_study(), scene)
    assert nodes.spine.CreateClosedSurfaceRepresentation()
    surface = nodes.spine.GetSegmentation().GetSegment("l4_l5_disc").GetRepresentation("Closed surface")
    center = [(low + high) / 2 for low, high in zip(surface.GetBounds()[::2], surface.GetBounds()[1::2], strict=True)]
    x, y, z = example_graded_study().location.discs[4].center
    assert center == pytest.approx((-x, -y, z), abs=5)
