"""The words of the teaching section. No Qt in here."""

from __future__ import annotations

from slicer.i18n import tr as _

from ..lessons.items import Grade
from ..lessons.score import Agreement, Score
from ..wording import percent

OPEN = "\u2013"
"""In the place of a grade that was left open, is withheld, or cannot be told."""


def itemWords() -> dict[str, str]:
    """What is asked, by item."""
    return {
        "modic_upper": _("Modic above"),
        "modic_lower": _("Modic below"),
        "pfirrmann": _("Pfirrmann"),
        "narrowing": _("Narrowed"),
        "endplate_lesion": _("Endplates"),
    }


def taskWords() -> dict[str, str]:
    """What is scored, by task."""
    return {
        "modic": _("Modic type"),
        "pfirrmann": _("Pfirrmann"),
        "narrowing": _("Narrowing"),
        "endplate_lesion": _("Endplate lesion"),
    }


def findingWords() -> dict[str, str]:
    """What a case can be about, by finding."""
    return {
        "any": _("any"),
        "modic_1": _("Modic type I"),
        "modic_2": _("Modic type II"),
        "modic_3": _("Modic type III"),
        "modic_mixed": _("mixed Modic types"),
        "endplate_lesion": _("endplate lesions"),
        "pfirrmann": _("Pfirrmann grades"),
        "none": _("healthy spine"),
    }


def difficultyWords() -> dict[str, str]:
    """How hard a case can be."""
    return {"any": _("any"), "easy": _("easy"), "medium": _("medium"), "hard": _("hard")}


def gradeText(item: str, grade: Grade | None) -> str:
    """A grade as a reader sees it."""
    if grade is None:
        return OPEN
    if item == "narrowing":
        return _("yes") if grade else _("no")
    lesions = {
        "normal": _("normal"),
        "wavy_irregular": _("wavy"),
        "notched": _("notched"),
        "schmorl_node": _("Schmorl"),
    }
    return lesions.get(grade, str(grade))


def scoreCells(score: Score) -> list[tuple[str, str]]:
    """What a row of the score says, column by column: the text, and more of it for who rests the mouse on it."""
    machine, there = score.machine, score.reader_there
    beside = ""
    if machine is not None:
        beside = _("On the same {count} you have {right} right, kappa {kappa}.").format(
            count=there.count, right=there.right, kappa=_kappa(there)
        )
    return [
        (taskWords()[score.task], ""),
        (_share(score.reader), _interval(score.reader)),
        (_kappa(score.reader), score.reader.why_no_kappa),
        (OPEN, _("The machine graded none of these.")) if machine is None else (_share(machine), _interval(machine)),
        (OPEN, "") if machine is None else (_kappa(machine), beside),
    ]


def _share(agreement: Agreement) -> str:
    return f"{agreement.right}/{agreement.count} ({percent(agreement.accuracy.value)})"


def _interval(agreement: Agreement) -> str:
    low, high = percent(agreement.accuracy.low), percent(agreement.accuracy.high)
    return _("95 % interval {low} to {high}").format(low=low, high=high)


def _kappa(agreement: Agreement) -> str:
    kappa = agreement.kappa
    return OPEN if kappa is None else f"{kappa.value:.2f} ({kappa.low:.2f} – {kappa.high:.2f})"
