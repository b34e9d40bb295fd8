"""`levels.csv` and `endplates.csv`: the report as tables, one row a disc and one row an endplate."""

from __future__ import annotations

import csv
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from ..anatomy import CORNERS, ENDPLATE_LESIONS, ENDPLATES, MODIC_TYPES, PFIRRMANN_GRADES, vertebrae_of
from ..corrections import LOWEST_DISC, MODIC_MAP, machine_report, standing_at
from ..measurement.disc_geometry import DISC_MEASURES
from ..measurement.endplate_change import EXTENTS
from ..report import Correction, DiscReport, EndplateReport, GradeReading, ModicReading, StudyReport

Row = dict[str, Any]

DISC_GRADES = {name: name for name in ("modic", "pfirrmann", "endplate_lesion", "narrowing")}
"""Columns of `levels.csv` that can be corrected, by their names in `DiscReport.readings`."""


def level_rows(report: StudyReport) -> list[Row]:
    """One row a disc, head to foot; None where a grade is withheld. Coordinates are LPS mm.

    Grades are those that count; beside each stands what the program said, and who corrected it and when.
    """
    return [
        {**_level(disc), **_numbered(report, said), **_corrected(report, disc, said, DISC_GRADES)}
        for disc, said in zip(report.discs, machine_report(report).discs, strict=True)
    ]


def endplate_rows(report: StudyReport) -> list[Row]:
    """One row an endplate, head to foot; None where nothing was measured. Corrections are told as in `level_rows`."""
    return [
        {**_endplate(disc, name), **_endplate_corrected(report, disc, said, name)}
        for disc, said in zip(report.discs, machine_report(report).discs, strict=True)
        for name in ENDPLATES
    ]


def write_table(path: Path, rows: list[Row], columns: Iterable[str] = ()) -> None:
    """Write rows with the same columns as CSV; None becomes an empty field.

    `columns` are their names, so that a table without rows has its header, too.
    """
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(columns) or (rows[0] if rows else []))
        writer.writeheader()
        writer.writerows(rows)


def _level(disc: DiscReport) -> Row:
    return {
        "level": disc.level,
        "confidence": disc.confidence,
        **_modic(disc.modic),
        **_graded("pfirrmann", disc.pfirrmann, tuple(map(str, PFIRRMANN_GRADES))),
        **_graded("endplate_lesion", disc.endplate_lesion, ENDPLATE_LESIONS),
        "narrowing": disc.narrowing.grade,
        "narrowing_probability": disc.narrowing.present,
        "herniation_probability": disc.herniation,
        "bulging_probability": disc.bulging,
        "spondylolisthesis_probability": disc.spondylolisthesis,
        **_measured(disc, DISC_MEASURES),
        **_point("center", disc.center_lps_mm),
        **{key: value for name in CORNERS for key, value in _point(name, disc.corners_lps_mm[name]).items()},
        # A semicolon parts grades, so a reason has none.
        "abstained": "; ".join(f"{one['grade']}: {one['reason'].replace(';', ',')}" for one in disc.abstained),
    }


def _endplate(disc: DiscReport, name: str) -> Row:
    endplate: EndplateReport = disc.endplates[name]
    return {
        "level": disc.level,
        "endplate": name,
        "vertebra": vertebrae_of(disc.level)[ENDPLATES.index(name)],
        **_modic(endplate.modic),
        "endplate_change_probability": endplate.endplate_change,
        "marrow_change_probability": endplate.marrow_change,
        "height_class": endplate.height_class,
        **{f"height_class_{name}_probability": endplate.height_class_probabilities.get(name) for name in "ABC"},
        "location": " ".join(endplate.location),
        **_measured(endplate, EXTENTS),
    }


def _corrected(report: StudyReport, disc: DiscReport, said: DiscReport, names: dict[str, str]) -> Row:
    """What the program said of each grade (columns by reading), and who corrected it when."""
    corrections, row = standing_at(report, disc.level), {}
    for reading, column in names.items():
        row |= {f"{column}_machine": said.readings[reading].grade, **_who(column, corrections.get(reading))}
    return row


def _endplate_corrected(report: StudyReport, disc: DiscReport, said: DiscReport, name: str) -> Row:
    extents = {f"{extent}_machine": getattr(said.endplates[name], extent) for extent in (*EXTENTS, "height_class")}
    edited = standing_at(report, disc.level).get(MODIC_MAP)
    if edited is not None and edited.reader_value.get(name) == edited.machine.get(name):
        edited = None
    return {**_corrected(report, disc, said, {f"{name}_endplate_modic": "modic"}), **extents, **_who("map", edited)}


def _numbered(report: StudyReport, said: DiscReport) -> Row:
    return {"level_machine": said.level, **_who("level", standing_at(report, None).get(LOWEST_DISC))}


def _who(column: str, correction: Correction | None) -> Row:
    by, at = (correction.reader, correction.when) if correction else (None, None)
    return {f"{column}_corrected_by": by, f"{column}_corrected_at": at}


def _measured(report: DiscReport | EndplateReport, names: tuple[str, ...]) -> Row:
    """Each measure, followed by the half width of its 95 % interval in a column of its own."""
    row: Row = {}
    for name in names:
        row |= {name: getattr(report, name), f"{name}_uncertainty": report.uncertainty.get(name)}
    return row


def _modic(reading: ModicReading) -> Row:
    probabilities = {f"modic_{type_}_probability": reading.probabilities.get(type_) for type_ in MODIC_TYPES}
    return {"modic": reading.grade, "modic_any_probability": reading.any_change, **probabilities}


def _graded(name: str, reading: GradeReading, grades: tuple[str, ...]) -> Row:
    return {
        name: reading.grade,
        **{f"{name}_{grade}_probability": reading.probabilities.get(grade) for grade in grades},
    }


def _point(name: str, point: list[float]) -> Row:
    return {f"{name}_{axis}_mm": value for axis, value in zip("lps", point, strict=True)}
