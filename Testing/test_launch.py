"""Starting the worker, hearing it, and ending it so that nothing is left."""

import json
import os
import subprocess
import sys
import time

import patient_worker
import pytest

from ModicGraderLib import launch
from ModicGraderLib.launch import Run, RunState

REQUEST = {"task": "grade"}
SECONDS_TO_START = 60
"""A busy machine may need long to start a Python; how long the end takes is what is tested."""
SECONDS_TO_END = 10


def saying(script: str) -> launch.Launcher:
    """A launcher of a worker that is these lines of Python; FOLDER is in `folder`."""
    start = "import json, os, sys, time, pathlib; folder = pathlib.Path(sys.argv[1])\n"
    return lambda arguments, environment: launch.start_python(["-c", start + script, arguments[-1]], environment)


def hear_until(run: Run, kind: str, seconds: float = SECONDS_TO_START) -> list[launch.Event]:
    heard, end = [], time.monotonic() + seconds
    while not any(event.kind == kind for event in heard):
        assert time.monotonic() < end, f"no {kind} in {seconds} s; heard {heard}, log {list(run.log)}"
        heard += run.poll()
        time.sleep(0.01)
    return heard


def is_alive(process: int) -> bool:
    """Whether a process runs; one that has ended but was not asked for its exit code does not."""
    done = subprocess.run(["ps", "-o", "stat=", "-p", str(process)], capture_output=True, text=True)
    return done.stdout.strip() not in ("", *(f"Z{flags}" for flags in ("", "+", "s", "N", "<", "sN", "Ns")))


def assert_all_end(*processes: int) -> None:
    end = time.monotonic() + SECONDS_TO_END
    while any(map(is_alive, processes)):
        assert time.monotonic() < end, f"{[one for one in processes if is_alive(one)]} live on"
        time.sleep(0.05)


def test_a_run_tells_its_progress_and_its_end(tmp_path):
    run = Run(
        saying(
            "print(json.dumps({'pid': os.getpid()}));"
            "print('a remark of a library');"
            "print(json.dumps({'fraction': 0.5, 'text': 'Half'}));"
            "print(json.dumps({'done': 'graded.npz'}))"
        )
    )
    run.start(tmp_path, REQUEST)
    assert run.state is RunState.STARTING
    heard = []
    assert run.wait(heard.append) is RunState.DONE
    assert heard == [
        launch.Event("log", "a remark of a library"),
        launch.Event("progress", "Half", 0.5),
        launch.Event("done", "graded.npz"),
    ]
    assert json.loads((tmp_path / "request.json").read_text()) == REQUEST


def test_an_error_of_the_input_is_told_in_the_workers_own_words(tmp_path):
    run = Run(saying("print(json.dumps({'error': 'no spine is seen', 'kind': 'input'})); sys.exit(2)"))
    run.start(tmp_path, REQUEST)
    heard = []
    assert run.wait(heard.append) is RunState.FAILED
    assert heard == [launch.Event("error", "no spine is seen")]
    assert (run.error, run.is_fault) == ("no spine is seen", False)


def test_a_worker_that_crashes_is_a_fault_with_its_last_words(tmp_path):
    run = Run(saying("print('the disk is full', file=sys.stderr, flush=True); os.abort()"))
    run.start(tmp_path, REQUEST)
    assert run.wait() is RunState.FAILED
    assert run.is_fault
    assert "exit code" in run.error
    assert "the disk is full" in run.log


def test_bytes_that_are_no_text_do_not_end_the_hearing(tmp_path):
    run = Run(saying('sys.stdout.buffer.write(b\'caf\\xe9 {\\n{half\\n{"done": "x"}\\n\')'))
    run.start(tmp_path, REQUEST)
    assert run.wait() is RunState.DONE
    assert list(run.log) == ["caf\ufffd {", "{half"]


def test_the_process_that_slicer_starts_with_text_for_its_stdout_is_heard_too(tmp_path):
    def as_slicer_does(arguments, environment):
        script = 'print(\'{"done": "x"}\')'
        return subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, universal_newlines=True)

    run = Run(as_slicer_does)
    run.start(tmp_path, REQUEST)
    assert run.wait() is RunState.DONE


