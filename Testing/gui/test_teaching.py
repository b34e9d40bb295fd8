"""The section Teaching as a reader uses it, over the stand-ins for Slicer's widgets."""

import csv
import json

import pytest
from lesson_reader import Reader, item_words, lesson_nodes, node_names, scene
from lesson_worker import MACHINE_PFIRRMANN, LessonWorker, visible

from ModicGraderLib.anatomy import GRADED_DISCS

pytestmark = pytest.mark.slicer

TITLE = "Modic type I at both endplates of L4/L5"

REVEALING = ("modic", "healthy", "easy", "medium", "hard", "truth", "true", "lesion", "pfirrmann", "machine", "type")
"""Words that would tell a reader something of a case."""


@pytest.fixture
def reader(host, monkeypatch):
    from ModicGraderLib.gui import dependencies

    # The module whose requirements these are is not open here.
    monkeypatch.setattr(dependencies, "ensure_dependencies", lambda: None)
    one = Reader(host, LessonWorker(visible))
    yield one
    one.panel.cleanup()


def test_a_case_is_read_blind_revealed_and_scored(reader):
    reader.choose(reader.ui.findingComboBox, "Pfirrmann grades")
    assert not reader.ui.revealButton.enabled
    reader.begin()
    assert reader.ui.answersTable.rowCount == 6
    assert not reader.ui.revealButton.enabled, "nothing was answered yet"
    reader.answer("L4/L5", "pfirrmann", "3")
    reader.answer("L4/L5", "narrowing", "yes")
    assert reader.ui.revealButton.enabled
    reader.ui.revealButton.click()
    case = reader.panel.session.cases[0]
    truth = case.truth["L4/L5"]["pfirrmann"]
    rows = {(row[0], row[1]): row[2:] for row in reader.verdicts()}
    mark = "✓" if truth == MACHINE_PFIRRMANN else "✗"
    assert rows["L4/L5", "Pfirrmann"] == [f"3 {mark}", str(truth), f"{MACHINE_PFIRRMANN} {mark}"]
    assert rows["L5/S1", "Pfirrmann"] == ["–", str(case.truth["L5/S1"]["pfirrmann"]), "–"]
    right = int(truth == 3)
    assert reader.score()["Pfirrmann"] == [
        f"{right}/1 ({100 * right}\u202f%)",
        "–",
        f"{right}/1 ({100 * right}\u202f%)",
        "–",
    ]
    assert "Kappa needs" in reader.ui.scoreLabel.text


def test_before_revealing_nothing_tells_what_the_case_is(reader):
    reader.choose(
        reader.ui.caseComboBox, "Modic type III at both endplates of L5/S1"
    ) if reader.ui.caseComboBox.findText(
        "Modic type III at both endplates of L5/S1"
    ) >= 0 else reader.ui.caseComboBox.setCurrentIndex(5)
    before = set(node_names())
    reader.begin()
    assert "name" not in reader.worker.requests[0]
    names = [name for name in node_names() if name not in before]
    assert {"Case 1 T1", "Case 1 T2"} <= set(names)
    told = [*names, reader.ui.stageLabel.text, reader.ui.caseComboBox.currentText, reader.ui.lookAtLabel.text]
    for node in lesson_nodes():
        told += [node.GetAttribute(name) for name in node.GetAttributeNames()]
        told += [node.GetDescription() or ""]
        storage = node.GetStorageNode()
        told += [storage.GetFileName() or ""] if storage else []
    told += item_words()
    assert not [text for text in told for word in REVEALING if word in text.lower()]
    assert reader.ui.verdictsTable.rowCount == 0


