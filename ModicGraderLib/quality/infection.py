"""Discs at which an infection cannot be excluded: edema at both endplates beside a disc that is not dried out."""

from __future__ import annotations

from collections.abc import Sequence

from ..report import DiscReport, QualityFinding

LIKELY = 0.5

EDEMA = ("I", "I/II")


def check_infection(reports: Sequence[DiscReport]) -> list[QualityFinding]:
    """Discs with type I on both sides and a lesion of an endplate that are as bright on T2 as a healthy disc.

    A degenerated disc between edematous endplates is dark; a bright one is filled with fluid (Modic 1985).
    """
    return [
        QualityFinding(
            "infection_not_excluded",
            "warning",
            f"At {report.level} both endplates look edematous and irregular, and the disc is bright: an infection"
            " cannot be excluded by these pictures.",
            report.level,
        )
        for report in reports
        if _edema_on_both_sides(report) and _irregular(report) and _fluid(report)
    ]


def _edema_on_both_sides(report: DiscReport) -> bool:
    return all(
        (endplate.marrow_change or 0.0) >= LIKELY and endplate.modic.grade in EDEMA
        for endplate in report.endplates.values()
    )


def _irregular(report: DiscReport) -> bool:
    return any((endplate.endplate_change or 0.0) >= LIKELY for endplate in report.endplates.values())


def _fluid(report: DiscReport) -> bool:
    return sum(report.pfirrmann.probabilities.get(grade, 0.0) for grade in ("1", "2")) >= LIKELY
