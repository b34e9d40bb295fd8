"""A scene with what the Slicer application otherwise brings along: color tables, node classes, module logics."""

from __future__ import annotations

import tempfile
import zipfile
from pathlib import Path

import slicer

from . import SceneError, in_application

_current: Host | None = None


class Host:
    """A scene of its own, apart from any application.

    Attributes
    ----------
    scene:
        The `vtkMRMLScene`, with Slicer's color tables and one subject hierarchy in it. Never add a second subject
        hierarchy node: that ends the interpreter.
    application:
        The logic that views share.
    """

    def __init__(self):
        self.scene = slicer.vtkMRMLScene()
        self.application = slicer.vtkMRMLApplicationLogic()
        self.application.SetMRMLScene(self.scene)
        # The color logic of MRML itself: the Slicer module's one looks for files that slicer-core does not bring.
        colors = slicer.vtkMRMLColorLogic()
        colors.SetMRMLScene(self.scene)
        colors.AddDefaultColorNodes()
        self.application.SetColorLogic(colors)
        # The application's color module knows this class, MRML itself does not.
        self.scene.RegisterNodeClass(slicer.vtkMRMLColorLegendDisplayNode())
        # These know the layouts, and the node classes of their modules, without which a scene cannot be read.
        self._logics = [colors]
        self._start("Layout", slicer.vtkMRMLLayoutLogic())
        self._start("Segmentations", slicer.vtkSlicerSegmentationsModuleLogic())
        self._start("Markups", slicer.vtkSlicerMarkupsLogic())

    def _start(self, module: str, logic: slicer.vtkMRMLAbstractLogic) -> None:
        logic.SetMRMLApplicationLogic(self.application)
        logic.SetMRMLScene(self.scene)
        self.application.SetModuleLogic(module, logic)
        self._logics.append(logic)


def current_scene() -> slicer.vtkMRMLScene:
    """The application's scene inside Slicer, otherwise one scene that is made on the first call."""
    global _current
    if in_application():
        return slicer.mrmlScene
    if _current is None:
        _current = Host()
    return _current.scene


def open_scene(path: Path) -> Host:
    """A host with the scene of an `.mrb` file in it. Raises `SceneError` where the file is no such bundle."""
    host = Host()
    with tempfile.TemporaryDirectory() as folder:
        try:
            with zipfile.ZipFile(path) as bundle:
                bundle.extractall(folder)
            scene_file = next(Path(folder).rglob("*.mrml"))
        except (zipfile.BadZipFile, StopIteration):
            raise SceneError(f"{path.name} is not a Slicer scene bundle (.mrb)") from None
        host.scene.SetURL(str(scene_file))
        if not host.scene.Import():
            raise SceneError(f"Slicer could not read the scene in {path.name}")
    return host
