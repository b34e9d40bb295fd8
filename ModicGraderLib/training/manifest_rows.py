"""The rows of a manifest, checked: every sentence about a mistake names the row, the column and the mend."""

from __future__ import annotations

import difflib
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from ..anatomy import CORNERS, DISCS_UPWARDS, ENDPLATE_LESIONS, MODIC_GRADES, PFIRRMANN_GRADES
from ..csv_table import read_csv_table
from ..errors import InputError
from .labelled_study import DiscLabels

PICTURE_COLUMNS = ("t1", "t2", "dicom")
"""Where the pictures of a study are: a file or folder of each contrast, or a folder with the whole examination."""

FILE_COLUMNS = (*PICTURE_COLUMNS, "changes")

YES_OR_NO = ("upper_endplate_change", "lower_endplate_change", "upper_marrow_change", "lower_marrow_change")

VALUES: Mapping[str, Mapping[str, object]] = {
    # SPIDER and many tables write types as numbers.
    "modic": {**{grade: grade for grade in MODIC_GRADES}, "1": "I", "2": "II", "3": "III"},
    "pfirrmann": {str(grade): grade for grade in PFIRRMANN_GRADES},
    "narrowing": {str(grade): grade for grade in range(4)},
    "endplate_lesion": {name: name for name in ENDPLATE_LESIONS},
    **{column: {"0": False, "1": True} for column in YES_OR_NO},
}
"""What may be written in each column of labels, and what it means."""

AXES = ("x", "y", "z")

CORNER_COLUMNS = tuple(f"{corner}_{axis}" for corner in CORNERS for axis in AXES)
"""Corners of a disc in LPS millimetres; all twelve or none."""

STUDY_COLUMNS = ("patient", *FILE_COLUMNS, "age_years", "lowest_disc")
"""What all rows of a study must agree on."""

COLUMNS = ("study", *STUDY_COLUMNS, "level", *VALUES, "excluded", *CORNER_COLUMNS)
"""Every column that a manifest may have."""


@dataclass(frozen=True)
class StudyRow:
    """A study: what is in its `STUDY_COLUMNS`."""

    study: str
    patient: str
    t1: Path | None = None
    t2: Path | None = None
    dicom: Path | None = None
    changes: Path | None = None
    age_years: float | None = None
    lowest_disc: str | None = None


@dataclass(frozen=True)
class DiscRow:
    """What a row says of its disc; `corners` as `LocatedDisc` has them, {} where they are not given."""

    level: str
    labels: DiscLabels
    corners: Mapping[str, np.ndarray] = field(default_factory=dict)


def read_rows(path: Path, *, unlabelled: bool = False) -> Iterator[tuple[StudyRow, DiscRow | None]]:
    """Study and disc of each row; the disc is None where a row names a study without labels.

    Parameters
    ----------
    unlabelled:
        The studies are to be graded, not to be learned from: no column of labels is needed, and a file need not be
        there, since that is the matter of its study alone.

    Raises
    ------
    InputError
        With one sentence that names row, column and the mend.
    """
    first: dict[str, tuple[int, StudyRow]] = {}
    seen: dict[tuple[str, str], int] = {}
    header, rows = read_csv_table(path)
    _check_header(header, path.name, unlabelled)
    for number, cells in rows:
        row = _Row(number, cells, path.parent, unlabelled)
        study, disc = row.study(), row.disc()
        earlier, same = first.setdefault(study.study, (number, study))
        for name in STUDY_COLUMNS:
            if getattr(same, name) != getattr(study, name):
                row.fail(name, f"differs from row {earlier} of the same study; make them the same")
        key = (study.study, disc.level if disc else "")
        if key in seen:
            row.fail("level", f"repeats that of row {seen[key]} of the same study; remove one of them")
        seen[key] = number
        yield study, disc
    if not first:
        raise InputError(f"{path.name} lists no disc; add a row for each")


