"""Columns of the tables of a cohort, and what a row of `studies.csv` says of a study."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..export.table_columns import ENDPLATE_COLUMNS, LEVEL_COLUMNS
from ..export.tables import Row
from ..report import StudyReport

KEY = {"study": "string", "patient": "string", "age_years": "number"}
"""Whose disc, endplate or study a row is, by the names in the manifest; the age as it says."""

DISCS = {**KEY, **{column.name: column.type for column in LEVEL_COLUMNS}}
ENDPLATES = {**KEY, **{column.name: column.type for column in ENDPLATE_COLUMNS}}

STUDIES = {
    **KEY,
    "discs": "integer",
    "lowest_disc": "string",
    "numbering_source": "string",
    "numbering_confidence": "number",
    "transitional_suspected": "boolean",
    "lordosis_deg": "number",
    "errors": "integer",
    "warnings": "integer",
    "findings": "string",
    "grades_withheld": "integer",
    "corrections": "integer",
    "seconds": "number",
    "peak_memory_mb": "number",
    "software_version": "string",
    "models": "string",
}
"""`findings` are the codes of all quality findings, each once, and `models` name and version of each, both parted by
semicolons; `grades_withheld` counts over all discs and endplates."""


def study_row(report: StudyReport, run: Mapping[str, Any]) -> Row:
    """What a report, and `run.json` if it is there, say of a study; without its key."""
    severities = [finding.severity for finding in report.quality]
    return {
        "discs": len(report.discs),
        "lowest_disc": report.numbering.lowest_disc,
        "numbering_source": report.numbering.source,
        "numbering_confidence": report.numbering.confidence,
        "transitional_suspected": report.numbering.transitional_suspected,
        "lordosis_deg": report.lordosis_deg,
        "errors": severities.count("error"),
        "warnings": severities.count("warning"),
        "findings": "; ".join(sorted({finding.code for finding in report.quality})),
        "grades_withheld": sum(len(disc.abstained) for disc in report.discs),
        "corrections": len(report.corrections),
        "seconds": run.get("seconds"),
        "peak_memory_mb": run.get("peak_memory_mb"),
        "software_version": report.software.get("version"),
        "models": "; ".join(f"{model['name']} {model['version']}" for model in report.software.get("models", [])),
    }
