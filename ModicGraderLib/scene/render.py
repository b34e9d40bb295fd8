"""Pictures of a scene, drawn off screen by the displayable managers that draw Slicer's own slice views.

`python -m ModicGraderLib.scene.render SCENE.mrb PICTURE.png` draws the scene that `modicgrader grade` wrote.
"""

from __future__ import annotations

import sys
from pathlib import Path

import slicer
import vtk

from ..whole_files import whole_file
from .host import Host, open_scene
from .views import VIEWS

DISPLAYABLE_MANAGERS = ("vtkMRMLMarkupsDisplayableManager", "vtkMRMLSegmentationsDisplayableManager2D")


def render_sagittal(host: Host, path: Path, size: tuple[int, int] = (1200, 900)) -> None:
    """Draw the slice views that `views.arrange_views` put into a scene beside each other into a PNG.

    Parameters
    ----------
    host:
        Holds the scene, freshly made or from `host.open_scene`.
    path:
        Where to write; the file appears whole or not at all.
    size:
        Width and height of the whole picture.
    """
    views = [view for view in VIEWS.values() if host.scene.GetSingletonNode(view, "vtkMRMLSliceCompositeNode")]
    row = vtk.vtkImageAppend()
    row.SetAppendAxis(0)
    for view in views:
        row.AddInputData(_draw(host, view, (size[0] // len(views), size[1])))
    writer = vtk.vtkPNGWriter()
    writer.SetInputConnection(row.GetOutputPort())
    with whole_file(path) as unfinished:
        writer.SetFileName(str(unfinished))
        writer.Write()


def _draw(host: Host, view: str, size: tuple[int, int]) -> vtk.vtkImageData:
    """One slice view as an image (width, height), with the name of its volume in a corner."""
    logic = slicer.vtkMRMLSliceLogic()
    logic.SetMRMLApplicationLogic(host.application)
    logic.SetMRMLScene(host.scene)
    logic.SetSliceNode(host.scene.GetSingletonNode(view, "vtkMRMLSliceNode"))
    logic.ResizeSliceNode(*size)

    window = vtk.vtkRenderWindow()
    window.SetOffScreenRendering(True)
    window.SetSize(*size)
    renderer = vtk.vtkRenderer()
    renderer.GetActiveCamera().ParallelProjectionOn()
    window.AddRenderer(renderer)
    renderer.AddViewProp(_slice_image(logic))
    renderer.AddViewProp(_title(logic.GetBackgroundLayer().GetVolumeNode().GetName()))
    for legend in _legends(host.scene, logic.GetSliceCompositeNode()):
        renderer.AddViewProp(legend)
    interactor = vtk.vtkRenderWindowInteractor()
    interactor.SetRenderWindow(window)
    managers = _displayable_managers(host, renderer)
    managers.SetMRMLDisplayableNode(logic.GetSliceNode())
    window.Render()

    grab = vtk.vtkWindowToImageFilter()
    grab.SetInput(window)
    grab.ReadFrontBufferOff()
    grab.Update()
    return grab.GetOutput()


def _slice_image(logic: slicer.vtkMRMLSliceLogic) -> vtk.vtkActor2D:
    """The blended volumes of a slice view. In the application a widget draws these, not a displayable manager."""
    mapper = vtk.vtkImageMapper()
    mapper.SetInputConnection(logic.GetImageDataConnection())
    mapper.SetColorWindow(255)
    mapper.SetColorLevel(127.5)
    actor = vtk.vtkActor2D()
    actor.SetMapper(mapper)
    actor.GetProperty().SetDisplayLocationToBackground()
    return actor


def _title(text: str) -> vtk.vtkCornerAnnotation:
    title = vtk.vtkCornerAnnotation()
    title.SetText(vtk.vtkCornerAnnotation.UpperLeft, text)
    title.SetMaximumFontSize(24)
    return title


def _legends(scene: slicer.vtkMRMLScene, view: slicer.vtkMRMLSliceCompositeNode) -> list[vtk.vtkScalarBarActor]:
    """The color legends of what lies over the image of a view, as their nodes say.

    The application's displayable manager heeds only legends that are added after it, and these are there before.
    """
    heat = scene.GetNodeByID(view.GetForegroundVolumeID()) if view.GetForegroundVolumeID() else None
    legend = slicer.vtkSlicerColorLogic.GetColorLegendDisplayNode(heat) if heat is not None else None
    if legend is None or not legend.GetVisibility():
        return []
    shown = heat.GetDisplayNode()
    colors = shown.GetColorNode().CreateLookupTableCopy()
    colors.SetTableRange(shown.GetWindowLevelMin(), shown.GetWindowLevelMax())
    (width, height), (x, y) = legend.GetSize(), legend.GetPosition()
    actor = vtk.vtkScalarBarActor()
    actor.SetLookupTable(colors)
    actor.SetTitle(legend.GetTitleText())
    actor.SetNumberOfLabels(legend.GetNumberOfLabels())
    actor.SetLabelFormat(legend.GetLabelFormat())
    actor.SetPosition(x * (1 - width), y * (1 - height))
    actor.SetWidth(width)
    actor.SetHeight(height)
    actor.SetTextPositionToPrecedeScalarBar()
    actor.SetTitleTextProperty(legend.GetTitleTextProperty())
    actor.SetLabelTextProperty(legend.GetLabelTextProperty())
    actor.GetTitleTextProperty().SetJustificationToRight()
    actor.UnconstrainedFontSizeOn()
    actor.SetTextPad(-2)
    actor.SetBarRatio(0.2)
    return [actor]


def _displayable_managers(host: Host, renderer: vtk.vtkRenderer) -> slicer.vtkMRMLDisplayableManagerGroup:
    """What draws segmentations and markups in slice views of the application too."""
    factory = slicer.vtkMRMLSliceViewDisplayableManagerFactory()
    factory.SetMRMLApplicationLogic(host.application)
    for manager in DISPLAYABLE_MANAGERS:
        # The class keeps one register for all its factories.
        if not factory.IsDisplayableManagerRegistered(manager):
            factory.RegisterDisplayableManager(manager)
    return factory.InstantiateDisplayableManagers(renderer)


if __name__ == "__main__":
    render_sagittal(open_scene(Path(sys.argv[1])), Path(sys.argv[2]))
