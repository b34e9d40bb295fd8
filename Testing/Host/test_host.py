"""The stand-ins behave as the classes of Qt, CTK and Slicer that they stand for."""

from pathlib import Path

import pytest

pytestmark = pytest.mark.slicer


def test_a_signal_calls_a_function_with_as_many_arguments_as_it_takes():
    import qt

    button, calls = qt.QPushButton("Apply"), []
    button.connect("clicked(bool)", lambda checked: calls.append(checked))
    button.connect("clicked(bool)", lambda: calls.append("none"))
    button.click()
    assert calls == [False, "none"]


def test_a_disconnected_function_is_not_called_any_more():
    import qt

    button, calls = qt.QPushButton(), []

    def clicked():
        calls.append(1)

    button.connect("clicked(bool)", clicked)
    assert button.disconnect("clicked(bool)", clicked)
    button.click()
    assert not calls
    assert not button.disconnect("clicked(bool)", clicked), "there is nothing left to take back"


def test_a_signal_that_a_class_does_not_have_cannot_be_connected():
    import qt

    with pytest.raises(ValueError, match="QPushButton has no signal pushed"):
        qt.QPushButton().connect("pushed(bool)", print)


def test_an_exception_in_a_slot_is_kept():
    import qt

    from Host import manners

    button = qt.QPushButton()
    button.connect("clicked(bool)", lambda: 1 / 0)
    button.click()
    assert "ZeroDivisionError" in manners.faults.pop()


def test_an_exception_in_an_observer_is_kept():
    import slicer

    from Host import manners

    tag = slicer.mrmlScene.AddObserver(slicer.vtkMRMLScene.NodeAddedEvent, lambda *_: 1 / 0)
    slicer.mrmlScene.AddNewNodeByClass("vtkMRMLTextNode")
    slicer.mrmlScene.RemoveObserver(tag)
    assert "ZeroDivisionError" in manners.faults.pop()


def test_properties_are_read_and_set_without_a_call():
    import qt

    box = qt.QCheckBox("Labels")
    box.checked = True
    box.name = "labels"
    assert (box.checked, box.text, box.objectName, box.enabled) == (True, "Labels", "labels", True)
    label = qt.QLabel("text")
    label.alignment = qt.Qt.AlignRight
    assert label.alignment == qt.Qt.AlignRight


@pytest.mark.parametrize("name", ["colour", "isCheckedd", "_private"])
def test_a_name_that_a_class_does_not_have_can_be_neither_read_nor_set(name):
    import qt

    box = qt.QCheckBox()
    with pytest.raises(AttributeError):
        getattr(box, name)
    with pytest.raises(AttributeError):
        setattr(box, name, 1)
    with pytest.raises(AttributeError):
        getattr(qt, name)


def test_what_qt_hands_out_has_the_same_manners():
    import qt

    box = qt.QWidget()
    layout = qt.QVBoxLayout(box)
    layout.addWidget(qt.QLabel("in a layout"))
    table = qt.QTableWidget(2, 1)
    table.setItem(0, 0, qt.QTableWidgetItem("cell"))
    assert layout.itemAt(0).widget().text == "in a layout"
    assert isinstance(box.children()[1], qt.QLabel)
    assert table.item(0, 0).tableWidget().rowCount == 2


def test_a_message_is_written_down_and_a_question_gets_the_planned_answer():
    import qt
    import slicer

    import Host

    slicer.util.errorDisplay("The disk is full.")
    assert [one.text for one in Host.dialogs.shown] == ["The disk is full."]
    Host.dialogs.answer(qt.QMessageBox.Cancel)
    assert not slicer.util.confirmOkCancelDisplay("Really?")
    with pytest.raises(RuntimeError, match="an answer that the test did not give"):
        slicer.util.confirmOkCancelDisplay("Really?")


def test_a_ui_file_is_loaded_with_its_widgets_properties_and_connections(panel):
    import slicer

    slicer.mrmlScene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", "T1")
    assert panel.selector.className() == "qMRMLNodeComboBox"
    assert panel.selector.property("SlicerParameterName") == "volume"
    assert panel.selector.mrmlScene() is slicer.mrmlScene
    assert (panel.selector.nodeCount(), panel.selector.currentNode()) == (1, None)
    assert panel.section.collapsed
    assert panel.opacity.suffix == " of it"


def test_a_ui_file_with_an_unknown_widget_is_refused(tmp_path):
    import slicer

    example = Path(__file__).with_name("example.ui")

    path = tmp_path / "unknown.ui"
    path.write_text(example.read_text().replace('class="ctkSliderWidget"', 'class="ctkUnknown"'))
    with pytest.raises(ValueError, match="a ctkUnknown, for which there is no stand-in"):
        slicer.util.loadUI(str(path))


