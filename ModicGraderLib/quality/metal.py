"""Metal at the spine: a hole in the picture that is black on every contrast."""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from ..report import QualityFinding
from .spine_slices import SpineSlices

BLACK = 0.2
"""Signal over that of marrow below which a pixel is a hole; bone cortex and ligaments are as dark, but thin."""

LEAST_MM2 = 180.0
"""Area on one slice from which a hole is metal's; patients of SPIDER have 140 mm2 at most."""

THICKNESS_MM = 5.0
"""Holes that are nowhere so thick are cortex or ligaments."""

BEHIND_MM = 25.0
"""The search reaches from the front of the bodies to so far behind the canal; farther in front lie air and vessels."""


def check_metal(slices: SpineSlices) -> list[QualityFinding]:
    """A hole at the spine on all contrasts there are."""
    if largest_hole(slices) < LEAST_MM2:
        return []
    text = (
        "Part of the spine is black on every contrast, as around metal: what lies beside it is distorted, and grades"
        " there are not to be trusted."
    )
    return [QualityFinding("metal_suspected", "warning", text)]


def largest_hole(slices: SpineSlices) -> float:
    """Area in mm2 of the largest hole on any slice."""
    if not slices.signal:
        return 0.0
    dark = np.all([signal < BLACK for signal in slices.signal.values()], axis=0) & behind_front(slices, BEHIND_MM)
    radius = np.maximum(np.ceil(THICKNESS_MM / 2 / slices.spacing).astype(int), 1)
    rows, columns = np.ogrid[-radius[0] : radius[0] + 1, -radius[1] : radius[1] + 1]
    disk = (rows / radius[0]) ** 2 + (columns / radius[1]) ** 2 <= 1
    areas = [0]
    for one in dark:
        pieces, _ = ndimage.label(ndimage.binary_opening(one, disk))
        areas.append(int(np.bincount(pieces.ravel())[1:].max(initial=0)))
    return max(areas) * float(np.prod(slices.spacing))


def behind_front(slices: SpineSlices, behind_mm: float) -> np.ndarray:
    """Pixels (slices, rows, columns) from the front of the outlined spine to so far behind it, row by row."""
    spine = slices.labels > 0
    columns = np.arange(spine.shape[2])
    part = np.zeros(spine.shape, bool)
    for number, one in enumerate(spine):
        rows = np.flatnonzero(one.any(1))
        if len(rows):
            # Metal may have cost a body its outline; the rows above and below tell where it lies.
            between = np.arange(rows[0], rows[-1] + 1)
            front = np.interp(between, rows, one[rows].argmax(1))
            back = np.interp(between, rows, one.shape[1] - 1 - one[rows, ::-1].argmax(1))
            part[number, between] = (columns >= front[:, None]) & (
                columns <= back[:, None] + behind_mm / slices.spacing[1]
            )
    return part
