"""A graded study as MRML nodes, and as an `.mrb` file."""

from __future__ import annotations

import json
import tempfile
from dataclasses import MISSING, dataclass, fields
from pathlib import Path

import slicer

from ..graded import MACHINE_MAP, GradedStudy
from ..handover import to_words
from ..report import StudyReport
from ..terminology import MODIC_CHANGES, SPINE
from . import SceneError, display, findings
from .host import Host, current_scene
from .nodes import add_label_volume, add_points, add_segmentation, add_table, add_text, add_volume

STUDY_NAME = "ModicGrader study"

HEAT_VOLUMES = {"modic_probability": "Modic probability", "evidence": "Evidence"}
"""Maps that are shown as heat, with what a reader sees them called."""

STUDY, ROLE = "ModicGrader.study", "ModicGrader.role"
"""Attributes of every node made here: the study it belongs to, and what it is in it (a field of `SceneNodes`)."""

IMAGES = {"t1": "ModicGrader.t1", "t2": "ModicGrader.t2"}
"""Roles of the report node's references to the volumes: those of the user carry no attributes of ours."""


@dataclass
class SceneNodes:
    """The nodes of one graded study; None where the study has no such thing.

    Attributes
    ----------
    t1, t2:
        Scalar volumes.
    spine:
        Segmentation of vertebrae, discs and canal.
    modic:
        Segmentation of the Modic changes, one segment for each type.
    levels, corners:
        Point lists: the name of every disc at a point behind it, and its four endplate corners.
    table:
        One row for each disc.
    modic_probability, evidence:
        Scalar volumes with a heat color map, see-through where there is nothing.
    machine_map:
        Hidden label volume: the Modic changes as the program mapped them, whatever a reader makes of `modic`.
    report:
        Text node with the report's JSON; `read_report` gets it back. It refers to the volumes as `IMAGES` says.
    words:
        Hidden text node with what `read.read_graded` needs beside: `handover.to_words`.
    folder:
        Item of the study in the subject hierarchy.
    """

    spine: slicer.vtkMRMLSegmentationNode
    levels: slicer.vtkMRMLMarkupsFiducialNode
    corners: slicer.vtkMRMLMarkupsFiducialNode
    table: slicer.vtkMRMLTableNode
    report: slicer.vtkMRMLTextNode
    words: slicer.vtkMRMLTextNode
    t1: slicer.vtkMRMLScalarVolumeNode | None = None
    t2: slicer.vtkMRMLScalarVolumeNode | None = None
    modic: slicer.vtkMRMLSegmentationNode | None = None
    machine_map: slicer.vtkMRMLLabelMapVolumeNode | None = None
    modic_probability: slicer.vtkMRMLScalarVolumeNode | None = None
    evidence: slicer.vtkMRMLScalarVolumeNode | None = None
    folder: int = 0


def build_scene(
    graded: GradedStudy,
    scene: slicer.vtkMRMLScene | None = None,
    name: str = STUDY_NAME,
    volumes: dict[str, slicer.vtkMRMLScalarVolumeNode] | None = None,
) -> SceneNodes:
    """Add a graded study to a scene, under one study item of the subject hierarchy.

    Parameters
    ----------
    graded:
        What the pipeline found.
    scene:
        Where to; without one the application's scene, or in plain Python one that is made for it.
    name:
        Name of the study item. What an earlier call added under the same name is replaced; no other node is touched.
    volumes:
        The nodes that T1 and T2 were read from (`{"t1": ..., "t2": ...}`), where they are in the scene already.
    """
    scene = scene or current_scene()
    earlier, there = _nodes_of(scene, name), {node.GetID() for node in _all(scene)}
    given = volumes or {}
    try:
        nodes = {**_images(graded, scene, given), **_findings(graded, scene)}
    except BaseException:
        _remove(scene, [node for node in _all(scene) if node.GetID() not in there])
        raise
    for role, reference in IMAGES.items():
        nodes["report"].SetNodeReferenceID(reference, nodes[role].GetID() if role in nodes else None)
    own = {role: node for role, node in nodes.items() if role not in given}
    for role, node in own.items():
        node.SetAttribute(STUDY, name)
        node.SetAttribute(ROLE, role)
    # Only now that the new result is whole.
    _remove(scene, earlier)
    return SceneNodes(**nodes, folder=_file(scene, name, list(own.values()), given))


