"""The panel in which a reader corrects the grades of the chosen disc."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from slicer.i18n import tr as _

from ..anatomy import DISCS_UPWARDS
from ..corrections import GRADES, describe, words
from ..report import StudyReport
from ..wording import NOTHING

BOXES = {
    "upper_endplate_modic": "upperModicComboBox",
    "lower_endplate_modic": "lowerModicComboBox",
    "modic": "discModicComboBox",
    "pfirrmann": "pfirrmannComboBox",
    "narrowing": "narrowingComboBox",
    "endplate_lesion": "lesionComboBox",
}
"""Combo box of the .ui file for each grade that can be corrected (`corrections.GRADES`)."""


class CorrectionPanel:
    """Shows the grades that count at the chosen disc, and hands on what the reader changes.

    :param ui: the widgets of the .ui file by their names.
    :param onCorrected: called with level, field and the reader's value.
    :param onRenamed: called with the level and what it is in truth.
    """

    def __init__(
        self, ui: Any, onCorrected: Callable[[str, str, Any], None], onRenamed: Callable[[str, str], None]
    ) -> None:
        self._ui = ui
        self._level: str | None = None
        self._onCorrected, self._onRenamed = onCorrected, onRenamed
        for field, name in BOXES.items():
            box = getattr(ui, name)
            # First the place of a grade that is withheld.
            box.addItem(NOTHING)
            for grade in GRADES[field]:
                box.addItem(words(field, grade))
            box.connect("activated(int)", self._correcting(field))
        for level in DISCS_UPWARDS:
            ui.levelComboBox.addItem(level)
        ui.levelComboBox.connect("activated(int)", self._renamed)

    def show(self, report: StudyReport | None, level: str | None) -> None:
        """Show the grades of a disc, and every correction of the study."""
        disc = next((one for one in report.discs if one.level == level), None) if report else None
        self._level = disc.level if disc else None
        readings = disc.readings if disc else {}
        for field, name in BOXES.items():
            box = getattr(self._ui, name)
            box.setEnabled(disc is not None)
            grade = readings[field].grade if disc else None
            box.setCurrentIndex(0 if grade is None else 1 + GRADES[field].index(grade))
        self._ui.levelComboBox.setEnabled(disc is not None)
        if disc is not None:
            self._ui.levelComboBox.setCurrentIndex(DISCS_UPWARDS.index(disc.level))
        self._ui.correctedDiscLabel.setText(disc.level if disc else _("choose a row of the results"))
        corrections = report.corrections if report else []
        self._ui.undoButton.setEnabled(bool(corrections))
        self._ui.correctionsLabel.setText("\n".join(map(describe, corrections)))

    def _correcting(self, field: str) -> Callable[[int], None]:
        def corrected(index: int) -> None:
            # The grade of a reader is a grade: "withheld" is none.
            if self._level is not None and index > 0:
                self._onCorrected(self._level, field, GRADES[field][index - 1])

        return corrected

    def _renamed(self, index: int) -> None:
        if self._level is not None and DISCS_UPWARDS[index] != self._level:
            self._onRenamed(self._level, DISCS_UPWARDS[index])
