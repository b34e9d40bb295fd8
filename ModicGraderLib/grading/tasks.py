"""What the disc reader answers, and how its outputs become probabilities."""

from __future__ import annotations

import numpy as np

from ..anatomy import ENDPLATE_LESIONS, ENDPLATES, MODIC_TYPES, PFIRRMANN_GRADES

BINARY_TASKS = (
    "modic_change",
    "disc_narrowing",
    "upper_endplate_change",
    "lower_endplate_change",
    "disc_herniation",
    "disc_bulging",
    "spondylolisthesis",
    "upper_marrow_change",
    "lower_marrow_change",
)
"""Yes-or-no findings, one output each."""

MODIC_CHANGE = BINARY_TASKS.index("modic_change")
"""Output that follows from those of the two endplates: a disc has a change if one of them has."""

MARROW_CHANGE = [BINARY_TASKS.index(f"{name}_marrow_change") for name in ENDPLATES]
ENDPLATE_CHANGE = [BINARY_TASKS.index(f"{name}_endplate_change") for name in ENDPLATES]
"""Outputs of the endplates, upper and lower."""

PFIRRMANN = slice(len(BINARY_TASKS), len(BINARY_TASKS) + len(PFIRRMANN_GRADES) - 1)
"""Outputs for "Pfirrmann grade above 1, 2, 3, 4" (an ordinal grade as cumulative questions, Frank & Hall 2001)."""

CHANGE_TYPES = MODIC_TYPES[1:]
"""Types of a change, once there is one."""

LESIONS = ENDPLATE_LESIONS[1:]
"""Classes of an endplate lesion, once there is one."""


def _after(end: int, count: int) -> dict[str, slice]:
    return {name: slice(end + count * at, end + count * (at + 1)) for at, name in enumerate(ENDPLATES)}


MODIC_TYPE = _after(PFIRRMANN.stop, len(CHANGE_TYPES))
"""Outputs, by endplate, for the types of its change (softmax)."""

ENDPLATE_LESION = _after(MODIC_TYPE["lower"].stop, len(LESIONS))
"""Outputs, by endplate, for the classes of its lesion (softmax)."""

OUTPUTS = ENDPLATE_LESION["lower"].stop
"""Number of outputs in all."""


OF_AN_ENDPLATE = {
    name: [MARROW_CHANGE[number], ENDPLATE_CHANGE[number]]
    + [output for group in (MODIC_TYPE, ENDPLATE_LESION) for output in range(group[name].start, group[name].stop)]
    for number, name in enumerate(ENDPLATES)
}
"""Outputs of each endplate, in the same order."""

OF_THE_DISC = [
    output
    for output in range(OUTPUTS)
    if output != MODIC_CHANGE and not any(output in outputs for outputs in OF_AN_ENDPLATE.values())
]
"""Outputs of the disc as a whole; `MODIC_CHANGE` follows from those of the endplates."""


def _swapped() -> list[int]:
    order = list(range(OUTPUTS))
    for upper, lower in zip(*OF_AN_ENDPLATE.values(), strict=True):
        order[upper], order[lower] = lower, upper
    return order


SWAP_ENDPLATES = _swapped()
"""Order of the outputs once a picture is turned upside down."""


def either(upper: np.ndarray, lower: np.ndarray) -> np.ndarray:
    """Probability of at least one of two independent findings."""
    return 1 - (1 - upper) * (1 - lower)


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


def lesion_probabilities(change: np.ndarray, classes: np.ndarray) -> np.ndarray:
    """Probability of each of `anatomy.ENDPLATE_LESIONS` (..., 4) of a disc, whose worse endplate counts (Bassani 2023).

    Parameters
    ----------
    change:
        (..., 2) probability of a lesion of the upper and of the lower endplate.
    classes:
        (..., 2, 3) probabilities of `LESIONS` of each, given that there is one.
    """
    own = np.concatenate([1 - change[..., None], change[..., None] * classes], axis=-1)
    # The worse of two is at most a class if both are at most that class.
    at_most = np.cumsum(own, axis=-1).prod(-2)
    return np.diff(at_most, axis=-1, prepend=0.0)
