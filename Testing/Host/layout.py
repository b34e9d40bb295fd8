"""The slice views: their logic and nodes are Slicer's own, drawn off screen when a picture is taken."""

from __future__ import annotations

from typing import Any

import slicer
import vtk
from PySide6 import QtCore, QtWidgets
from PySide6.QtCore import Property

VIEWS = ("Red", "Yellow", "Green")


class qMRMLSliceWidget(QtWidgets.QWidget):
    """A slice view."""

    def __init__(self, logic: Any):
        super().__init__()
        self._logic = logic

    def sliceLogic(self) -> Any:
        """What moves the slice."""
        return self._logic

    def mrmlSliceNode(self) -> Any:
        """Where the slice lies."""
        return self._logic.GetSliceNode()

    def fitSliceToBackground(self) -> None:
        """Show the whole volume."""
        self._logic.FitSliceToAll()


class qSlicerLayoutManager(QtCore.QObject):
    """Knows the views and how they are arranged."""

    def __init__(self, host: Any):
        super().__init__()
        self._host = host
        self._logics = vtk.vtkCollection()
        self._widgets = {name: qMRMLSliceWidget(self._logic(name)) for name in VIEWS}
        host.application.SetSliceLogics(self._logics)

    def _logic(self, name: str) -> Any:
        logic = slicer.vtkMRMLSliceLogic()
        logic.SetMRMLApplicationLogic(self._host.application)
        logic.SetMRMLScene(self._host.scene)
        logic.SetSliceNode(self._host.scene.GetSingletonNode(name, "vtkMRMLSliceNode"))
        self._logics.AddItem(logic)
        return logic

    def sliceViewNames(self) -> list[str]:
        """Names of the slice views."""
        return list(self._widgets)

    def sliceWidget(self, name: str) -> QtWidgets.QWidget | None:
        """A slice view by its name; None where there is none."""
        return self._widgets.get(name)

    def mrmlSliceLogics(self) -> Any:
        """The logics of all slice views."""
        return self._logics

    def _node(self) -> Any:
        return self._host.scene.GetFirstNodeByClass("vtkMRMLLayoutNode")

    layout = Property(int, lambda self: self._node().GetViewArrangement())

    def setLayout(self, layout: int) -> None:
        """Arrange the views, by an enumerator of vtkMRMLLayoutNode."""
        self._node().SetViewArrangement(layout)

    def resetSliceViews(self) -> None:
        """Show the whole volumes in all views."""
        self._host.application.FitSliceToAll()
