"""A report whose discs get other names, because a reader counts them differently, and the way back."""

from __future__ import annotations

import re
from copy import deepcopy
from dataclasses import replace

import numpy as np

from .anatomy import GRADED_DISCS, moved_up, steps_up
from .localization.spine import LocatedDisc, SpineLocation
from .measurement.disc_geometry import lordosis
from .report import Correction, DiscReport, Numbering, QualityFinding, StudyReport

ANSWERED = ("numbering_unsure", "sacrum_not_in_view")
"""Findings that ask the reader to check the numbering."""

_VERTEBRA = re.compile(r"\b(T9|T1[0-2]|L[1-5]|S1)\b")


def renamed(report: StudyReport, lowest_disc: str | None) -> StudyReport:
    """The program's report with the lowest disc in view called as a reader says; None leaves it as it is.

    The names in quality findings go along; findings that the reader has answered, or that would speak of levels no one
    asks for, are left out. Lordosis is measured between the discs that have its names now, without an uncertainty.
    """
    steps = 0 if lowest_disc is None else steps_up(report.numbering.lowest_disc, lowest_disc)
    if lowest_disc is None or steps == 0:
        return report
    report = deepcopy(report)
    for disc in report.discs:
        disc.level = moved_up(disc.level, steps)
    numbering = Numbering(lowest_disc, "user", 1.0, report.numbering.transitional_suspected)
    located = SpineLocation(tuple(map(located_disc, report.discs)), numbering, np.empty((0, 0, 0), np.uint8))
    return replace(
        report,
        numbering=numbering,
        quality=[finding for one in report.quality if (finding := _renamed_finding(one, steps))],
        lordosis_deg=lordosis(located),
        uncertainty={},
    )


def restored(report: StudyReport, correction: Correction) -> StudyReport:
    """The report with the names the program gave, from what a correction of the lowest disc has kept."""
    kept = correction.replaced
    steps = steps_up(report.numbering.lowest_disc, correction.machine)
    for disc in report.discs:
        disc.level = moved_up(disc.level, steps)
    return replace(
        report,
        numbering=Numbering(**kept["numbering"]),
        quality=[QualityFinding(**finding) for finding in kept["quality"]],
        lordosis_deg=kept["lordosis_deg"],
        uncertainty=dict(kept["uncertainty"]),
    )


def rename_discs(discs: tuple[LocatedDisc, ...], lowest_disc: str, new_lowest: str) -> tuple[LocatedDisc, ...]:
    """Located discs, named from one lowest disc, with the names that follow from another; all have one."""
    steps = steps_up(lowest_disc, new_lowest)
    return tuple(replace(disc, level=moved_up(disc.level, steps)) for disc in discs)


def located_disc(disc: DiscReport) -> LocatedDisc:
    """Where a report says that a disc lies."""
    return LocatedDisc(
        level=disc.level,
        center=np.array(disc.center_lps_mm),
        normal=np.array(disc.normal_lps),
        anterior=np.array(disc.anterior_lps),
        width_mm=disc.width_mm,
        height_mm=disc.height_mm,
        corners={name: np.array(corner) for name, corner in disc.corners_lps_mm.items()},
        confidence=disc.confidence,
    )


def _renamed_finding(finding: QualityFinding, steps: int) -> QualityFinding | None:
    named = {name: moved_up(name, steps) for name in _VERTEBRA.findall(f"{finding.message} {finding.level}")}
    if finding.code in ANSWERED or None in named.values():
        return None
    message = _VERTEBRA.sub(lambda name: named[name[0]], finding.message)
    level = finding.level and moved_up(finding.level, steps)
    if finding.code == "level_not_in_view" and level not in GRADED_DISCS:
        return None
    return replace(finding, message=message, level=level)
