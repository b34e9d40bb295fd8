"""`report.html`: the report on one page that needs nothing else, for the screen and for paper."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING, Any

import numpy as np

from ..anatomy import ENDPLATES, MODIC_MAP_LABELS, vertebrae_of
from ..corrections import TITLES, machine_report, minute, standing, standing_at, words
from ..graded import GradedStudy
from ..grading.decisions import CHANGE_CALLED
from ..report import DiscReport, EndplateReport, StudyReport
from ..resources import resource_path
from ..study import Volume
from ..wording import listed, percent
from .pictures import EVIDENCE, MODIC_COLORS, gray_windows, level_pictures, overviews

if TYPE_CHECKING:
    import jinja2

CONTRASTS = {"t1": "T1", "t2": "T2", "t2_fat_suppressed": "T2 fat-suppressed"}
SEVERITIES = ("error", "warning", "info")
LIKELY = 0.5
"""Probability from which a finding is set off in the table; all probabilities are calibrated."""


def report_page(graded: GradedStudy) -> str:
    """The HTML of a graded study's report, with its pictures inside and no address outside."""
    environment = template_environment("Report")
    environment.filters["percent"] = percent
    environment.filters["measured"] = measured
    report, windows = graded.report, gray_windows(graded)
    located = {disc.level: disc for disc in graded.location.discs}
    return environment.get_template("report.html.jinja").render(
        report=report,
        findings=sorted(report.quality, key=lambda finding: SEVERITIES.index(finding.severity)),
        summary=summary(report),
        withheld=withheld(report),
        overviews=overviews(graded, windows),
        levels=[(disc, level_pictures(graded, located[disc.level], windows)) for disc in report.discs],
        series=[_series(volume) for volume in graded.study.volumes],
        titles={**CONTRASTS, EVIDENCE: "Evidence"},
        type_colors=_type_colors(graded),
        likely=LIKELY,
        called=CHANGE_CALLED,
        extents=extents(report),
        said={disc.level: one for disc, one in zip(report.discs, machine_report(report).discs, strict=True)},
        corrected={disc.level: standing_at(report, disc.level) for disc in report.discs},
        corrections=[
            (one, TITLES[one.field], words(one.field, one.machine), words(one.field, one.reader_value), minute(one))
            for one in standing(report)
        ],
    )


def template_environment(folder: str) -> jinja2.Environment:
    """Where the templates in a folder of `Resources/` are read, with what is put into them escaped."""
    # Only here: the panel loads before anything is installed.
    import jinja2

    return jinja2.Environment(
        loader=jinja2.FileSystemLoader(resource_path(folder)),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def measured(report: DiscReport | EndplateReport | StudyReport, name: str, digits: int = 1) -> str:
    """A measure with the half width of its 95 % interval; an en dash where there is none."""
    value = getattr(report, name)
    if value is None:
        return "–"
    text = f"{value:.{digits}f}".replace("-", "\u2212")
    return text if name not in report.uncertainty else f"{text} ± {report.uncertainty[name]:.{digits}f}"


def extents(report: StudyReport) -> list[tuple[str, str, EndplateReport]]:
    """Level, vertebra and endplate of every change that was measured, head to foot."""
    return [
        (disc.level, vertebra, disc.endplates[name])
        for disc in report.discs
        for name, vertebra in zip(ENDPLATES, vertebrae_of(disc.level), strict=True)
        if disc.endplates[name].height_percent
    ]


def summary(report: StudyReport) -> str:
    """What stands out, in one or two sentences."""
    if not report.discs:
        return "No disc was graded."
    discs = report.discs
    changed = [disc for disc in discs if _is_changed(disc, report)]
    narrowed = [disc.level for disc in discs if disc.narrowing.grade]
    graded = [disc for disc in discs if disc.pfirrmann.grade is not None]
    parts = [f"Modic changes at {listed([_typed(disc) for disc in changed])}" if changed else "No Modic changes"]
    if graded:
        worst = max(disc.pfirrmann.grade for disc in graded)
        at = listed([disc.level for disc in graded if disc.pfirrmann.grade == worst])
        parts.append(f"highest Pfirrmann grade {worst} at {at}")
    parts.append(f"narrowed discs: {listed(narrowed)}" if narrowed else "no narrowed disc")
    return "; ".join(parts) + "."


def withheld(report: StudyReport) -> list[str]:
    """One sentence for each reason to withhold a grade that no reader gave, with the discs it holds for."""
    reasons = sorted(
        (one["grade"], one["reason"], index)
        for index, disc in enumerate(report.discs)
        for one in disc.abstained
        if one["grade"] not in standing_at(report, disc.level)
    )
    sentences = []
    for (grade, reason), group in groupby(reasons, key=lambda one: one[:2]):
        levels = [report.discs[index].level for *_, index in group]
        where = "all discs" if len(levels) == len(report.discs) else listed(levels)
        sentences.append(f"{TITLES.get(grade, grade.replace('_', ' '))} ({where}): {reason}")
    return sentences


def _type_colors(graded: GradedStudy) -> dict[str, str]:
    """CSS color of each Modic type that the map shows."""
    labels = np.unique(graded.maps.get("modic_map", 0))
    shown = (name for name in MODIC_COLORS if MODIC_MAP_LABELS[name] in labels)
    return {name: css_color(name) for name in shown}


def css_color(type_: str) -> str:
    """Color of the line around a region of a Modic type."""
    return "#{:02x}{:02x}{:02x}".format(*MODIC_COLORS[type_])


def _is_changed(disc: DiscReport, report: StudyReport) -> bool:
    """Whether a disc is changed: by what a reader says, else by the probability, which is there without a type too."""
    if "modic" in standing_at(report, disc.level):
        return disc.modic.grade not in (None, "0")
    return (disc.modic.any_change or 0) >= CHANGE_CALLED


def _typed(disc: DiscReport) -> str:
    return f"{disc.level} (type {disc.modic.grade})" if disc.modic.grade else f"{disc.level} (type not given)"


def _series(volume: Volume) -> dict[str, Any]:
    slices, rows, columns = volume.array.shape
    size = f"{slices} slice{'s' if slices > 1 else ''} of {rows} × {columns} pixels"
    distances = " × ".join(f"{mm:.2f}" for mm in volume.spacing)
    details = {key.replace("_", " "): value for key, value in volume.source.items() if value not in (None, "")}
    return {"contrast": CONTRASTS[volume.contrast], "size": f"{size}, {distances} mm", "details": details}