def test_the_pictures_of_a_case_lie_side_by_side(reader):
    reader.begin()
    import slicer

    for view, name in (("Red", "Case 1 T1"), ("Yellow", "Case 1 T2")):
        composite = scene().GetSingletonNode(view, "vtkMRMLSliceCompositeNode")
        assert scene().GetNodeByID(composite.GetBackgroundVolumeID()).GetName() == name
    layout = scene().GetFirstNodeByClass("vtkMRMLLayoutNode")
    assert layout.GetViewArrangement() == slicer.vtkMRMLLayoutNode.SlicerLayoutSideBySideView


def test_revealing_adds_the_true_changes_and_what_the_machine_found(reader):
    reader.choose(reader.ui.findingComboBox, "Modic type I")
    reader.begin()
    assert scene().GetFirstNodeByName("Case 1 true changes") is None
    reader.answer("L4/L5", "modic_upper", "I")
    reader.ui.revealButton.click()
    truth = scene().GetFirstNodeByName("Case 1 true changes").GetSegmentation()
    assert [truth.GetNthSegment(number).GetName() for number in range(truth.GetNumberOfSegments())] == ["True Modic I"]
    assert reader.logic.report("Case 1: machine").discs
    assert [node.GetName() for node in lesson_nodes()].count("Case 1 T2") == 1


def test_choosing_a_row_says_what_to_look_at_and_goes_to_the_disc(reader):
    reader.choose(reader.ui.findingComboBox, "Modic type I")
    reader.begin()
    reader.answer("L4/L5", "modic_upper", "I")
    reader.ui.revealButton.click()
    row = next(n for n, one in enumerate(reader.verdicts()) if one[:2] == ["L3/L4", "Pfirrmann"])
    reader.ui.verdictsTable.selectRow(row)
    assert reader.ui.lookAtLabel.text.startswith("L3/L4, truth")
    assert "T2:" in reader.ui.lookAtLabel.text
    assert reader.logic.focused == [("Case 1: machine", "L3/L4")]
    reader.ui.verdictsTable.selectRow(29)
    assert reader.ui.lookAtLabel.text.startswith("L5/S1, truth")
    assert len(reader.logic.focused) == 1, "the machine missed L5/S1"


def test_after_revealing_the_sheet_is_closed(reader):
    reader.begin()
    reader.answer("L4/L5", "pfirrmann", "4")
    assert reader.box("L4/L5", "pfirrmann").enabled
    reader.ui.revealButton.click()
    assert not reader.box("L4/L5", "pfirrmann").enabled
    assert not reader.ui.revealButton.enabled


def test_a_teaching_case_tells_its_title_and_what_to_look_at_only_when_it_is_revealed(reader):
    reader.choose(reader.ui.caseComboBox, TITLE)
    assert not reader.ui.findingComboBox.enabled
    reader.begin()
    assert reader.ui.caseComboBox.currentIndex == 0
    reader.answer("L4/L5", "modic_upper", "I")
    reader.ui.revealButton.click()
    assert TITLE in reader.ui.lookAtLabel.text
    assert "edema" in reader.ui.lookAtLabel.text


def test_the_next_case_takes_the_place_of_the_last_one(reader):
    for number in (1, 2):
        reader.begin()
        reader.answer("L4/L5", "pfirrmann", "4")
        reader.ui.revealButton.click()
        assert len(reader.panel.session.cases) == number
    assert {node.GetAttribute("ModicGrader.lesson") for node in lesson_nodes()} == {"Case 2"}
    assert reader.logic.report("Case 1: machine") is None
    assert not [text for text in item_words() if "Case 1" in text]


def test_other_nodes_are_left_alone(reader):
    mine = scene().AddNewNodeByClass("vtkMRMLScalarVolumeNode", "mine")
    for _ in range(2):
        reader.begin()
        reader.answer("L4/L5", "pfirrmann", "4")
        reader.ui.revealButton.click()
    assert scene().IsNodePresent(mine)


def test_answers_that_would_be_lost_are_asked_about(reader, host):
    import qt

    reader.begin()
    reader.answer("L4/L5", "pfirrmann", "4")
    host.dialogs.answer(qt.QMessageBox.Cancel)
    reader.ui.newCaseButton.click()
    assert reader.panel.session.levels == GRADED_DISCS
    assert reader.box("L4/L5", "pfirrmann").currentText == "4"
    assert len(host.dialogs.shown) == 1


