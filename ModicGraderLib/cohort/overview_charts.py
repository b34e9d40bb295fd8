"""Bars of what was graded, level by level and by age: counts first, shares where there are patients enough."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from ..anatomy import ENDPLATE_LESIONS, GRADED_DISCS, MODIC_COURSE, PFIRRMANN_GRADES
from ..grading.decisions import CHANGE_CALLED
from .outcome_read import Columns
from .overview_shares import Share, share

AGE_EDGES = (30, 40, 50, 60, 70)
AGE_UNKNOWN = "not known"
AGE_BANDS = ("under 30", *(f"{low}–{low + 9}" for low in AGE_EDGES[:-1]), f"{AGE_EDGES[-1]} and over", AGE_UNKNOWN)

Group = tuple[str, np.ndarray]
"""Heading of a bar, and which rows (N,) bool it counts."""

Title = tuple[str, str, str]
"""`Chart.id`, `title` and `heading`."""


@dataclass(frozen=True)
class Part:
    """One kind of thing that a bar counts: its name, and the style that colors it."""

    name: str
    style: str


WITHHELD = Part("withheld", "doubt")


@dataclass(frozen=True)
class Bar:
    """Counts of each part, and the share of those that are marked."""

    label: str
    counts: tuple[int, ...]
    marked: Share

    @property
    def total(self) -> int:
        return sum(self.counts)


@dataclass(frozen=True)
class Chart:
    """Bars that can be compared.

    Attributes
    ----------
    id, title, heading:
        For links, for people, and what a bar is of ("Level").
    unit:
        What is counted ("discs").
    parts:
        Those that are marked come first.
    marked:
        What the share of each bar is that of.
    published:
        Shares that others found, by the label of a bar.
    """

    id: str
    title: str
    heading: str
    unit: str
    parts: tuple[Part, ...]
    bars: tuple[Bar, ...]
    marked: str
    published: Mapping[str, float] = field(default_factory=dict)

    @property
    def drawn(self) -> bool:
        """Whether any bar is of patients enough to be drawn."""
        return any(bar.marked.share is not None for bar in self.bars)


MODIC_PARTS = (
    *(Part(f"type {grade}", f"modic-{grade.replace('/', '-')}") for grade in MODIC_COURSE[1:]),
    Part("change, type withheld", "doubt-change"),
    Part("withheld, change unlikely", "doubt"),
    Part("no change", "none"),
)
PFIRRMANN_PARTS = (*(Part(str(grade), f"step-{grade}") for grade in reversed(PFIRRMANN_GRADES)), WITHHELD)
NARROWING_PARTS = (Part("narrowed", "step-4"), WITHHELD, Part("not narrowed", "none"))
LESION_PARTS = (
    Part("Schmorl's node", "step-5"),
    Part("notched", "step-4"),
    Part("wavy or irregular", "step-3"),
    WITHHELD,
    Part("normal", "none"),
)
LEVELS_PARTS = (
    Part("three or more", "step-5"),
    Part("two levels", "step-4"),
    Part("one level", "step-3"),
    Part("none", "none"),
)
CLASS_PARTS = (
    Part("C, above 50\u202f%", "step-5"),
    Part("B, 25–50\u202f%", "step-4"),
    Part("A, below 25\u202f%", "step-3"),
)


def by_level(rows: Columns) -> list[Group]:
    """Rows of each graded level, head to foot."""
    return [(level, rows["level"] == level) for level in GRADED_DISCS]


def by_age(rows: Columns) -> list[Group]:
    """Rows of each age band that has some, the last one those whose age is not known; [] where none is."""
    ages = rows["age_years"]
    if np.isnan(ages).all():
        return []
    band = np.where(np.isnan(ages), len(AGE_EDGES) + 1, np.searchsorted(AGE_EDGES, ages, side="right"))
    return [(name, band == number) for number, name in enumerate(AGE_BANDS) if (band == number).any()]


def change_called(rows: Columns) -> np.ndarray:
    """Where (N,) a Modic change is called: by a reader, else by the program's probability, type or no type."""
    grade = rows["modic"]
    by_reader = rows["modic_corrected_by"] != ""
    return np.where(by_reader, (grade != "0") & (grade != ""), rows["modic_any_probability"] >= CHANGE_CALLED)


