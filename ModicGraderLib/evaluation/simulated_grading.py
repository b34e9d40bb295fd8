"""How well simulated patients are graded by the whole pipeline, as Markdown with a picture (`evaluation --only
simulated`).

Their scanners are ones that no grader has learned from (`training.simulated_cohort.grading_seeds`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ..anatomy import MODIC_MAP_LABELS
from ..training.simulated_cohort import TEST_SEEDS, VALIDATION_SEEDS, grading_seeds
from .answers import FINDING, GRADE, KIND, Answers, Score, score_table, scores
from .grading_pictures import draw_answers
from .measured_studies import MAPPED_TYPES, TRUE_TYPES, MeasuredStudy, measure_studies
from .metrics import Estimate, bootstrap, dice
from .pages import table
from .peers import peers_table
from .simulated_answers import Pair, all_answers, disc_pairs, endplate_pairs, mixed_truth, modic_type

STUDIES = 60

SEEDS = {"test": TEST_SEEDS, "validation": VALIDATION_SEEDS}
"""Patients that only measure, and those on whom choices may be made."""

WHOSE = {
    "test": "on scanners that no grader has learned from; they measure and steer nothing",
    "validation": "on scanners that the grader has learned from and others; choices are made on them",
}

ASKED = (
    ("any Modic change", FINDING, {"AUROC": 0.98}),
    ("Modic 0, I, II, III", KIND, {"balanced accuracy": 0.92}),
    ("any Modic change of an endplate", FINDING, {}),
    ("Modic 0, I, II, III of an endplate", KIND, {"balanced accuracy": 0.88}),
    ("type of a change", KIND, {}),
    ("height class", GRADE, {"linear kappa": 0.85}),
    ("height class of a change", ("linear kappa", "quadratic kappa", "kappa", "exact"), {}),
    ("endplate lesion (Bassani)", KIND, {"balanced accuracy": 0.85}),
    ("Pfirrmann", GRADE, {}),
    ("narrowing", FINDING, {}),
    ("endplate change", FINDING, {}),
    ("herniation", FINDING, {}),
    ("bulging", FINDING, {}),
    ("spondylolisthesis", FINDING, {}),
)
"""Tasks, their metrics, and the least value asked of some."""

VOXEL_DICE = 0.75
"""Least overlap asked of the map."""

EXTENTS = ("height_percent", "anteroposterior_percent", "area_percent", "volume_mm3", "volume_percent")
SIZES = ("height_mm", "anterior_height_mm", "posterior_height_mm", "height_index", "angle_deg", "listhesis_mm")
"""Measured numbers of an endplate and of a disc, by their names in the report."""

INTRO = """{count} simulated patients (seeds {first} to {last}), {whose}. With all their slices they were written to
files and graded as `modicgrader grade` does. A true disc is found if the report has
a disc of that name at that place; what is not found is not graded, and counts in the first table alone. Grades that
were withheld count as what they would have been; the table of withheld grades says what is won by withholding them.
Balanced accuracy is the mean of the classes' sensitivities. "Any change" and the types are what a reader would call.
An endplate whose only change is too small or too faint for that has no true grade, and is left out of both classes."""

RULE = """The four types are judged where the true grade is one of them: mixed grades are left out there, and stand in a
table of their own. A mixed answer counts as the more probable of its types."""


def simulated_section(seeds: str, count: int, cache: Path, picture: Path) -> str:
    """Measure the first `count` patients of `SEEDS[seeds]`, and draw `picture`; results stay in the folder `cache`."""
    numbers = grading_seeds(SEEDS[seeds], count)
    studies = measure_studies(numbers, cache)
    discs = disc_pairs(studies)
    answers = all_answers(discs)
    draw_answers(list(answers.values()), picture)
    intro = INTRO.format(count=count, whose=WHOSE[seeds], first=numbers[0], last=numbers[-1])
    found = [*all_scores(answers), *map_scores(studies)]
    return "\n\n".join([
        intro.replace("\n", " "),
        levels_table(studies, discs),
        RULE.replace("\n", " "),
        score_table(found),
        f"![Confusion and reliability of every task on simulated patients]({picture.name})",
        "Discs and endplates whose true change is mixed:",
        mixed_table(discs),
        "Withheld grades (a Pfirrmann grade is wrong if it is off by more than one, a Modic grade if it has no type in"
        " common with the true one):",
        withheld_table(discs),
        "Measured numbers; those of endplates where a change is both true and found:",
        numbers_table(studies, discs),
        peers_table(found),
    ])  # fmt: skip


def all_scores(answers: dict[str, Answers]) -> list[Score]:
    """The metrics of `ASKED`."""
    return [score for task, metrics, floors in ASKED for score in scores(answers[task], metrics, floors)]


def levels_table(studies: Sequence[MeasuredStudy], discs: Sequence[Pair]) -> str:
    """How many of the true discs were found under their name, and how many of their endplates have no true grade."""
    found = {(pair.patient, pair.level) for pair in discs}
    true = [(study.patient, disc.level) for study in studies for disc in study.truth.discs]
    hits = np.array([one in found for one in true], float)
    rate = bootstrap(lambda rows: hits[rows].mean(), [patient for patient, _ in true])
    none = sum(study.report is None for study in studies)
    aside = sum(pair.truth.modic.grade is None for pair in endplate_pairs(discs))
    rows = [(len(studies), none, len(true), rate, aside)]
    head = ("patients", "no spine seen", "true discs", "found under the right name", "endplates without a true grade")
    return table(head, rows)


def map_scores(studies: Sequence[MeasuredStudy]) -> list[Score]:
    """Voxel overlap of the map: over the cohort, endplate by endplate, and type by type (pure changes)."""
    patients = np.array([study.patient for study in studies])
    whole = np.array([study.overlap.sum((0, 1)) for study in studies])
    ends = np.array([end for study in studies for end in study.overlap.reshape(-1, *study.overlap.shape[2:])])
    owners = np.repeat(patients, len(ends) // len(studies))
    changed = ends[:, 1:].sum((1, 2)) > 0
    each = np.array([dice(_changed(end)) for end in ends[changed]])
    found = [
        Score("map of changes", "voxel", "Dice, all patients together", int(whole[:, 1:].sum()),
              bootstrap(lambda rows: dice(_changed(whole[rows].sum(0))), patients), VOXEL_DICE),
        Score("map of changes", "endplate", "Dice, mean of changed endplates", len(each),
              bootstrap(lambda rows: each[rows].mean(), owners[changed])),
    ]  # fmt: skip
    for type_ in MODIC_MAP_LABELS:
        own = np.array([_of_type(matrix, type_) for matrix in whole])
        rate = bootstrap(lambda rows, own=own: dice(own[rows].sum(0)), patients)
        true = int(own[:, 1].sum())
        found.append(Score(f"map of type {type_}", "voxel", "Dice, all patients together", true, rate))
    return found


def _changed(overlap: np.ndarray) -> np.ndarray:
    """Voxels (2, 2) changed or not in the truth and in the map, from their types (6, 4)."""
    rows = np.stack([overlap[0], overlap[1:].sum(0)])
    return np.stack([rows[:, 0], rows[:, 1:].sum(1)], axis=1)


def _of_type(overlap: np.ndarray, type_: str) -> np.ndarray:
    """Voxels (2, 2) of a type or not, from their types (6, 4); those of mixed changes are left out."""
    pure = overlap[[TRUE_TYPES.index(name) for name in MAPPED_TYPES]]
    own = MAPPED_TYPES.index(type_)
    true, mapped, both = pure[own].sum(), pure[:, own].sum(), pure[own, own]
    return np.array([[0, mapped - both], [true - both, both]])


def mixed_table(discs: Sequence[Pair]) -> str:
    """What was answered where the truth is mixed."""
    rows = []
    for unit, pairs in (("disc", mixed_truth(discs)), ("endplate", mixed_truth(endplate_pairs(discs)))):
        for grade in ("I/II", "II/III"):
            own = [pair for pair in pairs if pair.truth.modic.grade == grade]
            named = [modic_type(pair.answer.modic)[0] in grade.split("/") for pair in own]
            same = [pair.answer.modic.grade == grade for pair in own]
            rows.append((grade, unit, len(own), _share(named, own), _share(same, own)))
    return table(("true grade", "unit", "number", "one of its types answered", "the mixed grade answered"), rows)


def _share(hits: Sequence[bool], pairs: Sequence[Pair]) -> str | Estimate:
    if not pairs:
        return ""
    values = np.array(hits, float)
    return bootstrap(lambda rows: values[rows].mean(), [pair.patient for pair in pairs])


def _same_type(true: str, said: str) -> bool:
    return bool(set(true.split("/")) & set(said.split("/")))


GRADES: dict[str, tuple[Callable[[Any], Any], Callable[[Any, Any], bool]]] = {
    "modic": (lambda one: one.modic.grade, _same_type),
    "pfirrmann": (lambda one: one.pfirrmann.grade, lambda true, said: abs(true - said) <= 1),
    "narrowing": (lambda one: one.narrowing.grade, lambda true, said: true == said),
    "endplate_lesion": (lambda one: one.endplate_lesion.grade, lambda true, said: true == said),
}
"""Grades that can be withheld: how each is read, and when it is right."""


def withheld_table(discs: Sequence[Pair]) -> str:
    """How many grades were given, and how many of those were wrong."""
    asked = [(name, "disc", discs, *how) for name, how in GRADES.items()]
    asked.append(("modic", "endplate", endplate_pairs(discs), *GRADES["modic"]))
    rows = []
    for name, unit, pairs, read, right in asked:
        known = [pair for pair in pairs if read(pair.truth) is not None]
        given = [pair for pair in known if read(pair.answer) is not None]
        wrong = [not right(read(pair.truth), read(pair.answer)) for pair in given]
        rows.append((name, unit, len(known), _share([read(p.answer) is not None for p in known], known),
                     _share(wrong, given)))  # fmt: skip
    return table(("grade", "unit", "number", "given", "wrong among those given"), rows)


def numbers_table(studies: Sequence[MeasuredStudy], discs: Sequence[Pair]) -> str:
    """Errors of measured numbers, and how often their intervals hold the truth."""
    changed = [pair for pair in endplate_pairs(discs) if pair.truth.height_class and pair.answer.height_class]
    whole = [Pair(study.patient, "", None, study.truth, study.report) for study in studies if study.report]
    asked = [*((name, "endplate", changed) for name in EXTENTS), *((name, "disc", discs) for name in SIZES)]
    rows = (_number_row(name, unit, pairs) for name, unit, pairs in [*asked, ("lordosis_deg", "patient", whole)])
    head = ("number", "unit", "number of them", "mean", "mean absolute error", "bias", "in the 95 % interval")
    return table(head, rows)


def _number_row(name: str, unit: str, pairs: Iterable[Pair]) -> tuple:
    known = [pair for pair in pairs if getattr(pair.truth, name) is not None and getattr(pair.answer, name) is not None]
    if not known:
        return name, unit, 0, "", "", "", ""
    patients = [pair.patient for pair in known]
    true, said = (np.array([getattr(getattr(p, side), name) for p in known]) for side in ("truth", "answer"))
    error = said - true
    half = np.array([pair.answer.uncertainty.get(name, np.nan) for pair in known])
    stated = np.isfinite(half)
    hits = (abs(error) <= half)[stated].astype(float)
    held = bootstrap(lambda rows: hits[rows].mean(), np.array(patients)[stated]) if stated.any() else "not stated"
    off = bootstrap(lambda rows: abs(error[rows]).mean(), patients)
    return name, unit, len(known), f"{true.mean():.2f}", off, f"{error.mean():+.2f}", held
