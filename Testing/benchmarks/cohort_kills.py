"""What is left of a cohort whose workers and drivers are killed all the time, with SIGKILL, at drawn moments.

`python Testing/benchmarks/cohort_kills.py --page docs/cohort.md` grades studies with the tests' stand-in for grading,
kills, starts the driver again where it was the one, and checks after each driver that every study that was finished is
still there as it was.
"""

from __future__ import annotations

import argparse
import os
import random
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import psutil

from ModicGraderLib.cohort.folder import CohortFolder
from ModicGraderLib.evaluation.pages import wrapped, write_blocks

ROOT = Path(__file__).resolve().parents[2]
TESTING = ROOT / "Testing"

WORKERS = 3

WORKER_LIVES_S = (0.1, 0.8)
"""Seconds, from and to, after which the next worker is killed."""

DRIVER_LIVES_S = (4.0, 10.0)


@dataclass
class Killed:
    """How many were killed."""

    workers: int = 0
    drivers: int = 0


def finished(directory: Path) -> dict[str, int]:
    """Inode of the report of each finished study, which changes where it is graded again."""
    return {path.parent.name: path.stat().st_ino for path in directory.glob("studies/[!.]*/report.json")}


def processes(directory: Path) -> list[int]:
    """The processes of the stand-in that are there."""
    path = directory / "starts.txt"
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    return [pid for pid in {int(line.split()[0]) for line in lines} if psutil.pid_exists(pid)]


def haunt(driver: subprocess.Popen, directory: Path, moments: random.Random, killed: Killed, spare: bool) -> None:
    """Kill workers of a driver, and unless it is to be spared at last the driver too, until it has ended."""
    until = time.monotonic() + moments.uniform(*DRIVER_LIVES_S)
    while driver.poll() is None:
        time.sleep(moments.uniform(*WORKER_LIVES_S))
        if not spare and time.monotonic() > until:
            driver.kill()
            driver.wait()
            killed.drivers += 1
        elif there := processes(directory):
            with suppress(ProcessLookupError):
                os.kill(moments.choice(there), 9)
                killed.workers += 1


def run(directory: Path, manifest: Path, drivers: int, seed: int) -> Killed:
    """Grade all, of the drivers so many killed."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), str(TESTING)])}
    command = [sys.executable, str(TESTING / "cohort_driver.py"), str(directory), str(manifest)]
    command += ["--workers", str(WORKERS)]
    moments, killed, before = random.Random(seed), Killed(), {}
    while True:
        driver = subprocess.Popen(command, env=environment)
        haunt(driver, directory, moments, killed, spare=killed.drivers >= drivers)
        after = finished(directory)
        assert before.items() <= after.items(), "a finished study was lost or graded again"
        before = after
        if driver.returncode in (0, 3):
            return killed


def outlived(folder: Path, studies: int, drivers: int, seed: int) -> str:
    """What was killed and what was left, in words."""
    directory, manifest = folder / "cohort", folder / "studies.csv"
    directory.mkdir()
    rows = [f"s{number:04d},s{number:04d}.nii.gz" for number in range(studies)]
    manifest.write_text("\n".join(["study,t1", *rows]) + "\n", encoding="utf-8")
    began = time.monotonic()
    killed = run(directory, manifest, drivers, seed)
    seconds = time.monotonic() - began
    time.sleep(1.0)
    done, crashed = len(CohortFolder(directory).done()), len(CohortFolder(directory).failures())
    halves, left = len(list(directory.glob("studies/.*"))), len(processes(directory))
    return wrapped(
        f"{studies} studies, graded by a stand-in with {WORKERS} workers: in {seconds:.0f} s {killed.workers} workers "
        f"and {killed.drivers} drivers were killed. {done} studies were done at the end and {crashed} listed as "
        f"crashes; no finished study was lost or graded again; {halves} half-written folders and {left} processes were "
        "left."
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--studies", type=int, default=250)
    parser.add_argument("--drivers", type=int, default=6)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--page", type=Path, help="Write what was left into this page too.")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        text = outlived(Path(name), given.studies, given.drivers, given.seed)
    print(text)
    if given.page:
        write_blocks(given.page, {"kills": text})


if __name__ == "__main__":
    main()
