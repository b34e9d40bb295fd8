"""How the nodes look: gray images, thin outlines, readable labels, heat that is see-through where there is none."""

from __future__ import annotations

import numpy as np
import slicer

GRAY, HEAT = "vtkMRMLColorTableNodeGrey", "vtkMRMLColorTableNodeIron"
"""Color tables built into MRML, so that a scene needs no color file of its own."""

BRIGHTEST_PERCENT = 97.0
"""Part of the voxels that the gray window takes in; the brighter ones are fat near the coil, which no one reads."""

HEAT_FROM = 0.1
"""Part of the heat range below which a heat volume is see-through."""

LEGEND_LABELS, LEGEND_SIZE, LEGEND_POSITION = 3, (0.12, 0.35), (0.97, 0.05)
"""Numbers beside the legend; its size, and where it stands in a view, as shares of the view."""

LABEL_COLOR, CORNER_COLOR = (1.0, 0.85, 0.2), (1.0, 0.45, 0.3)


def show_gray(node: slicer.vtkMRMLScalarVolumeNode, array: np.ndarray) -> None:
    """Show a volume in gray, in a window that its few brightest voxels do not spoil."""
    display = _volume_display(node, GRAY)
    display.SetWindowLevelMinMax(float(array.min()), float(np.percentile(array, BRIGHTEST_PERCENT)))


def show_heat(node: slicer.vtkMRMLScalarVolumeNode, array: np.ndarray) -> None:
    """Show a map as heat: from 0 to 1, or to its greatest value if that is more."""
    display = _volume_display(node, HEAT)
    hottest = max(1.0, float(array.max()))
    display.SetWindowLevelMinMax(0.0, hottest)
    display.AutoThresholdOff()
    display.SetThreshold(HEAT_FROM * hottest, hottest)
    display.ApplyThresholdOn()
    add_legend(node)


def add_legend(node: slicer.vtkMRMLScalarVolumeNode) -> None:
    """Give a heat volume a color legend, hidden until the heat is shown. Slicer before 4.13 has none."""
    if not hasattr(slicer, "vtkMRMLColorLegendDisplayNode"):
        return
    legend = slicer.vtkSlicerColorLogic.AddDefaultColorLegendDisplayNode(node)
    legend.SetTitleText(node.GetName())
    legend.SetNumberOfLabels(LEGEND_LABELS)
    legend.SetLabelFormat("%.2f")
    legend.SetSize(*LEGEND_SIZE)
    legend.SetPosition(*LEGEND_POSITION)
    legend.SetVisibility(False)


def _volume_display(node: slicer.vtkMRMLScalarVolumeNode, colors: str) -> slicer.vtkMRMLScalarVolumeDisplayNode:
    node.CreateDefaultDisplayNodes()
    display = node.GetDisplayNode()
    display.SetAndObserveColorNodeID(colors)
    display.AutoWindowLevelOff()
    return display


def show_spine(node: slicer.vtkMRMLSegmentationNode) -> None:
    """Show discs, vertebrae and canal as outlines: the image under them is what is read."""
    _outline(node, opacity=0.7)


def show_modic(node: slicer.vtkMRMLSegmentationNode) -> None:
    """Show Modic changes as outlines, stronger than those of the spine."""
    _outline(node, opacity=1.0)


def show_true_changes(node: slicer.vtkMRMLSegmentationNode) -> None:
    """Show true changes as see-through areas, so that the outlines of what was found stand out from them."""
    display = node.GetDisplayNode()
    display.SetVisibility2DFill(True)
    display.SetVisibility2DOutline(False)
    display.SetOpacity2DFill(0.35)


def _outline(node: slicer.vtkMRMLSegmentationNode, opacity: float) -> None:
    display = node.GetDisplayNode()
    display.SetVisibility2DFill(False)
    display.SetVisibility2DOutline(True)
    display.SetOpacity2DOutline(opacity)
    display.SetSliceIntersectionThickness(2)


def show_levels(node: slicer.vtkMRMLMarkupsFiducialNode) -> None:
    """Show the name of every disc in every sagittal slice, not only in the one its center lies in."""
    display = node.GetDisplayNode()
    display.SetSelectedColor(*LABEL_COLOR)
    display.SetSliceProjection(True)
    display.SetSliceProjectionOpacity(1.0)
    display.SetSliceProjectionUseFiducialColor(True)
    display.SetGlyphScale(1.0)
    display.SetTextScale(4.0)


def show_corners(node: slicer.vtkMRMLMarkupsFiducialNode) -> None:
    """Show the corners as small dots; their names would hide the discs."""
    display = node.GetDisplayNode()
    display.SetSelectedColor(*CORNER_COLOR)
    display.SetPointLabelsVisibility(False)
    display.SetGlyphScale(1.0)
