"""What the report says, as the points and the table that a scene shows. No Slicer in here."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..anatomy import CORNERS
from ..corrections import describe, standing_at
from ..report import DiscReport, StudyReport

LABEL_GAP_MM = 22.0
"""How far behind a disc its label stands: the canal is rarely deeper."""

WITHHELD = "withheld"
"""What a reader sees in the place of a grade that was not given."""


@dataclass(frozen=True)
class Landmark:
    """A point (3,) in LPS mm with the label a reader sees and a line of description."""

    label: str
    point: np.ndarray
    description: str = ""


def levels(report: StudyReport) -> list[Landmark]:
    """A point behind every disc, labelled with its level and described by its grades.

    Slicer writes a label to the right of its point, which is to the back: so it hides neither disc nor canal.
    """
    return [Landmark(disc.level, _behind_canal(disc), _summary(disc)) for disc in report.discs]


def corners(report: StudyReport) -> list[Landmark]:
    """The four endplate corners of every disc, for example "L4/L5 upper anterior"."""
    return [
        Landmark(f"{disc.level} {corner.replace('_', ' ')}", np.array(disc.corners_lps_mm[corner]))
        for disc in report.discs
        for corner in CORNERS
    ]


def table(report: StudyReport) -> dict[str, list]:
    """Columns of the results table by title, one cell for each disc, head to foot."""
    columns = {
        "Level": lambda disc: disc.level,
        "Modic": lambda disc: _grade(disc.modic.grade),
        "Modic, upper endplate": lambda disc: _grade(disc.endplates["upper"].modic.grade),
        "Modic, lower endplate": lambda disc: _grade(disc.endplates["lower"].modic.grade),
        "Modic change (probability)": lambda disc: disc.modic.any_change,
        "Pfirrmann": lambda disc: _grade(disc.pfirrmann.grade),
        "Narrowing (probability)": lambda disc: disc.narrowing.present,
        "Upper endplate change (probability)": lambda disc: disc.endplates["upper"].endplate_change,
        "Lower endplate change (probability)": lambda disc: disc.endplates["lower"].endplate_change,
        "Herniation (probability)": lambda disc: disc.herniation,
        "Bulging (probability)": lambda disc: disc.bulging,
        "Spondylolisthesis (probability)": lambda disc: disc.spondylolisthesis,
        "Height (mm)": lambda disc: disc.height_mm,
        "Width (mm)": lambda disc: disc.width_mm,
        "Confidence": lambda disc: disc.confidence,
        "Withheld": lambda disc: "; ".join(f"{item['grade']}: {item['reason']}" for item in disc.abstained),
        "Corrected by a reader": lambda disc: "; ".join(
            describe(one).removeprefix(f"{disc.level} ") for one in standing_at(report, disc.level).values()
        ),
    }
    return {title: [cell(disc) for disc in report.discs] for title, cell in columns.items()}


def _behind_canal(disc: DiscReport) -> np.ndarray:
    return np.array(disc.center_lps_mm) - np.array(disc.anterior_lps) * (disc.width_mm / 2 + LABEL_GAP_MM)


def _summary(disc: DiscReport) -> str:
    return f"Modic {_grade(disc.modic.grade)}, Pfirrmann {_grade(disc.pfirrmann.grade)}"


def _grade(grade: int | str | None) -> str:
    return WITHHELD if grade is None else str(grade)
