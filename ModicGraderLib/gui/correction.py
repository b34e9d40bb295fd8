"""The panel in which a reader corrects the grades of the chosen disc."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from slicer.i18n import tr as _

from ..anatomy import DISCS_UPWARDS, ENDPLATE_LESIONS, MODIC_GRADES, PFIRRMANN_GRADES
from ..report import Correction, DiscReport, StudyReport
from .rows import LESION_WORDS, NOTHING

FIELDS = {
    "upper_endplate_modic": ("upperModicComboBox", MODIC_GRADES),
    "lower_endplate_modic": ("lowerModicComboBox", MODIC_GRADES),
    "modic": ("discModicComboBox", MODIC_GRADES),
    "pfirrmann": ("pfirrmannComboBox", PFIRRMANN_GRADES),
    "narrowing": ("narrowingComboBox", (0, 1)),
    "endplate_lesion": ("lesionComboBox", ENDPLATE_LESIONS),
}
"""What can be corrected at a disc: the combo box of the .ui file, and the grades to choose from."""

_WORDS: dict[Any, str] = {**LESION_WORDS}


class CorrectionPanel:
    """Shows the grades that count at the chosen disc, and hands on what the reader changes.

    Parameters
    ----------
    ui:
        The widgets of the .ui file by their names.
    onCorrected:
        Called with level, field and the reader's value.
    onRenamed:
        Called with the level and what it is in truth.
    """

    def __init__(
        self, ui: Any, onCorrected: Callable[[str, str, Any], None], onRenamed: Callable[[str, str], None]
    ) -> None:
        self._ui = ui
        self._level: str | None = None
        self._onCorrected, self._onRenamed = onCorrected, onRenamed
        for field, (name, grades) in FIELDS.items():
            box = getattr(ui, name)
            # First the place of a grade that is withheld.
            for text in (NOTHING, *(_word(field, grade) for grade in grades)):
                box.addItem(text)
            box.connect("activated(int)", lambda index, field=field: self._changed(field, index))
        for level in DISCS_UPWARDS:
            ui.levelComboBox.addItem(level)
        ui.levelComboBox.connect("activated(int)", self._renamed)

    def show(self, report: StudyReport | None, level: str | None) -> None:
        """Show the grades of a disc, and every correction of the study."""
        disc = next((one for one in report.discs if one.level == level), None) if report else None
        self._level = disc.level if disc else None
        for field, (name, grades) in FIELDS.items():
            box = getattr(self._ui, name)
            box.setEnabled(disc is not None)
            grade = _value(disc, field) if disc else None
            box.setCurrentIndex(0 if grade is None else 1 + grades.index(grade))
        self._ui.levelComboBox.setEnabled(disc is not None)
        if disc is not None:
            self._ui.levelComboBox.setCurrentIndex(DISCS_UPWARDS.index(disc.level))
        self._ui.correctedDiscLabel.setText(disc.level if disc else _("choose a row of the results"))
        corrections = report.corrections if report else []
        self._ui.undoButton.setEnabled(bool(corrections))
        self._ui.correctionsLabel.setText("\n".join(map(sentence, corrections)))

    def _changed(self, field: str, index: int) -> None:
        if self._level is not None and index > 0:
            self._onCorrected(self._level, field, FIELDS[field][1][index - 1])

    def _renamed(self, index: int) -> None:
        if self._level is not None and DISCS_UPWARDS[index] != self._level:
            self._onRenamed(self._level, DISCS_UPWARDS[index])


def sentence(correction: Correction) -> str:
    """A correction in words: what the program had said, what the reader says, who and when."""
    what = " ".join(filter(None, (correction.level, correction.field.replace("_", " "))))
    if correction.field == "modic_map":
        return _("{what}: edited by {reader}, {when}").format(what=what, reader=correction.reader, when=correction.when)
    machine, reader = (_word(correction.field, value) for value in (correction.machine, correction.reader_value))
    return _("{what}: {machine} \u2192 {value} by {reader}, {when}").format(
        what=what, machine=machine, value=reader, reader=correction.reader, when=correction.when
    )


def _word(field: str, grade: Any) -> str:
    if grade is None:
        return _("withheld")
    if field == "narrowing":
        return _("yes") if grade else _("no")
    return _WORDS.get(grade, str(grade))


def _value(disc: DiscReport, field: str) -> Any:
    if field.endswith("_endplate_modic"):
        return disc.endplates[field.split("_")[0]].modic.grade
    return getattr(disc, field).grade
