"""Damopoulos et al. 2019: the Modic type of a disc level by VGG16 on three slices of T1 and T2, trained with mixup.

Damopoulos D, Haschtmann D, Fekete TF, Zheng G. Automated Grading of Modic Changes Using CNNs – Improving the
Performance with Mixup. CSI 2018, LNCS 11397:41-52, 2019. Sections are the paper's; "our choice" marks what it leaves
open. Here are the grading of a level (2.4), the evaluation (3.2) and Table 1 (3.5); what the networks see, mixup and
augmentation are in damopoulos2019_views.py, the networks and their training in damopoulos2019_network.py.
"""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import ClassVar

import numpy as np

from ..anatomy import GRADED_DISCS
from ..errors import InputError
from ..evaluation.metrics import Estimate, balanced_accuracy, bootstrap, confusion
from ..training.folds import split
from ..training.labelled_study import LabelledStudy
from ..training.samples import Sample
from .damopoulos2019_network import CHANGE, MULTICLASS, TYPE, Stage, read, train, with_targets
from .damopoulos2019_views import SLICES, ivd_volume, midsagittal, rescaled
from .recipe import Answer, Cell, CohortWish, Plan, Run, Table

GRADES = ("0", "I", "II")
"""MC-0, MC-I, MC-II (2). Type III is left out, and so are mixed types, which the paper does not name."""

CASES, DISCS = 92, {"0": 429, "I": 39, "II": 84}
"""Cases, and discs of each grade (3.1, Table 1)."""

FOLD_CASES = (10,) * 8 + (12,)
"""Cases of the nine folds (3.2); another number of cases is divided in these proportions."""

PAPER_NOTE = (
    "The paper prints 71.2 for MC-II of two stages without mixup, which 84 discs cannot give; 59 of them are 70.2, and"
    " agree with its APCA and accuracy. It prints 90.0 where its own recalls average 89.5. It was tuned on 78 of"
    " the 92 cases that it measured."
)
"""What to know of the paper's figures, seen from its counts of discs."""

COLUMNS = ("MC-0", "MC-I", "MC-II", "MC-I + MC-II", "APCA", "APCA binary", "Accuracy")


@dataclass(frozen=True)
class Variant:
    """A row of Table 1: networks, whether mixup trains them, the paper's `COLUMNS`, and what it printed in error."""

    heading: str
    stages: tuple[Stage, ...]
    mixup: bool
    paper: tuple[float, ...]
    printed: Mapping[str, str] = field(default_factory=dict)


VARIANTS = {
    "two-stage-mixup": Variant("Two-stage, mixup", (CHANGE, TYPE), True, (92.8, 64.1, 75.0, 91.9, 77.3, 92.3, 88.0)),
    "two-stage": Variant(
        "Two-stage, no mixup",
        (CHANGE, TYPE),
        False,
        (93.2, 51.3, 70.2, 87.8, 71.6, 90.5, 86.8),
        {"MC-II": "70.2 (printed 71.2)"},
    ),
    "multiclass-mixup": Variant("Multiclass, mixup", (MULTICLASS,), True, (88.8, 59.0, 81.0, 94.3, 76.2, 91.6, 85.5)),
    "multiclass": Variant(
        "Multiclass, no mixup",
        (MULTICLASS,),
        False,
        (90.4, 41.0, 78.6, 88.6, 70.0, 89.5, 85.1),
        {"APCA binary": "89.5 (printed 90.0)"},
    ),
}
"""The four systems (3.3), the paper's best first."""


