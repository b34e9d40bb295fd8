"""write_outcome(): what a cohort says, whole or half done: tables of all its studies, an overview, agreement."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from ..errors import InputError
from ..export.tables import Row, endplate_rows, level_rows
from ..report import StudyReport
from ..whole_files import write_text
from .agreement import Agreement, agreement_of
from .agreement_files import AGREEMENT_FILES, write_agreement
from .folder import REPORT, CohortFolder
from .outcome_columns import DISCS, ENDPLATES, STUDIES, study_row
from .outcome_tables import TableFiles
from .overview import overview_page
from .study_list import StudyEntry

OVERVIEW = "overview.html"

_LOGGER = logging.getLogger(__name__)


def write_outcome(directory: Path, entries: Sequence[StudyEntry]) -> list[Path]:
    """Write the tables, the overview and the agreement of what there is of a cohort, and return their paths.

    Reports are read one after the other, so that memory does not grow with the cohort; all else is told from the
    tables. Each file is written beside its older one and then moved.

    * `cohort.csv`, `cohort.parquet`: one row a disc, the columns of `levels.csv` behind study, patient and age.
    * `endplates.csv`, `endplates.parquet`: the same, one row an endplate.
    * `studies.csv`, `studies.parquet`: one row a study: what a reader should know of it, and how it was made.
    * `overview.html`: a page that needs nothing else.
    * `agreement.json`, `agreement.md`: where entries have labels.

    Parameters
    ----------
    directory:
        Of the cohort: `studies/NAME/report.json` of each study that is done, `failures.csv` if some failed.
    entries:
        All studies, done or not, in the order in which they are told.
    """
    directory = Path(directory)
    written = _write_tables(directory, entries)
    agreement = agreement_of(directory, entries) if any(entry.labels for entry in entries) else None
    written += _write_agreement(directory, agreement)
    write_text(directory / OVERVIEW, overview_page(directory, [entry.name for entry in entries], agreement))
    return [*written, directory / OVERVIEW]


def _write_tables(directory: Path, entries: Sequence[StudyEntry]) -> list[Path]:
    with ExitStack() as stack:
        discs, endplates, studies = tables = [
            stack.enter_context(TableFiles(directory, name, columns))
            for name, columns in (("cohort", DISCS), ("endplates", ENDPLATES), ("studies", STUDIES))
        ]
        for entry, report in reports_in(directory, entries):
            key: Row = {"study": entry.name, "patient": entry.patient, "age_years": entry.age_years}
            discs.write({**key, **row} for row in level_rows(report))
            endplates.write({**key, **row} for row in endplate_rows(report))
            studies.write([{**key, **study_row(report, _run(directory, entry.name))}])
    return [path for table in tables for path in table.paths]


def reports_in(directory: Path, entries: Sequence[StudyEntry]) -> Iterator[tuple[StudyEntry, StudyReport]]:
    """The studies that are done, one after the other; one whose report is damaged is left out with a warning."""
    folder = CohortFolder(directory)
    for entry in entries:
        if folder.is_done(entry.name):
            try:
                yield entry, StudyReport.read(folder.studies / entry.name / REPORT)
            except InputError:
                _LOGGER.warning("the report of study %s is damaged; remove its folder and grade it again", entry.name)


def _run(directory: Path, study: str) -> dict[str, Any]:
    """How the study was graded (`run.json`); {} where that is not there."""
    try:
        return json.loads((directory / "studies" / study / "run.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}


def _write_agreement(directory: Path, agreement: Agreement | None) -> list[Path]:
    """The files of the agreement; those of an older outcome go where nothing is labelled any more."""
    if agreement is None:
        for name in AGREEMENT_FILES:
            (directory / name).unlink(missing_ok=True)
        return []
    for name, text in write_agreement(agreement).items():
        write_text(directory / name, text)
    return [directory / name for name in AGREEMENT_FILES]