def write_scene(graded: GradedStudy, path: Path) -> None:
    """Write a graded study as an `.mrb` that opens with T1 beside T2; the file appears whole or not at all.

    Works in this process, on a scene of its own. Raises `SceneError` where Slicer cannot write it.
    """
    from .views import arrange_views

    host = Host()
    nodes = build_scene(graded, host.scene)
    arrange_views(host.scene, nodes, graded)
    # A folder rather than a hidden name: Slicer names the scene inside the bundle after the file.
    with tempfile.TemporaryDirectory(dir=path.parent, prefix=".unfinished-") as folder:
        # Slicer zips the bundle from another working folder, where a relative path would lead nowhere.
        unfinished = Path(folder).resolve() / path.name
        if not host.scene.WriteToMRB(str(unfinished)):
            raise SceneError(f"Slicer could not write {path.name}; check that the disk has room")
        unfinished.replace(path)


def read_report(scene: slicer.vtkMRMLScene, name: str = STUDY_NAME) -> StudyReport:
    """The report of a study in a scene. Raises `SceneError` where the scene holds none."""
    for node in _nodes_of(scene, name):
        if node.GetAttribute(ROLE) == "report":
            return StudyReport.from_dict(json.loads(node.GetText()))
    raise SceneError(f"the scene holds no report of {name}")


def find_study(scene: slicer.vtkMRMLScene, name: str = STUDY_NAME) -> SceneNodes:
    """The nodes of a study in a scene, also in one that was opened.

    Raises `SceneError` where the study is not there, or no longer whole: users may remove any node.
    """
    nodes = nodes_by_role(scene, name)
    missing = [one.name for one in fields(SceneNodes) if one.default is MISSING and one.name not in nodes]
    if missing:
        raise SceneError(f"the scene no longer holds the {' and the '.join(missing)} of {name}; grade it again")
    return SceneNodes(**nodes, folder=_folder(scene, name))


def nodes_by_role(scene: slicer.vtkMRMLScene, name: str = STUDY_NAME) -> dict[str, slicer.vtkMRMLNode]:
    """What is left of a study in a scene, by the fields of `SceneNodes`. Raises `SceneError` where no report is."""
    nodes = {node.GetAttribute(ROLE): node for node in _nodes_of(scene, name)}
    if "report" not in nodes:
        raise SceneError(f"the scene holds no report of {name}")
    images = {role: nodes["report"].GetNodeReference(reference) for role, reference in IMAGES.items()}
    return {**nodes, **{role: image for role, image in images.items() if image is not None}}


def studies(scene: slicer.vtkMRMLScene) -> dict[str, slicer.vtkMRMLScalarVolumeNode]:
    """The graded studies of a scene by name, each with the volume that its results lie on: T2 where there is one."""
    reports = [node for node in _all(scene) if node.GetAttribute(STUDY) and node.GetAttribute(ROLE) == "report"]
    return {
        node.GetAttribute(STUDY): node.GetNodeReference(IMAGES["t2"]) or node.GetNodeReference(IMAGES["t1"])
        for node in reports
    }


def remove_study(scene: slicer.vtkMRMLScene, name: str = STUDY_NAME) -> None:
    """Remove what `build_scene` added under this name, with its display and storage nodes, and nothing else."""
    _remove(scene, _nodes_of(scene, name))
    if folder := _folder(scene, name):
        _hierarchy(scene).RemoveItem(folder, False, False)


def _remove(scene: slicer.vtkMRMLScene, nodes: list[slicer.vtkMRMLNode]) -> None:
    """Remove nodes, their items in the subject hierarchy, and what displays and stores them."""
    hierarchy = _hierarchy(scene)
    for node in nodes:
        # First its item: the application removes that along with the node, slicer-core leaves it behind without a name.
        if item := hierarchy.GetItemByDataNode(node):
            hierarchy.RemoveItem(item, False, False)
        helpers = [
            node.GetNthNodeReference(role, number)
            for role in ("display", "storage")
            for number in range(node.GetNumberOfNodeReferences(role))
        ]
        for unwanted in (node, *helpers):
            if unwanted is not None and scene.IsNodePresent(unwanted):
                scene.RemoveNode(unwanted)


def _all(scene: slicer.vtkMRMLScene) -> list[slicer.vtkMRMLNode]:
    return [scene.GetNthNode(number) for number in range(scene.GetNumberOfNodes())]


