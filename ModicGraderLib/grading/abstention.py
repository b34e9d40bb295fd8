"""Which grades are too doubtful to be given: a least confidence per grade, fitted so that few of those given are wrong.

Selective prediction with a guaranteed risk (Geifman & El-Yaniv 2017): among the grades that are given, at most
`TARGET_RISK` are wrong, with a probability of 1 - `DELTA` over the patients that the thresholds were fitted on. Discs
of one patient err together, so they count for less than as many discs of different patients (Korn & Graubard 1998).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats

from ..anatomy import ENDPLATES, MODIC_GRADES, PFIRRMANN_GRADES
from .decisions import CHANGE_CALLED, DECIDED, MIXED_SHARE
from .disc_grades import DiscGrades, lesions_of
from .tasks import (
    BINARY_TASKS,
    CHANGE_TYPES,
    ENDPLATE_CHANGE,
    ENDPLATE_LESION,
    MARROW_CHANGE,
    MODIC_TYPE,
    PFIRRMANN,
    either,
    pfirrmann_grade,
    pfirrmann_probabilities,
)

TARGET_RISK = {
    "modic": 0.25,
    "upper_endplate_modic": 0.25,
    "lower_endplate_modic": 0.25,
    "pfirrmann": 0.10,
    "endplate_lesion": 0.25,
    "narrowing": 0.10,
}
"""Share of wrong ones accepted among the grades given; a Pfirrmann grade is wrong if it is off by more than one.

Readers differ about as often: their kappa for Modic changes of .41 to .60 (Arana 2010) means a fifth to a quarter of
SPIDER's discs, of which two in five are changed. A share much below that of readers cannot be shown on their grades."""

GRADES = tuple(TARGET_RISK)
"""Grades that can be withheld, in the order in which a model's thresholds are kept. The other findings are given as
probabilities alone, which say their doubt themselves."""

DELTA = 0.05
"""Chance that the risk is higher than the target nevertheless."""

COVERAGES = np.linspace(0.30, 1.0, 29)
"""Shares of discs to grade that are tried, one after the other, until the target is missed for the first time."""


@dataclass(frozen=True)
class Judged:
    """One grade of many discs: how sure of it the reader was (N,), whether it was wrong (N,), and whose discs (N,)."""

    confidence: np.ndarray
    wrong: np.ndarray
    patients: np.ndarray


@dataclass(frozen=True)
class Thresholds:
    """Least confidence with which each of `GRADES` is given: 0 gives all, infinity none."""

    least: dict[str, float]

    def to_array(self) -> np.ndarray:
        """(6,) float32 in the order of `GRADES`, as models keep them under `abstention.threshold`."""
        return np.array([self.least[name] for name in GRADES], np.float32)

    @classmethod
    def from_array(cls, least: np.ndarray) -> Thresholds:
        """What `to_array` gave."""
        return cls({name: float(value) for name, value in zip(GRADES, least, strict=True)})


GIVE_ALL = Thresholds(dict.fromkeys(GRADES, 0.0))
"""For models that were fitted without thresholds."""


def withheld(grades: DiscGrades, thresholds: Thresholds) -> dict[str, str]:
    """The grades of a disc that should not be given, each with the reason in one sentence for people."""
    found = {}
    for name, (_, confidence) in _answers(_Chances.of_disc(grades)).items():
        if confidence < thresholds.least[name]:
            found[name] = _reason(name, float(confidence), thresholds.least[name])
    return found


def _reason(name: str, confidence: float, least: float) -> str:
    risk = f"at most {TARGET_RISK[name]:.0%} of those given"
    if np.isinf(least):
        return f"Among the patients it was tried on, no confidence kept the wrong ones to {risk}."
    right = "within one of the true grade" if name == "pfirrmann" else "right"
    return (
        f"It would be {right} with a chance of only {confidence:.0%}; it is given from {least:.0%} upwards, so that"
        f" {risk} are wrong."
    )