def changed_levels(rows: Columns, studies: Columns) -> np.ndarray:
    """How many discs with a change each study has (studies,)."""
    order = np.argsort(studies["study"])
    of_study = order[np.searchsorted(studies["study"], rows["study"], sorter=order)]
    return np.bincount(of_study, change_called(rows), len(order))


def modic_chart(
    rows: Columns, groups: Sequence[Group], title: Title, published: Mapping[str, float] | None = None
) -> Chart:
    """Discs by type of their Modic change."""
    called = change_called(rows)
    part = _numbered(rows["modic"], (*MODIC_COURSE[1:], None, None, "0"), np.where(called, 5, 6))
    return _chart(rows, groups, part, called, title, "discs", MODIC_PARTS, "any change", published)


def pfirrmann_chart(rows: Columns, groups: Sequence[Group], title: Title) -> Chart:
    """Discs by Pfirrmann grade."""
    part = _numbered(rows["pfirrmann"], PFIRRMANN_GRADES[::-1], len(PFIRRMANN_GRADES))
    return _chart(rows, groups, part, part < 2, title, "discs", PFIRRMANN_PARTS, "grade 4 or 5")


def narrowing_chart(rows: Columns, groups: Sequence[Group], title: Title) -> Chart:
    """Discs by narrowing."""
    part = _numbered(rows["narrowing"], (1, None, 0), 1)
    return _chart(rows, groups, part, part == 0, title, "discs", NARROWING_PARTS, "narrowed")


def lesion_chart(rows: Columns, groups: Sequence[Group], title: Title) -> Chart:
    """Discs by the lesion of their worse endplate."""
    part = _numbered(rows["endplate_lesion"], (*ENDPLATE_LESIONS[:0:-1], None, ENDPLATE_LESIONS[0]), 3)
    return _chart(rows, groups, part, part < 3, title, "discs", LESION_PARTS, "any lesion")


def height_chart(endplates: Columns, title: Title) -> Chart:
    """Measured changes by height class, of each type."""
    there = endplates["height_class"] != ""
    measured = {name: column[there] for name, column in endplates.items()}
    part = _numbered(measured["height_class"], "CBA", 0)
    types = [(f"type {grade}", measured["modic"] == grade) for grade in MODIC_COURSE[1:]]
    groups = [*types, ("type withheld", measured["modic"] == ""), ("all", np.ones(len(part), bool))]
    groups = [(label, here) for label, here in groups if here.any()]
    return _chart(measured, groups, part, part == 0, title, "changed endplates", CLASS_PARTS, "class C")


def levels_chart(rows: Columns, studies: Columns, title: Title) -> Chart:
    """Studies by the number of levels with a change, of each age band."""
    changed = changed_levels(rows, studies)
    part = np.maximum(3 - changed, 0).astype(int)
    groups = [*by_age(studies), ("all", np.ones(len(part), bool))]
    return _chart(studies, groups, part, changed > 0, title, "studies", LEVELS_PARTS, "any change")


def _numbered(values: np.ndarray, names: Sequence, other: int | np.ndarray) -> np.ndarray:
    """Numbers (N,) of values in `names`; `other`, one or (N,), where they are none of them."""
    numbers = np.broadcast_to(other, values.shape).astype(int)
    for number, name in enumerate(names):
        numbers[values == name] = number
    return numbers


def _chart(
    rows: Columns,
    groups: Sequence[Group],
    part: np.ndarray,
    marked: np.ndarray,
    title: Title,
    unit: str,
    parts: tuple[Part, ...],
    marked_title: str,
    published: Mapping[str, float] | None = None,
) -> Chart:
    bars = [
        Bar(
            label,
            tuple(np.bincount(part[here], minlength=len(parts)).tolist()),
            share(marked[here], rows["patient"][here]),
        )
        for label, here in groups
    ]
    return Chart(*title, unit, parts, tuple(bars), marked_title, published or {})
