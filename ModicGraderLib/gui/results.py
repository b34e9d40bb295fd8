"""The results table: one row a disc, with the probabilities of either endplate as a bar."""

from __future__ import annotations

from collections.abc import Callable

import qt
from slicer.i18n import tr as _

from ..report import StudyReport
from .rows import COLUMNS, Bar, Cell, rows

BAR_SIZE = (36, 12)
"""Width and height of a bar in pixels."""

BORDER_COLOR = (60, 60, 60)
"""RGB of the line around a bar."""

DARKEST_WITH_BLACK_TEXT = 140
"""Brightness of a color from which black letters are readable on it."""


def titles() -> dict[str, str]:
    """What a reader sees the columns called."""
    return {
        "Level": _("Level"),
        "Upper": _("Upper"),
        "Lower": _("Lower"),
        "Pfirrmann": _("Pfirrmann"),
        "Narrowing": _("Narrow"),
        "Lesion": _("Lesion"),
        "Extent": _("Extent"),
        "Doubt": _("Doubt"),
    }


class ResultsTable:
    """Fills a `QTableWidget` from a report, and tells which disc was chosen.

    Parameters
    ----------
    table:
        The widget, as the .ui file makes it.
    onChosen:
        Called with the level when the user chooses a row; not when the table is filled.
    """

    def __init__(self, table: qt.QTableWidget, onChosen: Callable[[str], None]):
        self._table = table
        self._onChosen = onChosen
        self._levels: list[str] = []
        table.setColumnCount(len(COLUMNS))
        table.setHorizontalHeaderLabels([titles()[column] for column in COLUMNS])
        table.setIconSize(qt.QSize(*BAR_SIZE))
        table.verticalHeader().setVisible(False)
        table.horizontalHeader().setSectionResizeMode(qt.QHeaderView.ResizeToContents)
        table.connect("itemSelectionChanged()", self._chosen)

    def show(self, report: StudyReport | None, doubtful: bool = False) -> None:
        """Show a report, or nothing; the chosen level stays chosen where it is still there."""
        chosen = self.level
        there = rows(report, doubtful=doubtful) if report else []
        blocked = self._table.blockSignals(True)
        self._levels = [row["Level"].text for row in there]
        self._table.setRowCount(len(there))
        for number, row in enumerate(there):
            for column, title in enumerate(COLUMNS):
                self._table.setItem(number, column, _item(row[title]))
        self._table.blockSignals(blocked)
        if chosen in self._levels:
            self.choose(chosen)

    @property
    def level(self) -> str | None:
        """The level of the chosen row."""
        row = self._table.currentRow()
        return self._levels[row] if 0 <= row < len(self._levels) else None

    def choose(self, level: str) -> None:
        """Choose the row of a level without calling `onChosen`."""
        blocked = self._table.blockSignals(True)
        self._table.selectRow(self._levels.index(level))
        self._table.blockSignals(blocked)

    def _chosen(self) -> None:
        level = self.level
        if level is not None:
            self._onChosen(level)


def _item(cell: Cell) -> qt.QTableWidgetItem:
    item = qt.QTableWidgetItem(cell.text)
    item.setToolTip(cell.tip)
    if cell.bar is not None:
        item.setIcon(qt.QIcon(_drawn(cell.bar)))
    if cell.color is not None:
        item.setBackground(qt.QBrush(qt.QColor(*cell.color)))
        dark = sum(cell.color) / 3 < DARKEST_WITH_BLACK_TEXT
        item.setForeground(qt.QBrush(qt.QColor(255, 255, 255) if dark else qt.QColor(0, 0, 0)))
    return item


def _drawn(bar: Bar) -> qt.QPixmap:
    width, height = BAR_SIZE
    pixmap = qt.QPixmap(width, height)
    painter = qt.QPainter()
    painter.begin(pixmap)
    left = 0.0
    for color, share in bar.parts:
        start, end = round(left * width), round((left + share) * width)
        painter.fillRect(start, 0, end - start, height, qt.QColor(*color))
        left += share
    # On a cell of the color of its type a bar would have no end.
    painter.setPen(qt.QColor(*BORDER_COLOR))
    painter.drawRect(0, 0, width - 1, height - 1)
    painter.end()
    return pixmap
