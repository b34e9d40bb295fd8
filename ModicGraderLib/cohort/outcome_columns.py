"""Columns of the tables of a cohort, and what a row of `studies.csv` says of a study."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..anatomy import DISCS_UPWARDS
from ..export.table_columns import ENDPLATE_COLUMNS, LEVEL_COLUMNS, Column
from ..export.tables import Row
from ..report import StudyReport

NO_RUN = "the study was not graded by a cohort"

KEY_COLUMNS = (
    Column("study", "string", "Name of the study in the manifest, or its number."),
    Column("patient", "string", "Whom it shows, by the pseudonym of the manifest."),
    Column("age_years", "number", "Age.", "a", minimum=0, empty="it is not known"),
)
"""What stands before the columns of every table of a cohort."""

STUDY_COLUMNS = (
    *KEY_COLUMNS,
    Column("discs", "integer", "Discs that were graded.", minimum=0),
    Column("lowest_disc", "string", "Name of the lowest disc in view.", values=DISCS_UPWARDS),
    Column("numbering_source", "string", "Who named it.", values=("model", "user")),
    Column("numbering_confidence", "number", "How sure that is.", "1", minimum=0, maximum=1),
    Column("transitional_suspected", "integer", "Whether a transitional vertebra is suspected.", values=(0, 1)),
    Column("lordosis_deg", "number", "Angle between the upper endplates of L1 and S1.", "deg", empty="one is not seen"),
    Column("errors", "integer", "Quality findings that are errors.", minimum=0),
    Column("warnings", "integer", "Quality findings that are warnings.", minimum=0),
    Column("findings", "string", "Codes of all quality findings, parted by semicolons.", empty="there are none"),
    Column("grades_withheld", "integer", "Grades that were withheld, of all discs and endplates.", minimum=0),
    Column("corrections", "integer", "Corrections that a reader made.", minimum=0),
    Column("seconds", "number", "How long grading took.", "s", minimum=0, empty=NO_RUN),
    Column("peak_memory_mb", "number", "Most memory that its worker held.", "MB", minimum=0, empty=NO_RUN),
    Column("software_version", "string", "Version of ModicGrader that graded it."),
    Column("models", "string", "Its models with their versions, parted by semicolons."),
)
"""Columns of `studies.csv`."""


def types(columns: tuple[Column, ...]) -> dict[str, str]:
    """Type of each column by its name."""
    return {column.name: column.type for column in columns}


DISCS = types(KEY_COLUMNS + LEVEL_COLUMNS)
ENDPLATES = types(KEY_COLUMNS + ENDPLATE_COLUMNS)
STUDIES = types(STUDY_COLUMNS)


def study_row(report: StudyReport, run: Mapping[str, Any]) -> Row:
    """What a report, and `run.json` if it is there, say of a study; without its key."""
    severities = [finding.severity for finding in report.quality]
    return {
        "discs": len(report.discs),
        "lowest_disc": report.numbering.lowest_disc,
        "numbering_source": report.numbering.source,
        "numbering_confidence": report.numbering.confidence,
        "transitional_suspected": int(report.numbering.transitional_suspected),
        "lordosis_deg": report.lordosis_deg,
        "errors": severities.count("error"),
        "warnings": severities.count("warning"),
        "findings": "; ".join(sorted({finding.code for finding in report.quality})) or None,
        "grades_withheld": sum(len(disc.abstained) for disc in report.discs),
        "corrections": len(report.corrections),
        "seconds": run.get("seconds"),
        "peak_memory_mb": run.get("peak_memory_mb"),
        "software_version": report.software.get("version"),
        "models": "; ".join(f"{model['name']} {model['version']}" for model in report.software.get("models", [])),
    }