def test_a_python_that_is_not_there_is_told_as_every_other_failure(tmp_path):
    run = Run(lambda arguments, environment: subprocess.Popen([str(tmp_path / "nowhere")]))
    run.start(tmp_path, REQUEST)
    assert run.wait() is RunState.FAILED
    assert "could not be started" in run.error


@pytest.mark.parametrize("launcher", [patient_worker.patient, patient_worker.behind_a_launcher])
def test_cancelling_ends_the_worker_and_its_children(tmp_path, launcher):
    run = Run(launcher)
    run.start(tmp_path, REQUEST)
    hear_until(run, "progress")
    processes = run._pid, run._process.pid, int((tmp_path / patient_worker.CHILD).read_text())
    assert all(map(is_alive, processes))
    run.cancel()
    assert run.state is RunState.CANCELLING
    assert hear_until(run, "cancelled", SECONDS_TO_END)[-1].kind == "cancelled"
    assert run.state is RunState.CANCELLED
    assert_all_end(*processes)


@pytest.mark.parametrize("launcher", [patient_worker.behind_a_launcher, patient_worker.slow_to_start])
def test_a_run_that_is_cancelled_before_it_said_its_number_ends_too(tmp_path, launcher):
    run = Run(launcher)
    run.start(tmp_path, REQUEST)
    run.cancel()
    hear_until(run, "cancelled")
    assert run.state is RunState.CANCELLED
    assert not (tmp_path / patient_worker.CHILD).exists()
    assert_all_end(run._process.pid)


def test_a_result_that_came_before_the_cancelling_was_heard_does_not_count(tmp_path):
    run = Run(saying("print(json.dumps({'done': 'graded.npz'}), flush=True); time.sleep(60)"))
    run.start(tmp_path, REQUEST)
    run.cancel()
    assert run.wait() is RunState.CANCELLED


def test_an_interrupted_wait_ends_the_run_first(tmp_path):
    def interrupt(event):
        raise KeyboardInterrupt

    run = Run(patient_worker.patient)
    run.start(tmp_path, REQUEST)
    with pytest.raises(KeyboardInterrupt):
        run.wait(interrupt)
    assert run.state is RunState.CANCELLED
    assert_all_end(run._pid, int((tmp_path / patient_worker.CHILD).read_text()))


def test_cancelling_does_nothing_to_a_run_that_is_over(tmp_path):
    run = Run(saying("print(json.dumps({'done': 'x'}))"))
    run.cancel()
    assert run.state is RunState.IDLE
    run.start(tmp_path, REQUEST)
    run.wait()
    run.cancel()
    assert run.state is RunState.DONE
    assert run.poll() == []


def test_a_run_is_started_again_after_its_end_and_not_before(tmp_path):
    run = Run(saying("print(json.dumps({'done': 'x'}))"))
    run.start(tmp_path, REQUEST)
    with pytest.raises(RuntimeError, match="not over"):
        run.start(tmp_path, REQUEST)
    run.wait()
    run.start(tmp_path, REQUEST)
    assert run.wait() is RunState.DONE


def test_a_worker_does_not_outlive_an_application_that_is_killed(tmp_path):
    """The application is a Python of its own here; killed, it cannot cancel anything."""
    folder = tmp_path / "run"
    folder.mkdir()
    script = (
        "import sys, time, pathlib, patient_worker; from ModicGraderLib.launch import Run\n"
        "run = Run(patient_worker.behind_a_launcher)\n"
        "run.start(pathlib.Path(sys.argv[1]), {'task': 'grade', 'temporary': True})\n"
        "while not any(e.kind == 'progress' for e in run.poll()): time.sleep(0.01)\n"
        "print(run._pid, flush=True); time.sleep(60)"
    )
    application = subprocess.Popen(
        [sys.executable, "-c", script, str(folder)],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
    )
    worker = int(application.stdout.readline())
    child = int((folder / patient_worker.CHILD).read_text())
    assert is_alive(worker)
    assert is_alive(child)
    application.kill()
    application.wait()
    assert_all_end(worker, child)
    assert not folder.exists()


def test_no_number_can_make_it_end_every_process():
    for leader in (-1, 0, 1):
        with pytest.raises(ValueError, match="no group"):
            launch.end_group(leader)