def _check_header(header: list[str], name: str, unlabelled: bool) -> None:
    for column in header:
        if column not in COLUMNS:
            near = difflib.get_close_matches(column.lower(), COLUMNS, 1)
            mend = f"write {near[0]!r}" if near else "remove it"
            raise InputError(f"row 1 of {name} has the unknown column {column!r}; {mend}")
        if header.count(column) > 1:
            raise InputError(f"row 1 of {name} has the column {column!r} twice; remove one")
    for column in ("study",) if unlabelled else ("study", "level"):
        if column not in header:
            raise InputError(f"row 1 of {name} has no column {column!r}; add it")
    for columns, what in ((PICTURE_COLUMNS, "a file"), (tuple(VALUES), "a label")):
        if not set(columns) & set(header) and not (unlabelled and what == "a label"):
            raise InputError(f"row 1 of {name} has no column for {what}; add at least one of {', '.join(columns)}")


@dataclass(frozen=True)
class _Row:
    """One line of a manifest."""

    number: int
    cells: Mapping[str, str]
    folder: Path
    unlabelled: bool

    def fail(self, column: str, what: str) -> None:
        raise InputError(f"row {self.number}, column {column}: {self.cells.get(column, '')!r} {what}")

    def study(self) -> StudyRow:
        name = self.cells["study"]
        if not name:
            self.fail("study", "is empty; name the study")
        patient = self.cells.get("patient", name)
        if not patient:
            self.fail("patient", "is empty; name the patient in every row, or leave the column out")
        files = {column: self._file(column) for column in FILE_COLUMNS}
        if not any(files[column] for column in PICTURE_COLUMNS):
            column = next(column for column in ("t2", "t1", "dicom") if column in self.cells)
            self.fail(column, "names no picture; give the T1, the T2 or both, or the DICOM folder of the examination")
        if files["dicom"] and (files["t1"] or files["t2"]):
            self.fail("dicom", "stands beside T1 or T2; give either the examination or its series")
        age = self._number("age_years") if self.cells.get("age_years") else None
        lowest = self._level("lowest_disc") if self.cells.get("lowest_disc") else None
        return StudyRow(name, patient, **files, age_years=age, lowest_disc=lowest)

    def disc(self) -> DiscRow | None:
        said = {name for name in (*VALUES, "excluded", *CORNER_COLUMNS) if self.cells.get(name)}
        if not self.cells.get("level") and not said:
            return None
        level = self._level("level")
        labels = {name: self._label(name) for name in VALUES if self.cells.get(name)}
        return DiscRow(level, DiscLabels(**labels, excluded=self.cells.get("excluded", "")), self._corners())

    def _level(self, column: str) -> str:
        level = self.cells.get(column, "")
        if level not in DISCS_UPWARDS:
            self.fail(column, f"is no disc; write one of {', '.join(DISCS_UPWARDS)}")
        return level

    def _file(self, column: str) -> Path | None:
        text = self.cells.get(column)
        if not text:
            return None
        path = self.folder / text  # an absolute path stays what it is
        if not self.unlabelled and not path.exists():
            self.fail(column, "is not there; give a path from the manifest's folder, or an absolute one")
        return path

    def _label(self, column: str) -> object:
        # Tables with gaps write whole numbers as 2.0.
        text = self.cells[column].removesuffix(".0")
        if text not in VALUES[column]:
            self.fail(column, f"is no grade; write one of {', '.join(VALUES[column])}, or nothing where it is unknown")
        return VALUES[column][text]

    def _corners(self) -> dict[str, np.ndarray]:
        given = [column for column in CORNER_COLUMNS if self.cells.get(column)]
        if not given:
            return {}
        if missing := [column for column in CORNER_COLUMNS if column not in given]:
            self.fail(missing[0], "is missing; give all twelve coordinates of the corners, or none")
        corners = {name: np.array([self._number(f"{name}_{axis}") for axis in AXES]) for name in CORNERS}
        upper_anterior, upper_posterior, lower_anterior, lower_posterior = corners.values()
        # LPS: y grows to the back, z to the head; Slicer and NIfTI tools may say RAS.
        if (upper_anterior + lower_anterior)[1] >= (upper_posterior + lower_posterior)[1]:
            self.fail("upper_anterior_y", "puts the anterior corners behind the posterior ones; give LPS millimetres")
        if (upper_anterior + upper_posterior)[2] <= (lower_anterior + lower_posterior)[2]:
            self.fail("upper_anterior_z", "puts the upper corners below the lower ones; give LPS millimetres")
        return corners

    def _number(self, column: str) -> float:
        try:
            number = float(self.cells[column])
        except ValueError:
            number = math.nan
        if not math.isfinite(number):
            self.fail(column, "is no number; write one with a decimal point")
        return number
