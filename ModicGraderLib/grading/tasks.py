"""What the disc grader answers, and how its outputs become probabilities."""

from __future__ import annotations

import numpy as np

from ..anatomy import PFIRRMANN_GRADES

BINARY_TASKS = (
    "modic_change",
    "disc_narrowing",
    "upper_endplate_change",
    "lower_endplate_change",
    "disc_herniation",
    "disc_bulging",
    "spondylolisthesis",
)
"""Yes-or-no findings, one output each."""

PFIRRMANN = slice(len(BINARY_TASKS), len(BINARY_TASKS) + len(PFIRRMANN_GRADES) - 1)
"""Outputs for "Pfirrmann grade above 1, 2, 3, 4" (an ordinal grade as cumulative questions, Frank & Hall 2001)."""

OUTPUTS = PFIRRMANN.stop
"""Number of outputs in all."""

SWAP_ENDPLATES = [0, 1, 3, 2, *range(4, OUTPUTS)]
"""Order of the outputs once a picture is turned upside down."""


def pfirrmann_probabilities(above: np.ndarray) -> np.ndarray:
    """Probability of each grade (..., 5) from those of "above grade 1 ... 4" (..., 4).

    The four answers are given independently; a later one may not exceed an earlier one, so they are lowered to it.
    """
    above = np.minimum.accumulate(np.asarray(above), axis=-1)
    ones = np.ones((*above.shape[:-1], 1))
    edges = np.concatenate([ones, above, 0 * ones], axis=-1)
    return edges[..., :-1] - edges[..., 1:]


def pfirrmann_grade(probabilities: np.ndarray) -> np.ndarray:
    """The median grade (...) of probabilities (..., 5): it errs by fewer grades than the most probable one."""
    return 1 + (np.cumsum(probabilities, axis=-1) < 0.5).sum(-1)
