"""A reader at the section Teaching: chooses, answers, reveals, and looks at what the scene holds."""

from __future__ import annotations

from types import ModuleType, SimpleNamespace

from lesson_worker import LessonWorker

from ModicGraderLib.anatomy import GRADED_DISCS
from ModicGraderLib.lessons.items import ITEMS
from ModicGraderLib.resources import resource_path

UI = str(resource_path("").parent / "ModicGrader/Resources/UI/Teaching.ui")


class Logic:
    """What the panel asks of the module's logic."""

    def __init__(self):
        self.focused = []

    def getParameterNode(self):
        return SimpleNamespace(options=SimpleNamespace(device="cpu"))

    def report(self, study):
        from ModicGraderLib.scene import SceneError
        from ModicGraderLib.scene.build import read_report

        try:
            return read_report(scene(), study)
        except SceneError:
            return None

    def focus(self, study, level):
        self.focused.append((study, level))


class Reader:
    """The panel, and what a reader does with it."""

    def __init__(self, host: ModuleType, worker: LessonWorker):
        import qt

        from ModicGraderLib.gui.teaching import TeachingPanel

        self.host, self.worker, self.logic = host, worker, Logic()
        self.parent = qt.QWidget()
        qt.QVBoxLayout(self.parent)
        self.panel = TeachingPanel(self.parent, UI, self.logic, worker)
        self.ui = self.panel.ui

    def choose(self, box, text):
        index = box.findText(text)
        assert index >= 0, f"there is no {text} to choose"
        box.setCurrentIndex(index)

    def begin(self):
        self.ui.newCaseButton.click()
        self.host.wait_until(lambda: self.panel._stage.name == "READY")

    def box(self, level, item):
        return self.ui.answersTable.cellWidget(GRADED_DISCS.index(level), list(ITEMS).index(item))

    def answer(self, level, item, text):
        box = self.box(level, item)
        self.choose(box, text)
        # What Qt sends when a user has chosen, and only then.
        box._qt.activated.emit(box.currentIndex)

    def verdicts(self):
        table = self.ui.verdictsTable
        return [[table.item(row, column).text() for column in range(5)] for row in range(table.rowCount)]

    def score(self):
        table = self.ui.scoreTable
        rows = [[table.item(row, column).text() for column in range(5)] for row in range(table.rowCount)]
        return {row[0]: row[1:] for row in rows}


def scene():
    import slicer

    return slicer.mrmlScene


def node_names():
    return sorted(scene().GetNthNode(number).GetName() or "" for number in range(scene().GetNumberOfNodes()))


def lesson_nodes():
    nodes = [scene().GetNthNode(number) for number in range(scene().GetNumberOfNodes())]
    return [node for node in nodes if node.GetAttribute("ModicGrader.lesson")]


def item_words():
    """Names and attributes of everything in the subject hierarchy."""
    import slicer
    import vtk

    hierarchy = slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(scene())
    items = vtk.vtkIdList()
    hierarchy.GetItemChildren(hierarchy.GetSceneItemID(), items, True)
    words = []
    for number in range(items.GetNumberOfIds()):
        item = items.GetId(number)
        words.append(hierarchy.GetItemName(item))
        words += [hierarchy.GetItemAttribute(item, name) for name in hierarchy.GetItemAttributeNames(item)]
    return words
