"""What lies over the pictures: labels, outlines, map and heat, each with its switch."""

from __future__ import annotations

from typing import Literal

import slicer

from .build import IMAGES, nodes_by_role

HEAT = {"evidence": "evidence", "probability": "modic_probability"}
"""Heat that can be chosen, with the volume of `build.SceneNodes` that shows it."""


def show(
    scene: slicer.vtkMRMLScene,
    name: str,
    *,
    labels: bool = True,
    spine: bool = True,
    corners: bool = False,
    modic: bool = True,
    heat: Literal["none", "evidence", "probability"] = "none",
    opacity: float = 0.5,
) -> None:
    """Show or hide what was found in a study; what the study does not have, or no longer has, is left out.

    Parameters
    ----------
    labels, spine, corners, modic:
        The names of the discs; outlines of discs, vertebrae and canal; endplate corners; the Modic map.
    heat:
        Which heat lies over the study's images, with its color legend.
    opacity:
        Of the heat, from 0 to 1.

    Raises
    ------
    SceneError
        The scene holds no such study.
    """
    nodes = nodes_by_role(scene, name)
    for role, shown in {"levels": labels, "spine": spine, "corners": corners, "modic": modic}.items():
        if role in nodes:
            nodes[role].SetDisplayVisibility(shown)
    for choice, role in HEAT.items():
        _show_legend(nodes.get(role), choice == heat)
    volume = nodes.get(HEAT.get(heat))
    images = {nodes[role].GetID() for role in IMAGES if role in nodes}
    for number in range(scene.GetNumberOfNodesByClass("vtkMRMLSliceCompositeNode")):
        view = scene.GetNthNodeByClass(number, "vtkMRMLSliceCompositeNode")
        if view.GetBackgroundVolumeID() in images:
            view.SetForegroundVolumeID(volume.GetID() if volume is not None else None)
            view.SetForegroundOpacity(opacity if volume is not None else 0.0)


def _show_legend(heat: slicer.vtkMRMLScalarVolumeNode | None, shown: bool) -> None:
    if heat is None or not hasattr(slicer, "vtkMRMLColorLegendDisplayNode"):
        return
    legend = slicer.vtkSlicerColorLogic.GetColorLegendDisplayNode(heat)
    if legend is not None:
        legend.SetVisibility(shown)