def judge(
    probabilities: np.ndarray, targets: np.ndarray, modic: np.ndarray, pfirrmann: np.ndarray, patients: Sequence[str]
) -> dict[str, Judged]:
    """The grades of discs whose truth is known, by name; a grade without any truth, or of one class only, is absent.

    Parameters
    ----------
    probabilities:
        (N, outputs) calibrated, of discs whose patients neither the network nor the calibration has seen.
    targets, modic, pfirrmann, patients:
        (N, outputs), (N,), (N,) and (N,), as in `training.graded_discs.GradedDisc`.
    """
    truths = _truths(targets, np.asarray(modic), np.asarray(pfirrmann))
    judged = {}
    for name, (given, confidence) in _answers(_Chances.of_outputs(probabilities)).items():
        truth, known = truths[name]
        if known.any():
            wrong = _DISAGREE[name](given[known], truth[known])
            judged[name] = Judged(confidence[known], wrong, np.asarray(patients)[known])
    return judged


def fit_thresholds(judged: Mapping[str, Judged], targets: Mapping[str, float] = TARGET_RISK) -> Thresholds:
    """The lowest thresholds that keep the target; a grade that was not judged is always given.

    Ever more discs are graded, the doubtful ones last, for as long as the bound on the risk stays within the target.
    The order is fixed beforehand, so no correction for trying several is due (Angelopoulos 2021, fixed sequence tests).
    """
    return Thresholds({name: fit_threshold(judged[name], targets[name]) if name in judged else 0.0 for name in GRADES})


def fit_threshold(one: Judged, target: float) -> float:
    """The least confidence of one grade; 0 where all can be given, infinity where none."""
    least = np.inf
    for coverage in COVERAGES:
        # From the first disc on, should many be equally sure: a threshold cannot part them.
        candidate = float(np.quantile(one.confidence, 1 - coverage, method="lower"))
        given = one.confidence >= candidate
        if risk_bound(one.wrong[given], one.patients[given]) > target:
            return least
        least = candidate
    return 0.0


def risk_bound(wrong: np.ndarray, patients: np.ndarray) -> float:
    """Upper confidence bound (1 - `DELTA`) on the share of wrong grades (N,), of discs that cluster by patient (N,).

    Clopper & Pearson's exact bound for as many independent discs as would show the variance that the patients show
    (Korn & Graubard 1998).
    """
    count, share = len(wrong), float(np.mean(wrong))
    _, group = np.unique(patients, return_inverse=True)
    groups = int(group.max()) + 1
    sums = np.bincount(group, wrong - share)
    variance = float((sums**2).sum()) * groups / max(groups - 1, 1) / count**2
    # Without a single error, or where all are wrong, nothing is known of how they cluster: patients are counted.
    independent = min(count, share * (1 - share) / variance) if variance > 0 else groups
    return float(stats.beta.ppf(1 - DELTA, share * independent + 1, max((1 - share) * independent, 1e-9)))


@dataclass(frozen=True)
class _Chances:
    """Calibrated probabilities of discs (...): change (..., 2) and types (..., 2, 3) by endplate, and the others."""

    change: np.ndarray
    types: np.ndarray
    pfirrmann: np.ndarray
    lesion: np.ndarray
    narrowing: np.ndarray

    @classmethod
    def of_disc(cls, grades: DiscGrades) -> _Chances:
        return cls(
            change=np.array([grades.findings[f"{name}_marrow_change"] for name in ENDPLATES]),
            types=np.stack([grades.modic_types[name] for name in ENDPLATES]),
            pfirrmann=grades.pfirrmann,
            lesion=grades.endplate_lesion,
            narrowing=np.array(grades.findings["disc_narrowing"]),
        )

    @classmethod
    def of_outputs(cls, probabilities: np.ndarray) -> _Chances:
        return cls(
            change=probabilities[..., MARROW_CHANGE],
            types=np.stack([probabilities[..., MODIC_TYPE[name]] for name in ENDPLATES], axis=-2),
            pfirrmann=pfirrmann_probabilities(probabilities[..., PFIRRMANN]),
            lesion=lesions_of(probabilities),
            narrowing=probabilities[..., BINARY_TASKS.index("disc_narrowing")],
        )