def _nodes_of(scene: slicer.vtkMRMLScene, name: str) -> list[slicer.vtkMRMLNode]:
    return [node for node in _all(scene) if node.GetAttribute(STUDY) == name]


def _hierarchy(scene: slicer.vtkMRMLScene) -> slicer.vtkMRMLSubjectHierarchyNode:
    return slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(scene)


def _folder(scene: slicer.vtkMRMLScene, name: str) -> int:
    """Item of a study in the subject hierarchy, 0 where there is none."""
    hierarchy = _hierarchy(scene)
    folder = hierarchy.GetItemChildWithName(hierarchy.GetSceneItemID(), name, True)
    return folder if folder and hierarchy.GetItemAttribute(folder, STUDY) == name else 0


def _images(graded: GradedStudy, scene: slicer.vtkMRMLScene, given: dict) -> dict[str, slicer.vtkMRMLNode]:
    """The volumes, the segmentations and the heat volumes, by role."""
    nodes = dict(given)
    for role, volume in (("t1", graded.study.t1), ("t2", graded.study.t2)):
        if volume is not None and role not in given:
            title = role.upper() if volume.contrast == role else "T2 fat-suppressed"
            nodes[role] = add_volume(scene, title, volume.array, volume.affine)
            display.show_gray(nodes[role], volume.array)
    reference = nodes.get("t2", nodes.get("t1"))
    affine = graded.study.reference.affine
    nodes["spine"] = add_segmentation(scene, "Spine", graded.location.labels, affine, SPINE, reference)
    display.show_spine(nodes["spine"])
    if "modic_map" in graded.maps:
        changes = graded.maps["modic_map"]
        nodes["modic"] = add_segmentation(scene, "Modic changes", changes, affine, MODIC_CHANGES, reference)
        display.show_modic(nodes["modic"])
        machine = graded.maps.get(MACHINE_MAP, changes)
        nodes["machine_map"] = add_label_volume(scene, "Modic changes (program)", machine, affine)
    for role, title in HEAT_VOLUMES.items():
        if role in graded.maps:
            nodes[role] = add_volume(scene, title, graded.maps[role], affine)
            display.show_heat(nodes[role], graded.maps[role])
    return nodes


def _findings(graded: GradedStudy, scene: slicer.vtkMRMLScene) -> dict[str, slicer.vtkMRMLNode]:
    """The markups, the table and the report, by role."""
    report = graded.report
    nodes = {
        "levels": add_points(scene, "Disc levels", findings.levels(report)),
        "corners": add_points(scene, "Endplate corners", findings.corners(report)),
        "table": add_table(scene, "ModicGrader results", findings.table(report)),
        "report": add_text(scene, "ModicGrader report", report.to_json()),
        "words": add_text(scene, "ModicGrader study data", to_words(graded)),
    }
    nodes["words"].SetHideFromEditors(True)
    display.show_levels(nodes["levels"])
    display.show_corners(nodes["corners"])
    return nodes


def _file(
    scene: slicer.vtkMRMLScene, name: str, nodes: list[slicer.vtkMRMLNode], given: dict[str, slicer.vtkMRMLNode]
) -> int:
    """Put the nodes into the study's folder in the subject hierarchy, and return its item."""
    hierarchy = _hierarchy(scene)
    folder = _folder(scene, name) or _new_folder(hierarchy, name, given.get("t2", given.get("t1")))
    hierarchy.SetItemAttribute(folder, STUDY, name)
    for node in nodes:
        if node.GetHideFromEditors():
            continue
        # The application makes an item for every node by itself, slicer-core does not.
        item = hierarchy.GetItemByDataNode(node) or hierarchy.CreateItem(folder, node)
        hierarchy.SetItemParent(item, folder)
    return folder


def _new_folder(
    hierarchy: slicer.vtkMRMLSubjectHierarchyNode, name: str, volume: slicer.vtkMRMLScalarVolumeNode | None
) -> int:
    """A folder in the study that `volume` belongs to, where DICOM export looks for it; otherwise a study of its own."""
    item = hierarchy.GetItemByDataNode(volume) if volume is not None else 0
    study = hierarchy.GetItemAncestorAtLevel(item, "Study") if item else 0
    if study:
        return hierarchy.CreateFolderItem(study, name)
    return hierarchy.CreateStudyItem(hierarchy.GetSceneItemID(), name)
