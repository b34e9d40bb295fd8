"""How far the corners that are found lie from the true ones, and what that means for all that is measured on them."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

NORMAL_95 = 1.96
"""Half width of a normal distribution's 95 % interval, in standard deviations."""

ROUNDING = 12**-0.5
"""Standard deviation of a place that is known to one pixel, or one slice, in pixels or slices."""

ALONG_MM, ACROSS_MM = 2.3, 2.1
"""Root mean square of a corner's error along its disc and at right angles to it, on 60 discs of 10 simulated patients
(`python -m ModicGraderLib.evaluation.measures --patients 10`). Against outlines of real T2 masks (244 discs of patients
not learned from) it is 2.8 and 1.9. A part is no scatter: on simulated pictures posterior corners are found 1 to 2 mm
outside the disc."""

SHARED_ALONG = 0.75
"""Correlation of the errors along the disc of its upper and its lower corner on one side: where a rim is rounded, or
an osteophyte taken for it, both corners go with it. It was 0.85 on those 10 patients and 0.59 on 7 others."""


def corner_covariance(pixel_mm: float) -> np.ndarray:
    """(8, 8) mm2 of the errors of the corners of a disc, (front, head) of each in the order of `anatomy.CORNERS`."""
    along, across = np.hypot((ALONG_MM, ACROSS_MM), ROUNDING * pixel_mm)
    covariance = np.diag(np.tile([along**2, across**2], 4))
    for upper, lower in ((0, 4), (2, 6)):
        covariance[upper, lower] = covariance[lower, upper] = SHARED_ALONG * along**2
    return covariance


def half_widths(
    measure: Callable[[np.ndarray], np.ndarray], corners: np.ndarray, pixel_mm: float, step_mm: float = 0.1
) -> np.ndarray:
    """Half widths (measures,) of the 95 % intervals of what `measure` says of the corners (4, 2) of a disc.

    `measure` is taken for linear within the corners' error.
    """
    slopes = []
    for index in range(corners.size):
        shift = np.zeros(corners.size)
        shift[index] = step_mm
        moved = (measure(corners + sign * shift.reshape(corners.shape)) for sign in (1, -1))
        slopes.append(np.subtract(*moved) / (2 * step_mm))
    slopes = np.array(slopes)
    return NORMAL_95 * np.sqrt(np.einsum("im,ij,jm->m", slopes, corner_covariance(pixel_mm), slopes))
