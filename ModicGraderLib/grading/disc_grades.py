"""DiscGrades: what the networks say of one disc, calibrated."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import expit, softmax

from ..anatomy import ENDPLATES
from ..grid import Grid
from .tasks import (
    BINARY_TASKS,
    ENDPLATE_CHANGE,
    ENDPLATE_LESION,
    MARROW_CHANGE,
    MODIC_CHANGE,
    MODIC_TYPE,
    PFIRRMANN,
    either,
    lesion_probabilities,
    pfirrmann_probabilities,
)


@dataclass(frozen=True)
class DiscGrades:
    """What the networks say of one disc; all probabilities are calibrated, but for those of single pixels.

    Attributes
    ----------
    findings:
        Probability of each of `tasks.BINARY_TASKS`.
    pfirrmann:
        (5,) of the Pfirrmann grades.
    modic_types:
        By endplate (3,) of the types I, II and III, given that there is a change.
    endplate_lesion:
        (4,) of `anatomy.ENDPLATE_LESIONS`, of the worse endplate.
    pixels:
        (4, slices, rows, columns) float32: probability of no change and of each type, on `grid`.
    grid:
        The region of the disc, without its border.
    """

    findings: dict[str, float]
    pfirrmann: np.ndarray
    modic_types: dict[str, np.ndarray]
    endplate_lesion: np.ndarray
    pixels: np.ndarray
    grid: Grid


def calibrate(logits: np.ndarray, scale: np.ndarray, offset: np.ndarray) -> np.ndarray:
    """Probabilities (..., outputs) from logits of that shape; those of a group of classes sum to 1."""
    scaled = scale * logits + offset
    chances = expit(scaled)
    chances[..., MODIC_CHANGE] = either(*(chances[..., index] for index in MARROW_CHANGE))
    for group in (*MODIC_TYPE.values(), *ENDPLATE_LESION.values()):
        chances[..., group] = softmax(scaled[..., group], axis=-1)
    return chances


def lesions_of(probabilities: np.ndarray) -> np.ndarray:
    """Probabilities (..., 4) of `anatomy.ENDPLATE_LESIONS` from calibrated outputs (..., outputs)."""
    classes = np.stack([probabilities[..., ENDPLATE_LESION[name]] for name in ENDPLATES], axis=-2)
    return lesion_probabilities(probabilities[..., ENDPLATE_CHANGE], classes)


def grades_of(probabilities: np.ndarray, pixels: np.ndarray, grid: Grid) -> DiscGrades:
    """Grades from calibrated outputs (outputs,); `pixels` and `grid` as in `DiscGrades`."""
    return DiscGrades(
        findings={name: float(chance) for name, chance in zip(BINARY_TASKS, probabilities, strict=False)},
        pfirrmann=pfirrmann_probabilities(probabilities[PFIRRMANN]),
        modic_types={name: probabilities[MODIC_TYPE[name]] for name in ENDPLATES},
        endplate_lesion=lesions_of(probabilities),
        pixels=pixels,
        grid=grid,
    )
