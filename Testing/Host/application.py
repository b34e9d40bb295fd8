"""`slicer.app`, `slicer.modules` and the main window."""

from __future__ import annotations

import os
import sys
import tempfile
import types
from pathlib import Path
from typing import Any

import slicer
from PySide6 import QtCore, QtWidgets
from PySide6.QtCore import Property, Signal

from . import layout, scripted
from .manners import outgoing, proxy_class
from .storage import CoreIOManager

ORGANIZATION, NAME = "NA-MIC", "ModicGrader host"


class qSlicerModuleManager(QtCore.QObject):
    """Knows the modules by name and says when one goes."""

    moduleAboutToBeUnloaded = Signal(str)

    def module(self, name: str) -> Any:
        """What `slicer.modules` has under a name; None where there is no such module."""
        return getattr(slicer.modules, name.lower(), None)


class qSlicerModuleSelectorToolBar(QtWidgets.QToolBar):
    """Which module is open."""

    def __init__(self, parent: QtWidgets.QWidget | None = None):
        super().__init__(parent)
        self._name = ""

    selectedModule = Property(str, lambda self: self._name)

    def selectModule(self, name: str) -> None:
        """Leave the open module and enter another."""
        for chosen, action in ((self._name, "exit"), (name, "enter")):
            module = getattr(slicer.modules, chosen.lower(), None) if chosen else None
            if module is not None and module.widgetRepresentation() is not None:
                getattr(module.widgetRepresentation(), action)()
        self._name = name


class qSlicerMainWindow(QtWidgets.QMainWindow):
    """The window; it is never on a screen."""

    def __init__(self):
        super().__init__()
        self.setObjectName("qSlicerMainWindow")
        self._selector = qSlicerModuleSelectorToolBar(self)

    def moduleSelector(self) -> QtWidgets.QToolBar:
        """What opens modules."""
        return self._selector


class qSlicerApplication(QtWidgets.QApplication):
    """The application: its scene, its logic, its views and its settings, all gone when the process ends."""

    startupCompleted = Signal()

    def __init__(self, host: Any, with_window: bool):
        super().__init__(["Slicer"])
        self.setOrganizationName(ORGANIZATION)
        self.setApplicationName(NAME)
        self._host = host
        self._options = types.SimpleNamespace(runPythonAndExit=False)
        self._folder = tempfile.TemporaryDirectory(prefix="slicer-host-")
        self._temporary_path = self._folder.name
        # Settings in a file of our own: a test must not write into those of the user.
        settings = Path(self._folder.name) / "Slicer.ini"
        QtCore.QSettings.setDefaultFormat(QtCore.QSettings.Format.IniFormat)
        QtCore.QSettings.setPath(QtCore.QSettings.Format.IniFormat, QtCore.QSettings.Scope.UserScope, self._folder.name)
        self._settings = QtCore.QSettings(str(settings), QtCore.QSettings.Format.IniFormat)
        self._manager, self._storage = qSlicerModuleManager(), CoreIOManager(host)
        self._layout = layout.qSlicerLayoutManager(host) if with_window else None
        self._window = qSlicerMainWindow() if with_window else None
        _put_python_slicer_on_path(Path(self._folder.name))

    def _get_temporary_path(self) -> str:
        return self._temporary_path

    def _set_temporary_path(self, path: str) -> None:
        self._temporary_path = path

    temporaryPath = Property(str, _get_temporary_path, _set_temporary_path)
    slicerHome = Property(str, lambda self: sys.prefix)

    def mrmlScene(self) -> Any:
        """The scene."""
        return self._host.scene

    def applicationLogic(self) -> Any:
        """What the views share: selection, slice logics."""
        return self._host.application

    def layoutManager(self) -> Any:
        """The views; None without a window."""
        return self._layout

    def moduleManager(self) -> QtCore.QObject:
        """The modules."""
        return self._manager

    def coreIOManager(self) -> Any:
        """What reads and writes nodes."""
        return self._storage

    ioManager = coreIOManager

    def settings(self) -> QtCore.QSettings:
        """The settings of this installation."""
        return self._settings

    userSettings = settings

    def testingEnabled(self) -> bool:
        """False: messages are to be shown, that tests see them."""
        return False

    def commandOptions(self) -> types.SimpleNamespace:
        """How the application was called."""
        return self._options

    def startupEnvironment(self) -> QtCore.QProcessEnvironment:
        """The environment that the application was started in."""
        return QtCore.QProcessEnvironment.systemEnvironment()


def _put_python_slicer_on_path(folder: Path) -> None:
    """A `PythonSlicer` that, like Slicer's, is a launcher: Python runs as its child."""
    launcher = folder / "PythonSlicer"
    launcher.write_text(f'#!/bin/sh\n"{sys.executable}" "$@"\n', encoding="utf-8")
    launcher.chmod(0o755)
    os.environ["PATH"] = f"{folder}{os.pathsep}{os.environ['PATH']}"


class ctkDICOMDatabase(QtCore.QObject):
    """The database of DICOM files that the user imported: empty."""

    def fileForInstance(self, uid: str) -> str:
        """Path of the file of an instance; empty where the database has none."""
        return ""


class Module:
    """A loadable module of Slicer with nothing but its logic."""

    def __init__(self, name: str, logic: Any = None):
        self.name = name
        self._logic = logic

    def logic(self) -> Any:
        """What the module computes with."""
        return self._logic

    def widgetRepresentation(self) -> Any:
        """No panel."""
        return None


class Modules:
    """`slicer.modules`: modules by their name in lower case."""


class SegmentEditorPanel:
    """What `slicer.modules.segmenteditor.widgetRepresentation().self()` is: it has the editor."""

    def __init__(self) -> None:
        self.parameterSetNode = None
        self.editor = slicer.qMRMLSegmentEditorWidget()

    def enter(self) -> None:
        """The user opens the module: from now on the editor has a node for its parameters."""
        tag = "SegmentEditor"
        node = slicer.mrmlScene.GetSingletonNode(tag, "vtkMRMLSegmentEditorNode")
        if node is None:
            node = slicer.mrmlScene.CreateNodeByClass("vtkMRMLSegmentEditorNode")
            node.UnRegister(None)
            node.SetSingletonTag(tag)
            node = slicer.mrmlScene.AddNode(node)
        self.parameterSetNode = node
        self.editor.setMRMLSegmentEditorNode(node)

    def exit(self) -> None:
        """The user leaves the module."""


def _segment_editor() -> scripted.ModuleParent:
    module = scripted.ModuleParent("SegmentEditor", "")
    outer = slicer.qSlicerScriptedLoadableModuleWidget()
    outer._qt._python = SegmentEditorPanel()
    module._widget = outer
    return module


def install(host: Any, with_window: bool) -> None:
    """Make the application and put it, its scene and its modules into `slicer`."""
    slicer.mrmlScene = host.scene
    slicer.app = outgoing(qSlicerApplication(host, with_window))
    slicer.qSlicerScriptedLoadableModule = scripted.ModuleParent
    slicer.qMRMLSliceWidget = proxy_class(layout.qMRMLSliceWidget)
    slicer.dicomDatabase = outgoing(ctkDICOMDatabase())
    slicer.modules = Modules()
    for name in ("Segmentations", "Markups"):
        setattr(slicer.modules, name.lower(), Module(name, host.application.GetModuleLogic(name)))
    volumes = slicer.vtkSlicerVolumesLogic()
    volumes.SetMRMLApplicationLogic(host.application)
    volumes.SetMRMLScene(host.scene)
    slicer.modules.volumes = Module("Volumes", volumes)
    slicer.modules.segmenteditor = _segment_editor()
