"""Parameters are typed, saved with the scene and tied to widgets as by Slicer's parameterNodeWrapper."""

import enum
from typing import Annotated

import pytest

pytestmark = pytest.mark.slicer


class Side(enum.Enum):
    LEFT = 1
    RIGHT = 2


@pytest.fixture
def parameters():
    import slicer
    from slicer.parameterNodeWrapper import Choice, WithinRange, parameterNodeWrapper, parameterPack
    from slicer.ScriptedLoadableModule import ScriptedLoadableModuleLogic

    @parameterPack
    class View:
        labels: bool = True
        opacity: Annotated[float, WithinRange(0.0, 1.0)] = 0.5

    @parameterNodeWrapper
    class Parameters:
        volume: slicer.vtkMRMLScalarVolumeNode
        device: Annotated[str, Choice(["auto", "cpu"])] = "auto"
        reader: str
        side: Side = Side.RIGHT
        view: View

    class ExampleLogic(ScriptedLoadableModuleLogic):
        def getParameterNode(self):
            return Parameters(super().getParameterNode())

    return ExampleLogic().getParameterNode


def test_parameters_have_types_defaults_and_limits(parameters):
    node = parameters()
    assert (node.device, node.reader, node.side, node.view.opacity, node.volume) == ("auto", "", Side.RIGHT, 0.5, None)
    for name, value, error in (
        ("device", "gpu", ValueError),
        ("view.opacity", 2.0, ValueError),
        ("reader", 3, TypeError),
    ):
        with pytest.raises(error):
            node.setValue(name, value)
    with pytest.raises(ValueError, match="Cannot find a param"):
        node.getValue("view.colour")


def test_parameters_are_saved_with_the_scene(parameters, tmp_path):
    import slicer

    node = parameters()
    node.volume = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", "T1")
    node.side, node.view.labels, node.view.opacity, node.reader = Side.LEFT, False, 0.25, "A. B."
    path = str(tmp_path / "scene.mrml")
    assert slicer.util.saveScene(path)
    slicer.mrmlScene.Clear(False)
    slicer.util.loadScene(path)
    again = parameters()
    assert again.volume.GetName() == "T1"
    assert (again.side, again.view.labels, again.view.opacity, again.reader) == (Side.LEFT, False, 0.25, "A. B.")


def test_widgets_and_parameters_follow_each_other_until_they_are_disconnected(parameters, panel):
    import slicer

    node = parameters()
    volume = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", "T1")
    widgets = {"view.labels": panel.labels, "device": panel.device, "volume": panel.selector}
    tag = node.connectParametersToGui({**widgets, "view.opacity": panel.opacity, "reader": panel.reader})
    panel.labels.checked = False
    panel.device.currentIndex = 1
    panel.selector.setCurrentNode(volume)
    panel.opacity.value = 0.75
    assert (node.view.labels, node.device, node.volume, node.view.opacity) == (False, "cpu", volume, 0.75)
    node.view.labels, node.reader = True, "A. B."
    assert (panel.labels.checked, panel.reader.text) == (True, "A. B.")
    node.disconnectGui(tag)
    node.reader = "C. D."
    panel.labels.checked = False
    assert (panel.reader.text, node.view.labels) == ("A. B.", True)


def test_a_ui_file_names_the_parameters_of_its_widgets_but_that_connection_cannot_be_undone(parameters, panel):
    node = parameters()
    assert node.connectGui(panel) is None
    node.disconnectGui(None)
    panel.reader.text = "A. B."
    assert node.reader == "A. B."


def test_a_pack_that_was_handed_out_does_not_follow_the_node(parameters):
    node = parameters()
    view = node.view
    node.view.opacity = 0.25
    assert view.opacity == 0.5
    view.labels = False
    assert (node.view.labels, node.view.opacity) == (False, 0.5), "all members are written, the old ones too"
    with pytest.raises(AttributeError):
        view.color = 1


def test_a_widget_that_cannot_show_a_type_is_not_connected(parameters, panel):
    panel.reader.setProperty("SlicerParameterName", "view.labels")
    with pytest.raises(RuntimeError, match="Unable to create GUI connector"):
        parameters().connectGui(panel)
