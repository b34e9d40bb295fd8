"""How a scene opens: T1 beside T2, each in a sagittal slice through the middle of the spine."""

from __future__ import annotations

import numpy as np
import slicer

from ..graded import GradedStudy
from ..study import Volume
from .build import SceneNodes
from .nodes import LPS_TO_RAS, to_matrix

VIEWS = {"t1": "Red", "t2": "Yellow"}
"""Slice views of T1 and T2: Slicer's side-by-side layout has just these two. A lone volume is shown in the first."""


def arrange_views(scene: slicer.vtkMRMLScene, nodes: SceneNodes, graded: GradedStudy) -> None:
    """Show T1 beside T2, linked, in the views of an application's scene, or in views that a scene brings along.

    Heat lies over each image, see-through, for the reader to fade in.
    """
    shown = {role: getattr(graded.study, role) for role in VIEWS if getattr(graded.study, role) is not None}
    layouts = slicer.vtkMRMLLayoutNode
    layout = layouts.SlicerLayoutSideBySideView if len(shown) == 2 else layouts.SlicerLayoutOneUpRedSliceView
    arrangement = scene.GetFirstNodeByClass("vtkMRMLLayoutNode")
    if arrangement is None:
        # Slicer without a window has no views.
        return
    arrangement.SetViewArrangement(layout)
    heat = nodes.modic_probability or nodes.evidence
    for (role, volume), view in zip(shown.items(), VIEWS.values(), strict=False):
        composite = show_volume(scene, view, getattr(nodes, role), volume, _middle(graded))
        composite.SetForegroundVolumeID(heat.GetID() if heat else None)


def show_volume(
    scene: slicer.vtkMRMLScene,
    view: str,
    node: slicer.vtkMRMLScalarVolumeNode,
    volume: Volume,
    middle: np.ndarray,
) -> slicer.vtkMRMLSliceCompositeNode:
    """Show a volume in a slice view, in its own slice nearest to a point (3,) in LPS mm; the view's composite node.

    The view is linked with the others, and whatever is laid over it is see-through at first.
    """
    _show_slice(scene.GetSingletonNode(view, "vtkMRMLSliceNode"), volume, middle)
    composite = slicer.vtkMRMLSliceCompositeNode()
    composite.SetSingletonTag(view)
    composite.SetLayoutName(view)
    composite = scene.AddNode(composite)
    composite.SetBackgroundVolumeID(node.GetID())
    composite.SetForegroundOpacity(0.0)
    composite.SetLinkedControl(True)
    return composite


def _middle(graded: GradedStudy) -> np.ndarray:
    """The point (3,) in LPS mm about which the discs lie."""
    return np.mean([disc.center for disc in graded.location.discs], axis=0)


def _show_slice(node: slicer.vtkMRMLSliceNode, volume: Volume, middle: np.ndarray) -> None:
    """Put a slice view on the volume's own slice nearest to `middle`, upright with the abdomen on the left."""
    index = (np.asarray(volume.array.shape) - 1) / 2
    index[0] = np.clip(np.round(volume.to_index(middle)[0]), 0, volume.array.shape[0] - 1)
    right, up = volume.affine[:3, 2] / volume.spacing[2], -volume.affine[:3, 1] / volume.spacing[1]
    slice_to_lps = np.eye(4)
    slice_to_lps[:3, :3] = np.stack([right, up, np.cross(right, up)], axis=1)
    slice_to_lps[:3, 3] = volume.to_patient(index)
    node.GetSliceToRAS().DeepCopy(to_matrix(LPS_TO_RAS @ slice_to_lps))
    height, width = np.asarray(volume.array.shape[1:]) * volume.spacing[1:]
    node.SetFieldOfView(width, height, volume.spacing[0])
    node.UpdateMatrices()
