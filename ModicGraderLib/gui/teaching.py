"""The section Teaching: a simulated case is read blind, then the truth and the machine's grades are shown beside."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import qt
import slicer
from slicer.i18n import tr as _

from ..launch import Launcher
from ..lessons.items import Grade
from ..lessons.preparation import Preparation, Stage
from ..lessons.session import RevealedCase, TeachingSession, Verdict
from ..lessons.session_file import load_session, save_session, write_session_table
from ..lessons.wish import Wish
from ..scene import lesson
from ..scene.launcher import launcher as slicerLauncher
from ..simulation.teaching import find_case, teaching_cases
from .lesson_tables import AnswerSheet, ScoreTable, VerdictTable
from .lesson_words import difficultyWords, findingWords, gradeText
from .reading import attempt

POLL_MS = 200
"""Milliseconds between two looks at what prepares a case."""


class TeachingPanel:
    """Asks for cases, takes the reader's grades, reveals and scores.

    Until a case is revealed, nothing here or in the scene says what it is: it is called by its number.

    :param parent: the widget that takes in the panel; it has a layout.
    :param path: of Teaching.ui.
    :param logic: the module's logic, asked for the device and to bring the views to a disc.
    :param launcher: how a Python is started; as inside Slicer unless another way is given.
    """

    def __init__(self, parent: qt.QWidget, path: str, logic: Any, launcher: Launcher | None = None):
        self._logic = logic
        self._launcher = launcher or slicerLauncher()
        panel = slicer.util.loadUI(path)
        parent.layout().addWidget(panel)
        self.ui = slicer.util.childWidgetVariables(panel)
        self.session = TeachingSession()
        self._preparation = Preparation(self.session, self._launcher)
        self._stage = Stage.IDLE
        self._shown: str | None = None
        self._sheet = AnswerSheet(self.ui.answersTable, self.onAnswered)
        self._verdicts = VerdictTable(self.ui.verdictsTable, self.onVerdictChosen)
        self._score = ScoreTable(self.ui.scoreTable)
        self._fillChoices()
        self._timer = qt.QTimer()
        self._timer.setInterval(POLL_MS)
        self._timer.connect("timeout()", self.poll)
        self.ui.caseComboBox.connect("currentIndexChanged(int)", self.onCaseChosen)
        self.ui.newCaseButton.connect("clicked(bool)", self.onNewCase)
        self.ui.revealButton.connect("clicked(bool)", self.onReveal)
        self.ui.openSessionButton.connect("clicked(bool)", self.onOpenSession)
        self.ui.saveSessionButton.connect("clicked(bool)", self.onSaveSession)
        self.ui.exportTableButton.connect("clicked(bool)", self.onExportTable)
        self._refresh()

    def cleanup(self) -> None:
        """End what is under way; called when the application closes."""
        self._timer.stop()
        self._preparation.close()

    def onCaseChosen(self, index: int) -> None:
        """Finding and difficulty are asked only of a case that is drawn."""
        self.ui.findingComboBox.setEnabled(index == 0)
        self.ui.difficultyComboBox.setEnabled(index == 0)

    def onNewCase(self) -> None:
        """Begin to prepare a case, or cancel that."""
        if self._preparation.stage is Stage.SIMULATING:
            self._timer.stop()
            self._preparation.close()
            self._stage = Stage.IDLE
            self._refresh()
            return
        if self.session.levels and not self._sheet.isEmpty and not self._mayGiveUp():
            return
        attempt(self._start)

    def _start(self) -> None:
        from .dependencies import ensure_dependencies

        wish = self._wish()
        ensure_dependencies()
        self._clear()
        self._preparation.start(wish, self._logic.getParameterNode().options.device)
        # The title of a teaching case says what it shows: it leaves the panel before the case comes.
        self.ui.caseComboBox.setCurrentIndex(0)
        self._timer.start()
        self.poll()

    def poll(self) -> None:
        """Take in what the processes say; called by the timer."""
        self._preparation.poll()
        before, self._stage = self._stage, self._preparation.stage
        if self._stage is Stage.GRADING and before is not Stage.GRADING:
            self._shown = _("Case {number}").format(number=self.session.next_number)
            self._showBlind()
            self._sheet.show(self.session.levels)
        if not self._stage.is_active:
            self._timer.stop()
        self._refresh()

    def onAnswered(self, level: str, item: str, grade: Grade | None) -> None:
        """Write an answer down."""
        attempt(self.session.answer, level, item, grade)
        self._refresh()

    def onReveal(self) -> None:
        """Show the truth and the machine's grades; from now on the answers stand."""
        graded = self._preparation.graded
        case = attempt(self.session.reveal, graded.report if graded else None)
        if case is None:
            return
        if not lesson.is_shown(slicer.mrmlScene, self._shown):
            self._showBlind()
        lesson.show_revealed(slicer.mrmlScene, self._shown, self._preparation.labels, graded)
        self._sheet.setEnabled(False)
        self._verdicts.show(case.verdicts)
        self.ui.lookAtLabel.setText(_caseText(case))
        self._refresh()

    def onVerdictChosen(self, verdict: Verdict) -> None:
        """Say what to look at, and bring the views to the disc."""
        self.ui.lookAtLabel.setText(self._lookAt(verdict))
        study = lesson.machine_study(self._shown)
        report = self._logic.report(study)
        # A disc that the machine missed has no place to go to.
        if report is not None and verdict.level in [disc.level for disc in report.discs]:
            attempt(self._logic.focus, study, verdict.level)

    def onOpenSession(self) -> None:
        """Go on with a session that was saved."""
        path = qt.QFileDialog.getOpenFileName(None, _("Open a teaching session"), "", _("Session (*.json)"))
        session = attempt(load_session, Path(path)) if path else None
        if session is None:
            return
        self._timer.stop()
        self._clear()
        self.session = session
        self._preparation = Preparation(session, self._launcher)
        self._refresh()

    def onSaveSession(self) -> None:
        """Save the session, to go on with it another time."""
        path = qt.QFileDialog.getSaveFileName(None, _("Save the session"), "session.json", _("Session (*.json)"))
        if path:
            attempt(save_session, self.session, Path(path))

    def onExportTable(self) -> None:
        """Save every answer beside the truth as a table."""
        path = qt.QFileDialog.getSaveFileName(None, _("Save the answers"), "session.csv", _("Table (*.csv)"))
        if path:
            attempt(write_session_table, self.session, Path(path))

    def _fillChoices(self) -> None:
        self._names = [None, *teaching_cases()]
        self._findings, self._difficulties = list(findingWords()), list(difficultyWords())
        for name in self._names:
            self.ui.caseComboBox.addItem(_("drawn by lot") if name is None else find_case(name)["title"])
        for text in findingWords().values():
            self.ui.findingComboBox.addItem(text)
        for text in difficultyWords().values():
            self.ui.difficultyComboBox.addItem(text)

    def _wish(self) -> Wish:
        name = self._names[self.ui.caseComboBox.currentIndex]
        if name is not None:
            return Wish(name)
        return Wish(
            finding=self._findings[self.ui.findingComboBox.currentIndex],
            difficulty=self._difficulties[self.ui.difficultyComboBox.currentIndex],
        )

    def _mayGiveUp(self) -> bool:
        return slicer.util.confirmOkCancelDisplay(
            _("Your answers to the open case were not revealed and will not count. Begin another case?")
        )

    def _clear(self) -> None:
        """Take the last case away."""
        self._preparation.close()
        self._stage = Stage.IDLE
        if self._shown is not None:
            lesson.remove_lesson(slicer.mrmlScene, self._shown)
        self._shown = None
        self._sheet.show(())
        self._verdicts.show(())
        self.ui.lookAtLabel.setText("")

    def _showBlind(self) -> None:
        lesson.show_blind(slicer.mrmlScene, self._shown, self._preparation.volumes)

    def _refresh(self) -> None:
        stage, isOpen = self._stage, bool(self.session.levels)
        ui = self.ui
        ui.newCaseButton.setText(_("Cancel") if stage is Stage.SIMULATING else _("New case"))
        ui.preparationProgressBar.setVisible(stage.is_active)
        ui.preparationProgressBar.setValue(round(100 * self._preparation.fraction))
        ui.stageLabel.setText(self._status())
        ui.revealButton.setEnabled(isOpen and stage is Stage.READY and not self._sheet.isEmpty)
        scores = self.session.score()
        self._score.show(scores)
        # Each reason once, however many tasks it holds for.
        ui.scoreLabel.setText("\n".join(dict.fromkeys(filter(None, (one.reader.why_no_kappa for one in scores)))))
        for button in (ui.saveSessionButton, ui.exportTableButton):
            button.setEnabled(bool(self.session.cases))

    def _status(self) -> str:
        preparation, number = self._preparation, self.session.next_number
        if self._stage is Stage.SIMULATING:
            return _("Case {number} is being made").format(number=number)
        if self._stage is Stage.FAILED:
            return preparation.error
        if not self.session.levels:
            return _("Choose what to practise, and begin with New case.")
        text = _("Case {number}: grade what you see; what you leave open is not counted.").format(number=number)
        if self._stage is Stage.GRADING:
            return _("{text} It can be revealed when the machine has graded it too.").format(text=text)
        if preparation.error:
            return _("{text} The machine could not grade it: {error}").format(text=text, error=preparation.error)
        return text

    def _lookAt(self, verdict: Verdict) -> str:
        text = _("{level}, truth {truth}: {sign}").format(
            level=verdict.level, truth=gradeText(verdict.item, verdict.truth), sign=verdict.look_at
        )
        heat = self._evidence(verdict.level) if verdict.item.startswith("modic") else None
        if heat is None:
            return text
        return _("{text} What spoke most for a change to the machine lies in slice {slice} of T2.").format(
            text=text, slice=heat["peak_slice"]
        )

    def _evidence(self, level: str) -> dict[str, Any] | None:
        """What the machine's report says of its heat for a Modic change at a disc."""
        graded = self._preparation.graded
        disc = next((one for one in graded.report.discs if one.level == level), None) if graded else None
        return disc.evidence.get("modic_change") if disc else None


def _caseText(case: RevealedCase) -> str:
    """What a case was: the words of a teaching case, and how hard its changes are to see."""
    words = find_case(case.draw.wish.name) if case.draw.wish.name else {}
    parts = [words.get("title", ""), words.get("look_at", "")]
    if case.difficulty is not None:
        parts.append(_("To read: {difficulty}.").format(difficulty=difficultyWords()[case.difficulty]))
    parts.append(_("Choose a row to see what to look at."))
    return "\n".join(filter(None, parts))
