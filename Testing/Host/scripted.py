"""The module `slicer.ScriptedLoadableModule`: base classes of a module, its widget, its logic and its tests."""

from __future__ import annotations

import sys
import types
import unittest
from pathlib import Path
from typing import Any

import slicer
from PySide6 import QtCore


class ScriptedLoadableModule:
    """Tells Slicer about a module. `parent` takes its title, categories, texts and icon."""

    def __init__(self, parent: Any):
        super().__init__()
        self.parent = parent
        self.moduleName = type(self).__name__
        parent.title, parent.categories, parent.dependencies, parent.contributors = "", [], [], []
        parent.helpText = parent.acknowledgementText = ""
        import qt

        for icon in (Path(self.resourcePath("Icons")) / f"{self.moduleName}{end}" for end in (".svg", ".png")):
            if icon.is_file():
                parent.icon = qt.QIcon(str(icon))
                break

    def resourcePath(self, filename: str) -> str:
        """Path of a file below the module's folder `Resources`."""
        return _resource(self.parent.path, filename)

    def getDefaultModuleDocumentationLink(self, docPage: str | None = None) -> str:
        """A sentence with a link, to be put at the end of the help text."""
        return f'<p>For more information see the <a href="{docPage or self.moduleName}">online documentation</a>.</p>'


class ScriptedLoadableModuleWidget:
    """A module's panel. `parent` is the widget of Qt that it fills, `layout` that widget's layout."""

    def __init__(self, parent: Any = None):
        super().__init__()
        self.moduleName = type(self).__name__.removesuffix("Widget")
        self.developerMode = False
        alone = parent is None
        if alone:
            parent = slicer.qMRMLWidget()
            import qt

            parent.setLayout(qt.QVBoxLayout())
            parent.setMRMLScene(slicer.mrmlScene)
        self.parent = parent
        self.layout = parent.layout()
        if alone:
            self.setup()
        slicer.app.moduleManager().connect("moduleAboutToBeUnloaded(QString)", self._onModuleAboutToBeUnloaded)

    def _onModuleAboutToBeUnloaded(self, name: str) -> None:
        if name == self.moduleName:
            self.cleanup()
            slicer.app.moduleManager().disconnect("moduleAboutToBeUnloaded(QString)", self._onModuleAboutToBeUnloaded)

    def resourcePath(self, filename: str) -> str:
        """Path of a file below the module's folder `Resources`."""
        return _resource(slicer.util.modulePath(self.moduleName), filename)

    def setup(self) -> None:
        """Make the panel's widgets. Here only the developers' section would come, which needs the application."""

    def enter(self) -> None:
        """The user opens the module."""

    def exit(self) -> None:
        """The user leaves the module."""

    def cleanup(self) -> None:
        """The module is about to go."""


class ScriptedLoadableModuleLogic:
    """What a module computes. One parameter node in each scene, unless `isSingletonParameterNode` says otherwise."""

    def __init__(self, parent: Any = None):
        super().__init__()
        self.moduleName = type(self).__name__.removesuffix("Logic")
        self.isSingletonParameterNode = True

    def getParameterNode(self) -> Any:
        """The module's parameter node in the scene, made where there is none."""
        if self.isSingletonParameterNode:
            node = slicer.mrmlScene.GetSingletonNode(self.moduleName, "vtkMRMLScriptedModuleNode")
        else:
            node = next(iter(self.getAllParameterNodes()), None)
        if node is None:
            node = slicer.mrmlScene.AddNode(self.createParameterNode())
        node.SetAttribute("ModuleName", self.moduleName)
        return node

    def getAllParameterNodes(self) -> list[Any]:
        """All parameter nodes of this module in the scene."""
        nodes = slicer.util.getNodesByClass("vtkMRMLScriptedModuleNode")
        return [node for node in nodes if node.GetAttribute("ModuleName") == self.moduleName]

    def createParameterNode(self) -> Any:
        """A node that is not in the scene yet."""
        node = slicer.mrmlScene.CreateNodeByClass("vtkMRMLScriptedModuleNode")
        node.UnRegister(None)
        if self.isSingletonParameterNode:
            node.SetSingletonTag(self.moduleName)
        node.SetAttribute("ModuleName", self.moduleName)
        node.SetName(slicer.mrmlScene.GenerateUniqueName(self.moduleName))
        return node


