"""A graded study out of the nodes of a scene: one that was just built, or saved, opened and edited."""

from __future__ import annotations

import json

import numpy as np
import slicer

from ..errors import InputError
from ..graded import MACHINE_MAP, GradedStudy
from ..grid import Grid
from ..handover import from_words
from ..io.orientation import to_canonical
from ..localization.spine import SpineLocation
from ..map_edits import record_edits
from ..renaming import rename_discs
from ..terminology import MODIC_CHANGES, SPINE
from . import SceneError
from .build import HEAT_VOLUMES, ROLE, STUDY_NAME, find_study, read_report
from .nodes import patient_affine, segment_labels, voxels
from .volumes import dicom_files

SAME_MM = 0.01
"""Voxels that lie so close are the same: files of volumes keep fewer digits than memory does."""

UNNAMED = "reader"
"""Who edited the map, where no one said."""


def read_graded(
    scene: slicer.vtkMRMLScene, name: str = STUDY_NAME, reader: str = UNNAMED, when: str | None = None
) -> GradedStudy:
    """The graded study of that name in a scene, ready for `export.write_results`.

    Where the map was edited, its report has a correction of the map at each disc concerned, made by `reader` unless it
    is recorded already, and its maps hold the program's own map as well.

    Raises
    ------
    SceneError
        The scene holds no such study, or no longer the volumes it was made of.
    InputError
        Something is drawn in the map that is no type of change.
    """
    graded = read_location(scene, name)
    nodes = find_study(scene, name)
    maps = {role: voxels(getattr(nodes, role).GetImageData()) for role in HEAT_VOLUMES if getattr(nodes, role)}
    if nodes.modic is not None:
        drawn, unknown = segment_labels(nodes.modic, MODIC_CHANGES, graded.study.reference.grid)
        if unknown:
            types = ", ".join(structure.name for structure in MODIC_CHANGES)
            raise InputError(f"The segment {unknown[0]!r} is no type of Modic change; name it one of: {types}.")
        machine = voxels(nodes.machine_map.GetImageData())
        maps["modic_map"] = drawn
        if not np.array_equal(drawn, machine):
            maps[MACHINE_MAP] = machine
    return record_edits(GradedStudy(graded.study, graded.location, graded.report, maps), reader, when)


def read_location(scene: slicer.vtkMRMLScene, name: str = STUDY_NAME) -> GradedStudy:
    """The same without maps, and with the report as it is recorded."""
    nodes, report = find_study(scene, name), read_report(scene, name)
    told = json.loads(nodes.words.GetText())
    arrays = {role: _array(getattr(nodes, role), role, told, name) for role in told["volumes"]}
    reference = "t2" if "t2" in arrays else "t1"
    grid = Grid(np.array(told["volumes"][reference]["affine"]), arrays[reference].shape)
    # What is no structure of ours is the user's own.
    labels, _ = segment_labels(nodes.spine, SPINE, grid)
    files = {role: dicom_files(getattr(nodes, role)) for role in arrays}
    graded = from_words(nodes.words.GetText(), report, arrays, labels, {}, files)
    discs = rename_discs(graded.location.discs, told["lowest_disc"], report.numbering.lowest_disc)
    return GradedStudy(graded.study, SpineLocation(discs, report.numbering, labels), report)


def _array(node: slicer.vtkMRMLScalarVolumeNode | None, role: str, told: dict, name: str) -> np.ndarray:
    """The canonical array (slices, rows, columns) of a volume, which lies where it lay when it was graded."""
    if node is None or node.GetImageData() is None:
        raise SceneError(f"the scene no longer holds the {role.upper()} volume of {name}")
    if node.GetAttribute(ROLE):
        return voxels(node.GetImageData())
    # The user's own volume may have its axes in another order, and T1 may have been moved onto T2.
    array, affine = to_canonical(voxels(node.GetImageData())[::-1], patient_affine(node), role.upper())
    graded = np.array(told["volumes"][role]["affine"])
    if role == "t1" and told["alignment"]["applied"]:
        affine[:3, 3] += told["alignment"]["shift_lps_mm"]
    if not np.allclose(affine, graded, atol=SAME_MM):
        raise SceneError(f"the {role.upper()} volume of {name} lies elsewhere than when it was graded; grade it again")
    return array.astype(np.float32)
