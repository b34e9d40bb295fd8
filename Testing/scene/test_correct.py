"""A reader corrects a graded study in the scene: every node says the same, and everything can be taken back."""

import dataclasses

import numpy as np
import pytest
from graded_example import example_graded_study

from ModicGraderLib.anatomy import CANAL_LABEL, vertebra_label
from ModicGraderLib.corrections import correct, machine_report, renumber, undo
from ModicGraderLib.errors import InputError

pytestmark = pytest.mark.slicer

GRADED = example_graded_study()
MAP, T2 = GRADED.maps["modic_map"], GRADED.study.t2
NAME, NOON = "ModicGrader study", "2026-01-31T12:00:00+00:00"


def shown(nodes) -> dict:
    """All that names, grades and places say in the nodes."""
    table = nodes.table.GetTable()
    columns = {table.GetColumnName(i): table.GetColumn(i) for i in range(table.GetNumberOfColumns())}
    spine = nodes.spine.GetSegmentation()
    points = {
        role: [
            (
                node.GetNthControlPointLabel(i),
                node.GetNthControlPointDescription(i),
                *node.GetNthControlPointPosition(i),
            )
            for i in range(node.GetNumberOfControlPoints())
        ]
        for role, node in (("levels", nodes.levels), ("corners", nodes.corners))
    }
    cells = {
        title: [str(column.GetValue(i)) for i in range(table.GetNumberOfRows())] for title, column in columns.items()
    }
    segments = {name: spine.GetSegment(name).GetName() for name in spine.GetSegmentIDs()}
    return {"table": cells, "segments": segments, "report": nodes.report.GetText(), **points}


def revise(scene, change, *arguments) -> None:
    from ModicGraderLib.scene.build import read_report
    from ModicGraderLib.scene.correct import set_report

    set_report(scene, NAME, change(read_report(scene), *arguments))


def read(scene):
    from ModicGraderLib.scene.read import read_graded

    return read_graded(scene, when=NOON)


def draw(node, identifier: str, mask: np.ndarray) -> None:
    import slicer

    from ModicGraderLib.scene.nodes import oriented_image

    logic = slicer.vtkSlicerSegmentationsModuleLogic
    image = oriented_image(mask.astype(np.uint8), T2.affine)
    assert logic.SetBinaryLabelmapToSegment(image, node, identifier, logic.MODE_REPLACE)


def test_a_corrected_grade_is_shown_by_every_node_and_goes_when_it_is_undone(scene, nodes):
    before = shown(nodes)
    revise(scene, correct, "L4/L5", "pfirrmann", 2, "AB", NOON)
    now = shown(nodes)
    assert now["table"]["Pfirrmann"][4] == "2"
    assert now["table"]["Corrected by a reader"][4] == "Pfirrmann grade: 4 → 2 (AB, 2026-01-31 12:00 UTC)"
    assert now["levels"][4][:2] == ("L4/L5", "Modic II, Pfirrmann 2")
    revise(scene, undo)
    assert shown(nodes) == before


def test_another_number_moves_labels_segments_codes_and_corners_together(scene, nodes):
    before = shown(nodes)
    revise(scene, renumber, "L4/L5", "AB", NOON)
    now = shown(nodes)
    assert [label for label, *_ in now["levels"]] == ["T11/T12", "T12/L1", "L1/L2", "L2/L3", "L3/L4", "L4/L5"]
    assert [place[2:] for place in now["levels"]] == [place[2:] for place in before["levels"]]
    assert now["corners"][0][0] == "T11/T12 upper anterior"
    assert now["segments"].keys() >= {"l5_vertebra", "l4_l5_disc", "t11_t12_disc"}
    assert not now["segments"].keys() & {"s1_vertebra", "l5_s1_disc"}
    assert now["segments"]["l4_l5_disc"] == "L4/L5 disc"
    back = read(scene)
    assert [disc.level for disc in back.location.discs] == [disc.level for disc in back.report.discs]
    old = GRADED.location.labels
    expected = np.where((old > 0) & (old != CANAL_LABEL), old + 1, old)
    np.testing.assert_array_equal(back.location.labels, expected)
    revise(scene, undo)
    assert shown(nodes) == before
    np.testing.assert_array_equal(read(scene).location.labels, old)


def test_a_number_that_leaves_a_vertebra_without_a_name_is_refused_and_changes_nothing(scene):
    from ModicGraderLib.scene.build import build_scene

    labels = GRADED.location.labels.copy()
    labels[0, :9, :9] = vertebra_label("T11")
    location = dataclasses.replace(GRADED.location, labels=labels)
    nodes = build_scene(dataclasses.replace(GRADED, location=location), scene)
    before = shown(nodes)
    with pytest.raises(
        InputError, match=r"With L2/L3 as the lowest disc, T11 would have no name; the lowest disc can be"
    ):
        revise(scene, renumber, "L2/L3", "AB", NOON)
    assert shown(nodes) == before


def test_undoing_an_edit_of_the_map_brings_the_program_s_back_at_that_disc_alone(scene, nodes):
    from ModicGraderLib.scene.correct import record_map

    smaller = (MAP == 1) & (np.indices(MAP.shape)[0] < 3)
    draw(nodes.modic, "modic_i", smaller)
    assert [one.level for one in record_map(scene, NAME, "AB", NOON).corrections] == ["L5/S1"]
    draw(nodes.modic, "modic_ii", np.zeros_like(MAP))
    assert [one.level for one in record_map(scene, NAME, "AB", NOON).corrections] == ["L5/S1", "L4/L5"]
    revise(scene, undo)
    back = read(scene)
    assert [one.level for one in back.report.corrections] == ["L5/S1"]
    np.testing.assert_array_equal(back.maps["modic_map"] == 2, MAP == 2)
    np.testing.assert_array_equal(back.maps["modic_map"] == 1, smaller)
    revise(scene, machine_report)
    back = read(scene)
    assert back.report == GRADED.report
    np.testing.assert_array_equal(back.maps["modic_map"], MAP)


def test_an_edit_outlives_another_number(scene, nodes):
    from ModicGraderLib.scene.correct import record_map

    draw(nodes.modic, "modic_ii", np.zeros_like(MAP))
    record_map(scene, NAME, "AB", NOON)
    revise(scene, renumber, "L4/L5", "AB", NOON)
    back = read(scene)
    assert [one.level for one in back.report.corrections] == ["L3/L4", None]
    assert not (back.maps["modic_map"] == 2).any()


def test_a_map_is_made_ready_with_a_segment_for_each_type(scene, nodes):
    from ModicGraderLib.scene.correct import prepare_map

    segmentation = prepare_map(scene).GetSegmentation()
    assert [segmentation.GetSegment(one).GetName() for one in segmentation.GetSegmentIDs()] == [
        "Modic I",
        "Modic II",
        "Modic III",
    ]
    assert read(scene).report == GRADED.report


def test_a_study_without_a_map_says_why_none_can_be_edited(scene):
    from ModicGraderLib.scene.build import build_scene
    from ModicGraderLib.scene.correct import prepare_map

    build_scene(dataclasses.replace(GRADED, maps={}), scene)
    with pytest.raises(InputError, match="no Modic map to edit"):
        prepare_map(scene)