class ScriptedLoadableModuleTest(unittest.TestCase):
    """Base of a module's tests inside Slicer; `runTest` runs all its methods whose name begins with `test`."""

    def delayDisplay(self, message: str, requestedDelay: int | None = None, msec: int | None = None) -> None:
        """Show what is tested just now."""
        slicer.util.delayDisplay(message, 0)

    def runTest(self) -> None:
        """Run all tests, each with `setUp` and `tearDown`. Raises what a test raises."""
        names = unittest.defaultTestLoader.getTestCaseNames(type(self))
        if not names:
            raise AssertionError(f"{type(self).__name__} has no test")
        for name in names:
            self.setUp()
            try:
                getattr(self, name)()
            finally:
                self.tearDown()


def _resource(module_path: str, filename: str) -> str:
    return str(Path(module_path).parent / "Resources" / filename)


class ModuleParent:
    """Stands for qSlicerScriptedLoadableModule: what a module writes its title and texts on."""

    def __init__(self, name: str, path: str):
        self.name, self.path = name, path
        self._widget = None

    def widgetRepresentation(self) -> Any:
        """The widget that holds the module's panel."""
        return self._widget


_opened: list[str] = []
"""Names of the modules that `open_module` loaded."""


def close_modules() -> None:
    """Leave the open module, tell every module that was opened that it goes, and delete its panel."""
    if slicer.util.mainWindow() is not None:
        slicer.util.selectModule("")
    while _opened:
        name = _opened.pop()
        slicer.app.moduleManager().moduleAboutToBeUnloaded(name)
        getattr(slicer.modules, name.lower()).widgetRepresentation().deleteLater()
        delattr(slicer.modules, name.lower())
        del sys.modules[name]
    QtCore.QCoreApplication.sendPostedEvents(None, QtCore.QEvent.Type.DeferredDelete)


def open_module(path: str | Path) -> Any:
    """Load a module's file as Slicer does when it starts and the user opens the module; its Python widget.

    Slicer imports the file under its own name, makes the module, says that it has started, makes the widget with a
    parent of Qt, calls `setup`, and `enter` when the user opens the module.
    """
    import importlib.util

    path = Path(path).resolve()
    name = path.stem
    specification = importlib.util.spec_from_file_location(name, path)
    module = importlib.util.module_from_spec(specification)
    sys.modules[name] = module
    specification.loader.exec_module(module)
    parent = ModuleParent(name, str(path))
    setattr(slicer.modules, name.lower(), parent)
    getattr(module, name)(parent)
    slicer.app.startupCompleted()
    # Said once in an application's life: the next module that is opened here must not start this one again.
    slicer.app._qt.startupCompleted.disconnect()
    outer = slicer.qSlicerScriptedLoadableModuleWidget()
    outer.setMRMLScene(slicer.mrmlScene)
    widget = getattr(module, f"{name}Widget")(outer)
    outer._qt._python = widget
    parent._widget = outer
    _opened.append(name)
    widget.setup()
    if slicer.util.mainWindow() is not None:
        slicer.util.selectModule(name)
    return widget


def install() -> None:
    """Put the module in place."""
    module = types.ModuleType("slicer.ScriptedLoadableModule", __doc__)
    for one in (
        ScriptedLoadableModule,
        ScriptedLoadableModuleWidget,
        ScriptedLoadableModuleLogic,
        ScriptedLoadableModuleTest,
    ):
        setattr(module, one.__name__, one)
    sys.modules["slicer.ScriptedLoadableModule"] = slicer.ScriptedLoadableModule = module
