"""How far the distribution of each measurement on simulated pairs lies from that on real ones."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import stats

from .simulator_pairs import MeasuredPair

LEAST = 10
"""Fewest values on either side that make a distribution."""


@dataclass(frozen=True)
class Distance:
    """One measurement on both sides.

    `wasserstein` is in standard deviations of the real values, `chance` what two samples of these sizes drawn from the
    real values give, and `ks` the Kolmogorov-Smirnov statistic; `real` and `simulated` are (10, 50, 90) percentiles.
    """

    name: str
    wasserstein: float
    chance: float
    ks: float
    real: np.ndarray
    simulated: np.ndarray


def distances(real: list[MeasuredPair], simulated: list[MeasuredPair]) -> list[Distance]:
    """Every measurement that both sides have, the farthest first."""
    found = []
    for name in sorted(set(real[0].features) & set(simulated[0].features)):
        sides = [_finite([pair.features[name] for pair in pairs]) for pairs in (real, simulated)]
        if min(map(len, sides)) >= LEAST:
            found.append(_distance(name, *sides))
    return sorted(found, key=lambda one: -one.wasserstein)


def _finite(values: list[float]) -> np.ndarray:
    array = np.array(values, float)
    return array[np.isfinite(array)]


def _distance(name: str, real: np.ndarray, simulated: np.ndarray) -> Distance:
    scale = max(real.std(), 1e-6)
    rng = np.random.default_rng(0)
    drawn = [
        stats.wasserstein_distance(rng.choice(real, len(real)), rng.choice(real, len(simulated))) for _ in range(20)
    ]
    return Distance(
        name,
        float(stats.wasserstein_distance(real, simulated) / scale),
        float(np.mean(drawn) / scale),
        float(stats.ks_2samp(real, simulated).statistic),
        np.percentile(real, [10, 50, 90]),
        np.percentile(simulated, [10, 50, 90]),
    )
