"""How well heat shows what an answer rests on: where it lies, what deleting it does, what untaught networks have."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy import ndimage
from scipy.stats import spearmanr
from torch import nn

from ..evidence.answers import SMOOTH_PIXELS
from ..evidence.plain import plain_region
from ..grading.disc_input import INNER, DiscInput
from ..grading.grader import Ensemble, grade_discs
from ..grading.tasks import BINARY_TASKS
from ..training.graded_discs import OTHER_ENDPLATE, UNKNOWN, GradedDisc

TOLERANCE_PIXELS = 2
"""A peak so far from the true change still points at it: about a millimeter, as exact as its outline is."""

DELETED = (0.0, 0.01, 0.02, 0.05, 0.1, 0.2)
"""Shares of the region's pixels that are deleted, one after the other."""


@dataclass(frozen=True)
class Truth:
    """Where a change of a disc lies, on the region without its border: (slices, rows, columns) bool each.

    Attributes
    ----------
    change:
        Changed marrow at this disc's own endplates.
    judged:
        All pixels but those that a reader would not call either way.
    """

    change: np.ndarray
    judged: np.ndarray


def truth_of(disc: GradedDisc) -> Truth:
    """Of a simulated disc; the changes of neighboring discs are not its own."""
    codes = disc.changes[:, *INNER]
    return Truth((codes > 0) & (codes < OTHER_ENDPLATE), codes != UNKNOWN)


def points_at(heat: np.ndarray, truth: Truth) -> bool:
    """Whether the hottest judged pixel lies in the change or within `TOLERANCE_PIXELS` of it in its slice."""
    number, row, column = np.unravel_index(np.where(truth.judged, heat, -1).argmax(), heat.shape)
    rows, columns = np.ogrid[: heat.shape[1], : heat.shape[2]]
    near = (rows - row) ** 2 + (columns - column) ** 2 <= TOLERANCE_PIXELS**2
    return bool((truth.change[number] & near).any())


def share_inside(heat: np.ndarray, truth: Truth) -> float:
    """Share of the judged heat that lies in the change; heat spread evenly has the share of the change's area."""
    return float(heat[truth.change].sum() / max(float(heat[truth.judged].sum()), 1e-12))


def deletion_curve(one: DiscInput, heat: np.ndarray, ensemble: Ensemble, task: str) -> np.ndarray:
    """Probability of a binary task (len(DELETED),) while the hottest pixels become those of a plain region."""
    plain = plain_region(one.region)
    order = np.argsort(-heat, axis=None, kind="stable")
    asked = []
    for share in DELETED:
        gone = np.zeros(heat.size, bool)
        gone[order[: round(share * heat.size)]] = True
        mask = np.zeros(one.region.shape[1:], bool)
        mask[:, *INNER] = gone.reshape(heat.shape)
        asked.append(replace(one, region=np.where(mask, plain, one.region)))
    return np.array([grades.findings[task] for grades in grade_discs(asked, ensemble)])


def area_under(curve: np.ndarray) -> float:
    """Area under a deletion curve over the share deleted, scaled so that an answer that stays has its own height."""
    return float(np.trapezoid(curve, DELETED) / DELETED[-1])


def random_heat(shape: tuple[int, ...], seed: int) -> np.ndarray:
    """Heat (slices, rows, columns) that means nothing, of spots as large as real ones."""
    noise = np.random.default_rng(seed).normal(size=shape)
    return ndimage.gaussian_filter(noise, (0, 2 * SMOOTH_PIXELS, 2 * SMOOTH_PIXELS))


def rank_correlation(first: np.ndarray, second: np.ndarray) -> float:
    """Spearman's correlation of two heats; 0 where one of them is the same everywhere."""
    if np.ptp(first) == 0 or np.ptp(second) == 0:
        return 0.0
    return float(spearmanr(first, second, axis=None).statistic)


def own_map(one: DiscInput, ensemble: Ensemble) -> np.ndarray:
    """What the networks themselves draw: the probability of any change of each pixel, without smoothing."""
    return 1 - grade_discs([one], ensemble)[0].pixels[0]


def forgetful(member: nn.Module, parts: Sequence[str] | None = None) -> nn.Module:
    """A copy of a member with the weights of `parts` (names of its children; None: of all) drawn anew."""
    other = copy.deepcopy(member)
    chosen = [other] if parts is None else [getattr(other, name) for name in parts]
    for part in chosen:
        for module in part.modules():
            if hasattr(module, "reset_parameters"):
                module.reset_parameters()
    return other.eval()


def changed_discs(discs: Sequence[GradedDisc], task: str) -> list[GradedDisc]:
    """Discs that have the finding and show it in their region."""
    index = BINARY_TASKS.index(task)
    return [
        disc for disc in discs if disc.changes is not None and disc.targets[index] > 0.5 and truth_of(disc).change.any()
    ]
