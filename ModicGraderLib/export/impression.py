"""The impression: what a report comes to, in the order and the words in which radiologists dictate it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from ..anatomy import ENDPLATE_LESIONS, PFIRRMANN_GRADES, endplate_side
from ..corrections import TITLES, standing_at
from ..grading.decisions import CHANGE_CALLED, DECIDED
from ..report import DiscReport, EndplateReport, ModicReading, StudyReport
from ..wording import listed, percent

LESIONS = {"schmorl_node": "Schmorl's node", "notched": "notched", "wavy_irregular": "wavy or irregular"}
"""What a reader sees the endplate lesions called, the gravest first."""

DISC_FINDINGS = {"herniation": "herniation", "bulging": "bulging", "spondylolisthesis": "slip"}
"""Findings of a disc that are given as probabilities alone: fields of `DiscReport`, with what a reader sees."""

THIRDS = ("anterior", "central", "posterior")


@dataclass(frozen=True)
class Statement:
    """One line of an impression: what it is about, and what is said of it."""

    topic: str
    text: str


def impression(report: StudyReport) -> list[Statement]:
    """What a reader should take away: changes of the marrow first, then the discs, and last what is in doubt.

    Each Modic change is a statement of its own, under the same topic. Levels run from head to foot, but the highest
    Pfirrmann grade comes first. What counts is what a reader corrected, else what the program said.
    """
    if not report.discs:
        return [Statement("Discs", "no disc was graded.")]
    changed = [f"{disc.level} {_change(report, disc)}" for disc in report.discs if is_changed(report, disc)]
    made = (
        *(Statement("Modic changes", text) for text in changed or ["none called"]),
        Statement("Disc degeneration", f"{_pfirrmann(report)}; {_narrowing(report)}"),
        Statement("Endplates", _lesions(report)),
        Statement("Contour and alignment", _findings(report)),
        Statement("Withheld", _withheld(report)),
        Statement("Numbering", _numbering(report)),
    )
    return [Statement(one.topic, f"{one.text}.") for one in made if one.text]


def summary(report: StudyReport) -> str:
    """The impression on one line."""
    topics: dict[str, list[str]] = {}
    for one in impression(report):
        topics.setdefault(one.topic, []).append(one.text)
    return " ".join(f"{topic}: {' '.join(texts)}" for topic, texts in topics.items())


def level_findings(report: StudyReport, disc: DiscReport) -> list[str]:
    """What is said of one disc of a report, each a sentence."""
    said = ["No Modic change called"]
    if is_changed(report, disc):
        said = [f"Modic {_change(report, disc)}"]
    if disc.pfirrmann.grade is not None:
        said.append(f"Pfirrmann\u00a0{disc.pfirrmann.grade}")
    if disc.narrowing.grade:
        said.append("Narrowed")
    if disc.endplate_lesion.grade in LESIONS:
        said.append(f"Endplates: {LESIONS[str(disc.endplate_lesion.grade)]}")
    for field, name in DISC_FINDINGS.items():
        if _likely(disc, field):
            said.append(f"{name.capitalize()} likely ({percent(getattr(disc, field))})")
    withheld = withheld_grades(report, disc)
    if withheld:
        said.append(f"Withheld: {listed(withheld)}")
    return [f"{one}." for one in said]


def is_changed(report: StudyReport, disc: DiscReport) -> bool:
    """Whether a Modic change counts at a disc: by its grade, and where that is withheld by the probability."""
    return _called(disc.modic, "modic" in standing_at(report, disc.level))


def withheld_grades(report: StudyReport, disc: DiscReport) -> list[str]:
    """What the program withheld at a disc and no reader gave; of the endplates only where the disc has a Modic type."""
    given = standing_at(report, disc.level)
    names = [one["grade"] for one in disc.abstained if one["grade"] not in given]
    if "modic" in names:
        names = [name for name in names if not name.endswith("_endplate_modic")]
    return [TITLES.get(name, name.replace("_", " ")) for name in names]


def _change(report: StudyReport, disc: DiscReport) -> str:
    """Type, endplates and extent of the change at a disc: "type I at both endplates, up to 37 % of ..."."""
    grade, corrected = disc.modic.grade, standing_at(report, disc.level)
    changed = {
        name: one for name, one in disc.endplates.items() if _called(one.modic, f"{name}_endplate_modic" in corrected)
    }
    said = [_type(grade) if grade else f"change of {_type(grade)} ({percent(disc.modic.any_change)})"]
    if {one.modic.grade for one in changed.values()} - {grade}:
        apart = [f"{_type(one.modic.grade)} at the {_endplate(disc, name)}" for name, one in changed.items()]
        said.append(f"({listed(apart)})")
    elif changed:
        said.append("at both endplates" if len(changed) == 2 else f"at the {_endplate(disc, *changed)}")
    return ", ".join([" ".join(said), *_extent(list(changed.values()))])


def _extent(changed: list[EndplateReport]) -> list[str]:
    """Height, by the higher one of the endplates, and place; nothing where nothing was measured."""
    measured = [one for one in changed if one.height_percent]
    if not measured:
        return []
    highest = max(measured, key=lambda one: one.height_percent or 0)
    height = f"{highest.height_percent:.0f}\u202f% of the vertebral height (class {highest.height_class})"
    where = place([third for one in measured for third in one.location])
    return [f"up to {height}" if len(measured) > 1 else height, *([where] if where else [])]


def place(location: Iterable[str]) -> str:
    """Where along the endplate a change lies, by the thirds of `EndplateReport.location`; empty where none is named."""
    taken = [third for third in THIRDS if third in set(location)]
    return "from front to back" if len(taken) == len(THIRDS) else listed(taken) if taken else ""


def _endplate(disc: DiscReport, name: str) -> str:
    vertebra, side = endplate_side(disc.level, name)
    return f"{side} endplate of {vertebra}"


def _pfirrmann(report: StudyReport) -> str:
    grades = [
        f"{grade} at {_levels(report, lambda disc, grade=grade: disc.pfirrmann.grade == grade)}"
        for grade in reversed(PFIRRMANN_GRADES)
        if any(disc.pfirrmann.grade == grade for disc in report.discs)
    ]
    return f"Pfirrmann {', '.join(grades)}" if grades else "no Pfirrmann grade"


def _narrowing(report: StudyReport) -> str:
    narrowed = _levels(report, lambda disc: bool(disc.narrowing.grade))
    return f"narrowed: {narrowed}" if narrowed else "no disc called narrowed"


def _lesions(report: StudyReport) -> str:
    assert {"normal", *LESIONS} == set(ENDPLATE_LESIONS)
    found = {
        words: _levels(report, lambda disc, lesion=lesion: disc.endplate_lesion.grade == lesion)
        for lesion, words in LESIONS.items()
    }
    return "; ".join(f"{words} at {levels}" for words, levels in found.items() if levels) or "no lesion called"


def _findings(report: StudyReport) -> str:
    """Likely findings with their probabilities, and which are not likely anywhere."""
    said, unlikely = [], []
    for field, name in DISC_FINDINGS.items():
        likely = [f"{disc.level} ({percent(getattr(disc, field))})" for disc in report.discs if _likely(disc, field)]
        if likely:
            said.append(f"{name} likely at {listed(likely)}")
        elif any(getattr(disc, field) is not None for disc in report.discs):
            unlikely.append(name)
    if unlikely:
        said.append(f"no {' or '.join(unlikely)} likely")
    return "; ".join(said)


def _withheld(report: StudyReport) -> str:
    levels: dict[str, list[str]] = {}
    for disc in report.discs:
        for name in withheld_grades(report, disc):
            levels.setdefault(name, []).append(disc.level)
    return "; ".join(f"{name} at {_listed(report, at)}" for name, at in levels.items())


def _numbering(report: StudyReport) -> str:
    if not report.numbering.transitional_suspected:
        return ""
    return "a transitional vertebra is suspected, so all levels may be shifted"


def _called(reading: ModicReading, by_reader: bool) -> bool:
    """Whether a change counts; the probability is there without a type, too, but a reader may have taken it away."""
    if reading.grade is None:
        return not by_reader and (reading.any_change or 0) >= CHANGE_CALLED
    return reading.grade != "0"


def _type(grade: str | None) -> str:
    return "a withheld type" if grade is None else f"type {grade}"


def _likely(disc: DiscReport, field: str) -> bool:
    value = getattr(disc, field)
    return value is not None and value >= DECIDED


def _levels(report: StudyReport, which: Callable[[DiscReport], bool]) -> str:
    """Levels at which something holds, as they stand in a sentence; empty where there is none."""
    return _listed(report, (disc.level for disc in report.discs if which(disc)))


def _listed(report: StudyReport, levels: Iterable[str]) -> str:
    found = list(levels)
    if len(found) == len(report.discs) > 1:
        return "all discs"
    return listed(found) if found else ""
