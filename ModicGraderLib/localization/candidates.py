"""Find what looks like a disc on each slice, and link it across slices into candidates ordered along the spine."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from scipy import ndimage

from .network import CANAL, DISC
from .prediction import SpinePrediction

DISC_THRESHOLD = 0.4
MIN_AREA_MM2 = 40.0
"""Smallest cross-section taken for a disc; a collapsed disc of an adult still has about 60 mm2."""

NEIGHBOR_MM = (14.0, 62.0)
"""Distance of the centers of neighboring discs, from a child's or a collapsed spine to a tall one or a disc missed."""

MAX_LEAN_DEGREES = 65.0
"""Steepest step from disc to disc against the head-foot axis; L5/S1 lies well behind or before L4/L5."""


@dataclass
class Candidate:
    """What may be one disc: its pixels per slice, `{slice: (N, 2) rows and columns}`."""

    pixels: dict[int, np.ndarray] = field(default_factory=dict)
    confidence: float = 0.0
    slice_position: float = 0.0
    center: np.ndarray = field(default_factory=lambda: np.zeros(2))

    @property
    def middle_slice(self) -> int:
        """The slice of its own that is nearest to its middle."""
        return min(self.pixels, key=lambda one: abs(one - self.slice_position))


def find_candidates(prediction: SpinePrediction) -> list[Candidate]:
    """The discs of the spine, from the lowest upwards, not yet named."""
    candidates = _link(prediction)
    for candidate in candidates:
        _summarize(candidate, prediction)
    return _chain(candidates, prediction)


def _link(prediction: SpinePrediction) -> list[Candidate]:
    disc = prediction.structures[DISC]
    pixel = np.linalg.norm(prediction.grid.affine[:3, 1])
    min_pixels = MIN_AREA_MM2 / pixel**2
    evidence = np.where(disc > DISC_THRESHOLD, disc, 0).sum((1, 2))
    start = int(np.argmax(ndimage.uniform_filter1d(evidence, 3, mode="constant")))
    candidates: list[Candidate] = []
    # From the clearest slice outwards, so that each component meets the footprint of its disc next door.
    for number in [*range(start, len(disc)), *range(start - 1, -1, -1)]:
        labels, count = ndimage.label(disc[number] > DISC_THRESHOLD)
        for index in range(1, count + 1):
            points = np.argwhere(labels == index)
            if len(points) < min_pixels:
                continue
            owner = _owner(candidates, number, points, disc.shape[1:])
            if owner is None:
                owner = Candidate()
                candidates.append(owner)
            merged = [owner.pixels[number], points] if number in owner.pixels else [points]
            owner.pixels[number] = np.concatenate(merged)
    return candidates


def _owner(
    candidates: list[Candidate], number: int, points: np.ndarray, shape: tuple[int, ...]
) -> Candidate | None:
    region = np.zeros(shape, bool)
    region[tuple(points.T)] = True
    best, best_overlap = None, 0.25 * len(points)
    for candidate in candidates:
        near = min(candidate.pixels, key=lambda one: abs(one - number))
        if abs(near - number) > 2:
            continue
        footprint = candidate.pixels[near]
        overlap = region[tuple(footprint.T)].sum()
        if overlap > best_overlap:
            best, best_overlap = candidate, overlap
    return best


def _summarize(candidate: Candidate, prediction: SpinePrediction) -> None:
    # The canal is seen on the slices in the middle of the body; without it the discs' own extent must do.
    disc, canal = prediction.structures[DISC], prediction.structures[CANAL]
    weights = []
    for number, points in candidate.pixels.items():
        rows = slice(points[:, 0].min(), points[:, 0].max() + 1)
        weights.append(1e-2 * len(points) + np.where(canal[number, rows] > 0.5, canal[number, rows], 0).sum())
    candidate.slice_position = float(np.average(list(candidate.pixels), weights=weights))
    middle = candidate.pixels[candidate.middle_slice]
    chances = disc[candidate.middle_slice][tuple(middle.T)]
    candidate.center = np.average(middle, axis=0, weights=chances)
    candidate.confidence = float(chances.mean())


def _chain(candidates: list[Candidate], prediction: SpinePrediction) -> list[Candidate]:
    """The longest believable chain: each disc about a vertebra's height above the one before (dynamic programming)."""
    pixel = np.linalg.norm(prediction.grid.affine[:3, 1])
    candidates = sorted(candidates, key=lambda one: -one.center[0])
    best = [_weight(one, prediction) for one in candidates]
    before: list[int | None] = [None] * len(candidates)
    for upper in range(len(candidates)):
        for lower in range(upper):
            step = candidates[upper].center - candidates[lower].center
            distance = float(np.linalg.norm(step)) * pixel
            lean = np.degrees(np.arctan2(abs(step[1]), max(-step[0], 1e-6)))
            if not NEIGHBOR_MM[0] <= distance <= NEIGHBOR_MM[1] or lean > MAX_LEAN_DEGREES:
                continue
            gain = best[lower] + _weight(candidates[upper], prediction) - 0.02 * abs(distance - 34) / 34
            if gain > best[upper]:
                best[upper], before[upper] = gain, lower
    chain = []
    at = int(np.argmax(best)) if candidates else None
    while at is not None:
        chain.append(candidates[at])
        at = before[at]
    return chain[::-1]


def _weight(candidate: Candidate, prediction: SpinePrediction) -> float:
    area = max(len(points) for points in candidate.pixels.values())
    pixel = np.linalg.norm(prediction.grid.affine[:3, 1])
    return candidate.confidence * min(1.0, area * pixel**2 / 120.0)
