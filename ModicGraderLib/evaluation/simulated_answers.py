"""What the pipeline answered on simulated patients, task by task, beside their truth."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..anatomy import ENDPLATE_LESIONS, ENDPLATES, MODIC_TYPES, PFIRRMANN_GRADES
from ..grading.decisions import CHANGE_CALLED, DECIDED
from ..grading.tasks import pfirrmann_grade
from ..report import DiscReport, EndplateReport, GradeReading, ModicReading
from ..training.simulated_discs import SAME_PLACE_WIDTHS
from .answers import Answers, finding
from .measured_studies import MeasuredStudy

HEIGHT_CLASSES = ("none", "A", "B", "C")
"""Height of a change by Udby 2022, "none" without one."""


@dataclass(frozen=True)
class Pair:
    """A true disc or endplate, and what the report says of the one that bears its name."""

    patient: str
    level: str
    endplate: str | None
    truth: Any
    answer: Any


def disc_pairs(studies: Iterable[MeasuredStudy]) -> list[Pair]:
    """The true graded discs that were found: a disc of that name is in the report, and lies at that place."""
    pairs = []
    for study in studies:
        found = {disc.level: disc for disc in study.report.discs} if study.report else {}
        for true in study.truth.discs:
            answer = found.get(true.level)
            if answer is not None and _same_place(true, answer):
                pairs.append(Pair(study.patient, true.level, None, true, answer))
    return pairs


def _same_place(true: DiscReport, answer: DiscReport) -> bool:
    left = np.cross(true.normal_lps, true.anterior_lps)
    apart = np.subtract(answer.center_lps_mm, true.center_lps_mm)
    return bool(np.linalg.norm(apart - (apart @ left) * left) < SAME_PLACE_WIDTHS * true.width_mm)


def endplate_pairs(discs: Iterable[Pair]) -> list[Pair]:
    """Both endplates of discs."""
    return [
        Pair(disc.patient, disc.level, name, disc.truth.endplates[name], disc.answer.endplates[name])
        for disc in discs
        for name in ENDPLATES
    ]


def asked(
    task: str, unit: str, pairs: Sequence[Pair], read: Callable[[Any], float | None], least: float = DECIDED
) -> Answers:
    """A yes-or-no finding; `read` takes its probability from a disc or endplate, None where there is none."""
    patients = [pair.patient for pair in pairs]
    truth, answers = ([read(getattr(pair, side)) for pair in pairs] for side in ("truth", "answer"))
    return finding(task, unit, patients, truth, answers, least)


def graded(
    task: str,
    unit: str,
    classes: Sequence[str],
    pairs: Sequence[Pair],
    read: Callable[[Any], tuple[str, Sequence[float]]],
) -> Answers:
    """A grade in classes; `read` takes the grade and the probabilities of the classes from a disc or endplate.

    Pairs whose true grade is none of `classes` are left out; the answer's always is one of them.
    """
    known = [pair for pair in pairs if read(pair.truth)[0] in classes]
    return Answers(
        task=task,
        unit=unit,
        classes=tuple(classes),
        patients=np.array([pair.patient for pair in known]),
        truth=np.array([classes.index(read(pair.truth)[0]) for pair in known], int),
        called=np.array([classes.index(read(pair.answer)[0]) for pair in known], int),
        chances=np.array([read(pair.answer)[1] for pair in known], float).reshape(-1, len(classes)),
    )


def modic_type(reading: ModicReading) -> tuple[str, list[float]]:
    """The Modic type called, as one of four, and the probabilities of the four.

    A mixed answer counts as the more probable of its types; one withheld as what it would have been.
    """
    chances = reading.probabilities
    if reading.grade is not None:
        called = max(reading.grade.split("/"), key=chances.__getitem__)
    elif reading.any_change < CHANGE_CALLED:
        called = "0"
    else:
        called = max(MODIC_TYPES[1:], key=chances.__getitem__)
    return called, [chances[name] for name in MODIC_TYPES]


def pure_truth(pairs: Iterable[Pair]) -> list[Pair]:
    """Pairs whose true Modic grade is one of the four types, not a mixed one."""
    return [pair for pair in pairs if pair.truth.modic.grade in MODIC_TYPES]


def mixed_truth(pairs: Iterable[Pair]) -> list[Pair]:
    """Pairs whose true Modic grade is a mixed one."""
    return [pair for pair in pairs if "/" in (pair.truth.modic.grade or "")]


def type_of_change(reading: ModicReading) -> tuple[str, list[float]]:
    """The likeliest of types I, II and III, given that there is a change, and their probabilities then."""
    chances = np.array([reading.probabilities[name] for name in MODIC_TYPES[1:]])
    chances = chances / chances.sum() if chances.any() else np.full(3, 1 / 3)
    return MODIC_TYPES[1 + int(chances.argmax())], chances.tolist()


def pfirrmann(reading: GradeReading) -> tuple[str, list[float]]:
    """The grade, which is the median one where it is withheld, and the probabilities of the five."""
    chances = [reading.probabilities[str(grade)] for grade in PFIRRMANN_GRADES]
    grade = reading.grade if reading.grade is not None else pfirrmann_grade(np.array(chances))
    return str(int(grade)), chances


def lesion(reading: GradeReading) -> tuple[str, list[float]]:
    """The class of endplate lesion, which is the likeliest one where it is withheld, and the probabilities."""
    chances = [reading.probabilities[name] for name in ENDPLATE_LESIONS]
    return str(reading.grade or ENDPLATE_LESIONS[int(np.argmax(chances))]), chances


def height_class(endplate: EndplateReport) -> tuple[str, list[float]]:
    """The height class of a change, "none" without one, and their probabilities."""
    chances = endplate.height_class_probabilities or {"none": 1.0}
    return endplate.height_class or "none", [chances.get(name, 0.0) for name in HEIGHT_CLASSES]


def all_answers(discs: list[Pair]) -> dict[str, Answers]:
    """Every task on simulated patients, by name."""
    ends = endplate_pairs(discs)
    gradable = [pair for pair in ends if pair.truth.modic.grade is not None]
    changed = [pair for pair in gradable if pair.truth.modic.grade != "0"]
    pure = pure_truth(changed)
    found = [
        asked("any Modic change", "disc", discs, lambda disc: disc.modic.any_change, CHANGE_CALLED),
        asked("any Modic change of an endplate", "endplate", ends, lambda end: end.modic.any_change, CHANGE_CALLED),
        graded("Modic 0, I, II, III", "disc", MODIC_TYPES, pure_truth(discs), lambda disc: modic_type(disc.modic)),
        graded(
            "Modic 0, I, II, III of an endplate",
            "endplate",
            MODIC_TYPES,
            pure_truth(ends),
            lambda end: modic_type(end.modic),
        ),
        graded("type of a change", "endplate", MODIC_TYPES[1:], pure, lambda end: type_of_change(end.modic)),
        graded("height class", "endplate", HEIGHT_CLASSES, gradable, height_class),
        graded("height class of a change", "endplate", HEIGHT_CLASSES, changed, height_class),
        graded("endplate lesion (Bassani)", "disc", ENDPLATE_LESIONS, discs, lambda disc: lesion(disc.endplate_lesion)),
        graded("Pfirrmann", "disc", [str(g) for g in PFIRRMANN_GRADES], discs, lambda disc: pfirrmann(disc.pfirrmann)),
        asked("narrowing", "disc", discs, lambda disc: disc.narrowing.present),
        asked("endplate change", "endplate", ends, lambda end: end.endplate_change),
        asked("herniation", "disc", discs, lambda disc: disc.herniation),
        asked("bulging", "disc", discs, lambda disc: disc.bulging),
        asked("spondylolisthesis", "disc", discs, lambda disc: disc.spondylolisthesis),
    ]
    return {one.task: one for one in found}
