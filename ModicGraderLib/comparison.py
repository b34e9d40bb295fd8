"""A report beside another one of the same study: a reading beside the truth, or two readings."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from .anatomy import ENDPLATES, GRADED_DISCS
from .measurement.disc_geometry import DISC_MEASURES
from .measurement.endplate_change import EXTENTS
from .report import DiscReport, EndplateReport, StudyReport


@dataclass(frozen=True)
class Measured:
    """A measure in both reports; `half_width` is that of the result's 95 % interval, None where it has none."""

    truth: float
    result: float
    half_width: float | None

    @property
    def within(self) -> bool:
        """Whether the result's interval holds the truth."""
        return self.half_width is not None and abs(self.result - self.truth) <= self.half_width


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
    measures:
        By name (those of an endplate end in "_upper" or "_lower"), for what both measured: `Measured`.
    """

    level: str
    truth: dict[str, Any]
    result: dict[str, Any]
    distance_mm: float | None
    measures: dict[str, Measured] = field(default_factory=dict)

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
    measures = _measures(true, found, DISC_MEASURES)
    for name in ENDPLATES:
        measures |= _measures(true.endplates[name], found.endplates[name], EXTENTS, f"_{name}")
    return Comparison(true.level, truth, _grades(found), float(distance), measures)


def _measures(
    true: DiscReport | EndplateReport, found: DiscReport | EndplateReport, names: tuple[str, ...], suffix: str = ""
) -> dict[str, Measured]:
    pairs = {name: (getattr(true, name), getattr(found, name)) for name in names}
    return {
        name + suffix: Measured(truth, result, found.uncertainty.get(name))
        for name, (truth, result) in pairs.items()
        if truth is not None and result is not None
    }


def _grades(disc: DiscReport) -> dict[str, Any]:
    endplates = {f"modic_{name}": disc.endplates[name].modic.grade for name in ENDPLATES}
    return {
        "modic": disc.modic.grade,
        **endplates,
        "pfirrmann": disc.pfirrmann.grade,
        "narrowing": disc.narrowing.grade,
        "endplate_lesion": disc.endplate_lesion.grade,
    }
