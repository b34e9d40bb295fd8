"""Brings the slice views to a disc."""

from __future__ import annotations

import numpy as np
import slicer

from ..errors import InputError
from ..report import DiscReport
from .build import nodes_by_role, read_report
from .nodes import LPS_TO_RAS, to_matrix, to_ras
from .volumes import array_of, ijk_to_world


def focus(scene: slicer.vtkMRMLScene, name: str, level: str, aligned: bool = False) -> None:
    """Bring every slice view of a scene to a disc of a study.

    Parameters
    ----------
    level:
        Name of the disc, for example "L4/L5".
    aligned:
        Turn the views along the disc: those that look from the side lie in its middle, with its endplates level; the
        others lie along it or across it. Otherwise each view lies in that slice of its own volume which is nearest.

    Raises
    ------
    InputError
        The study has no such disc.
    SceneError
        The scene holds no such study.
    """
    discs = {disc.level: disc for disc in read_report(scene, name).discs}
    if level not in discs:
        raise InputError(f"there is no disc {level!r} in {name}; choose one of {', '.join(discs)}")
    nodes = nodes_by_role(scene, name)
    image = nodes.get("t2", nodes.get("t1"))
    for number in range(scene.GetNumberOfNodesByClass("vtkMRMLSliceNode")):
        view = scene.GetNthNodeByClass(number, "vtkMRMLSliceNode")
        volume = _shown(scene, view) or image
        if aligned or volume is None:
            _turn(view, discs[level])
        else:
            _jump(view, discs[level], volume)


def _turn(view: slicer.vtkMRMLSliceNode, disc: DiscReport) -> None:
    """Turn a view to that plane of the disc which is nearest to the one it shows."""
    front, up = np.array(disc.anterior_lps), np.array(disc.normal_lps)
    left = np.cross(up, front)
    # What is to the right and above in the picture, by what the picture is looked at along: radiologists' usage.
    planes = [(left, -front, up), (up, left, front), (front, left, up)]
    looking = (LPS_TO_RAS @ array_of(view.GetSliceToRAS()))[:3, 2]
    _, right, above = max(planes, key=lambda plane: abs(plane[0] @ looking))
    plane = np.eye(4)
    plane[:3, :3] = np.stack([right, above, np.cross(right, above)], axis=1)
    plane[:3, 3] = disc.center_lps_mm
    view.GetSliceToRAS().DeepCopy(to_matrix(LPS_TO_RAS @ plane))
    view.UpdateMatrices()


def _jump(view: slicer.vtkMRMLSliceNode, disc: DiscReport, volume: slicer.vtkMRMLScalarVolumeNode) -> None:
    """Bring a view to the slice of a volume that is nearest to the disc, with the disc in the middle."""
    view.RotateToVolumePlane(volume)
    center = to_ras(np.array(disc.center_lps_mm))
    origin, across = _slices(volume, array_of(view.GetSliceToRAS())[:3, 2])
    # Whole slices only: between two of them a view would show what was never measured.
    off = (center - origin) @ across / (across @ across)
    view.JumpSliceByCentering(*(center + (np.round(off) - off) * across))


def _slices(volume: slicer.vtkMRMLScalarVolumeNode, normal: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """A voxel (3,) of a volume and the step (3,) from slice to slice along a plane's normal, in RAS mm of the world."""
    to_world = ijk_to_world(volume, "the volume")
    steps = to_world[:3, :3].T
    along = np.abs(steps @ normal) / np.linalg.norm(steps, axis=1)
    return to_world[:3, 3], steps[np.argmax(along)]


def _shown(scene: slicer.vtkMRMLScene, view: slicer.vtkMRMLSliceNode) -> slicer.vtkMRMLScalarVolumeNode | None:
    """The volume that a view shows."""
    composite = scene.GetSingletonNode(view.GetLayoutName(), "vtkMRMLSliceCompositeNode")
    identifier = composite.GetBackgroundVolumeID() if composite is not None else None
    return scene.GetNodeByID(identifier) if identifier else None
