"""The panel as a user sees it: choose, apply, watch, cancel, read, correct, save, reopen, export."""

from __future__ import annotations

import json

import pytest
from example_worker import launcher

pytestmark = pytest.mark.slicer

MODULE = "ModicGrader/ModicGrader.py"


@pytest.fixture
def panel(host, monkeypatch):
    """The opened panel, with the example's T1 and T2 in the scene, and a way to say how the worker ends."""
    import slicer
    from graded_example import example_graded_study

    from ModicGraderLib.scene import grading
    from ModicGraderLib.scene.nodes import add_volume

    study = example_graded_study().study
    for name, volume in (("t1_tse_sag", study.t1), ("t2_tse_sag", study.t2)):
        add_volume(slicer.mrmlScene, name, volume.array, volume.affine)
    widget = host.open_module(MODULE)
    widget.worker_ends = lambda how: monkeypatch.setattr(grading, "launcher", lambda: launcher(how))
    widget.worker_ends("done")
    yield widget
    widget.cleanup()


def _apply(host, panel) -> None:
    panel.ui.applyButton.click()
    host.wait_until(lambda: not panel.logic.isGrading() and panel.ui.applyButton.text == "Apply", 120)


def _graded(host, panel):
    _apply(host, panel)
    panel.ui.readerLineEdit.setText("A. Reader")
    panel.ui.resultsTable.selectRow(4)
    return panel


def _cells(panel) -> list[list[str]]:
    table = panel.ui.resultsTable
    return [[table.item(row, column).text() for column in range(table.columnCount)] for row in range(table.rowCount)]


def _nodes() -> set[str]:
    import slicer

    scene = slicer.mrmlScene
    return {scene.GetNthNode(number).GetID() for number in range(scene.GetNumberOfNodes())}


def _choose(box, text: str) -> None:
    """What a user does: open the box and choose."""
    index = box.findText(text)
    assert index >= 0, f"{text} is not among the choices"
    box.setCurrentIndex(index)
    box.activated(index)


def test_t1_and_t2_are_found_among_the_volumes_and_apply_is_ready(panel):
    assert panel.ui.t1Selector.currentNode().GetName() == "t1_tse_sag"
    assert panel.ui.t2Selector.currentNode().GetName() == "t2_tse_sag"
    assert panel.ui.applyButton.enabled


def test_without_a_volume_apply_is_not_ready_and_says_what_is_missing(panel):
    panel.ui.t1Selector.setCurrentNode(None)
    panel.ui.t2Selector.setCurrentNode(None)
    assert not panel.ui.applyButton.enabled
    assert "Choose T1" in panel.ui.applyButton.toolTip


def test_apply_shows_progress_and_then_a_row_for_every_disc(host, panel):
    seen, report = [], panel.onProgress
    panel.onProgress = lambda fraction, text: (seen.append((fraction, text)), report(fraction, text))
    panel.ui.applyButton.click()
    assert panel.ui.applyButton.text == "Cancel"
    host.wait_until(lambda: panel.ui.applyButton.text == "Apply", 120)
    assert [text for _, text in seen] == ["Reading T1", "Finding the discs", "Grading the discs"]
    assert [fraction for fraction, _ in seen] == sorted(fraction for fraction, _ in seen)
    assert [row[0] for row in _cells(panel)] == ["T12/L1", "L1/L2", "L2/L3", "L3/L4", "L4/L5", "L5/S1"]
    assert "T12/L1" in panel.ui.qualityLabel.text


def test_cancel_leaves_the_scene_as_it_was(host, panel):
    panel.worker_ends("waits")
    before = _nodes()
    panel.ui.applyButton.click()
    host.wait_until(lambda: panel.ui.progressBar.value > 0, 120)
    panel.ui.applyButton.click()
    host.wait_until(lambda: panel.ui.applyButton.text == "Apply", 60)
    assert _nodes() == before
    assert "as it was" in panel.ui.stageLabel.text
    assert panel.ui.resultsTable.rowCount == 0


@pytest.mark.parametrize(
    ("how", "words"),
    [
        pytest.param("wrong", "No lumbar spine is seen", id="wrong"),
        pytest.param("broken", "a fault of ModicGrader", id="broken"),
    ],
)
def test_what_goes_wrong_is_said_in_one_sentence_and_leaves_the_scene_as_it_was(host, panel, how, words):
    panel.worker_ends(how)
    before = _nodes()
    _apply(host, panel)
    assert words in host.dialogs.shown[-1].text
    assert words in panel.ui.stageLabel.text
    assert _nodes() == before


def test_a_click_on_a_row_brings_the_views_to_the_disc(host, panel):
    import slicer

    _apply(host, panel)
    disc = panel.logic.report(panel.logic.getParameterNode().study).discs[4]
    panel.ui.resultsTable.selectRow(4)
    view = slicer.mrmlScene.GetSingletonNode("Yellow", "vtkMRMLSliceNode")
    plane = view.GetSliceToRAS()
    normal = [plane.GetElement(row, 2) for row in range(3)]
    there = [plane.GetElement(row, 3) for row in range(3)]
    center = [-disc.center_lps_mm[0], -disc.center_lps_mm[1], disc.center_lps_mm[2]]
    away = sum(axis * (one - other) for axis, one, other in zip(normal, there, center, strict=True))
    assert abs(away) < 2.5, "farther than half a slice"
    assert panel.ui.correctedDiscLabel.text == "L4/L5"