def grade_levels(probabilities: np.ndarray, called: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Grades of discs, as numbers in `GRADES`, and the sub-volumes that decided (2.4), each (N,).

    MC-0 where all sub-volumes are called that, else the call of the most confident among those that are not: were MC-0
    to compete, it would outvote a change that is "not visible throughout". Where all are MC-0, the sub-volume nearest
    to a change stands for them.

    Parameters
    ----------
    probabilities, called:
        (N, sub-volumes, 3) and (N, sub-volumes): what each sub-volume by itself is taken for.
    """
    confidence = np.take_along_axis(probabilities, called[..., None], 2)[..., 0]
    changed = called > 0
    weight = np.where(changed.any(1, keepdims=True), np.where(changed, confidence, -1), 1 - probabilities[..., 0])
    deciding = weight.argmax(1)
    return called[np.arange(len(called)), deciding], deciding


def read_grades(stages: Sequence[Stage], samples: Sequence[Sample], run: Run) -> tuple[np.ndarray, np.ndarray]:
    """Probabilities (N, 3, 3) of the grades in every sub-volume, and the calls (N, 3): see `grade_levels`.

    In two stages (3.3), the second types each sub-volume that the first calls changed; the probability of a type is
    that of a change times that of the type.
    """
    first = read(stages[0], samples, run)
    if len(stages) == 1:
        return first, first.argmax(2)
    second = read(stages[1], samples, run)
    called = np.where(first.argmax(2) == 0, 0, 1 + second.argmax(2))
    return np.concatenate([first[..., :1], first[..., 1:] * second], 2), called


def accuracies(matrix: np.ndarray) -> np.ndarray:
    """`COLUMNS` in percent (3.2) from a confusion matrix (3, 3) of `GRADES`, truth in rows.

    The accuracy of a class is its recall; that of MC-I + MC-II counts either as a change. NaN where a class is absent.
    """
    change = np.array([[matrix[0, 0], matrix[0, 1:].sum()], [matrix[1:, 0].sum(), matrix[1:, 1:].sum()]])
    there, there_of_two = matrix.sum(1), change.sum(1)
    with np.errstate(invalid="ignore"):
        recalls = [*(matrix.diagonal() / there), change[1, 1] / there_of_two[1]]
        total = np.trace(matrix) / matrix.sum()
    return 100 * np.array([*recalls, balanced_accuracy(matrix), balanced_accuracy(change), total])


def usable(samples: Sequence[Sample]) -> list[Sample]:
    """Discs of one of `GRADES` that at least two patients have, so that `folds_of` can keep one to learn it from.

    Raises
    ------
    InputError
        Fewer than two grades are left.
    """
    patients = {grade: {one.patient for one in samples if one.labels.modic == grade} for grade in GRADES}
    kept = {grade for grade, some in patients.items() if len(some) > 1}
    if "0" not in kept or len(kept) < 2:
        raise InputError(
            "Discs without and with a Modic change of type I or II are needed, each of two patients at least;"
            " give more labelled studies."
        )
    return [one for one in samples if one.labels.modic in kept]


def folds_of(samples: Sequence[Sample], seed: int) -> tuple[list[np.ndarray], int]:
    """Rows of the nine folds over patients (3.2), and how often they were drawn.

    They are drawn anew while one of them has all discs of a grade, which nothing would be left to learn from (our
    choice). Two patients share a fold in one draw of nine, so some draw is good where each grade has two patients.

    Parameters
    ----------
    samples:
        As `usable` leaves them.
    """
    patients = [one.patient for one in samples]
    grades = {one.labels.modic for one in samples}
    for draw in itertools.count(1):
        folds = split(patients, FOLD_CASES[: len(set(patients))], seed + draw - 1)
        if all({samples[row].labels.modic for row in _others(samples, rows)} == grades for rows in folds):
            return folds, draw


@dataclass(frozen=True)
class Damopoulos2019:
    """The recipe; `recipe.Recipe` says what its parts are.

    Attributes
    ----------
    mirror:
        Whether half of the training discs are mirrored from front to back, see `augmented`.
    """

    mirror: bool = False
    name = "damopoulos2019"
    title = "Automated Grading of Modic Changes Using CNNs – Improving the Performance with Mixup"
    doi = "10.1007/978-3-030-13736-6_4"
    cohort = CohortWish(CASES, "modic", {grade: count / sum(DISCS.values()) for grade, count in DISCS.items()})
    # Epochs are a share of the paper's 40 and 80, at least one.
    plans: ClassVar = {"smoke": Plan(3, 1, 0.01), "small": Plan(36, 3, 0.05), "full": Plan(None, None, 1.0)}
    variants = tuple(VARIANTS)
    tasks = ("modic", "any_change")

    def cut(self, study: LabelledStudy) -> list[Sample]:
        """The six IVD volumes of a study (2.1), [] where T1 or T2 is missing.

        Arrays are `regions` (2, 5, *FIELD) uint8, see `ivd_volume`, T1 first, and `slices` (2,), how many either has.
        """
        volumes = (study.study.t1, study.study.t2)
        discs = [disc for disc in study.discs if disc.level in GRADED_DISCS]
        if any(volume is None for volume in volumes) or not discs:
            return []
        views = [(rescaled(volume), midsagittal(volume, discs)) for volume in volumes]
        slices = np.array([len(volume.array) for volume in volumes])
        return [
            Sample.of_disc(
                study,
                disc.level,
                {"regions": np.stack([ivd_volume(volume, disc, middle) for volume, middle in views]), "slices": slices},
            )
            for disc in discs
        ]

    def fit(self, samples: Sequence[Sample], run: Run) -> None:
        """Train the one or two networks of a variant; their weights are `run.folder/<stage>.safetensors`."""
        variant = _variant(run)
        for stage in variant.stages:
            # Rather before the first stage is trained than after it.
            with_targets(stage, samples)
        for stage in variant.stages:
            train(stage, samples, run, variant.mixup, self.mirror)

    def answer(self, samples: Sequence[Sample], run: Run) -> list[Answer]:
        """The grade of each disc, with the probabilities of the sub-volume that decided, and whether it is changed."""
        if not samples:
            return []
        probabilities, called = read_grades(_variant(run).stages, samples, run)
        answers = []
        for sample, chances, grade, deciding in zip(
            samples, probabilities, *grade_levels(probabilities, called), strict=True
        ):
            place = (sample.study, sample.patient, sample.level)
            named = dict(zip(GRADES, chances[deciding].tolist(), strict=True))
            change = float(1 - chances[:, 0].min())
            answers.append(Answer(*place, "modic", named, GRADES[grade]))
            answers.append(Answer(*place, "any_change", {"False": 1 - change, "True": change}, str(grade > 0)))
        return answers

    def reproduce(self, samples: Sequence[Sample], run: Run, source: str) -> list[Table]:
        """Table 1 by nine-fold cross-validation over patients (3.2, 3.5); of one variant where the run names it."""
        used = usable(samples)
        every, draws = folds_of(used, run.seed)
        folds = every[: run.plan.folds]
        measured = [used[row] for rows in folds for row in rows]
        rows = {}
        for name in [run.variant] if run.variant else VARIANTS:
            own = replace(run, variant=name)
            variant = _variant(own)
            called = [grade for number, test in enumerate(folds, 1) for grade in self._fold(used, test, own, number)]
            ours = _estimates(measured, called)
            rows[variant.heading] = [
                Cell(paper, estimate, variant.printed.get(column, ""))
                for column, paper, estimate in zip(COLUMNS, variant.paper, ours, strict=True)
            ]
        title = "Table 1: accuracies of four variants, percent of discs"
        notes = _notes(samples, used, measured, len(folds), draws, run)
        return [Table(title, COLUMNS, rows, source, run.budget, notes)]

    def _fold(self, used: list[Sample], rows: np.ndarray, run: Run, number: int) -> list[str]:
        """Train on all but these rows, and grade these."""
        own = replace(run, folder=run.folder / run.variant / f"fold-{number}")
        self.fit([used[row] for row in _others(used, rows)], own)
        return [one.answer for one in self.answer([used[row] for row in rows], own) if one.task == "modic"]


RECIPE = Damopoulos2019()


def _variant(run: Run) -> Variant:
    name = run.variant or next(iter(VARIANTS))
    if name not in VARIANTS:
        raise InputError(f"damopoulos2019 has no variant {name}; choose one of {', '.join(VARIANTS)}.")
    return VARIANTS[name]


def _others(samples: Sequence[Sample], rows: np.ndarray) -> np.ndarray:
    """Rows of all samples but these."""
    return np.setdiff1d(np.arange(len(samples)), rows)


def _estimates(measured: Sequence[Sample], called: Sequence[str]) -> list[Estimate]:
    truth, answers = (
        np.array([GRADES.index(one) for one in some]) for some in ([sample.labels.modic for sample in measured], called)
    )
    patients = [sample.patient for sample in measured]
    return [
        bootstrap(lambda rows, column=column: accuracies(confusion(truth[rows], answers[rows], 3))[column], patients)
        for column in range(len(COLUMNS))
    ]


def _notes(
    samples: Sequence[Sample],
    used: Sequence[Sample],
    measured: Sequence[Sample],
    folds: int,
    draws: int,
    run: Run,
) -> list[str]:
    counts = Counter(one.labels.modic for one in measured)
    graded = ", ".join(f"{counts[grade]} MC-{grade}" for grade in GRADES)
    start = f"from {run.pretrained.name}" if run.pretrained else "from chance, where the paper's started from ImageNet"
    notes = [
        f"Measured on {len(measured)} discs of {_patients(measured)} patients ({graded}), those of {folds} of"
        f" {min(len(FOLD_CASES), _patients(used))} folds. Intervals are of a bootstrap over patients. Training started"
        f" {start}.",
    ]
    if draws > 1:
        notes.append(
            f"Folds were drawn {draws} times, until none had all discs of a grade: one must remain to learn from."
        )
    if missing := [f"MC-{grade}" for grade in GRADES if not counts[grade]]:
        notes.append(f"No disc measured on is {' or '.join(missing)}: that accuracy and APCA cannot be told.")
    kept = {(one.study, one.level) for one in used}
    if left := Counter(one.labels.modic for one in samples if one.labels.modic and (one.study, one.level) not in kept):
        what = ", ".join(f"{count} of type {grade}" for grade, count in sorted(left.items()))
        notes.append(f"Left out: {what}. The paper grades types I and II alone, and a type needs two patients.")
    if short := {one.study for one in used if one.arrays["slices"].min() < SLICES}:
        notes.append(
            f"{len(short)} of {len({one.study for one in used})} studies have fewer than {SLICES} slices; the outermost"
            " are repeated. Of one slice, the three sub-volumes are alike, and each holds it three times."
        )
    return [*notes, PAPER_NOTE]


def _patients(samples: Sequence[Sample]) -> int:
    return len({one.patient for one in samples})
