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
        "schmorl_node": _("Schmorl node"),
    }
    return lesions.get(grade, str(grade))


def scoreText(scores: list[Score]) -> str:
    """The score of a session, one paragraph a task; a sentence in place of each kappa that cannot be told."""
    return "\n".join(_scored(score) for score in scores)


def _scored(score: Score) -> str:
    lines = [_("{task}: you {agreement}").format(task=taskWords()[score.task], agreement=_agreed(score.reader))]
    if score.machine is not None:
        lines.append(
            _("    on the {count} that the machine graded: machine {machine}; you {reader}").format(
                count=score.machine.count, machine=_agreed(score.machine), reader=_agreed(score.reader_there)
            )
        )
    if score.reader.why_no_kappa:
        lines.append(f"    {score.reader.why_no_kappa}")
    return "\n".join(lines)


def _agreed(agreement: Agreement) -> str:
    accuracy, kappa = agreement.accuracy, agreement.kappa
    text = _("{right} of {count} right ({share}, 95 % interval {low} to {high})").format(
        right=agreement.right,
        count=agreement.count,
        share=percent(accuracy.value),
        low=percent(accuracy.low),
        high=percent(accuracy.high),
    )
    if kappa is None:
        return text
    return _("{text}, kappa {value:.2f} ({low:.2f} to {high:.2f})").format(
        text=text, value=kappa.value, low=kappa.low, high=kappa.high
    )
