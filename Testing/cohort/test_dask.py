"""Tests with a real Dask cluster: studies end as on one machine, and workers and drivers are killed."""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import psutil
import pytest
from cohort_stand_in import GRADER, pids, starts
from dask_cluster import Cluster, running_cluster

from ModicGraderLib.cohort import executors
from ModicGraderLib.cohort.executors import dask_executor
from ModicGraderLib.cohort.folder import CohortFolder
from ModicGraderLib.cohort.run import CohortEnd, run_cohort
from ModicGraderLib.cohort.settings import Settings
from ModicGraderLib.cohort.study_list import StudyEntry
from ModicGraderLib.cohort.tally import Tally
from ModicGraderLib.errors import InputError

TESTING = Path(__file__).parents[1]

pytestmark = pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGKILL")


@pytest.fixture(scope="module")
def cluster(tmp_path_factory) -> Iterator[Cluster]:
    with running_cluster(tmp_path_factory.mktemp("cluster"), workers=2) as one:
        yield one


def run(
    cluster: Cluster,
    directory: Path,
    names: list[str],
    show: Callable[[Tally], None] = lambda tally: None,
    **options: object,
) -> CohortEnd:
    settings = Settings(directory, grader=GRADER, **options)
    entries = [StudyEntry(name, name, t1=Path(f"/scans/Phantom^Spine/{name}.nii")) for name in names]
    executor = dask_executor(cluster.address, settings)
    return run_cohort(directory, entries, settings, executor, show=show, tell=lambda folder, entries: [])


def wait_until(happened: Callable[[], bool], seconds: float = 60.0) -> None:
    until = time.monotonic() + seconds
    while not happened():
        assert time.monotonic() < until, "it did not happen in time"
        time.sleep(0.02)


def gone(pid: int) -> bool:
    """Whether a process has ended; one whose parent has not yet taken note of its end has."""
    with suppress(psutil.NoSuchProcess):
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    return True


def test_studies_end_as_on_one_machine_and_none_harms_another(cluster, tmp_path):
    names = ["slow", "a", "deadly", "b", "wrong", "onceDeadly", "c", "d"]
    end = run(cluster, tmp_path, names, timeout_s=3.0)
    assert (end.done, end.failed, end.left) == (5, 3, 0)
    kinds = {one.study: (one.kind, one.attempts) for one in CohortFolder(tmp_path).failures()}
    assert kinds == {"slow": ("timeout", 1), "wrong": ("input", 1), "deadly": ("crash", 3)}
    # One for each worker, and one for each process that was ended: 3 by deadly, 1 by onceDeadly, 1 by slow.
    assert starts(tmp_path).count("loaded") <= 2 + 5
    assert all(gone(pid) for pid in pids(tmp_path)), "the grading processes end with the run"
    assert "Phantom" not in cluster.logs


def test_studies_of_a_killed_dask_worker_are_graded_by_others(cluster, tmp_path):
    names = [f"s{number:02d}" for number in range(12)]
    killed = []

    def show(tally: Tally) -> None:
        if tally.done >= 3 and not killed:
            worker = cluster.workers()[0]
            killed.extend([worker, *worker.children()])
            worker.kill()

    end = run(cluster, tmp_path, names, show=show)
    assert killed, "the test has killed nothing"
    assert (end.done, end.failed, end.left) == (12, 0, 0)
    assert {path.name for path in (tmp_path / "studies").iterdir()} == set(names)
    wait_until(lambda: all(gone(one.pid) for one in killed), 10.0)
    started = [name for name in starts(tmp_path) if name != "loaded"]
    assert len(started) <= len(names) + 1, "only what the killed worker was grading is graded again"


def test_a_killed_driver_loses_nothing_and_the_next_goes_on(cluster, tmp_path):
    directory, manifest = tmp_path / "cohort", tmp_path / "studies.csv"
    names = [f"s{number:02d}" for number in range(12)]
    directory.mkdir()
    manifest.write_text("study,t1\n" + "".join(f"{name},{name}.nii.gz\n" for name in names), encoding="utf-8")
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(TESTING.parent), str(TESTING)])}
    command = [sys.executable, str(TESTING / "cohort_driver.py"), str(directory), str(manifest)]
    command += ["--scheduler", cluster.address]

    def finished() -> dict[str, int]:
        return {path.parent.name: path.stat().st_ino for path in directory.glob("studies/[!.]*/report.json")}

    driver = subprocess.Popen(command, env=environment)
    try:
        wait_until(lambda: len(finished()) >= 3)
    finally:
        driver.kill()
        driver.wait()
    before = finished()
    assert len(before) < len(names), "it was killed too late"
    assert subprocess.run(command, env=environment, timeout=60).returncode == 0
    assert before.items() <= finished().items() and set(finished()) == set(names)


def test_settings_with_which_nothing_can_be_graded_end_the_run(cluster, tmp_path):
    with pytest.raises(InputError, match="'mps' is not available here"):
        run(cluster, tmp_path, ["a", "b"], device="mps")
    assert "grade_entry" in cluster.logs, "Dask tells what a task that raises was called with"
    assert "Phantom" not in cluster.logs


def test_a_worker_of_another_version_refuses(cluster, tmp_path):
    with pytest.raises(InputError, match=r"a worker has ModicGrader .*, not 0\.0\.9; install the same version"):
        run(cluster, tmp_path, ["a"], version="0.0.9")


def test_an_address_without_a_scheduler_is_told_with_its_mend(tmp_path, monkeypatch):
    monkeypatch.setattr(executors, "CONNECT_S", 0.5)
    with (
        pytest.raises(InputError, match=r"no Dask scheduler answers at tcp://127\.0\.0\.1:9; start one with `dask sch"),
        dask_executor("tcp://127.0.0.1:9", Settings(tmp_path)),
    ):
        pass
