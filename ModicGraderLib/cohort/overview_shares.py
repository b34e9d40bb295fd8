"""Shares with intervals that know that discs of one patient go together."""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt
from statistics import NormalDist

import numpy as np

from ..wording import NOTHING

ENOUGH_PATIENTS = 5
"""Of fewer, counts are told and no share: a percentage would pretend to know more."""

_Z = NormalDist().inv_cdf(0.975)


@dataclass(frozen=True)
class Share:
    """How many of how many, of how many patients; `low` and `high` bound the 95 % interval of the share.

    Share and interval are None of fewer than `ENOUGH_PATIENTS` patients.
    """

    count: int
    total: int
    patients: int
    low: float | None = None
    high: float | None = None

    @property
    def share(self) -> float | None:
        return None if self.low is None else self.count / self.total

    @property
    def told(self) -> str:
        """Counts, and the share in brackets if there is one: "24 of 100 (24 %, 20–28)"."""
        counts = f"{self.count} of {self.total}"
        return counts if self.low is None else f"{counts} ({self.percent.replace(' (', ', ')}"

    @property
    def percent(self) -> str:
        """The share with its interval for people: "24 % (20–28)"; an en dash where there is none."""
        if self.low is None:
            return NOTHING
        return f"{100 * self.share:.0f}\u202f% ({100 * self.low:.0f}–{100 * self.high:.0f})"


def share(found: np.ndarray, patients: np.ndarray) -> Share:
    """The share of what was found (N,) bool, of patients (N,).

    Wilson's interval, for as many independent discs as would vary as much as the patients do (Korn & Graubard 1998):
    for one disc a patient it is the common one.
    """
    names, group = np.unique(patients, return_inverse=True)
    counted = Share(int(found.sum()), len(found), len(names))
    if counted.patients < ENOUGH_PATIENTS:
        return counted
    low, high = wilson(counted.count / counted.total, _independent(found, group))
    return Share(counted.count, counted.total, counted.patients, low, high)


def _independent(found: np.ndarray, group: np.ndarray) -> float:
    """As how many independent ones so many of so many patients (N,) count."""
    number, groups, part = len(found), int(group.max()) + 1, found.mean()
    if part in (0, 1):
        return groups  # nothing is known of how they go together
    variance = (np.bincount(group, found - part) ** 2).sum() * groups / (groups - 1) / number**2
    design_effect = variance / (part * (1 - part) / (number - 1))
    return number / max(design_effect, 1.0)


def wilson(part: float, number: float) -> tuple[float, float]:
    """Wilson's 95 % interval of a share among `number`, which need not be whole."""
    middle = (part + _Z**2 / (2 * number)) / (1 + _Z**2 / number)
    half = _Z / (1 + _Z**2 / number) * sqrt(part * (1 - part) / number + _Z**2 / (4 * number**2))
    return max(middle - half, 0.0), min(middle + half, 1.0)