def test_a_case_that_is_being_made_can_be_cancelled(reader):
    reader.worker.is_stuck = True
    reader.ui.newCaseButton.click()
    assert reader.ui.newCaseButton.text == "Cancel"
    reader.ui.newCaseButton.click()
    assert reader.ui.newCaseButton.text == "New case"
    assert reader.panel.session.levels == ()
    assert not any(folder.exists() for folder in reader.worker.folders)
    reader.worker.is_stuck = False
    reader.begin()
    assert reader.panel.session.levels == GRADED_DISCS


def test_without_the_packages_it_needs_no_case_is_begun(reader, host, monkeypatch):
    from ModicGraderLib.errors import InputError
    from ModicGraderLib.gui import dependencies

    def decline():
        raise InputError("PyTorch is missing; install it")

    monkeypatch.setattr(dependencies, "ensure_dependencies", decline)
    reader.ui.newCaseButton.click()
    assert host.dialogs.shown[-1].text == "PyTorch is missing; install it"
    assert reader.worker.requests == []
    assert reader.ui.newCaseButton.text == "New case"


def test_a_case_that_cannot_be_made_says_why(reader, host):
    reader.worker.fails["simulate"] = "the disk is full; make room"
    reader.ui.newCaseButton.click()
    host.wait_until(lambda: reader.ui.stageLabel.text == "the disk is full; make room")
    assert reader.ui.newCaseButton.text == "New case"
    assert lesson_nodes() == []


def test_a_case_that_the_machine_cannot_grade_is_revealed_without_it(reader):
    reader.worker.fails["grade"] = "no lumbar spine is seen"
    reader.begin()
    assert "no lumbar spine is seen" in reader.ui.stageLabel.text
    reader.answer("L4/L5", "pfirrmann", "4")
    reader.ui.revealButton.click()
    assert {row[4] for row in reader.verdicts()} == {"–"}


def test_a_scene_that_was_closed_meanwhile_gets_the_case_back(reader):
    reader.begin()
    reader.answer("L4/L5", "pfirrmann", "4")
    scene().Clear(False)
    assert lesson_nodes() == []
    reader.ui.revealButton.click()
    assert {"Case 1 T1", "Case 1 T2", "Case 1 true changes"} <= set(node_names())


def test_a_session_is_saved_exported_and_gone_on_with(reader, host, tmp_path):
    assert not reader.ui.saveSessionButton.enabled
    reader.begin()
    reader.answer("L4/L5", "pfirrmann", "4")
    reader.ui.revealButton.click()
    host.dialogs.answer(str(tmp_path / "session.json"), str(tmp_path / "session.csv"))
    reader.ui.saveSessionButton.click()
    reader.ui.exportTableButton.click()
    assert json.loads((tmp_path / "session.json").read_text())["cases"][0]["answers"]["L4/L5"]["pfirrmann"] == 4
    with (tmp_path / "session.csv").open(encoding="utf-8") as file:
        assert len(list(csv.DictReader(file))) == 30
    again = Reader(host, LessonWorker(visible))
    host.dialogs.answer(str(tmp_path / "session.json"))
    again.ui.openSessionButton.click()
    assert again.score() == reader.score() != {}
    again.begin()
    assert "Case 2" in again.ui.stageLabel.text
    again.panel.cleanup()


def test_a_file_that_is_no_session_is_refused_and_changes_nothing(reader, host, tmp_path):
    (tmp_path / "other.json").write_text("{}")
    session = reader.panel.session
    host.dialogs.answer(str(tmp_path / "other.json"))
    reader.ui.openSessionButton.click()
    assert "other.json is no session" in host.dialogs.shown[-1].text
    assert reader.panel.session is session
