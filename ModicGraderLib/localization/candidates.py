"""Find what looks like a disc on each slice, and link it across slices into candidates; some may be no discs."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from scipy import ndimage

from .network import CANAL, DISC
from .prediction import SpinePrediction

DISC_THRESHOLD = 0.25
"""Low, since what does not fit into the row of discs is left out afterwards. Chosen on training and validation
patients: 0.4 missed a graded level in 11 of their SPIDER pictures, 0.25 in 6."""
MIN_AREA_MM2 = 40.0
"""Smallest cross-section taken for a disc; a collapsed disc of an adult still has about 60 mm2."""

USUAL_AREA_MM2 = 120.0
"""A cross-section from which on a disc is as credible as its pixels."""


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
    """What may be discs, from the lowest upwards."""
    candidates = _link(prediction)
    for candidate in candidates:
        _summarize(candidate, prediction)
    return sorted(candidates, key=lambda one: -one.center[0])


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


def _owner(candidates: list[Candidate], number: int, points: np.ndarray, shape: tuple[int, ...]) -> Candidate | None:
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
    # A disc that shows little of itself is doubtful even where each of its pixels is sure.
    pixel = np.linalg.norm(prediction.grid.affine[:3, 1])
    candidate.confidence = float(chances.mean()) * min(1.0, len(middle) * pixel**2 / USUAL_AREA_MM2)
