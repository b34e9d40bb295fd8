"""`modicgrader grade`: one study, from files, a DICOM folder or a PACS. Heavy libraries are imported by the command."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from .anatomy import DISCS_UPWARDS
from .cli_options import AsJson, Device, Only, OutputFolder, Where, check_output
from .errors import Cancelled, InputError
from .progress import Progress
from .threads import limit_threads

if TYPE_CHECKING:
    from .study import SpineStudy


def add_to(app: typer.Typer) -> None:
    """Add the command to the command line."""
    app.command()(grade)


def grade(
    output: OutputFolder,
    folder: Annotated[Path | None, typer.Argument(metavar="[DICOM_DIR]", help="Folder that holds the study.")] = None,
    t1: Annotated[Path | None, typer.Option(metavar="PATH", help="T1: NIfTI, NRRD, MHA or a DICOM folder.")] = None,
    t2: Annotated[Path | None, typer.Option(metavar="PATH", help="T2: NIfTI, NRRD, MHA or a DICOM folder.")] = None,
    dicomweb: Annotated[
        str | None, typer.Option(metavar="URL", help="Fetch the study from this DICOMweb server; see docs/pacs.md.")
    ] = None,
    study_uid: Annotated[str | None, typer.Option("--study", metavar="UID", help="Its Study Instance UID.")] = None,
    store: Annotated[bool, typer.Option("--store", help="Store the DICOM results back on that server.")] = False,
    device: Where = Device.auto,
    threads: Annotated[int | None, typer.Option(min=1, help="Processor threads; all by default.")] = None,
    lowest_disc: Annotated[
        str | None, typer.Option(metavar="LEVEL", help="Name of the lowest disc in view, if the numbering is wrong.")
    ] = None,
    only: Only = None,
    dicom: Annotated[
        bool | None,
        typer.Option(help="Write DICOM segmentations and a structured report; by default where the study is DICOM."),
    ] = None,
    pdf: Annotated[bool, typer.Option("--pdf", help="Print the page too; needs Chromium, Chrome or Edge.")] = False,
    fhir: Annotated[bool, typer.Option("--fhir", help="Write the report as FHIR resources too.")] = False,
    as_json: AsJson = False,
) -> None:
    """Find, name and grade the discs of a study, and write the report, tables, maps, DICOM and a Slicer scene."""
    source = _Source(folder, t1, t2, dicomweb, study_uid)
    source.check()
    if lowest_disc is not None and lowest_disc not in DISCS_UPWARDS:
        raise InputError(f"{lowest_disc!r} is no disc; --lowest-disc takes one of {', '.join(DISCS_UPWARDS)}")
    if store and (dicomweb is None or dicom is False):
        raise InputError("--store puts DICOM results on the server of --dicomweb; name one, without --no-dicom")
    extras = {"dicom": bool(dicom) or store, "pdf": pdf, "fhir": fhir}
    without = {"scene": only is not None, "dicom": dicom is False}
    check_output(output)
    if pdf:
        from .export.printed import find_browser

        find_browser()
    limit_threads(threads)
    from .terminal import print_summary, shown_progress

    with shown_progress() as progress, source.read(progress.part(0.0, 0.1)) as study:
        if extras["dicom"] and not study.reference.dicom:
            raise InputError("the study was not read from DICOM, so no DICOM can refer to it; leave --dicom out")
        # Only now: a wrong input need not wait for torch.
        from .export import write_results
        from .pipeline import grade_study

        graded = grade_study(
            study,
            lowest_disc=lowest_disc,
            device=device.value,
            only=frozenset(one.value for one in only) if only else None,
            progress=progress.part(0.1, 0.8),
        )
        progress.step(0.8, "Writing the results")
        files = write_results(graded, output, extras=_named(extras), without=_named(without))
    print_summary(graded.report, output, files, as_json=as_json)
    if store:
        _store(dicomweb, study_uid, [path for path in files if path.suffix == ".dcm"])


def _store(url: str, study_uid: str, files: list[Path]) -> None:
    """Store results on the server; they stay where they are, whatever comes."""
    from .io.dicomweb import store
    from .terminal import shown_progress

    try:
        with shown_progress() as progress:
            store(url, files, study_uid, progress=progress)
    except (Cancelled, KeyboardInterrupt):
        raise Cancelled("cancelled; the results are written, but not all of them are on the server") from None


def _named(wanted: dict[str, bool]) -> frozenset[str]:
    return frozenset(name for name, is_wanted in wanted.items() if is_wanted)


@dataclass(frozen=True)
class _Source:
    """Where the study comes from: one of three ways."""

    folder: Path | None
    t1: Path | None
    t2: Path | None
    dicomweb: str | None
    study_uid: str | None

    def check(self) -> None:
        """Raise InputError unless just one way is given, and whole."""
        if (self.dicomweb is None) != (self.study_uid is None):
            raise InputError("a study on a server takes both its address and its UID; give --dicomweb URL --study UID")
        ways = [self.folder is not None, self.t1 is not None or self.t2 is not None, self.dicomweb is not None]
        if not any(ways):
            raise InputError("no images were named; give --t1 PATH and --t2 PATH, or a DICOM folder")
        if ways[0] and ways[1]:
            raise InputError("a DICOM folder was named beside --t1 or --t2; give either the folder or the two series")
        if sum(ways) > 1:
            raise InputError("files were named beside --dicomweb; give either files or a study on a server")

    @contextmanager
    def read(self, progress: Progress) -> Iterator[SpineStudy]:
        """The study; its DICOM files are there as long as the context is."""
        from .io import read_dicom_study, read_study

        if self.dicomweb is not None:
            from .io.dicomweb import fetched_study

            with fetched_study(self.dicomweb, self.study_uid, progress=progress.part(0.0, 0.7)) as fetched:
                # Its folder is gone when the report is read.
                yield read_dicom_study(fetched, progress=progress.part(0.7, 1.0)).without_folders()
        elif self.folder is not None:
            yield read_dicom_study(self.folder, progress=progress)
        else:
            yield read_study(self.t1, self.t2, progress=progress)