def _answers(chances: _Chances) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """By grade: what is given, and with which confidence (...). Modic grades mark the types given in (..., 3)."""
    change, types = chances.change, chances.types
    disc = either(change[..., 0], change[..., 1])
    weight = change[..., None] / np.maximum(change.sum(-1), 1e-9)[..., None, None]
    answers = {"modic": _modic(disc, (weight * types).sum(-2), disc >= CHANGE_CALLED)}
    for at, name in enumerate(ENDPLATES):
        # As the report calls them: a change of the disc is that of its likelier endplate, be neither of them likely.
        likelier = (change.argmax(-1) == at) & (change < CHANGE_CALLED).all(-1) & (disc >= CHANGE_CALLED)
        called = (change[..., at] >= CHANGE_CALLED) | likelier
        answers[f"{name}_endplate_modic"] = _modic(change[..., at], types[..., at, :], called)
    grade = pfirrmann_grade(chances.pfirrmann)
    near = abs(np.array(PFIRRMANN_GRADES) - grade[..., None]) <= 1
    answers["pfirrmann"] = grade, (chances.pfirrmann * near).sum(-1)
    answers["endplate_lesion"] = chances.lesion.argmax(-1), chances.lesion.max(-1)
    narrowed = chances.narrowing >= DECIDED
    answers["narrowing"] = narrowed, np.where(narrowed, chances.narrowing, 1 - chances.narrowing)
    return answers


def _modic(change: np.ndarray, shares: np.ndarray, called: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Types given (..., 3), none where no change is called, and the confidence (...)."""
    first = shares.argmax(-1)[..., None]
    rank = np.arange(len(CHANGE_TYPES))
    # Types I and III do not mix: two types make a mixed grade only where they follow each other.
    mixed = (shares >= MIXED_SHARE) & (abs(rank - first) <= 1)
    given = ((rank == first) | mixed) & called[..., None]
    return given, np.where(called, change * (shares * given).sum(-1), 1 - change)


def _truths(targets: np.ndarray, modic: np.ndarray, pfirrmann: np.ndarray) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """By grade: the truth in the form of `_answers`, and of which discs (N,) it is known."""
    members = np.array([[one in grade.split("/") for one in CHANGE_TYPES] for grade in MODIC_GRADES])
    truths = {"modic": (members[modic], modic >= 0), "pfirrmann": (pfirrmann, pfirrmann >= 1)}
    for name, output in zip(ENDPLATES, MARROW_CHANGE, strict=True):
        change, types = targets[:, output], targets[:, MODIC_TYPE[name]]
        # Where types are never told, only the unchanged endplates are known, and they alone would flatter.
        known = ((change == 0) | np.isfinite(types).all(-1)) & np.isfinite(types).any()
        truths[f"{name}_endplate_modic"] = (types >= MIXED_SHARE) & (change > DECIDED)[:, None], known
    changes = targets[:, ENDPLATE_CHANGE]
    classes = np.stack([targets[:, ENDPLATE_LESION[name]] for name in ENDPLATES], axis=1)
    known = ((changes == 0) | np.isfinite(classes).all(-1)).all(-1) & np.isfinite(classes).any()
    own = np.where(changes > DECIDED, 1 + np.nan_to_num(classes).argmax(-1), 0)
    truths["endplate_lesion"] = own.max(-1), known
    narrowing = targets[:, BINARY_TASKS.index("disc_narrowing")]
    truths["narrowing"] = narrowing > DECIDED, np.isfinite(narrowing)
    return truths


def _no_common_type(given: np.ndarray, truth: np.ndarray) -> np.ndarray:
    return ~((given & truth).any(-1) | ~(given.any(-1) | truth.any(-1)))


_DISAGREE = {name: _no_common_type for name in GRADES if name.endswith("modic")} | {
    "pfirrmann": lambda given, truth: abs(given - truth) > 1,
    "endplate_lesion": np.not_equal,
    "narrowing": np.not_equal,
}
