"""The ModicGrader module of 3D Slicer: what a clinician opens, a researcher scripts and a teacher shows."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import slicer
import vtk
from slicer.i18n import tr as _
from slicer.i18n import translate
from slicer.ScriptedLoadableModule import (
    ScriptedLoadableModule,
    ScriptedLoadableModuleLogic,
    ScriptedLoadableModuleTest,
    ScriptedLoadableModuleWidget,
)
from slicer.util import VTKObservationMixin

# Run from its source tree, the library lies beside the module's folder and not yet on the path.
if (_root := Path(__file__).resolve().parents[1]).joinpath("ModicGraderLib").is_dir() and str(_root) not in sys.path:
    sys.path.append(str(_root))

from ModicGraderLib.gui.parameters import AUTO, ModicGraderParameterNode, ViewOptions, parameterWidgets
from ModicGraderLib.gui.reading import ReadingPanel, attempt
from ModicGraderLib.gui.teaching import TeachingPanel


class ModicGrader(ScriptedLoadableModule):
    """Tells Slicer what the module is called and where it belongs."""

    def __init__(self, parent: Any):
        super().__init__(parent)
        self.parent.title = _("ModicGrader")
        self.parent.categories = [translate("qSlicerAbstractCoreModule", "Quantification")]
        self.parent.dependencies = ["Segmentations", "Markups", "SubjectHierarchy"]
        self.parent.contributors = ["The ModicGrader developers"]
        self.parent.helpText = _(
            "Finds and names the lumbar discs on sagittal T1 and T2 MRI, and grades Modic changes of either endplate, "
            "endplate lesions, Pfirrmann, narrowing and more. For research use only: it is no medical device."
        )
        self.parent.acknowledgementText = _("Please cite ModicGrader as its CITATION.cff says.")
        slicer.app.connect("startupCompleted()", _registerSampleData)


def _registerSampleData() -> None:
    from ModicGraderLib.gui.samples import registerSampleData

    registerSampleData()


class ModicGraderWidget(ScriptedLoadableModuleWidget, VTKObservationMixin):
    """The panel: inputs, Apply that becomes Cancel, and the sections that `ModicGraderLib.gui` looks after."""

    def __init__(self, parent: Any = None):
        ScriptedLoadableModuleWidget.__init__(self, parent)
        VTKObservationMixin.__init__(self)
        self.logic: ModicGraderLogic | None = None
        self._parameterNode: ModicGraderParameterNode | None = None
        self._connection: int | None = None
        self._entered = False

    def setup(self) -> None:
        """Load the .ui file and connect its widgets."""
        super().setup()
        panel = slicer.util.loadUI(self.resourcePath("UI/ModicGrader.ui"))
        self.layout.addWidget(panel)
        self.ui = slicer.util.childWidgetVariables(panel)
        panel.setMRMLScene(slicer.mrmlScene)
        self.logic = ModicGraderLogic()
        self.reading = ReadingPanel(self.ui, self.logic)
        self.teaching = TeachingPanel(
            self.ui.teachingCollapsibleButton, self.resourcePath("UI/Teaching.ui"), self.logic
        )
        self.ui.modelsLabel.setText(self.logic.modelsInWords())
        self.ui.applyButton.connect("clicked(bool)", self.onApplyButton)
        self.ui.verifyModelsButton.connect("clicked(bool)", self.onVerifyModels)
        scene = slicer.mrmlScene
        self.addObserver(scene, scene.StartCloseEvent, self.onSceneStartClose)
        self.addObserver(scene, scene.EndCloseEvent, self.onSceneChanged)
        self.addObserver(scene, scene.EndImportEvent, self.onSceneChanged)

    def cleanup(self) -> None:
        """Called when the application closes: a run must not outlive it."""
        self.logic.cancelGrading()
        self.teaching.cleanup()
        self._disconnectGui()
        self.removeObservers()

    def enter(self) -> None:
        """Called each time the user opens the module; the map may have been edited meanwhile."""
        self._entered = True
        self.initializeParameterNode()
        self.reading.takeInMapEdits()
        self.reading.refresh()

    def exit(self) -> None:
        """Called each time the user leaves the module."""
        self._entered = False
        self._disconnectGui()

    def onSceneStartClose(self, caller: Any, event: str) -> None:
        """The scene is about to be closed: what runs belongs to it."""
        self.logic.cancelGrading()
        self._disconnectGui()

    def onSceneChanged(self, caller: Any, event: str) -> None:
        """Another scene is there: show what it holds."""
        if self._entered:
            self.initializeParameterNode()

    def initializeParameterNode(self) -> None:
        """Show the parameters of the scene; name the likeliest T1 and T2 where none were chosen."""
        self._disconnectGui()
        self._parameterNode = self.logic.getParameterNode()
        if self._parameterNode.t1 is None and self._parameterNode.t2 is None:
            self._parameterNode.t1, self._parameterNode.t2 = self.logic.guessInputs()
        # Not connectGui, which in no Slicer so far says how to end the connection.
        self._connection = self._parameterNode.connectParametersToGui(parameterWidgets(self.ui))
        self.addObserver(self._parameterNode, vtk.vtkCommand.ModifiedEvent, self.onParametersChanged)
        self.reading.setParameters(self._parameterNode)
        self.onParametersChanged()

    def _disconnectGui(self) -> None:
        if self._parameterNode is not None:
            self._parameterNode.disconnectGui(self._connection)
            self.removeObserver(self._parameterNode, vtk.vtkCommand.ModifiedEvent, self.onParametersChanged)
            self._parameterNode = None

    def onParametersChanged(self, caller: Any = None, event: str | None = None) -> None:
        """Keep the panel and the views with what the parameters say."""
        if self._parameterNode is None:
            return
        ready = self._parameterNode.t1 is not None or self._parameterNode.t2 is not None
        running = self.logic.isGrading()
        self.ui.applyButton.setEnabled(ready or running)
        self.ui.applyButton.setText(_("Cancel") if running else _("Apply"))
        self.ui.applyButton.setToolTip(
            _("Find, name and grade the discs.") if ready else _("Choose T1, T2 or both to have something to grade.")
        )
        self.reading.onParametersChanged()

    def onApplyButton(self) -> None:
        """Start a run, or cancel the one that is under way."""
        if self.logic.isGrading():
            self.ui.stageLabel.setText(_("Cancelling"))
            self.logic.cancelGrading()
            return
        parameters, options = self._parameterNode, self._parameterNode.options
        self.ui.progressBar.setValue(0)
        self.ui.progressBar.setVisible(True)
        attempt(
            self.logic.startGrading,
            parameters.t1,
            parameters.t2,
            lowestDisc=None if options.lowestDisc == AUTO else options.lowestDisc,
            device=options.device,
            onProgress=self.onProgress,
            onEnd=self.onGradingEnded,
        )
        self.ui.progressBar.setVisible(self.logic.isGrading())
        self.onParametersChanged()

    def onProgress(self, fraction: float, text: str) -> None:
        """Show how far the run is and what it does."""
        self.ui.progressBar.setValue(round(100 * fraction))
        self.ui.stageLabel.setText(text)

    def onGradingEnded(self, study: str | None, problem: str | None) -> None:
        """Show the study that was graded, or the problem; neither is there when the user has cancelled."""
        self.ui.progressBar.setVisible(False)
        self.ui.stageLabel.setText(problem or (_("Done") if study else _("Cancelled; the scene is as it was.")))
        if study:
            # Not the connected ones: the user may look at another module by now.
            self.logic.getParameterNode().study = study
            if self._parameterNode is not None:
                # Also where a study is graded again, under the name it had.
                self.reading.refresh()
        self.onParametersChanged()
        if problem:
            slicer.util.errorDisplay(problem)

    def onVerifyModels(self) -> None:
        """Check the files of the models."""
        if attempt(self.logic.verifyModels):
            self.ui.stageLabel.setText(_("The files of the models are whole."))


class ModicGraderLogic(ScriptedLoadableModuleLogic):
    """Grades studies and looks after their results in the scene, without widgets and without a window.

    Example
    -------
    >>> logic = ModicGraderLogic()
    >>> study = logic.gradeStudy(slicer.util.getNode("T1"), slicer.util.getNode("T2"))
    >>> logic.export(study, "result")
    """

    def __init__(self) -> None:
        super().__init__()
        self._run: Any = None

    def getParameterNode(self) -> ModicGraderParameterNode:
        """The parameters that are saved with the scene."""
        return ModicGraderParameterNode(super().getParameterNode())

    def guessInputs(self) -> tuple[Any, Any]:
        """The likeliest T1 and T2 of the scene, by their names; None where there is none."""
        from ModicGraderLib.scene.inputs import guess_inputs

        return guess_inputs(slicer.mrmlScene)

    def gradeStudy(self, t1: Any, t2: Any, lowestDisc: str | None = None, device: str = AUTO) -> str:
        """Grade a study and add the result to the scene; waits until that is done.

        :param t1: volume node of the sagittal T1, or None.
        :param t2: volume node of the sagittal T2, or None; one of them is needed.
        :param lowestDisc: name of the lowest disc in view, to override the numbering.
        :param device: "auto", "cpu", "cuda" or "mps".
        :return: name of the study, by which the other methods know it.
        """
        from ModicGraderLib.gui.dependencies import ensure_dependencies
        from ModicGraderLib.scene.grading import SceneGrader

        ensure_dependencies()
        grader = SceneGrader(slicer.mrmlScene)
        grader.grade_study(t1, t2, lowest_disc=lowestDisc, device=device)
        return grader.name

    def startGrading(
        self,
        t1: Any,
        t2: Any,
        lowestDisc: str | None = None,
        device: str = AUTO,
        *,
        onProgress: Callable[[float, str], None],
        onEnd: Callable[[str | None, str | None], None],
    ) -> bool:
        """Start grading in a process of its own and return at once.

        :param onProgress: called with how much is done, from 0 to 1, and what comes next.
        :param onEnd: called once with the study's name, or None and the problem in one sentence; both are None where
            the user has cancelled.
        """
        from ModicGraderLib.gui.dependencies import ensure_dependencies
        from ModicGraderLib.gui.run import GradingRun
        from ModicGraderLib.scene.grading import SceneGrader

        ensure_dependencies()
        self._run = GradingRun(SceneGrader(slicer.mrmlScene), onProgress, onEnd)
        self._run.start(t1, t2, lowestDisc=lowestDisc, device=device)
        return True

    def cancelGrading(self) -> None:
        """End the run that is under way, if there is one; the scene stays as it was."""
        if self.isGrading():
            self._run.cancel()

    def isGrading(self) -> bool:
        """Whether a run is under way."""
        return self._run is not None and self._run.isRunning()

    def holds(self, study: str) -> bool:
        """Whether the scene holds a graded study of this name."""
        from ModicGraderLib.scene.build import studies

        return study in studies(slicer.mrmlScene)

    def report(self, study: str) -> Any:
        """The report of a study as it counts, corrections included; None where the scene holds no such study."""
        from ModicGraderLib.scene.build import read_report

        return read_report(slicer.mrmlScene, study) if self.holds(study) else None

    def correct(self, study: str, level: str, field: str, value: Any, reader: str) -> None:
        """Put a reader's grade in the place of the program's, which is kept beside it."""
        from ModicGraderLib.corrections import correct

        self._setReport(study, correct(self.report(study), level, field, value, reader))

    def rename(self, study: str, level: str, trueLevel: str, reader: str) -> None:
        """Say that a disc is another one, and with it all of them."""
        from ModicGraderLib.corrections import rename

        self._setReport(study, rename(self.report(study), level, trueLevel, reader))

    def undo(self, study: str) -> None:
        """Take back the latest correction."""
        from ModicGraderLib.corrections import undo

        self._setReport(study, undo(self.report(study)))

    def _setReport(self, study: str, report: Any) -> None:
        from ModicGraderLib.scene.correct import set_report

        set_report(slicer.mrmlScene, study, report)

    def editMap(self, study: str) -> None:
        """Open the Modic map in the Segment Editor."""
        from ModicGraderLib.gui.map_editor import editMap

        editMap(study)

    def takeInMapEdits(self, study: str, reader: str) -> None:
        """Keep as a correction what was changed in the map, and measure the extents anew."""
        from ModicGraderLib.scene.correct import record_map

        record_map(slicer.mrmlScene, study, reader)

    def show(self, study: str, view: ViewOptions) -> None:
        """Show or hide what lies over the pictures."""
        from ModicGraderLib.scene.visibility import show

        shown = {name: getattr(view, name) for name in ("labels", "spine", "corners", "modic", "heat", "opacity")}
        show(slicer.mrmlScene, study, **shown)

    def focus(self, study: str, level: str, aligned: bool = False) -> None:
        """Bring all slice views to a disc, T1 and T2 beside each other."""
        from ModicGraderLib.scene.focus import focus

        focus(slicer.mrmlScene, study, level, aligned=aligned)

    def export(self, study: str, directory: str | Path, reader: str = "") -> list[Path]:
        """Write all files of a study, as it counts now, into a folder; see README.md.

        :param reader: who has edited the map, should edits be there that were not taken in yet.
        """
        from ModicGraderLib.gui.dependencies import ensure_dependencies

        # Of a scene that was graded elsewhere, nothing may be installed here.
        ensure_dependencies()
        from ModicGraderLib.export import write_results
        from ModicGraderLib.scene.read import UNNAMED, read_graded

        return write_results(read_graded(slicer.mrmlScene, study, reader or UNNAMED), Path(directory))

    def modelsInWords(self) -> str:
        """Names and versions of the models."""
        from ModicGraderLib.models import registry

        return "\n".join(f"{model['name']} {model['version']}" for model in registry())

    def verifyModels(self) -> bool:
        """Check the files of the models; raises ModelError where one is missing or damaged."""
        from ModicGraderLib.models import registry, verify

        for model in registry():
            verify(model["name"])
        return True


class ModicGraderTest(ScriptedLoadableModuleTest):
    """Runs inside Slicer, and outside it under the project's stand-ins."""

    def setUp(self) -> None:
        """Start with an empty scene."""
        slicer.mrmlScene.Clear()

    def runTest(self) -> None:
        """Run all tests."""
        self.setUp()
        self.test_aSimulatedStudyIsGradedCorrectedAndExported()

    def test_aSimulatedStudyIsGradedCorrectedAndExported(self) -> None:
        """What a user does from beginning to end."""
        logic = ModicGraderLogic()
        with tempfile.TemporaryDirectory() as folder:
            t1, t2 = _simulated(Path(folder))
            self.assertEqual(logic.guessInputs(), (t1, t2))
            study = logic.gradeStudy(t1, t2)
            levels = [disc.level for disc in logic.report(study).discs]
            self.assertEqual(levels, ["T12/L1", "L1/L2", "L2/L3", "L3/L4", "L4/L5", "L5/S1"])
            logic.correct(study, "L4/L5", "pfirrmann", 5, "A. Reader")
            written = {path.name for path in logic.export(study, Path(folder) / "result")}
            self.assertLessEqual({"report.html", "report.json", "levels.csv", "modic_map.nii.gz"}, written)
            logic.undo(study)
            self.assertEqual(logic.report(study).corrections, [])


def _simulated(folder: Path) -> list[Any]:
    """T1 and T2 of a simulated teaching case, in the scene."""
    from ModicGraderLib.simulation.files import simulate_study
    from ModicGraderLib.simulation.teaching import find_case

    files = simulate_study(7, folder / "study", find_case("mixed-findings"))
    return [slicer.util.loadVolume(str(files[name])) for name in ("t1", "t2")]
