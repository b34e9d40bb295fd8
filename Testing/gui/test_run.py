"""A grading under way, looked after by the application's own event loop."""

import os
import time

import pytest
from graded_example import example_graded_study

from ModicGraderLib.handover import save_graded
from ModicGraderLib.launch import start_python

pytestmark = pytest.mark.slicer


class Panel:
    """What a run tells the panel."""

    def __init__(self):
        self.progress, self.ends = [], []

    def onProgress(self, fraction: float, text: str) -> None:
        self.progress.append((fraction, text))

    def onEnd(self, study: str | None, problem: str | None) -> None:
        self.ends.append((study, problem))


def launched(script: str):
    """A launcher of a worker that is these lines of Python; FOLDER is in `folder`."""
    start = (
        "import json, os, pathlib, shutil, sys, time; folder = pathlib.Path(sys.argv[1])\n"
        "say = lambda **words: print(json.dumps(words), flush=True)\n"
        "say(pid=os.getpid()); say(fraction=0.25, text='Finding the discs')\n"
    )
    return lambda arguments, environment: start_python(["-c", start + script, arguments[-1]], environment)


def start(host, script: str):
    """A run on a T2 of the example, with the panel it tells."""
    import slicer

    from ModicGraderLib.gui.run import GradingRun
    from ModicGraderLib.scene.grading import SceneGrader
    from ModicGraderLib.scene.nodes import add_volume

    study, panel = example_graded_study().study, Panel()
    node = add_volume(slicer.mrmlScene, "T2", study.t2.array, study.t2.affine)
    run = GradingRun(SceneGrader(slicer.mrmlScene, launched(script)), panel.onProgress, panel.onEnd)
    run.start(None, node)
    assert run.isRunning()
    return run, panel


def test_progress_and_the_study_are_told_while_the_panel_stays_alive(host, tmp_path):
    save_graded(example_graded_study(), tmp_path / "graded.npz")
    run, panel = start(host, f"shutil.copy({str(tmp_path / 'graded.npz')!r}, folder); say(done='graded.npz')")
    host.wait_until(lambda: panel.ends, 60)
    assert panel.progress == [(0.25, "Finding the discs")]
    assert panel.ends == [("ModicGrader study", None)]
    assert not run.isRunning()


def test_a_problem_is_told_once_in_one_sentence(host):
    run, panel = start(host, "say(error='no spine is seen; give another series', kind='input')")
    host.wait_until(lambda: panel.ends, 60)
    assert panel.ends == [(None, "no spine is seen; give another series")]
    run.poll()
    assert len(panel.ends) == 1


def test_a_cancelled_run_ends_with_neither(host):
    run, panel = start(host, "time.sleep(60)")
    host.wait_until(lambda: panel.progress, 60)
    run.cancel()
    assert run.isRunning()
    cancelled = time.monotonic()
    host.wait_until(lambda: panel.ends, 60)
    assert panel.ends == [(None, None)]
    assert time.monotonic() - cancelled < 10


def test_in_the_application_the_worker_is_started_by_its_own_python(host, tmp_path):
    """PythonSlicer is a launcher: what it starts is another process, which finds the library."""
    from ModicGraderLib.launch import Run, RunState
    from ModicGraderLib.scene.launcher import launcher, start_python_slicer

    assert launcher() is start_python_slicer
    run = Run(launcher())
    run.start(tmp_path, {"task": "juggle"})
    assert run.wait() is RunState.FAILED
    assert run.error == "'juggle' is no task; ask for one of grade, simulate"
    assert run._pid not in (run._process.pid, os.getpid())
