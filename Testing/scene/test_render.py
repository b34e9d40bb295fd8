"""Pictures drawn by Slicer's displayable managers show what the scene holds."""

import numpy as np
import pytest
from graded_example import example_graded_study

from ModicGraderLib.terminology import SPINE

pytestmark = pytest.mark.slicer

DISC_COLORS = {structure.color for structure in SPINE if structure.name.endswith("disc")}


@pytest.fixture
def drawn(tmp_path):
    """Draws a freshly built scene after a change to its nodes; the picture is (rows, columns, 3)."""
    from PIL import Image

    from ModicGraderLib.scene.build import build_scene
    from ModicGraderLib.scene.host import Host
    from ModicGraderLib.scene.render import render_sagittal
    from ModicGraderLib.scene.views import arrange_views

    def draw(change=lambda nodes: None, size=(800, 600)):
        graded, host = example_graded_study(), Host()
        nodes = build_scene(graded, host.scene)
        arrange_views(host.scene, nodes, graded)
        change(nodes)
        render_sagittal(host, tmp_path / "scene.png", size)
        return np.array(Image.open(tmp_path / "scene.png").convert("RGB")).astype(int)

    return draw


def different(picture: np.ndarray, other: np.ndarray) -> np.ndarray:
    return np.abs(picture - other).max(axis=2) > 30


def test_the_picture_has_the_size_that_was_asked_for(drawn):
    assert drawn(size=(700, 500)).shape == (500, 700, 3)


def test_t1_and_t2_are_drawn_beside_each_other(drawn):
    picture = drawn(size=(800, 600))
    left, right = picture[:, :400], picture[:, 400:]
    # Cerebrospinal fluid is dark on T1 and bright on T2.
    assert left.std() > 20
    assert right.std() > 20
    assert (right.min(axis=2) > 245).sum() > (left[:, 180:].min(axis=2) > 245).sum()


def test_the_spine_is_outlined_in_both_views(drawn):
    outlines = different(drawn(), drawn(lambda nodes: nodes.spine.GetDisplayNode().SetVisibility(False)))
    assert outlines[:, :400].sum() > 500
    assert outlines[:, 400:].sum() > 500
    assert outlines.mean() < 0.1, "outlines, not filled"


def test_the_level_of_every_disc_is_written_behind_it(drawn):
    from scipy.ndimage import binary_dilation, label

    with_labels = drawn()
    without = drawn(lambda nodes: nodes.levels.GetDisplayNode().SetVisibility(False))
    outlines = different(with_labels, drawn(lambda nodes: nodes.spine.GetDisplayNode().SetVisibility(False)))
    for half in (slice(0, 400), slice(400, 800)):
        text = different(with_labels, without)[:, half]
        # Letters that stand close together make one word.
        words = label(binary_dilation(text, iterations=6))[1]
        assert words == 6
        assert np.argwhere(text)[:, 1].mean() > np.argwhere(outlines[:, half])[:, 1].mean(), "right of the spine"


def test_heat_can_be_faded_in(drawn):
    def fade_in(nodes):
        scene = nodes.t2.GetScene()
        scene.GetSingletonNode("Yellow", "vtkMRMLSliceCompositeNode").SetForegroundOpacity(1.0)

    heat = different(drawn(fade_in), drawn())
    assert heat[:, 400:].sum() > 100
    assert heat[:, :400].sum() == 0
    assert heat.mean() < 0.05, "see-through where there is none"


def test_a_scene_from_a_file_looks_as_it_did_before(drawn, tmp_path):
    from PIL import Image

    from ModicGraderLib.scene import write_scene
    from ModicGraderLib.scene.host import open_scene
    from ModicGraderLib.scene.render import render_sagittal

    write_scene(example_graded_study(), tmp_path / "scene.mrb")
    render_sagittal(open_scene(tmp_path / "scene.mrb"), tmp_path / "reopened.png", (800, 600))
    reopened = np.array(Image.open(tmp_path / "reopened.png").convert("RGB")).astype(int)
    assert different(reopened, drawn()).mean() < 0.001