def test_turning_the_views_along_the_disc_acts_at_once_and_back_again(host, panel):
    import slicer

    def plane() -> list[float]:
        matrix = slicer.mrmlScene.GetSingletonNode("Yellow", "vtkMRMLSliceNode").GetSliceToRAS()
        return [matrix.GetElement(row, column) for row in range(3) for column in range(4)]

    _apply(host, panel)
    panel.ui.resultsTable.selectRow(4)
    before = plane()
    panel.ui.alignedCheckBox.click()
    assert plane() != pytest.approx(before, abs=0.01)
    panel.ui.alignedCheckBox.click()
    assert plane() == pytest.approx(before, abs=0.01)


def test_a_grade_is_corrected_kept_beside_the_programs_and_taken_back(host, panel):
    _graded(host, panel)
    before = _cells(panel)
    _choose(panel.ui.pfirrmannComboBox, "2")
    assert _cells(panel)[4][3].startswith("2 ")
    assert "Pfirrmann grade: 4 → 2" in panel.ui.correctionsLabel.text
    panel.ui.undoButton.click()
    assert _cells(panel) == before
    assert panel.ui.correctionsLabel.text == ""


def test_a_correction_needs_the_readers_name(host, panel):
    _graded(host, panel)
    panel.ui.readerLineEdit.setText(" ")
    before = _cells(panel)
    _choose(panel.ui.pfirrmannComboBox, "2")
    assert "your name" in host.dialogs.shown[-1].text
    assert _cells(panel) == before
    assert panel.ui.pfirrmannComboBox.currentText == "4", "the box shows again what counts"


def test_a_level_is_renamed_and_with_it_all_others(host, panel):
    _graded(host, panel)
    _choose(panel.ui.levelComboBox, "L3/L4")
    assert [row[0] for row in _cells(panel)] == ["T11/T12", "T12/L1", "L1/L2", "L2/L3", "L3/L4", "L4/L5"]
    panel.ui.undoButton.click()
    assert [row[0] for row in _cells(panel)][-1] == "L5/S1"


def test_switches_show_and_hide_what_lies_over_the_pictures(host, panel):
    import slicer

    from ModicGraderLib.scene.build import find_study

    _apply(host, panel)
    nodes = find_study(slicer.mrmlScene, panel.logic.getParameterNode().study)
    assert nodes.levels.GetDisplayVisibility()
    panel.ui.labelsCheckBox.click()
    assert not nodes.levels.GetDisplayVisibility()
    panel.ui.heatComboBox.setCurrentIndex(panel.ui.heatComboBox.findText("evidence"))
    composite = slicer.mrmlScene.GetSingletonNode("Red", "vtkMRMLSliceCompositeNode")
    assert composite.GetForegroundVolumeID() == nodes.evidence.GetID()
    assert composite.GetForegroundOpacity() == pytest.approx(0.5)


def test_a_saved_and_reopened_scene_has_its_results_and_corrections_back(host, panel, tmp_path):
    import slicer

    _graded(host, panel)
    _choose(panel.ui.pfirrmannComboBox, "2")
    shown = _cells(panel)
    bundle = tmp_path / "scene.mrb"
    assert slicer.util.saveScene(str(bundle))
    slicer.mrmlScene.Clear(False)
    assert panel.ui.resultsTable.rowCount == 0
    slicer.util.loadScene(str(bundle))
    assert _cells(panel) == shown
    assert "4 → 2" in panel.ui.correctionsLabel.text
    assert panel.ui.readerLineEdit.text == "A. Reader"


def test_files_are_written_as_the_study_counts_now(host, panel, tmp_path):
    _graded(host, panel)
    _choose(panel.ui.pfirrmannComboBox, "2")
    panel.ui.exportDirectoryButton.directory = str(tmp_path / "result")
    panel.ui.exportButton.click()
    report = json.loads((tmp_path / "result" / "report.json").read_text(encoding="utf-8"))
    assert report["discs"][4]["pfirrmann"]["grade"] == 2
    assert report["corrections"][0]["machine"] == 4
    panel.ui.showPageButton.click()
    assert host.dialogs.shown[-1].text.endswith("report.html")


def test_a_second_run_replaces_its_own_nodes_and_no_others(host, panel):
    _apply(host, panel)
    after_one = len(_nodes())
    _apply(host, panel)
    assert len(_nodes()) == after_one


def test_a_study_that_is_graded_again_is_shown_anew(host, panel):
    _graded(host, panel)
    before = _cells(panel)
    _choose(panel.ui.pfirrmannComboBox, "2")
    assert _cells(panel) != before
    _apply(host, panel)
    assert _cells(panel) == before
    assert panel.ui.correctionsLabel.text == ""


def test_grades_in_doubt_are_shown_when_asked_for(host, panel):
    _apply(host, panel)
    assert _cells(panel)[0][3] == "–"
    panel.ui.doubtfulCheckBox.click()
    assert _cells(panel)[0][3].endswith("?")


def test_models_are_named_and_verified(host, panel):
    assert "disc-grader" in panel.ui.modelsLabel.text
    panel.ui.verifyModelsButton.click()
    assert "whole" in panel.ui.stageLabel.text
