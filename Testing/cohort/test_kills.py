"""Tests with real SIGKILLs at drawn moments: of the driver, and of the processes that grade. Nothing is lost."""

import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import cohort_stand_in
import psutil
import pytest
from cohort_stand_in import pids, starts

from ModicGraderLib.cohort.folder import CohortFolder

TESTING = Path(cohort_stand_in.__file__).parent
STUDIES = [f"s{number:02d}" for number in range(36)]
"""So many that three drivers cannot be done with them before they are killed, on the fastest machine."""

pytestmark = pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGKILL")

Drive = Callable[[], subprocess.Popen]


@pytest.fixture
def directory(tmp_path) -> Path:
    return tmp_path / "cohort"


@pytest.fixture
def drive(tmp_path, directory) -> Iterator[Drive]:
    """Starts drivers of one and the same cohort, two workers each."""
    directory.mkdir()
    manifest = tmp_path / "studies.csv"
    manifest.write_text("study,t1\n" + "".join(f"{name},{name}.nii.gz\n" for name in STUDIES), encoding="utf-8")
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(TESTING.parent), str(TESTING)])}
    started = []

    def start() -> subprocess.Popen:
        arguments = [sys.executable, str(TESTING / "cohort_driver.py"), str(directory), str(manifest)]
        started.append(subprocess.Popen(arguments, env=environment))
        return started[-1]

    yield start
    for one in started:
        one.kill()
        one.wait()


def finished(directory: Path) -> dict[str, tuple[int, int]]:
    """Inode and time of the report of each study that is done: they change where it is done again."""
    reports = {path.parent.name: path.stat() for path in directory.glob("studies/[!.]*/report.json")}
    return {name: (stat.st_ino, stat.st_mtime_ns) for name, stat in reports.items()}


def check_all_whole(directory: Path) -> None:
    """Every folder that one sees is a whole result."""
    for folder in directory.glob("studies/[!.]*"):
        assert {path.name for path in folder.iterdir()} == {"levels.csv", "report.json", "run.json"}


def wait_until(happened: Callable[[], bool], seconds: float = 30.0) -> None:
    until = time.monotonic() + seconds
    while not happened():
        assert time.monotonic() < until, "it did not happen in time"
        time.sleep(0.02)


@pytest.mark.parametrize("seed", [1, 2])
def test_a_killed_driver_loses_nothing_and_the_next_goes_on(drive, directory, seed):
    moments = random.Random(seed)
    for _ in range(3):
        before = finished(directory)
        driver = drive()
        wait_until(lambda before=before: len(finished(directory)) > len(before))
        time.sleep(moments.uniform(0.0, 0.4))
        driver.kill()
        driver.wait()
        wait_until(lambda: not any(psutil.pid_exists(pid) for pid in pids(directory)))
        after = finished(directory)
        assert before.items() <= after.items(), "a finished study was lost or done again"
        check_all_whole(directory)
    before = finished(directory)
    assert drive().wait(timeout=60) == 0
    after = finished(directory)
    assert before.items() <= after.items() and set(after) == set(STUDIES)
    check_all_whole(directory)
    assert not list(directory.glob("studies/.*")), "leftovers of the killed runs"
    # Each kill costs at most the two studies that were being graded.
    again = Counter(starts(directory)) - Counter([*STUDIES, *starts(directory).count("loaded") * ["loaded"]])
    assert sum(again.values()) <= 6


@pytest.mark.parametrize("seed", [1, 2])
def test_studies_of_killed_workers_are_graded_by_others(drive, directory, seed):
    moments = random.Random(seed)
    driver = drive()
    wait_until(lambda: len(pids(directory)) == 2)
    killed = 0
    for _ in range(2):
        time.sleep(moments.uniform(0.0, 0.3))
        alive = [pid for pid in pids(directory) if psutil.pid_exists(pid)]
        if alive and driver.poll() is None:
            os.kill(moments.choice(alive), signal.SIGKILL)
            killed += 1
    assert driver.wait(timeout=60) == 0
    assert killed > 0
    assert set(finished(directory)) == set(STUDIES)
    check_all_whole(directory)
    assert CohortFolder(directory).failures() == []
    assert starts(directory).count("loaded") <= 2 + killed


def test_ctrl_c_ends_the_driver_and_its_workers_and_keeps_what_is_done(drive, directory):
    driver = drive()
    wait_until(lambda: len(finished(directory)) >= 2)
    driver.send_signal(signal.SIGINT)
    assert driver.wait(timeout=30) == 130
    assert not any(psutil.pid_exists(pid) for pid in pids(directory))
    before = finished(directory)
    assert drive().wait(timeout=60) == 0
    assert before.items() <= finished(directory).items()
