"""What a reader of a cohort should look at before its figures: studies with findings, failures, what was withheld."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..corrections import TITLES
from ..errors import InputError
from ..export.quality_codes import QUALITY_FINDINGS
from ..grading.abstention import GRADES
from ..report import QualityFinding, StudyReport
from .folder import REPORT, CohortFolder
from .outcome_read import Columns

PAGE = "report.html"

LISTED = 100
"""So many studies and failures are listed on the page; the tables have all."""

_OWN_CHANCE = re.compile(r"(?<=only )\d+%")
"""What differs from disc to disc in a reason that is the same for many."""


@dataclass(frozen=True)
class Progress:
    """How many studies are done, failed, and left, of all there are."""

    done: int
    failed: int
    left: int


@dataclass(frozen=True)
class FlaggedStudy:
    """A study with warnings or errors, worst first; `page` is its report, from the cohort's folder."""

    name: str
    page: str | None
    findings: tuple[QualityFinding, ...]


@dataclass(frozen=True)
class Withheld:
    """A grade: at how many discs it was withheld, of how many, and how often for each reason."""

    title: str
    count: int
    total: int
    reasons: tuple[tuple[str, int], ...]


def progress_of(names: Sequence[str], done: Sequence[str], failed: Iterable[str]) -> Progress:
    """A study that is done counts as such, even if it failed before."""
    lost = set(failed) & set(names) - set(done)
    return Progress(len(done), len(lost), len(names) - len(done) - len(lost))


def flagged_studies(directory: Path, studies: Columns) -> list[FlaggedStudy]:
    """The `LISTED` studies with most errors, then most warnings."""
    order = np.lexsort((studies["study"], -studies["warnings"], -studies["errors"]))
    flagged = (studies["errors"] + studies["warnings"])[order] > 0
    return [_flagged(directory, str(studies["study"][row])) for row in order[flagged][:LISTED]]


def _flagged(directory: Path, name: str) -> FlaggedStudy:
    folder = CohortFolder(directory).studies / name
    try:
        quality = StudyReport.read(folder / REPORT).quality
    except InputError:
        quality = []  # it was there a moment ago; the tables have its codes
    severe = sorted((one for one in quality if one.severity != "info"), key=lambda one: one.severity != "error")
    page = f"studies/{name}/{PAGE}" if (folder / PAGE).exists() else None
    return FlaggedStudy(name, page, tuple(severe))


def finding_counts(studies: Columns) -> list[tuple[str, int]]:
    """How many studies have each quality finding, in short, the most frequent first."""
    codes = Counter(code for text in studies["findings"] if text for code in text.split("; "))
    return [(QUALITY_FINDINGS.get(code, code), count) for code, count in codes.most_common()]


def withheld_grades(discs: Columns) -> list[Withheld]:
    """What the program withheld, by grade."""
    reasons: dict[str, Counter[str]] = {grade: Counter() for grade in GRADES}
    for grade, reason in _abstained(discs["abstained"]):
        reasons[grade][_OWN_CHANCE.sub("so much", reason)] += 1
    return [
        Withheld(TITLES[grade], counts.total(), len(discs["abstained"]), tuple(counts.most_common()))
        for grade, counts in reasons.items()
    ]


def _abstained(texts: np.ndarray) -> Iterator[tuple[str, str]]:
    """Grade and reason of all that the column `abstained` tells."""
    for text in filter(None, texts):
        for one in text.split("; "):
            grade, _, reason = one.partition(": ")
            yield grade, reason


def software_counts(studies: Columns) -> list[tuple[str, str, int]]:
    """Version, models and number of studies of each mix that graded them; more than one should not be."""
    mixes = Counter(zip(studies["software_version"], studies["models"], strict=True))
    return [(version, models, count) for (version, models), count in mixes.most_common()]
