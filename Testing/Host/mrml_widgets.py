"""The widgets of `slicer` that show nodes of a scene, as thin widgets of Qt."""

from __future__ import annotations

from typing import Any, ClassVar

import slicer
import vtk
from PySide6 import QtWidgets
from PySide6.QtCore import Property, Signal

from .loader import register
from .manners import proxy_class


class qMRMLWidget(QtWidgets.QWidget):
    """A widget that knows a scene and tells those that are connected."""

    SIGNALS: ClassVar = {"mrmlSceneChanged(vtkMRMLScene*)": "_scene_changed"}
    _scene_changed = Signal(object)

    def __init__(self, parent: QtWidgets.QWidget | None = None):
        super().__init__(parent)
        self._scene = None

    def mrmlScene(self) -> Any:
        """The scene, or None."""
        return self._scene

    def setMRMLScene(self, scene: Any) -> None:
        """Show another scene."""
        self._scene = scene
        self._scene_changed.emit(scene)


class qSlicerScriptedLoadableModuleWidget(qMRMLWidget):
    """What a module's Python widget gets as its parent: an empty widget with a layout."""

    def __init__(self, parent: QtWidgets.QWidget | None = None):
        super().__init__(parent)
        QtWidgets.QVBoxLayout(self)
        self._entered = False
        self._python = None

    isEntered = Property(bool, lambda self: self._entered)

    def self(self) -> Any:
        """The module's Python widget."""
        return self._python

    def enter(self) -> None:
        """The user opens the module."""
        self._entered = True
        self._python.enter()

    def exit(self) -> None:
        """The user leaves the module."""
        self._entered = False
        self._python.exit()


