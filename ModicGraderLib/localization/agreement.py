"""Do T1 and T2 show the same discs at the same place? If their headers disagree, T1 is moved and scaled onto T2.

Published and anonymized series often carry a wrong pixel size after resampling (a quarter of SPIDER's pairs differ by
5-25 %), which no shift can mend. The discs, found on each contrast alone, are landmarks that can.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ..errors import InputError
from ..progress import Progress
from ..report import QualityFinding
from ..study import SpineStudy, Volume
from .candidates import find_candidates
from .frames import locate_disc
from .network import SpineNetwork
from .numbering import name_levels
from .prediction import predict

MIN_DISCS = 4

MAX_RESIDUAL_MM = 3.0
"""Largest mean distance of the landmarks after the fit at which it is believed."""

MIN_DISPLACEMENT_MM = 3.0
"""Smaller displacements are within the error of single discs and are left alone."""

SAME_SCALE = 0.04
"""Scales closer to one than this are reported as a shift."""

MISCOUNT_COST_MM = 12.0
"""How astonishing a miscount is, as distance: a shift of 24 mm between the contrasts is believed before it."""

SLICES = 3


def agree_on_discs(
    study: SpineStudy, network: SpineNetwork, progress: Progress | None = None
) -> tuple[SpineStudy, list[QualityFinding]]:
    """The study with T1 brought onto T2 where their discs say so, and the finding that reports it.

    The fit is a scale and a translation within the sagittal plane of T2; through-plane geometry is kept.
    """
    progress = progress or Progress()
    if study.t1 is None or study.t2 is None:
        return study, []
    first = _landmarks(study.t1, network, progress.part(0.0, 0.5))
    second = _landmarks(study.t2, network, progress.part(0.5, 1.0))
    pairs = _match(first, second)
    if pairs is None:
        return study, []
    plane = study.t2.affine[:3, 1:3] / study.t2.spacing[1:]
    scale, centers, residual = _fit(pairs[0] @ plane, pairs[1] @ plane)
    displacement = float(np.median(np.linalg.norm((pairs[0] - pairs[1]) @ plane, axis=1)))
    if residual > MAX_RESIDUAL_MM or displacement < MIN_DISPLACEMENT_MM:
        return study, []
    moved = _move(study.t1, plane, scale, *centers)
    if abs(scale - 1) > SAME_SCALE:
        text = (
            f"The headers of T1 and T2 disagree by {abs(scale - 1):.0%} about the size of a pixel; T1 was scaled onto"
            " T2 by their discs, and lengths, areas and volumes in mm may be wrong by as much."
        )
        finding = QualityFinding("pixel_size_mismatch", "warning", text)
    else:
        text = f"T1 lay {displacement:.0f} mm off T2 and was moved onto it by their discs."
        finding = QualityFinding("shift_corrected_by_discs", "info", text)
    return replace(study, t1=moved), [finding]


Landmark = tuple[int, np.ndarray]
"""Level (index in `anatomy.DISCS_UPWARDS`) and center (3,) LPS mm of a disc."""


def _landmarks(volume: Volume, network: SpineNetwork, progress: Progress) -> list[Landmark]:
    """The discs on the middle slices, from the lowest upwards."""
    middle = volume.array.shape[0] // 2
    first = max(0, middle - SLICES // 2)
    affine = volume.affine.copy()
    affine[:3, 3] = volume.to_patient([first, 0, 0])
    part = replace(volume, array=volume.array[first : first + SLICES], affine=affine)
    try:
        prediction = predict(SpineStudy.of(part), network, progress=progress)
        named = name_levels(find_candidates(prediction), prediction)
    except InputError:
        return []
    return [
        (level, locate_disc("", candidate, prediction).center)
        for level, candidate in zip(named.levels, named.candidates, strict=True)
    ]


def _match(first: list[Landmark], second: list[Landmark]) -> tuple[np.ndarray, np.ndarray] | None:
    """Landmarks (N, 3) of both that belong together, or None if too few do.

    Either contrast may be miscounted, so that names may differ by a level, and either may lie somewhere else; the less
    astonishing of the two explanations is taken.
    """
    best, best_cost = None, np.inf
    centers = dict(second)
    for shift in (-1, 0, 1):
        pairs = [(center, centers[level + shift]) for level, center in first if level + shift in centers]
        if len(pairs) < MIN_DISCS:
            continue
        a, b = _without_outliers(*(np.array(side) for side in zip(*pairs, strict=True)))
        scale, _, residual = _fit(a, b)
        cost = residual + 0.5 * float(np.linalg.norm((a - b).mean(0))) + 20 * abs(np.log(scale))
        cost += MISCOUNT_COST_MM if shift else 0.0
        if cost < best_cost:
            best, best_cost = (a, b), cost
    return best


def _without_outliers(first: np.ndarray, second: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    # A disc missed on one contrast misplaces those above it; the row from the sacrum upwards is kept while it fits.
    while len(first) > MIN_DISCS and _fit(first, second)[2] > MAX_RESIDUAL_MM:
        first, second = first[:-1], second[:-1]
    return first, second


def _fit(first: np.ndarray, second: np.ndarray) -> tuple[float, tuple[np.ndarray, np.ndarray], float]:
    """Scale, both centroids and root-mean-square residual of `second = scale * (first - c1) + c2`, least squares."""
    centers = first.mean(0), second.mean(0)
    a, b = first - centers[0], second - centers[1]
    scale = float((a * b).sum() / (a * a).sum())
    residual = float(np.sqrt((((scale * a) - b) ** 2).sum(1).mean()))
    return scale, centers, residual


def _move(volume: Volume, plane: np.ndarray, scale: float, own: np.ndarray, target: np.ndarray) -> Volume:
    # Scale the in-plane part of every position about `own` and carry it to `target`; leave the rest.
    project = plane @ plane.T
    linear = np.eye(3) + (scale - 1) * project
    offset = plane @ (target - scale * own)
    affine = volume.affine.copy()
    affine[:3, :3] = linear @ volume.affine[:3, :3]
    affine[:3, 3] = linear @ volume.affine[:3, 3] + offset
    return replace(volume, affine=affine)
