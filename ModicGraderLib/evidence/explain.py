"""explain_discs(): the evidence for one finding at every disc of a study where it is at all likely."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from ..grading.disc_grades import DiscGrades
from ..grading.disc_input import DiscInput
from ..grading.grader import Ensemble
from ..grid import Grid
from ..progress import Progress
from ..study import Volume
from .methods import DEFAULT_METHOD, METHODS
from .patient_space import describe_heat, evidence_map

TASK = "modic_change"
"""The finding that is explained."""

EXPLAIN_FROM = 0.1
"""Probability from which a finding is explained: heat is shown in its proportion, and fainter heat is see-through."""


@dataclass(frozen=True)
class DiscEvidence:
    """Evidence at one disc.

    Attributes
    ----------
    heat:
        (slices, rows, columns) float32 in [0, 1] on `grid`, the disc's region without its border.
    probability:
        Of the finding that it speaks for.
    """

    heat: np.ndarray
    grid: Grid
    probability: float


def explain_discs(
    inputs: Sequence[DiscInput],
    grades: Sequence[DiscGrades],
    ensemble: Ensemble,
    *,
    task: str = TASK,
    method: str = DEFAULT_METHOD,
    progress: Progress | None = None,
) -> dict[str, DiscEvidence]:
    """By level the evidence for a finding (one of `tasks.BINARY_TASKS`), where it is likely at least by `EXPLAIN_FROM`.

    Raises
    ------
    Cancelled
        The user asked to stop.
    """
    progress = progress or Progress()
    found = {}
    for number, (one, grade) in enumerate(zip(inputs, grades, strict=True)):
        chance = grade.findings[task]
        if chance >= EXPLAIN_FROM:
            progress.step(number / len(inputs), f"Looking for the evidence at {one.level}")
            found[one.level] = DiscEvidence(METHODS[method](one, ensemble, task), one.inner_grid, chance)
    return found


def study_map(found: Mapping[str, DiscEvidence], reference: Volume) -> np.ndarray:
    """The map `evidence` on the grid of `reference`: heat times the probability of what it speaks for."""
    return evidence_map({level: (one.probability * one.heat, one.grid) for level, one in found.items()}, reference)


def report_entry(
    found: DiscEvidence,
    one: DiscInput,
    reference: Volume,
    changed: np.ndarray | None = None,
    *,
    task: str = TASK,
    method: str = DEFAULT_METHOD,
) -> dict[str, dict]:
    """`DiscReport.evidence` of a disc, by finding: the method and `patient_space.describe_heat`."""
    said = describe_heat(found.heat, found.grid, one, reference, changed)
    return {} if said is None else {task: {"method": method, **said}}
