"""`overview.html`: what a cohort says, on one page that needs nothing else."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..anatomy import ENDPLATES, GRADED_DISCS, MODIC_COURSE
from ..export.page import template_environment
from ..grading.decisions import CHANGE_CALLED, DECIDED
from ..wording import NOTHING, percent
from . import overview_published as published
from .agreement import Agreement
from .folder import CohortFolder
from .outcome_read import Columns, read_columns
from .overview_charts import (
    Chart,
    Group,
    by_age,
    by_level,
    change_called,
    changed_levels,
    height_chart,
    lesion_chart,
    levels_chart,
    modic_chart,
    narrowing_chart,
    pfirrmann_chart,
)
from .overview_quality import (
    LISTED,
    finding_counts,
    flagged_studies,
    progress_of,
    software_counts,
    withheld_grades,
)
from .overview_shares import ENOUGH_PATIENTS, Share, share

KEY = ("study", "patient", "age_years")
DISC_COLUMNS = (
    *KEY, "level", "modic", "modic_any_probability", "modic_corrected_by", "pfirrmann", "narrowing", "endplate_lesion",
    "herniation_probability", "bulging_probability", "spondylolisthesis_probability", "abstained",
)  # fmt: skip
ENDPLATE_COLUMNS = (*KEY, "level", "endplate", "modic", "height_class", "endplate_change_probability")
STUDY_COLUMNS = (*KEY, "errors", "warnings", "findings", "corrections", "seconds", "software_version", "models")

OTHER_FINDINGS = {
    "Herniation": "herniation_probability",
    "Bulging": "bulging_probability",
    "Slip": "spondylolisthesis_probability",
}


@dataclass(frozen=True)
class Modic:
    """Modic changes of the whole cohort.

    Attributes
    ----------
    discs, studies:
        How many have one.
    lowest:
        How many of the changed discs are L4/L5 or L5/S1.
    expected:
        Changed discs as the calibrated probabilities foretell.
    types:
        Changed discs by type; "" where it is withheld.
    """

    discs: Share
    studies: Share
    lowest: Share
    expected: float
    types: dict[str, int]

    @property
    def told(self) -> str:
        """The types that there are, with their counts: "I 3, II 12, withheld 2"."""
        return ", ".join(f"{type_ or 'withheld'} {count}" for type_, count in self.types.items() if count) or NOTHING


def overview_page(directory: Path, names: Sequence[str], agreement: Agreement | None = None) -> str:
    """The HTML of a cohort, from its tables, `failures.csv` and the quality findings of its reports.

    Parameters
    ----------
    names:
        Of all studies, done or not.
    """
    discs = read_columns(directory, "cohort", DISC_COLUMNS)
    endplates = read_columns(directory, "endplates", ENDPLATE_COLUMNS)
    studies = read_columns(directory, "studies", STUDY_COLUMNS)
    failures = CohortFolder(directory).failures()
    environment = template_environment("Cohort")
    environment.filters["percent"] = percent
    return environment.get_template("overview.html.jinja").render(
        progress=progress_of(names, studies["study"], [one.study for one in failures]),
        patients=len(np.unique(studies["patient"])),
        discs=len(discs["study"]),
        modic=modic_of(discs, studies),
        modic_charts=modic_charts(discs, endplates, studies),
        other_charts=other_charts(discs),
        others=other_findings(discs, endplates),
        levels=GRADED_DISCS,
        heights_here=_classes(endplates["height_class"]),
        published=published,
        withheld=withheld_grades(discs),
        agreement=agreement,
        flagged=flagged_studies(directory, studies),
        flagged_count=int(((studies["errors"] + studies["warnings"]) > 0).sum()),
        findings=finding_counts(studies),
        failures=failures[:LISTED],
        failure_count=len(failures),
        software=software_counts(studies),
        seconds=_median(studies["seconds"]),
        corrected=int((studies["corrections"] > 0).sum()),
        called=CHANGE_CALLED,
        enough=ENOUGH_PATIENTS,
    )


def modic_of(discs: Columns, studies: Columns) -> Modic:
    """Modic changes of the whole cohort."""
    changed = change_called(discs)
    chances, grades = discs["modic_any_probability"], discs["modic"][changed]
    return Modic(
        discs=share(changed, discs["patient"]),
        studies=share(changed_levels(discs, studies) > 0, studies["patient"]),
        lowest=share(np.isin(discs["level"][changed], GRADED_DISCS[-2:]), discs["patient"][changed]),
        expected=float(np.nansum(chances)),
        types={grade: int((grades == grade).sum()) for grade in (*MODIC_COURSE[1:], "")},
    )


def modic_charts(discs: Columns, endplates: Columns, studies: Columns) -> list[Chart]:
    """Modic changes by level, by age and by height."""
    by_levels = ("modic-by-level", "Modic changes by level", "Level")
    charts = [modic_chart(discs, by_level(discs), by_levels, published.MODIC_BY_LEVEL)]
    if ages := by_age(discs):
        charts.append(modic_chart(discs, ages, ("modic-by-age", "Modic changes by age", "Age")))
    charts.append(levels_chart(discs, studies, ("changed-levels", "Changed levels of a study", "Age")))
    if (endplates["height_class"] != "").any():
        charts.append(height_chart(endplates, ("heights", "Height of changes by type", "Type")))
    return charts


def other_charts(discs: Columns) -> list[Chart]:
    """Degeneration, narrowing and endplate lesions by level."""
    levels = by_level(discs)
    charts = [pfirrmann_chart(discs, levels, ("pfirrmann-by-level", "Pfirrmann grade by level", "Level"))]
    if ages := by_age(discs):
        charts.append(pfirrmann_chart(discs, ages, ("pfirrmann-by-age", "Pfirrmann grade by age", "Age")))
    return [
        *charts,
        narrowing_chart(discs, levels, ("narrowing", "Narrowing by level", "Level")),
        lesion_chart(discs, levels, ("lesions", "Endplate lesions by level (the worse endplate)", "Level")),
    ]


def other_findings(discs: Columns, endplates: Columns) -> list[tuple[str, list[Share]]]:
    """Findings that are given as probabilities alone, by level: how many discs or endplates have one."""
    rows = [
        (title, [_likely(discs, discs[column], group) for group in by_level(discs)])
        for title, column in OTHER_FINDINGS.items()
    ]
    for name in ENDPLATES:
        own = {key: column[endplates["endplate"] == name] for key, column in endplates.items()}
        chances = own["endplate_change_probability"]
        rows.append((f"Endplate change, {name}", [_likely(own, chances, group) for group in by_level(own)]))
    return rows


def _likely(rows: Columns, chances: np.ndarray, group: Group) -> Share:
    here = group[1] & ~np.isnan(chances)
    return share(chances[here] >= DECIDED, rows["patient"][here])


def _classes(classes: np.ndarray) -> str:
    """Counts of the height classes: "3 / 4 / 2"."""
    return " / ".join(str(int((classes == name).sum())) for name in "ABC")


def _median(values: np.ndarray) -> float | None:
    return float(np.nanmedian(values)) if (~np.isnan(values)).any() else None
