"""Readings of a reading study by readers who err with a known confusion, so that their kappas are known as well."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from ModicGraderLib.anatomy import GRADED_DISCS
from ModicGraderLib.reader_study.readings import Reading

GRADES = ("0", "I", "II", "III")


def simulated_truth(cases: int, shares: Mapping[str, float], seed: int = 0) -> dict[tuple[str, str], str]:
    """Grades by (case, level), drawn with the shares of each grade."""
    rng = np.random.default_rng([seed, 0])
    drawn = rng.choice(list(shares), size=(cases, len(GRADED_DISCS)), p=list(shares.values()))
    return {
        (f"case-{number:02d}", level): str(drawn[number, column])
        for number in range(cases)
        for column, level in enumerate(GRADED_DISCS)
    }


def simulated_readings(
    reader: str, truth: Mapping[tuple[str, str], str], right: Mapping[bool, float], seed: int = 0
) -> list[Reading]:
    """Both sessions of a reader who says the true grade with the chance `right` (by assistance), and otherwise any.

    Any means any of `GRADES`, evenly, the true one among them.
    """
    rng = np.random.default_rng([seed, *reader.encode()])
    return [
        Reading(
            reader,
            str(1 + assisted),
            assisted,
            case,
            level,
            grade if rng.random() < right[assisted] else str(rng.choice(GRADES)),
            float(rng.uniform(5, 15) - 2 * assisted),
        )
        for assisted in (False, True)
        for (case, level), grade in truth.items()
    ]


def expected_kappa(first: float, second: float, shares: Mapping[str, float]) -> float:
    """Cohen's kappa of two independent such readers, from the chances with which they are right.

    Given the truth t, a reader says g with the chance right * [g == t] + (1 - right) / 4.
    """
    share = np.array([shares.get(grade, 0.0) for grade in GRADES])
    says = [right * np.eye(4) + (1 - right) / 4 for right in (first, second)]
    joint = np.einsum("t,ta,tb->ab", share, *says)
    chance = float(joint.sum(1) @ joint.sum(0))
    return (float(np.trace(joint)) - chance) / (1 - chance)
