"""Throughput and memory of `modicgrader cohort` on simulated studies, and what they mean for a hundred thousand.

`python Testing/benchmarks/cohort_throughput.py --studies 200 --page docs/cohort.md` grades 200 studies with two workers
and a quarter of them with one, and studies of nothing with two, which is what the engine itself costs. The patients are
drawn once and kept in `--folder`; where there are fewer of them than studies, they come again.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ModicGraderLib.cohort.executors import local_executor, usable_cores
from ModicGraderLib.cohort.run import run_cohort
from ModicGraderLib.cohort.settings import Settings
from ModicGraderLib.cohort.study_list import StudyEntry
from ModicGraderLib.cohort.tally import duration
from ModicGraderLib.evaluation.pages import table, wrapped, write_blocks
from ModicGraderLib.simulation.files import simulate_study

ROOT = Path(__file__).resolve().parents[2]
MANY = 100_000
"""Studies of a large cohort."""

NOTHINGS = 1000
"""Studies of nothing, so many that starting up does not count."""


@dataclass(frozen=True)
class Measured:
    """What a run left, in the order in which its studies were finished.

    Attributes
    ----------
    ends:
        (studies,) seconds from the first study that was finished.
    peaks:
        (studies,) MB of the worker that graded it.
    workers_of:
        (studies,) name of that worker.
    wall:
        Seconds of the whole run, with loading the networks and writing the tables.
    megabytes:
        Of the results of a study, the mean.
    """

    workers: int
    ends: np.ndarray
    peaks: np.ndarray
    workers_of: np.ndarray
    wall: float
    megabytes: float

    @property
    def slope(self) -> float:
        """Seconds a study, by a line through the ends: what each further study costs."""
        return float(np.polyfit(np.arange(len(self.ends)), self.ends, 1)[0])

    @property
    def drift(self) -> float:
        """Seconds a study in the second half over those in the first; 1 where cost does not grow with the cohort."""
        half = len(self.ends) // 2
        first, second = (np.polyfit(np.arange(len(part)), part, 1)[0] for part in (self.ends[:half], self.ends[half:]))
        return float(second / first)

    @property
    def growth(self) -> float:
        """MB that the peak of a worker grows by in 100 of its studies, the mean of the workers."""
        lines = []
        for name in np.unique(self.workers_of):
            peaks = self.peaks[self.workers_of == name]
            lines.append(100 * np.polyfit(np.arange(len(peaks)), peaks, 1)[0])
        return float(np.mean(lines))


def draw(folder: Path, patients: int, slices: int) -> None:
    """Simulate the patients that are not there yet."""
    for seed in range(patients):
        if not (folder / f"{seed:04d}" / "truth.json").exists():
            simulate_study(seed, folder / f"{seed:04d}", slices=slices)


def list_studies(folder: Path, studies: int, patients: int) -> Path:
    """A manifest of so many studies."""
    path = folder / "studies.csv"
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["study", "patient", "t1", "t2"])
        for number in range(studies):
            patient = f"{number % patients:04d}"
            writer.writerow([f"s{number:06d}", patient, f"{patient}/t1.nii.gz", f"{patient}/t2.nii.gz"])
    return path


def measure(manifest: Path, workers: int, output: Path) -> Measured:
    """Grade the studies by the command line, one processor thread a worker."""
    command = [sys.executable, "-m", "ModicGraderLib", "cohort", str(manifest), "-o", str(output), "--json"]
    command += ["--workers", str(workers), "--threads", "1"]
    done = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True)
    runs = sorted(output.glob("studies/*/run.json"), key=lambda path: path.stat().st_mtime_ns)
    told = [json.loads(path.read_text(encoding="utf-8")) for path in runs]
    ends = np.array([path.stat().st_mtime_ns for path in runs]) / 1e9
    size = sum(path.stat().st_size for path in output.rglob("studies/*/*"))
    return Measured(
        workers,
        ends - ends[0],
        np.array([one["peak_memory_mb"] for one in told]),
        np.array([one["worker"] for one in told]),
        json.loads(done.stdout)["seconds"],
        size / 1e6 / len(runs),
    )


def engine_seconds(output: Path, workers: int) -> float:
    """Seconds that a study of nothing takes: to hand it out, to hear of its end, and its folder."""
    os.environ["PYTHONPATH"] = os.pathsep.join([str(ROOT), str(ROOT / "Testing")])
    settings = Settings(output, grader="cohort_stand_in:Nothing")
    entries = [StudyEntry(f"s{number:06d}", "nobody") for number in range(NOTHINGS)]
    executor = local_executor(workers, settings)
    end = run_cohort(output, entries, settings, executor, tell=lambda folder, entries: [])
    assert end.done == NOTHINGS
    return end.seconds / NOTHINGS


def throughput(runs: Sequence[Measured]) -> str:
    """Studies an hour, beside those of one worker times the number of workers."""
    rows = []
    for run in runs:
        ideal = run.workers * 3600 / runs[0].slope
        rate = 3600 / run.slope
        rows.append(
            [
                run.workers,
                len(run.ends),
                f"{run.wall:.0f} s",
                f"{run.slope:.2f} s",
                f"{rate:.0f}",
                f"{rate / ideal:.0%}",
            ]
        )
    head = ["workers", "studies", "in all", "each further study", "studies an hour", "of ideal"]
    return f"On {usable_cores()} cores, one thread a worker:\n\n{table(head, rows)}"


def memory(runs: Sequence[Measured]) -> str:
    """Peaks of the workers along the cohort."""
    rows = []
    for run in runs:
        tenth = max(1, len(run.peaks) // 10)
        first, last = (f"{part.mean():.0f} MB" for part in (run.peaks[:tenth], run.peaks[-tenth:]))
        rows.append([run.workers, first, last, f"{run.peaks.max():.0f} MB", f"{run.growth:+.0f} MB"])
    head = ["workers", "first tenth of the studies", "last tenth", "most", "growth in 100 studies of a worker"]
    return table(head, rows)


def model(runs: Sequence[Measured], engine: float) -> str:
    """What `MANY` studies would take, and what speaks for it."""
    last = runs[-1]
    # What a worker needs for a study while others are at work beside it.
    busy = last.slope * last.workers
    rows = [[workers, duration(MANY * busy / workers)] for workers in (last.workers, 16, 128)]
    text = (
        f"With {last.workers} workers a further study costs {last.drift:.2f} times as much in the second half of the "
        f"cohort as in the first; the engine alone takes {1000 * engine:.0f} ms a study, and each takes "
        f"{last.megabytes:.1f} MB on disk. {MANY:,} such studies would take {MANY * last.megabytes / 1e3:.0f} GB and "
        "this long:"
    )
    return f"{wrapped(text)}\n\n{table(['workers', 'time'], rows)}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--studies", type=int, default=20)
    parser.add_argument("--patients", type=int, default=20)
    parser.add_argument("--slices", type=int, default=5)
    parser.add_argument("--folder", type=Path, default=ROOT / "output" / "benchmark-cohort")
    parser.add_argument("--page", type=Path, help="Write the figures into this page too.")
    given = parser.parse_args()
    folder = given.folder / f"slices-{given.slices}"
    draw(folder, given.patients, given.slices)
    runs = []
    with tempfile.TemporaryDirectory(dir=given.folder) as name:
        # One worker is but the yardstick.
        for workers, studies in ((1, given.studies // 4), (2, given.studies)):
            manifest = list_studies(folder, studies, given.patients)
            runs.append(measure(manifest, workers, Path(name, str(workers))))
        engine = engine_seconds(Path(name, "nothing"), workers=2)
    blocks = {"throughput": throughput(runs), "memory": memory(runs), "model": model(runs, engine)}
    print("\n\n".join(blocks.values()))
    if given.page:
        write_blocks(given.page, blocks)


if __name__ == "__main__":
    main()
