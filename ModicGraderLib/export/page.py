"""`report.html`: the report on one page that needs nothing else, for the screen and for paper."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ..anatomy import ENDPLATES, MODIC_MAP_LABELS, endplate_side
from ..corrections import TITLES, machine_report, minute, standing, standing_at, words
from ..graded import GradedStudy
from ..grading.decisions import CHANGE_CALLED, DECIDED
from ..report import DiscReport, EndplateReport, StudyReport
from ..resources import resource_path
from ..study import Volume
from ..wording import NOTHING, listed, percent
from .impression import LESIONS, impression, level_findings, place, withheld_grades
from .pictures import EVIDENCE, MODIC_COLORS, Picture, gray_windows, level_pictures, overviews

if TYPE_CHECKING:
    import jinja2

CONTRASTS = {"t1": "T1", "t2": "T2", "t2_fat_suppressed": "T2 fat-suppressed"}
PICTURES = {**CONTRASTS, EVIDENCE: "Evidence"}
UNITS = {"mm": "mm", "ms": "ms", "t": "T"}
"""Endings of the names in `Volume.source`, with the units they stand for."""

SEVERITIES = ("error", "warning", "info")


def report_page(graded: GradedStudy) -> str:
    """The HTML of a graded study's report, with its pictures inside and no address outside."""
    report, windows = graded.report, gray_windows(graded)
    located = {disc.level: disc for disc in graded.location.discs}
    environment = template_environment("Report")
    environment.filters |= {
        "percent": percent,
        "measured": measured,
        "words": lambda disc, field: _words(field, disc.readings[field].grade, NOTHING),
        "own_chance": _own_chance,
        "withheld_at": lambda disc: withheld_grades(report, disc),
        "side": lambda disc, name: " ".join(endplate_side(disc.level, name)),
        "place": place,
        "seen": _seen,
    }
    return environment.get_template("report.html.jinja").render(
        report=report,
        findings=sorted(report.quality, key=lambda finding: SEVERITIES.index(finding.severity)),
        impression=impression(report),
        withheld=withheld(report),
        overviews=overviews(graded, windows) if report.discs else [],
        pictures=[
            (disc, level_pictures(graded, located[disc.level], windows), level_findings(report, disc))
            for disc in report.discs
        ],
        endplates=[(disc, name, disc.endplates[name]) for disc in report.discs for name in ENDPLATES],
        series=[_series(volume) for volume in graded.study.volumes],
        titles=PICTURES,
        type_colors=_type_colors(graded),
        likely=DECIDED,
        called=CHANGE_CALLED,
        nothing=NOTHING,
        said={disc.level: one for disc, one in zip(report.discs, machine_report(report).discs, strict=True)},
        corrected={disc.level: standing_at(report, disc.level) for disc in report.discs},
        corrections=[
            (one, TITLES[one.field], _words(one.field, one.machine), _words(one.field, one.reader_value), minute(one))
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
        return NOTHING
    text = f"{value:.{digits}f}".replace("-", "\u2212")
    return text if name not in report.uncertainty else f"{text} ± {report.uncertainty[name]:.{digits}f}"


def withheld(report: StudyReport) -> list[str]:
    """One sentence for each reason to withhold grades that no reader gave, with the discs it holds for."""
    levels: dict[tuple[str, str], list[str]] = {}
    for disc in report.discs:
        for one in disc.abstained:
            if one["grade"] not in standing_at(report, disc.level):
                levels.setdefault((one["reason"], one["grade"]), []).append(disc.level)
    grades: dict[tuple[str, str], list[str]] = {}
    for (reason, grade), at in levels.items():
        where = "all discs" if len(at) == len(report.discs) else listed(at)
        grades.setdefault((reason, where), []).append(TITLES.get(grade, grade.replace("_", " ")))
    return [f"{listed(names)} ({where}): {reason}" for (reason, where), names in grades.items()]


def css_color(type_: str) -> str:
    """Color of the line around a region of a Modic type."""
    return "#{:02x}{:02x}{:02x}".format(*MODIC_COLORS[type_])


def _words(field: str, value: Any, withheld: str = "withheld") -> str:
    """What was said of a field, as it stands in a table."""
    if value is None:
        return withheld
    return LESIONS.get(value, value) if field == "endplate_lesion" else words(field, value)


def _own_chance(disc: DiscReport, field: str) -> float | None:
    """Probability of the grade that is given; None where it is withheld."""
    reading = disc.readings[field]
    return None if reading.grade is None else reading.probabilities.get(str(reading.grade))


def _seen(picture: Picture, level: str | None) -> str:
    """What a picture shows, for those who do not see it; without a level, of the whole spine."""
    where = f"at {level}" if level else f"of the spine, {listed([one.level for one in picture.outlines])} outlined"
    if picture.shows == EVIDENCE:
        return f"Evidence {where}: heat over the image shows what spoke for a change"
    types = picture.types
    seen = f"mapped changes of type {listed(types)} outlined" if types else "no mapped change outlined"
    return f"{PICTURES[picture.shows]} {where}: {seen}"


def _type_colors(graded: GradedStudy) -> dict[str, str]:
    """CSS color of each Modic type that the map shows."""
    labels = np.unique(graded.maps.get("modic_map", 0))
    shown = (name for name in MODIC_COLORS if MODIC_MAP_LABELS[name] in labels)
    return {name: css_color(name) for name in shown}


def _series(volume: Volume) -> dict[str, Any]:
    slices, rows, columns = volume.array.shape
    size = f"{slices} slice{'s' if slices > 1 else ''} of {rows} × {columns} pixels"
    distances = " × ".join(f"{mm:.2f}" for mm in volume.spacing)
    details = [_detail(key, value) for key, value in volume.source.items() if value not in (None, "")]
    return {"contrast": CONTRASTS[volume.contrast], "size": f"{size}, {distances} mm", "details": details}


def _detail(key: str, value: Any) -> str:
    """What `Volume.source` says under a name, for people: "echo time 9.8 ms" for `echo_time_ms`."""
    *name, last = key.split("_")
    number = f"{value:g}" if isinstance(value, float) else value
    return f"{' '.join(name)} {number} {UNITS[last]}" if last in UNITS else f"{' '.join([*name, last])} {number}"
