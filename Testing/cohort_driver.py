"""Runs a cohort with the stand-in for grading, as a process that tests can kill: DIRECTORY, manifest, options."""

from __future__ import annotations

import argparse
import signal
import sys
from pathlib import Path

from cohort_stand_in import GRADER

from ModicGraderLib.cohort.executors import dask_executor, local_executor
from ModicGraderLib.cohort.run import run_cohort
from ModicGraderLib.cohort.settings import Settings
from ModicGraderLib.cohort.study_list import read_studies
from ModicGraderLib.errors import Cancelled


def main() -> int:
    # Who is started in the background of a shell ignores Ctrl-C.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    parser = argparse.ArgumentParser()
    parser.add_argument("directory", type=Path)
    parser.add_argument("manifest", type=Path)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--scheduler")
    given = parser.parse_args()
    settings = Settings(given.directory, grader=GRADER, timeout_s=30.0)
    executor = dask_executor(given.scheduler, settings) if given.scheduler else local_executor(given.workers, settings)
    try:
        entries = read_studies(given.manifest)
        end = run_cohort(given.manifest, entries, settings, executor, tell=lambda folder, entries: [])
    except Cancelled:
        return 130
    return 3 if end.failed else 0


if __name__ == "__main__":
    sys.exit(main())
