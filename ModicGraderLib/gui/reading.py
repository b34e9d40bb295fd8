"""What the reader sees and corrects: quality first, then the table, the views and the corrections, then the files."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import qt
import slicer
from slicer.i18n import tr as _

from ..errors import InputError, ModelError
from ..scene import SceneError
from ..scene.grading import GradingError
from .correction import CorrectionPanel
from .parameters import ModicGraderParameterNode
from .quality import qualityText
from .results import ResultsTable


def attempt(action: Callable[..., Any], *arguments: Any, **keywords: Any) -> Any:
    """What an action returns; a problem that the user can mend is shown, and None is returned."""
    try:
        return action(*arguments, **keywords)
    except (InputError, ModelError, SceneError, GradingError) as error:
        slicer.util.errorDisplay(str(error))
        return None


class ReadingPanel:
    """The sections Results, Correct and Export. It holds no result: what it shows is read from the scene.

    Parameters
    ----------
    ui:
        The widgets of the .ui file by their names.
    logic:
        The module's logic.
    """

    def __init__(self, ui: Any, logic: Any):
        self._ui, self._logic = ui, logic
        self._parameters: ModicGraderParameterNode | None = None
        self._shown: tuple[str, bool] | None = None
        self._aligned = False
        self._table = ResultsTable(ui.resultsTable, self.onDiscChosen)
        self._correction = CorrectionPanel(ui, self.onCorrected, self.onRenamed)
        ui.undoButton.connect("clicked(bool)", self.onUndo)
        ui.editMapButton.connect("clicked(bool)", self.onEditMap)
        ui.exportButton.connect("clicked(bool)", self.onExport)
        ui.showPageButton.connect("clicked(bool)", self.onShowPage)

    def setParameters(self, parameters: ModicGraderParameterNode) -> None:
        """Show the study that these parameters name."""
        self._parameters = parameters
        self.refresh()

    def onParametersChanged(self) -> None:
        """Keep the views, and where it matters the table, with what the parameters say."""
        # While a scene is read, its parameters may be there before its study.
        if self._logic.holds(self._parameters.study):
            self._logic.show(self._parameters.study, self._parameters.view)
            if self._aligned != self._parameters.view.aligned:
                self._focus()
        if self._shown != self._whatToShow():
            self.refresh()

    def _whatToShow(self) -> tuple[str, bool]:
        return self._parameters.study, self._parameters.options.doubtful

    def refresh(self) -> None:
        """Show what the scene holds."""
        study, doubtful = self._shown = self._whatToShow()
        report = self._logic.report(study) if study else None
        self._ui.qualityLabel.setText(qualityText(report))
        self._table.show(report, doubtful)
        if report and self._parameters.level in [disc.level for disc in report.discs]:
            self._table.choose(self._parameters.level)
        self._correction.show(report, self._table.level)
        for button in (self._ui.exportButton, self._ui.editMapButton):
            button.setEnabled(report is not None)

    def onDiscChosen(self, level: str) -> None:
        """Bring all views to a disc."""
        self._parameters.level = level
        self._focus()
        self._correction.show(self._logic.report(self._parameters.study), level)

    def _focus(self) -> None:
        self._aligned = self._parameters.view.aligned
        if self._table.level is not None:
            attempt(self._logic.focus, self._parameters.study, self._table.level, self._aligned)

    def onCorrected(self, level: str, field: str, value: Any) -> None:
        """The reader has given another grade."""
        self._correct(self._logic.correct, level, field, value)

    def onRenamed(self, level: str, trueLevel: str) -> None:
        """The reader says that a disc is another one, and with it all are."""
        self._correct(self._logic.rename, level, trueLevel)

    def _correct(self, action: Callable[..., Any], *values: Any) -> None:
        if self._readerIsNamed():
            attempt(action, self._parameters.study, *values, self.reader)
        self.refresh()

    @property
    def reader(self) -> str:
        """Name of the reader, kept with each correction."""
        return self._parameters.reader.strip()

    def _readerIsNamed(self) -> bool:
        if not self.reader:
            slicer.util.errorDisplay(_("Please give your name or initials first: they are kept with each correction."))
        return bool(self.reader)

    def onUndo(self) -> None:
        """Take back the latest correction."""
        attempt(self._logic.undo, self._parameters.study)
        self.refresh()

    def onEditMap(self) -> None:
        """Open the map in the Segment Editor."""
        if self._readerIsNamed():
            attempt(self._logic.editMap, self._parameters.study)

    def takeInMapEdits(self) -> None:
        """Keep as a correction what the reader has changed in the map meanwhile."""
        if self._parameters.study and self.reader:
            attempt(self._logic.takeInMapEdits, self._parameters.study, self.reader)

    def onExport(self) -> None:
        """Write the files of the study as it counts now."""
        folder = Path(self._ui.exportDirectoryButton.directory)
        if attempt(self._logic.export, self._parameters.study, folder, self.reader):
            self._ui.stageLabel.setText(_("Written to {folder}").format(folder=folder))
            self._ui.showPageButton.setEnabled(True)

    def onShowPage(self) -> None:
        """Open the page that was exported in the browser."""
        page = Path(self._ui.exportDirectoryButton.directory) / "report.html"
        qt.QDesktopServices.openUrl(qt.QUrl.fromLocalFile(str(page)))
