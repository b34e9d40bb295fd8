"""`modicgrader cohort`: many studies at once. Heavy libraries are imported by the command itself."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from .cli_options import AsJson, Device, Only, OutputFolder, Where, check_output
from .cohort.settings import MEMORY_GB, TIMEOUT_S, Settings
from .errors import InputError

if TYPE_CHECKING:
    from .cohort.study_list import StudyEntry

PACKAGES = ("filelock", "psutil", "pyarrow")
"""What cohorts need beside what a single study does; the extra `cohort` of the package."""

DONE, FINISHED_WITH_FAILURES = 0, 3
"""Exit codes; those of the other ends are the command line's."""


def add_to(app: typer.Typer) -> None:
    """Add the command to the command line."""
    app.command()(cohort)


def cohort(
    manifest: Annotated[
        Path, typer.Argument(metavar="MANIFEST", help="A CSV of studies (docs/manifest.md), or a folder of DICOM.")
    ],
    output: OutputFolder,
    workers: Annotated[
        int | None, typer.Option(min=1, help="Studies at a time; as many as cores and memory allow by default.")
    ] = None,
    scheduler: Annotated[
        str | None, typer.Option(metavar="ADDRESS", help="Of a Dask cluster that grades, e.g. tcp://host:8786.")
    ] = None,
    timeout: Annotated[
        float, typer.Option(min=1, metavar="SECONDS", help="A study that takes longer is a failure.")
    ] = TIMEOUT_S,
    memory: Annotated[float, typer.Option(min=0.1, metavar="GB", help="So is one that needs more memory.")] = MEMORY_GB,
    only: Only = None,
    device: Where = Device.auto,
    threads: Annotated[
        int | None, typer.Option(min=1, help="Processor threads of each worker; by default the cores are shared out.")
    ] = None,
    keep_identity: Annotated[
        bool, typer.Option("--keep-identity", help="Write DICOM results and key.csv, which tell who the patients are.")
    ] = False,
    retry_failed: Annotated[
        bool, typer.Option("--retry-failed", help="Try the studies of failures.csv again.")
    ] = False,
    as_json: AsJson = False,
) -> int:
    """Grade many studies into DIR/studies, and tell the cohort in tables and an overview.

    The same command goes on where it was stopped. A failed study costs a row in failures.csv (exit code 3).

    Names, dates of birth, identifiers and paths are left out. A study takes some 2 MB; --only report, a quarter.
    """
    _check_installed(*PACKAGES, *(["distributed"] if scheduler else []))
    check_output(output)
    from .cohort.executors import dask_executor, default_workers, local_executor, usable_cores
    from .cohort.run import run_cohort
    from .cohort.study_list import read_studies
    from .cohort.tally import shown_tally
    from .terminal import print_json, shown_progress

    if scheduler is not None and workers is not None:
        raise InputError("--workers is for this machine, --scheduler for a cluster; give one of them")
    with shown_progress() as progress:
        entries = read_studies(manifest, progress)
    _warn(entries)
    workers = workers or default_workers()
    shared_out = 1 if scheduler else max(1, usable_cores() // workers)
    settings = Settings(
        directory=output.absolute(),
        only=tuple(sorted({one.value for one in only or ()})),
        device=device.value,
        threads=threads or shared_out,
        keep_identity=keep_identity,
        timeout_s=timeout,
        memory_gb=memory,
    )
    executor = dask_executor(scheduler, settings) if scheduler else local_executor(workers, settings)
    with shown_tally() as show:
        end = run_cohort(manifest.absolute(), entries, settings, executor, retry_failed=retry_failed, show=show)
    if as_json:
        files = [str(path) for path in end.files]
        print_json({"done": end.done, "failed": end.failed, "seconds": round(end.seconds, 1), "files": files})
    else:
        failed = f", {end.failed} failed (see {output / 'failures.csv'})" if end.failed else ""
        print(f"{end.done} of {len(entries)} studies are graded{failed}: {output / 'overview.html'}")
    return FINISHED_WITH_FAILURES if end.failed else DONE


def _check_installed(*packages: str) -> None:
    for name in packages:
        if importlib.util.find_spec(name) is None:
            raise InputError(f"cohorts need the Python package {name}; install ModicGrader with its extra `cohort`")


def _warn(entries: Sequence[StudyEntry]) -> None:
    """Name the studies that will fail because a file of theirs is not there, before the long work starts."""
    missing = [entry.name for entry in entries if not all(path.exists() for path in entry.paths)]
    if missing:
        more = ", ..." if len(missing) > 5 else ""
        count = f"{len(missing)} of {len(entries)} studies"
        print(
            f"modicgrader: {count} name files that are not there, and will fail: {', '.join(missing[:5])}{more}",
            file=sys.stderr,
        )
