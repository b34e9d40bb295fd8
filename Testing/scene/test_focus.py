"""Views go to a disc, and what lies over the pictures has its switches."""

import functools

import numpy as np
import pytest
from graded_example import example_graded_study

from ModicGraderLib.errors import InputError

pytestmark = pytest.mark.slicer

NAME = "ModicGrader study"
LPS_TO_RAS = np.diag([-1.0, -1.0, 1.0, 1.0])


@functools.cache
def graded():
    return example_graded_study()


@pytest.fixture(scope="module")
def host():
    from ModicGraderLib.scene.build import build_scene
    from ModicGraderLib.scene.host import Host
    from ModicGraderLib.scene.views import arrange_views

    host = Host()
    arrange_views(host.scene, build_scene(graded(), host.scene, NAME), graded())
    return host


def disc(level: str):
    return next(disc for disc in graded().location.discs if disc.level == level)


def plane(host, view: str) -> np.ndarray:
    """4x4 from a view's (right, above, towards the reader, 1) to LPS mm."""
    from ModicGraderLib.scene.volumes import array_of

    return LPS_TO_RAS @ array_of(host.scene.GetSingletonNode(view, "vtkMRMLSliceNode").GetSliceToRAS())


@pytest.mark.parametrize(("view", "role"), [("Red", "t1"), ("Yellow", "t2")])
@pytest.mark.parametrize("level", ["T12/L1", "L5/S1"])
def test_each_view_goes_to_the_slice_of_its_own_volume_that_is_nearest(host, view, role, level):
    from ModicGraderLib.scene.focus import focus

    focus(host.scene, NAME, level, aligned=True)
    focus(host.scene, NAME, level)
    volume, place = getattr(graded().study, role), plane(host, view)
    index = volume.to_index(place[:3, 3])
    assert index[0] == pytest.approx(np.round(volume.to_index(disc(level).center)[0]), abs=1e-3)
    np.testing.assert_allclose(place[:3, 0], volume.affine[:3, 2] / volume.spacing[2], atol=1e-5)
    np.testing.assert_allclose(place[:3, 1], -volume.affine[:3, 1] / volume.spacing[1], atol=1e-5)
    offset = place[:3, 3] - disc(level).center
    assert abs(offset @ volume.affine[:3, 0] / volume.spacing[0]) <= volume.spacing[0] / 2
    assert np.linalg.norm(offset) <= volume.spacing[0] / 2 + 1e-3


@pytest.mark.parametrize("view", ["Red", "Yellow"])
def test_views_turned_along_a_disc_show_it_level_with_the_abdomen_on_the_left(host, view):
    from ModicGraderLib.scene.focus import focus

    focus(host.scene, NAME, "L5/S1", aligned=True)
    one, place = disc("L5/S1"), plane(host, view)
    np.testing.assert_allclose(place[:3, :3], np.stack([-one.anterior, one.normal, one.left], axis=1), atol=1e-6)
    np.testing.assert_allclose(place[:3, 3], one.center, atol=1e-4)


def test_a_view_from_above_lies_in_the_disc_with_the_patients_right_on_the_left(host):
    from ModicGraderLib.scene.focus import focus

    green = host.scene.AddNode(_slice_node("Green"))
    green.SetOrientation("Axial")
    focus(host.scene, NAME, "L5/S1", aligned=True)
    one, place = disc("L5/S1"), plane(host, "Green")
    host.scene.RemoveNode(green)
    np.testing.assert_allclose(place[:3, :2], np.stack([one.left, one.anterior], axis=1), atol=1e-6)


def _slice_node(name: str):
    import slicer

    node = slicer.vtkMRMLSliceNode()
    node.SetSingletonTag(name)
    node.SetLayoutName(name)
    return node


def test_a_level_that_is_not_there_is_refused_with_those_that_are(host):
    from ModicGraderLib.scene.focus import focus

    with pytest.raises(InputError, match="choose one of T12/L1, L1/L2"):
        focus(host.scene, NAME, "L6/S1")


def test_every_switch_shows_and_hides_its_own(host):
    from ModicGraderLib.scene.build import find_study
    from ModicGraderLib.scene.visibility import show

    nodes = find_study(host.scene, NAME)
    parts = {"labels": nodes.levels, "spine": nodes.spine, "corners": nodes.corners, "modic": nodes.modic}
    for chosen in parts:
        show(host.scene, NAME, **{part: part == chosen for part in parts})
        assert {part: bool(node.GetDisplayNode().GetVisibility()) for part, node in parts.items()} == {
            part: part == chosen for part in parts
        }


@pytest.mark.parametrize(("heat", "role"), [("evidence", "evidence"), ("probability", "modic_probability")])
def test_heat_lies_over_both_images_with_its_legend_and_goes_again(host, heat, role):
    import slicer

    from ModicGraderLib.scene.build import find_study
    from ModicGraderLib.scene.visibility import HEAT, show

    nodes = find_study(host.scene, NAME)
    views = [host.scene.GetSingletonNode(view, "vtkMRMLSliceCompositeNode") for view in ("Red", "Yellow")]

    def legends() -> dict[str, bool]:
        legend = slicer.vtkSlicerColorLogic.GetColorLegendDisplayNode
        return {one: bool(legend(getattr(nodes, one)).GetVisibility()) for one in HEAT.values()}

    show(host.scene, NAME, heat=heat, opacity=0.4)
    assert {view.GetForegroundVolumeID() for view in views} == {getattr(nodes, role).GetID()}
    assert {view.GetForegroundOpacity() for view in views} == {0.4}
    assert legends() == {one: one == role for one in HEAT.values()}
    show(host.scene, NAME)
    assert {view.GetForegroundOpacity() for view in views} == {0.0}
    assert not any(legends().values())


def test_what_the_user_has_removed_is_left_out_and_told_where_it_is_needed():
    from ModicGraderLib.scene import SceneError
    from ModicGraderLib.scene.build import build_scene, find_study
    from ModicGraderLib.scene.focus import focus
    from ModicGraderLib.scene.host import Host
    from ModicGraderLib.scene.visibility import show

    scene = Host().scene
    nodes = build_scene(graded(), scene, NAME)
    for unwanted in (nodes.spine, nodes.table, nodes.evidence, nodes.t1, nodes.t2):
        scene.RemoveNode(unwanted)
    show(scene, NAME, labels=False, heat="evidence")
    assert not nodes.levels.GetDisplayNode().GetVisibility()
    focus(scene, NAME, "L4/L5")
    with pytest.raises(SceneError, match="no longer holds the spine and the table of ModicGrader study; grade it"):
        find_study(scene, NAME)


def test_a_study_that_is_not_there_is_told(host):
    from ModicGraderLib.scene import SceneError
    from ModicGraderLib.scene.focus import focus
    from ModicGraderLib.scene.visibility import show

    for call in (lambda: focus(host.scene, "Another", "L4/L5"), lambda: show(host.scene, "Another")):
        with pytest.raises(SceneError, match="no report of Another"):
            call()
