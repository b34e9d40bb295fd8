"""A report beside another one of the same study: a reading beside the truth, or two readings."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from .anatomy import ENDPLATES, GRADED_DISCS
from .report import DiscReport, StudyReport


@dataclass(frozen=True)
class Comparison:
    """One disc in both reports.

    Attributes
    ----------
    level:
        Name of the disc.
    truth, result:
        Grades by name: "modic", "modic_upper", "modic_lower", "pfirrmann", "narrowing", "endplate_lesion"; None where
        withheld, and all of them where the disc was not found.
    distance_mm:
        Between the two centers; None where the disc was not found.
    """

    level: str
    truth: dict[str, Any]
    result: dict[str, Any]
    distance_mm: float | None

    @property
    def agreeing(self) -> list[str]:
        """Names of the grades that were given and are the same."""
        return [name for name, grade in self.result.items() if grade is not None and grade == self.truth[name]]


def compare(result: StudyReport, truth: StudyReport) -> list[Comparison]:
    """Every disc of `truth` beside the disc of the same name in `result`, head to foot."""
    found = {disc.level: disc for disc in result.discs}
    true = {disc.level: disc for disc in truth.discs}
    return [_compare(true[level], found.get(level)) for level in GRADED_DISCS if level in true]


def _compare(true: DiscReport, found: DiscReport | None) -> Comparison:
    truth = _grades(true)
    if found is None:
        return Comparison(true.level, truth, dict.fromkeys(truth), None)
    distance = np.linalg.norm(np.subtract(true.center_lps_mm, found.center_lps_mm))
    return Comparison(true.level, truth, _grades(found), float(distance))


def _grades(disc: DiscReport) -> dict[str, Any]:
    endplates = {f"modic_{name}": disc.endplates[name].modic.grade for name in ENDPLATES}
    return {
        "modic": disc.modic.grade,
        **endplates,
        "pfirrmann": disc.pfirrmann.grade,
        "narrowing": disc.narrowing.grade,
        "endplate_lesion": disc.endplate_lesion.grade,
    }