def test_a_node_selector_follows_the_scene(panel):
    import slicer

    chosen = []
    panel.selector.connect("currentNodeChanged(vtkMRMLNode*)", chosen.append)
    volume = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", "T1")
    slicer.mrmlScene.AddNewNodeByClass("vtkMRMLLabelMapVolumeNode", "labels")
    assert panel.selector.nodeCount() == 1, "a label map is a scalar volume, but not what was asked for"
    panel.selector.setCurrentNode(volume)
    slicer.mrmlScene.RemoveNode(volume)
    assert chosen == [volume, None]


def test_a_picture_of_a_widget_shows_its_text(panel, tmp_path):
    import numpy as np
    from PIL import Image

    import Host

    def drawn(text):
        panel.reader.text = text
        Host.grab(panel.keep, tmp_path / "panel.png", (300, 300))
        return np.array(Image.open(tmp_path / "panel.png").convert("L"), int)

    assert drawn("").shape == (300, 300)
    assert (np.abs(drawn("A reader's name") - drawn("")) > 100).sum() > 100


def test_a_process_that_python_slicer_starts_runs_this_python():
    import shutil
    import subprocess

    done = subprocess.run([shutil.which("PythonSlicer"), "-c", "print('here')"], capture_output=True, text=True)
    assert done.stdout == "here\n"


def test_the_views_show_what_the_application_logic_is_told():
    import numpy as np
    import slicer

    volume = slicer.util.addVolumeFromArray(np.zeros((4, 5, 6)), name="T1")
    slicer.util.setSliceViewerLayers(background=volume, fit=True)
    composite = slicer.app.layoutManager().sliceWidget("Red").mrmlSliceNode().GetScene()
    assert composite is slicer.mrmlScene
    logic = slicer.app.layoutManager().sliceWidget("Yellow").sliceLogic()
    assert logic.GetSliceCompositeNode().GetBackgroundVolumeID() == volume.GetID()


@pytest.mark.parametrize("code", [0, 2])
def test_a_script_runs_without_a_window_and_ends_with_its_own_exit_code(code, tmp_path):
    import os
    import subprocess
    import sys

    script = tmp_path / "script.py"
    script.write_text(
        "import sys, qt, slicer.util\n"
        "assert slicer.util.mainWindow() is None and slicer.app.layoutManager() is None\n"
        "print(slicer.mrmlScene.GetClassName())\n"
        "qt.QTimer.singleShot(10, lambda: slicer.util.exit(int(sys.argv[1])))\n"
    )
    root = Path(__file__).resolve().parents[2]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join((str(root), str(root / "Testing")))}
    command = [sys.executable, "-m", "Host", script, str(code)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=240)
    assert (done.returncode, done.stdout.splitlines()[-1]) == (code, "vtkMRMLScene"), done.stderr


MODULE = """
import slicer
from slicer.ScriptedLoadableModule import *

class Example(ScriptedLoadableModule):
    def __init__(self, parent):
        super().__init__(parent)
        parent.title = "Example of a module"
        slicer.app.connect("startupCompleted()", lambda: happened.append("started"))

class ExampleWidget(ScriptedLoadableModuleWidget):
    def setup(self):
        super().setup()
        self.selector = slicer.qMRMLNodeComboBox()
        self.selector.nodeTypes = ["vtkMRMLTextNode"]
        self.selector.setMRMLScene(slicer.mrmlScene)
        self.layout.addWidget(self.selector)
        happened.append("set up")

    def enter(self):
        happened.append(f"entered: {self.parent.isEntered}")

    def exit(self):
        happened.append("left")

    def cleanup(self):
        happened.append("cleaned up")

happened = []
"""


def test_a_module_is_started_opened_left_and_taken_away_as_in_slicer(host, tmp_path):
    import sys

    import slicer

    path = tmp_path / "Example.py"
    path.write_text(MODULE)
    widget = host.open_module(path)
    happened = sys.modules["Example"].happened
    assert slicer.modules.example.title == "Example of a module"
    assert widget.resourcePath("UI/Example.ui") == str(tmp_path / "Resources/UI/Example.ui")
    assert happened == ["started", "set up", "entered: True"]
    slicer.util.selectModule("SegmentEditor")
    assert slicer.modules.segmenteditor.widgetRepresentation().self().editor.mrmlSegmentEditorNode() is not None
    slicer.util.selectModule("Example")
    assert happened[3:] == ["left", "entered: True"]
    assert host.reset() == []
    assert happened[5:] == ["left", "cleaned up"]
    slicer.mrmlScene.AddNewNodeByClass("vtkMRMLTextNode", "no panel is left to show this")
    assert not hasattr(slicer.modules, "example")
