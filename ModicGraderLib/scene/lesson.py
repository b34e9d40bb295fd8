"""A case of a lesson in the scene: blind at first, then with the truth and what the machine found.

Before it is revealed the scene holds nothing but T1 and T2. They are made from arrays, so that no file's name goes
with them, and they are called after the number of the case.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import SimpleITK as sitk
import slicer

from ..export.images import from_image
from ..graded import GradedStudy
from ..simulation.case import LESION_TYPES, lesion_label
from ..study import Volume
from ..terminology import MODIC_CHANGES, Structure
from . import display
from .build import build_scene, remove_study
from .nodes import add_segmentation, add_volume
from .views import VIEWS, show_volume

LESSON, ROLE = "ModicGrader.lesson", "ModicGrader.lessonRole"
"""Attributes of the nodes made here: the name of the case, and "t1", "t2" or "truth"."""


def show_blind(scene: slicer.vtkMRMLScene, name: str, files: Mapping[str, Path]) -> None:
    """Put T1 and T2 of a case (`files` by "t1" and "t2") into the scene, side by side, and nothing else of it."""
    folder = _hierarchy(scene).CreateStudyItem(_hierarchy(scene).GetSceneItemID(), name)
    _hierarchy(scene).SetItemAttribute(folder, LESSON, name)
    for role, view in VIEWS.items():
        volume = _read(files[role], role)
        node = _mark(add_volume(scene, f"{name} {role.upper()}", volume.array, volume.affine), name, role)
        display.show_gray(node, volume.array)
        _file(scene, node, folder)
        middle = volume.to_patient((np.array(volume.array.shape) - 1) / 2)
        composite = show_volume(scene, view, node, volume, middle)
        composite.SetForegroundVolumeID(None)
    layout = scene.GetFirstNodeByClass("vtkMRMLLayoutNode")
    layout.SetViewArrangement(slicer.vtkMRMLLayoutNode.SlicerLayoutSideBySideView)


def is_shown(scene: slicer.vtkMRMLScene, name: str) -> bool:
    """Whether the scene still holds the pictures of a case; who closes it takes them away."""
    return {"t1", "t2"} <= {node.GetAttribute(ROLE) for node in _nodes_of(scene, name)}


def show_revealed(scene: slicer.vtkMRMLScene, name: str, labels: Path, graded: GradedStudy | None) -> None:
    """Add the true Modic changes of a case that is shown, and what the machine found, if it did.

    `labels` is the file of true labels, on the grid of T2.
    """
    images = {node.GetAttribute(ROLE): node for node in _nodes_of(scene, name)}
    array, affine = from_image(sitk.ReadImage(str(labels)))
    changes = np.where(np.isin(array, [one.label for one in TRUE_CHANGES]), array, 0).astype(np.uint8)
    truth = add_segmentation(scene, f"{name} true changes", changes, affine, TRUE_CHANGES, images["t2"])
    display.show_true_changes(_mark(truth, name, "truth"))
    _file(scene, truth, _folder(scene, name))
    if graded is not None:
        build_scene(graded, scene, machine_study(name), volumes={role: images[role] for role in VIEWS})


def remove_lesson(scene: slicer.vtkMRMLScene, name: str) -> None:
    """Remove all that was shown of a case, and nothing else."""
    remove_study(scene, machine_study(name))
    for node in _nodes_of(scene, name):
        _hierarchy(scene).RemoveItem(_hierarchy(scene).GetItemByDataNode(node), False, False)
        for unwanted in (node, node.GetDisplayNode()):
            scene.RemoveNode(unwanted)
    if folder := _folder(scene, name):
        _hierarchy(scene).RemoveItem(folder, False, False)


def machine_study(name: str) -> str:
    """Name of the machine's study of a case, for `scene.focus` and `scene.visibility`."""
    return f"{name}: machine"


def _true_change(type_: str) -> Structure:
    """A mixed type has the color of its first one, in a darker shade."""
    first = next(one for one in MODIC_CHANGES if one.name == f"Modic {type_.split('/')[0]}")
    shade = first.color if "/" not in type_ else tuple(round(0.7 * channel) for channel in first.color)
    return replace(first, label=lesion_label(type_), name=f"True Modic {type_}", color=shade)


TRUE_CHANGES = tuple(map(_true_change, LESION_TYPES))
"""The structures of `simulation.case.lesion_label`."""


def _read(path: Path, contrast: str) -> Volume:
    array, affine = from_image(sitk.ReadImage(str(path)))
    return Volume(array.astype(np.float32), affine, contrast)


def _mark(node: slicer.vtkMRMLNode, name: str, role: str) -> slicer.vtkMRMLNode:
    node.SetAttribute(LESSON, name)
    node.SetAttribute(ROLE, role)
    return node


def _nodes_of(scene: slicer.vtkMRMLScene, name: str) -> list[slicer.vtkMRMLNode]:
    nodes = [scene.GetNthNode(number) for number in range(scene.GetNumberOfNodes())]
    return [node for node in nodes if node.GetAttribute(LESSON) == name]


def _hierarchy(scene: slicer.vtkMRMLScene) -> slicer.vtkMRMLSubjectHierarchyNode:
    return slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(scene)


def _folder(scene: slicer.vtkMRMLScene, name: str) -> int:
    item = _hierarchy(scene).GetItemChildWithName(_hierarchy(scene).GetSceneItemID(), name)
    return item if item and _hierarchy(scene).GetItemAttribute(item, LESSON) == name else 0


def _file(scene: slicer.vtkMRMLScene, node: slicer.vtkMRMLNode, folder: int) -> None:
    """Put a node under a folder; the application makes an item for every node by itself, slicer-core does not."""
    hierarchy = _hierarchy(scene)
    hierarchy.SetItemParent(hierarchy.GetItemByDataNode(node) or hierarchy.CreateItem(folder, node), folder)
