"""What labels and reports can be compared in: of each task the label's class, and the program's answer to it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..anatomy import ENDPLATE_LESIONS, ENDPLATES, MODIC_COURSE, MODIC_TYPES, PFIRRMANN_GRADES
from ..grading.decisions import CHANGE_CALLED, DECIDED, joint_type
from ..grading.tasks import pfirrmann_grade
from ..training.labelled_study import DiscLabels

Row = Mapping[str, Any]

NO_YES = ("no", "yes")
"""Classes of a finding."""


@dataclass(frozen=True)
class Answered:
    """What the program says of one disc or endplate.

    Attributes
    ----------
    chances:
        Calibrated probability of each class.
    called:
        The class it gives, or, where it withholds it, the one that its probabilities make it call.
    given:
        False where it is withheld.
    """

    chances: Sequence[float]
    called: str
    given: bool


@dataclass(frozen=True)
class Task:
    """One thing that readers label and the program answers.

    Attributes
    ----------
    id, title, unit:
        For programs, for people, and what it is asked of: "disc" or "endplate".
    classes:
        In their order, if they have one.
    metrics:
        Names in `evaluation.answers.METRICS`; kappa with weights only where classes are ordered.
    label:
        The class of a disc, or of its endplate of that name; None where it is not known.
    answer:
        Of a row of the discs' or the endplates' table; None where the report does not say it.
    """

    id: str
    title: str
    unit: str
    classes: tuple[str, ...]
    metrics: tuple[str, ...]
    label: Callable[[DiscLabels, str], str | None]
    answer: Callable[[Row], Answered | None]

    @property
    def sides(self) -> tuple[str, ...]:
        """Names of what it is asked of at a disc: of the endplates, or "" of the disc itself."""
        return ENDPLATES if self.unit == "endplate" else ("",)


FINDING = ("AUROC", "kappa", "balanced accuracy", "exact", "calibration error")
KIND = ("kappa", "exact")


def _no_yes(value: object | None) -> str | None:
    return None if value is None else NO_YES[bool(value)]


def _text(value: object | None) -> str | None:
    return None if value is None else str(value)


def _finding(chance: float | None, grade: bool | None, least: float) -> Answered | None:
    """A finding with its probability, called from `least` on where no grade is given."""
    if chance is None:
        return None
    called = chance >= least if grade is None else grade
    return Answered((1 - chance, chance), NO_YES[called], grade is not None)


def _change(row: Row) -> Answered | None:
    grade = row["modic_machine"]
    return _finding(row["modic_any_probability"], None if grade is None else grade != "0", CHANGE_CALLED)


def _modic(row: Row) -> Answered | None:
    """Mixed types have no probability of their own."""
    chances = {type_: row[f"modic_{type_}_probability"] for type_ in MODIC_TYPES}
    if None in chances.values():
        return None
    grade, change = row["modic_machine"], 1 - chances["0"]
    called = grade
    if grade is None:
        shares = {type_: chances[type_] / change for type_ in MODIC_TYPES[1:]} if change else {}
        called = joint_type(shares) if change >= CHANGE_CALLED else "0"
    return Answered([chances.get(name, 0.0) for name in MODIC_COURSE], called, grade is not None)


def _pfirrmann(row: Row) -> Answered | None:
    chances = [row[f"pfirrmann_{grade}_probability"] for grade in PFIRRMANN_GRADES]
    if None in chances:
        return None
    grade = row["pfirrmann_machine"]
    return Answered(chances, str(pfirrmann_grade(chances) if grade is None else grade), grade is not None)


def _narrowing(row: Row) -> Answered | None:
    grade = row["narrowing_machine"]
    return _finding(row["narrowing_probability"], None if grade is None else bool(grade), DECIDED)


def _lesion(row: Row) -> Answered | None:
    chances = {name: row[f"endplate_lesion_{name}_probability"] for name in ENDPLATE_LESIONS}
    if None in chances.values():
        return None
    grade = row["endplate_lesion_machine"]
    return Answered(list(chances.values()), grade or max(chances, key=chances.__getitem__), grade is not None)


def _endplate_change(row: Row) -> Answered | None:
    chance = row["endplate_change_probability"]
    return _finding(chance, None if chance is None else chance >= DECIDED, DECIDED)  # it is never withheld


def _marrow_change(row: Row) -> Answered | None:
    grade = row["modic_machine"]
    return _finding(row["marrow_change_probability"], None if grade is None else grade != "0", CHANGE_CALLED)


TASKS = (
    Task("any_change", "Modic change, any type", "disc", NO_YES, FINDING,
         lambda labels, _: None if labels.modic is None else NO_YES[labels.modic != "0"], _change),
    Task("modic", "Modic type", "disc", MODIC_COURSE, ("kappa", "linear kappa", "exact"),
         lambda labels, _: labels.modic, _modic),
    Task("pfirrmann", "Pfirrmann grade", "disc", tuple(map(str, PFIRRMANN_GRADES)),
         ("quadratic kappa", "linear kappa", "exact", "within one"),
         lambda labels, _: _text(labels.pfirrmann), _pfirrmann),
    Task("narrowing", "Narrowing", "disc", NO_YES, FINDING, lambda labels, _: _no_yes(labels.narrowing), _narrowing),
    Task("endplate_lesion", "Endplate lesion", "disc", ENDPLATE_LESIONS, ("AUROC", *KIND),
         lambda labels, _: labels.endplate_lesion, _lesion),
    Task("endplate_change", "Endplate change", "endplate", NO_YES, FINDING,
         lambda labels, name: _no_yes(getattr(labels, f"{name}_endplate_change")), _endplate_change),
    Task("marrow_change", "Modic change of an endplate", "endplate", NO_YES, FINDING,
         lambda labels, name: _no_yes(getattr(labels, f"{name}_marrow_change")), _marrow_change),
)  # fmt: skip
"""In the order in which they are told. Modic types have no natural order: linear weights hold for who takes them as
stages of one course (`reader_study.agreement.SCALES`)."""
