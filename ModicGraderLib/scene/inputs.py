"""The volumes of a scene that can be graded."""

from __future__ import annotations

import slicer

from .build import STUDY
from .pairing import Candidate, guess_pair

SAGITTAL_COSINE = 0.8
"""Least cosine between the direction of the slices and left-right; sagittal series lean by some degrees."""


def guess_inputs(
    scene: slicer.vtkMRMLScene,
) -> tuple[slicer.vtkMRMLScalarVolumeNode | None, slicer.vtkMRMLScalarVolumeNode | None]:
    """The volumes that are most likely the sagittal T1 and T2 of one examination; None where no name says so.

    Volumes that a graded study has made are not asked.
    """
    hierarchy = slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(scene)
    candidates = []
    for number in range(scene.GetNumberOfNodesByClass("vtkMRMLScalarVolumeNode")):
        node = scene.GetNthNodeByClass(number, "vtkMRMLScalarVolumeNode")
        # Label maps are scalar volumes too.
        if node.GetClassName() != "vtkMRMLScalarVolumeNode" or node.GetAttribute(STUDY):
            continue
        item = hierarchy.GetItemByDataNode(node)
        study = hierarchy.GetItemAncestorAtLevel(item, "Study") if item else None
        candidates.append(Candidate(node.GetID(), node.GetName() or "", _is_sagittal(node), study or None))
    first, second = guess_pair(candidates)
    return scene.GetNodeByID(first) if first else None, scene.GetNodeByID(second) if second else None


def _is_sagittal(node: slicer.vtkMRMLScalarVolumeNode) -> bool:
    directions = [[0.0] * 3 for _ in range(3)]
    node.GetIJKToRASDirections(directions)
    return abs(directions[0][2]) >= SAGITTAL_COSINE
