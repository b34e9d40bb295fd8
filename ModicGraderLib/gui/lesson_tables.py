"""The tables of the teaching section: the sheet of answers, the answers beside the truth, and the score."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence

import qt
from slicer.i18n import tr as _

from ..lessons.items import ITEMS, Grade
from ..lessons.score import Score
from ..lessons.session import Verdict
from .lesson_words import OPEN, gradeText, itemWords, scoreCells

RIGHT_COLOR, WRONG_COLOR = (200, 232, 200), (248, 205, 200)
"""Behind a grade that is the true one, and behind one that is not."""


class AnswerSheet:
    """One row a disc, one combo box an item; all of them open at first.

    :param table: the QTableWidget of the .ui file.
    :param onAnswered: called with level, item and grade (None: left open) when the reader chooses.
    """

    def __init__(self, table: qt.QTableWidget, onAnswered: Callable[[str, str, Grade | None], None]):
        self._table, self._onAnswered = table, onAnswered
        self._boxes: dict[tuple[str, str], qt.QComboBox] = {}
        words = itemWords()
        table.setColumnCount(len(ITEMS))
        table.setHorizontalHeaderLabels([words[item] for item in ITEMS])
        table.horizontalHeader().setSectionResizeMode(qt.QHeaderView.Stretch)

    def show(self, levels: Sequence[str]) -> None:
        """An empty sheet for these discs."""
        self._boxes = {}
        self._table.setRowCount(0)
        self._table.setRowCount(len(levels))
        self._table.setVerticalHeaderLabels(list(levels))
        for row, level in enumerate(levels):
            for column, item in enumerate(ITEMS):
                self._boxes[level, item] = self._box(level, item)
                self._table.setCellWidget(row, column, self._boxes[level, item])

    def setEnabled(self, enabled: bool) -> None:
        """Whether answers may be given and changed."""
        for box in self._boxes.values():
            box.setEnabled(enabled)

    @property
    def isEmpty(self) -> bool:
        """Whether nothing was answered."""
        return all(box.currentIndex == 0 for box in self._boxes.values())

    def _box(self, level: str, item: str) -> qt.QComboBox:
        box = qt.QComboBox()
        box.addItem(OPEN)
        for grade in ITEMS[item]:
            box.addItem(gradeText(item, grade))
        # Scrolling through the panel must not change an answer that the mouse passes over.
        box.setFocusPolicy(qt.Qt.StrongFocus)
        box.connect("activated(int)", functools.partial(self._chosen, level, item))
        return box

    def _chosen(self, level: str, item: str, index: int) -> None:
        self._onAnswered(level, item, ITEMS[item][index - 1] if index > 0 else None)


class VerdictTable:
    """One row an item: what the reader said, what is true, what the machine said; right and wrong by color.

    :param table: the QTableWidget of the .ui file.
    :param onChosen: called with the verdict of the row that the reader chooses.
    """

    def __init__(self, table: qt.QTableWidget, onChosen: Callable[[Verdict], None]):
        self._table, self._onChosen = table, onChosen
        self._verdicts: list[Verdict] = []
        titles = [_("Level"), _("Item"), _("You"), _("Truth"), _("Machine")]
        table.setColumnCount(len(titles))
        table.setHorizontalHeaderLabels(titles)
        table.verticalHeader().setVisible(False)
        table.horizontalHeader().setSectionResizeMode(qt.QHeaderView.Stretch)
        table.connect("itemSelectionChanged()", self._chosen)

    def show(self, verdicts: Sequence[Verdict]) -> None:
        """Show the verdicts on a case, or none."""
        self._verdicts = list(verdicts)
        words = itemWords()
        blocked = self._table.blockSignals(True)
        self._table.setRowCount(len(self._verdicts))
        for row, one in enumerate(self._verdicts):
            cells = [
                (one.level, None),
                (words[one.item], None),
                (_marked(one.item, one.answer, one.right), one.right),
                (gradeText(one.item, one.truth), None),
                (_marked(one.item, one.machine, one.machine_right), one.machine_right),
            ]
            for column, (text, right) in enumerate(cells):
                self._table.setItem(row, column, _cell(text, right))
        self._table.clearSelection()
        self._table.blockSignals(blocked)

    def _chosen(self) -> None:
        row = self._table.currentRow()
        if 0 <= row < len(self._verdicts):
            self._onChosen(self._verdicts[row])


class ScoreTable:
    """One row a task: how many grades were right and kappa, the reader's and the machine's.

    :param table: the QTableWidget of the .ui file.
    """

    def __init__(self, table: qt.QTableWidget):
        self._table = table
        titles = [_("Task"), _("You"), _("Kappa"), _("Machine"), _("Kappa")]
        table.setColumnCount(len(titles))
        table.setHorizontalHeaderLabels(titles)
        table.verticalHeader().setVisible(False)
        table.horizontalHeader().setSectionResizeMode(qt.QHeaderView.ResizeToContents)

    def show(self, scores: Sequence[Score]) -> None:
        """Show the score of a session."""
        self._table.setRowCount(len(scores))
        for row, score in enumerate(scores):
            for column, (text, tip) in enumerate(scoreCells(score)):
                cell = qt.QTableWidgetItem(text)
                cell.setToolTip(tip)
                self._table.setItem(row, column, cell)


def _marked(item: str, grade: Grade | None, right: bool | None) -> str:
    """A mark besides the color, for those who cannot tell red from green."""
    text = gradeText(item, grade)
    return text if right is None else f"{text} {chr(0x2713) if right else chr(0x2717)}"


def _cell(text: str, right: bool | None) -> qt.QTableWidgetItem:
    cell = qt.QTableWidgetItem(text)
    if right is not None:
        cell.setBackground(qt.QBrush(qt.QColor(*(RIGHT_COLOR if right else WRONG_COLOR))))
        cell.setForeground(qt.QBrush(qt.QColor(0, 0, 0)))
    return cell