class qMRMLNodeComboBox(QtWidgets.QWidget):
    """A list of the scene's nodes of some classes, kept up to date with the scene."""

    SIGNALS: ClassVar = {
        "currentNodeChanged(vtkMRMLNode*)": "_node_changed",
        "currentNodeIDChanged(QString)": "_id_changed",
    }
    _node_changed = Signal(object)
    _id_changed = Signal(str)
    _WATCHED = ("NodeAddedEvent", "NodeRemovedEvent", "EndCloseEvent", "EndImportEvent", "EndBatchProcessEvent")

    def __init__(self, parent: QtWidgets.QWidget | None = None):
        super().__init__(parent)
        self._box = QtWidgets.QComboBox()
        row = QtWidgets.QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.addWidget(self._box)
        self._box.currentIndexChanged.connect(lambda _index: self._tell())
        self._scene, self._observed, self._told = None, [], None
        self._types, self._with_none, self._with_children, self._hidden_too = [], False, True, False
        self._none = "None"
        self._box.setEnabled(False)

    def _setting(name: str):
        def read(self):
            return getattr(self, name)

        def write(self, value):
            setattr(self, name, value)
            self._fill()

        return read, write

    nodeTypes = Property("QStringList", *_setting("_types"))
    noneEnabled = Property(bool, *_setting("_with_none"))
    noneDisplay = Property(str, *_setting("_none"))
    showChildNodeTypes = Property(bool, *_setting("_with_children"))
    showHidden = Property(bool, *_setting("_hidden_too"))
    # A user makes, removes and renames nodes by these; the stand-in keeps them and has no menu.
    addEnabled = Property(bool, *_setting("_add"))
    removeEnabled = Property(bool, *_setting("_remove"))
    editEnabled = Property(bool, *_setting("_edit"))
    renameEnabled = Property(bool, *_setting("_rename"))
    selectNodeUponCreation = Property(bool, *_setting("_select"))
    _add = _remove = _edit = _rename = _select = True

    def mrmlScene(self) -> Any:
        """The scene, or None."""
        return self._scene

    def setMRMLScene(self, scene: Any) -> None:
        """Show the nodes of a scene."""
        for watched, tag in self._observed:
            watched.RemoveObserver(tag)
        self._scene = scene
        events = [getattr(slicer.vtkMRMLScene, name) for name in self._WATCHED] if scene else []
        self._observed = [(scene, scene.AddObserver(event, lambda *_: self._fill())) for event in events]
        self.destroyed.connect(lambda *_: [watched.RemoveObserver(tag) for watched, tag in self._observed])
        self._box.setEnabled(scene is not None)
        self._fill()

    def nodeCount(self) -> int:
        """How many nodes can be chosen."""
        return len(self._nodes())

    def nodeFromIndex(self, index: int) -> Any:
        """The node at a place in the list."""
        return self._nodes()[index]

    def currentNode(self) -> Any:
        """The chosen node, or None."""
        identity = self._box.currentData()
        return self._scene.GetNodeByID(identity) if self._scene and identity else None

    def setCurrentNode(self, node: Any) -> None:
        """Choose a node, or None."""
        identity = node.GetID() if isinstance(node, vtk.vtkObject) else node
        place = self._box.findData(identity) if identity else self._box.findData("")
        self._box.setCurrentIndex(place)

    def _get_id(self) -> str:
        return self._box.currentData() or ""

    currentNodeID = Property(str, _get_id, setCurrentNode)

    def setCurrentNodeID(self, identity: str) -> None:
        """Choose a node by its ID."""
        self.setCurrentNode(identity)

    def _nodes(self) -> list[Any]:
        if self._scene is None:
            return []
        nodes = [self._scene.GetNthNode(number) for number in range(self._scene.GetNumberOfNodes())]
        return [one for one in nodes if self._fits(one) and (self._hidden_too or not one.GetHideFromEditors())]

    def _fits(self, node: Any) -> bool:
        if self._with_children:
            return any(node.IsA(name) for name in self._types)
        return node.GetClassName() in self._types

    def _fill(self) -> None:
        if self._scene is None or self._scene.IsBatchProcessing():
            return
        chosen = self._box.currentData()
        self._box.blockSignals(True)
        self._box.clear()
        if self._with_none:
            self._box.addItem(self._none, "")
        for node in self._nodes():
            self._box.addItem(node.GetName(), node.GetID())
        # Slicer chooses the first node by itself where there must be one.
        self._box.setCurrentIndex(max(self._box.findData(chosen or ""), 0) if self._box.count() else -1)
        self._box.blockSignals(False)
        self._tell()

    def _tell(self) -> None:
        node = self.currentNode()
        identity = node.GetID() if node else ""
        if identity != (self._told or ""):
            self._told = identity
            self._node_changed.emit(node)
            self._id_changed.emit(identity)


class qMRMLSegmentEditorWidget(qMRMLWidget):
    """The Segment Editor as far as it can be embedded: it holds what it was given and has no effects."""

    def __init__(self, parent: QtWidgets.QWidget | None = None):
        super().__init__(parent)
        self._editor = self._segmentation = self._volume = None

    def mrmlSegmentEditorNode(self) -> Any:
        """The node with the editor's parameters."""
        return self._editor

    def setMRMLSegmentEditorNode(self, node: Any) -> None:
        """Give the editor a node for its parameters; it needs one before anything else."""
        self._editor = node

    def segmentationNode(self) -> Any:
        """What is edited."""
        return self._segmentation

    def setSegmentationNode(self, node: Any) -> None:
        """Edit a segmentation. Without a parameter node the real editor ignores it, and so does this one."""
        if self._editor is not None:
            self._segmentation = node
            self._editor.SetAndObserveSegmentationNode(node)

    def sourceVolumeNode(self) -> Any:
        """The volume that is drawn on."""
        return self._volume

    def setSourceVolumeNode(self, node: Any) -> None:
        """Draw on a volume."""
        if self._editor is not None:
            self._volume = node
            self._editor.SetAndObserveSourceVolumeNode(node)


WIDGETS = (qMRMLWidget, qMRMLNodeComboBox, qMRMLSegmentEditorWidget, qSlicerScriptedLoadableModuleWidget)


def install() -> None:
    """Put the widgets into `slicer`."""
    for widget in WIDGETS:
        setattr(slicer, widget.__name__, proxy_class(widget))
    register(*WIDGETS)
