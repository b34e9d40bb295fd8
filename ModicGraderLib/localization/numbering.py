"""Name the discs: one decision over the whole spine.

Each disc and its two neighbors vote for a level; the votes are combined by a hidden Markov model whose states are the
levels and whose steps go upwards by one level, or by more where the gap to the next disc found leaves room for it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import logsumexp

from ..anatomy import DISCS_UPWARDS
from ..errors import InputError
from ..regions import Grid
from ..report import Numbering
from .candidates import Candidate
from .network import DISC, IDENTITIES, SACRUM, VERTEBRA
from .prediction import SpinePrediction

VOTE_WEIGHT = 0.35
"""Neighboring votes come from one picture and err together, so each counts for less than one."""

SURE = 0.9
"""Below this confidence the numbering is reported as unsure."""

LEVELS = len(DISCS_UPWARDS)


@dataclass(frozen=True)
class Named:
    """Level (index in `anatomy.DISCS_UPWARDS`) of each candidate, and the decision behind it."""

    levels: list[int]
    numbering: Numbering


def name_levels(candidates: list[Candidate], prediction: SpinePrediction, lowest_disc: str | None = None) -> Named:
    """Levels of the candidates, which run upwards; `lowest_disc` (a level name) overrides the model."""
    votes = level_votes(candidates, prediction)
    steps = _step_scores(candidates, prediction.grid)
    chances = _start_chances(votes, steps)
    transitional = _transitional(candidates, prediction, chances)
    if lowest_disc is None:
        levels = _best_path(votes, steps)
        numbering = Numbering(DISCS_UPWARDS[levels[0]], "model", float(chances[levels[0]]), transitional)
    else:
        if lowest_disc not in DISCS_UPWARDS:
            raise InputError(f"There is no disc {lowest_disc!r}; give one of {', '.join(DISCS_UPWARDS)}.")
        votes[0] = -np.inf
        votes[0, DISCS_UPWARDS.index(lowest_disc)] = 0
        levels = _best_path(votes, steps)
        numbering = Numbering(lowest_disc, "user", 1.0, transitional)
    return Named(levels, numbering)


def level_votes(candidates: list[Candidate], prediction: SpinePrediction) -> np.ndarray:
    """Log-probability (candidates, levels) that each is at each level, from its pixels and those above and below."""
    log_identity = np.log(np.maximum(prediction.identities, 1e-4))
    votes = np.zeros((len(candidates), LEVELS))
    for row, candidate in enumerate(candidates):
        seen = [("disc", _disc_pixels(candidate)), *_bodies(candidate, prediction)]
        for where, pixels in seen:
            if len(pixels[0]) == 0:
                continue
            mean = log_identity[(slice(None), *pixels)].mean(1)
            offset = {"below": 0, "disc": 1, "above": 2}[where]
            for level in range(LEVELS):
                votes[row, level] += mean[min(2 * level + offset, IDENTITIES - 1)]
    return VOTE_WEIGHT * votes


def _disc_pixels(candidate: Candidate) -> tuple[np.ndarray, ...]:
    number = candidate.middle_slice
    points = candidate.pixels[number]
    return np.full(len(points), number), points[:, 0], points[:, 1]


def _bodies(candidate: Candidate, prediction: SpinePrediction) -> list[tuple[str, tuple[np.ndarray, ...]]]:
    # Body pixels within 20 mm above and below the disc's center line, over its own columns.
    pixel = np.linalg.norm(prediction.grid.affine[:3, 1])
    number = candidate.middle_slice
    body = prediction.structures[VERTEBRA, number] + prediction.structures[SACRUM, number] > 0.5
    points = candidate.pixels[number]
    along = np.linalg.svd(points - points.mean(0), full_matrices=False)[2][0]
    up = np.array([-along[1], along[0]])
    up *= -np.sign(up[0]) if up[0] else 1.0
    offset = np.argwhere(body) - candidate.center
    height, depth = offset @ up * pixel, offset @ along * pixel
    found = []
    for where, sign in (("below", -1), ("above", 1)):
        chosen = np.argwhere(body)[(height * sign > 3) & (height * sign < 20) & (np.abs(depth) < 14)]
        found.append((where, (np.full(len(chosen), number), chosen[:, 0], chosen[:, 1])))
    return found


def _step_scores(candidates: list[Candidate], grid: Grid) -> np.ndarray:
    """Log-probability (steps, LEVELS) that one candidate lies k levels above the one before."""
    pixel = np.linalg.norm(grid.affine[:3, 1])
    centers = np.array([candidate.center for candidate in candidates])
    distances = np.linalg.norm(np.diff(centers, axis=0), axis=1) * pixel
    usual = float(np.median(distances)) if len(distances) else 34.0
    scores = np.full((len(distances), LEVELS), -np.inf)
    for row, distance in enumerate(distances):
        for step in (1, 2, 3):
            mismatch = (distance / usual - step) / 0.25
            scores[row, step] = -0.5 * mismatch**2 - 3.0 * (step - 1)
    return scores


def _transitions(steps: np.ndarray) -> np.ndarray:
    # (LEVELS, LEVELS) from, to; one step's scores on the diagonals above the main one.
    table = np.full((LEVELS, LEVELS), -np.inf)
    for step in range(1, LEVELS):
        table[np.arange(LEVELS - step), np.arange(step, LEVELS)] = steps[step]
    return table


def _best_path(votes: np.ndarray, steps: np.ndarray) -> list[int]:
    score, origins = votes[0], []
    for row in range(1, len(votes)):
        options = score[:, None] + _transitions(steps[row - 1])
        origins.append(options.argmax(0))
        score = options.max(0) + votes[row]
    if not np.isfinite(score).any():
        raise InputError("The discs found cannot all lie above the lowest disc given; check --lowest-disc.")
    path = [int(score.argmax())]
    for origin in reversed(origins):
        path.append(int(origin[path[-1]]))
    return path[::-1]


def _start_chances(votes: np.ndarray, steps: np.ndarray) -> np.ndarray:
    # Posterior of the lowest disc's level: the backward pass of the model.
    backward = np.zeros(LEVELS)
    for row in range(len(votes) - 1, 0, -1):
        backward = logsumexp(_transitions(steps[row - 1]) + (votes[row] + backward)[None, :], axis=1)
    total = votes[0] + backward
    return np.exp(total - logsumexp(total))


def _transitional(candidates: list[Candidate], prediction: SpinePrediction, chances: np.ndarray) -> bool:
    """Whether the model wavers between neighboring counts although it clearly sees the sacrum's first body."""
    below = dict(_bodies(candidates[0], prediction))["below"]
    sacrum_in_view = len(below[0]) > 0 and float(prediction.structures[SACRUM][below].mean()) > 0.3
    return bool(sacrum_in_view and chances.max() < SURE)
