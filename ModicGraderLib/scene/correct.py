"""A reader's corrections in a scene: the nodes of a study say what its report says."""

from __future__ import annotations

import numpy as np
import slicer

from ..anatomy import CANAL_LABEL, DISCS_UPWARDS, VERTEBRAE_UPWARDS, disc_label, moved_up, steps_up, vertebra_label
from ..corrections import MODIC_MAP, check_names
from ..errors import InputError
from ..localization.spine import SpineLocation
from ..map_edits import take_back
from ..report import StudyReport
from ..terminology import MODIC_CHANGES, SPINE
from . import findings
from .build import STUDY_NAME, find_study, read_report
from .nodes import fill_points, fill_table, new_segment, set_segments
from .read import UNNAMED, read_graded, read_location


def set_report(scene: slicer.vtkMRMLScene, name: str, report: StudyReport) -> None:
    """Make a corrected report that of a study in the scene: its text, table, labels, segments' names, and map.

    The report comes from `build.read_report` by way of `corrections`. Where a correction of the map is no longer in it,
    the program's map comes back at that disc. Raises `InputError`, before anything is changed, where another numbering
    would leave a vertebra or disc in view without a name.
    """
    nodes, earlier = find_study(scene, name), read_report(scene, name)
    steps = steps_up(earlier.numbering.lowest_disc, report.numbering.lowest_disc)
    undone = _edited(earlier) - {moved_up(level, -steps) for level in _edited(report)}
    if steps or undone:
        graded = read_graded(scene, name) if undone else read_location(scene, name)
        affine = graded.study.reference.affine
        if undone:
            set_segments(nodes.modic, take_back(graded, undone), affine, MODIC_CHANGES)
        if steps:
            set_segments(nodes.spine, renamed_labels(graded.location, report.numbering.lowest_disc), affine, SPINE)
    fill_table(nodes.table, findings.table(report))
    fill_points(nodes.levels, findings.levels(report))
    fill_points(nodes.corners, findings.corners(report))
    # Last, because this is the node that others watch: when it changes, all the rest says the same.
    nodes.report.SetText(report.to_json())


def prepare_map(scene: slicer.vtkMRMLScene, name: str = STUDY_NAME) -> slicer.vtkMRMLSegmentationNode:
    """The segmentation of the Modic changes, with an empty segment for each type it has none of, ready to be edited."""
    node = find_study(scene, name).modic
    if node is None:
        raise InputError("This study has no Modic map to edit, because types need T1 and T2; grade both together.")
    for structure in MODIC_CHANGES:
        if node.GetSegmentation().GetSegment(structure.id) is None:
            node.GetSegmentation().AddSegment(new_segment(structure), structure.id)
    return node


def record_map(
    scene: slicer.vtkMRMLScene, name: str = STUDY_NAME, reader: str = UNNAMED, when: str | None = None
) -> StudyReport:
    """Record what was edited in the map of a study as corrections of its report, and return that report.

    Errors are those of `read.read_graded`.
    """
    report = read_graded(scene, name, reader, when).report
    set_report(scene, name, report)
    return report


def renamed_labels(location: SpineLocation, lowest_disc: str) -> np.ndarray:
    """The spine's labels (slices, rows, columns) uint8 with the names that follow from another lowest disc."""
    old = location.numbering.lowest_disc
    values = {vertebra_label(one): one for one in VERTEBRAE_UPWARDS} | {disc_label(one): one for one in DISCS_UPWARDS}
    there = [values[value] for value in np.unique(location.labels).tolist() if value in values]
    check_names([*there, *(disc.level for disc in location.discs)], old, lowest_disc)
    table = np.zeros(256, np.uint8)
    table[CANAL_LABEL] = CANAL_LABEL
    for one in there:
        new = moved_up(one, steps_up(old, lowest_disc))
        table[disc_label(one) if "/" in one else vertebra_label(one)] = (
            disc_label(new) if "/" in new else vertebra_label(new)
        )
    return table[location.labels]


def _edited(report: StudyReport) -> set[str]:
    return {one.level for one in report.corrections if one.field == MODIC_MAP and one.level is not None}
