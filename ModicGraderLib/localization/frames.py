"""The frame of a disc in patient space: center, normal, anterior direction, corners, width and height."""

from __future__ import annotations

import numpy as np

from ..anatomy import CORNERS
from ..grid import unit
from .candidates import Candidate
from .prediction import SpinePrediction
from .spine import LocatedDisc

SEARCH_MM = 9.0
"""How far from the end of the disc's mask its corner is looked for."""

LEAST_WIDTH = 0.5
"""Of the disc's mask, that the corners must span to be believed."""

MIN_PEAK = 0.15
"""Lowest heatmap peak taken for a corner; below it the end of the mask stands in."""

MIN_HEIGHT_MM = 0.5
"""Height given to a disc whose endplates seem to touch or cross."""

MAX_TILT_DEGREES = 25.0
"""Largest sideways tilt believed."""


def locate_disc(level: str, candidate: Candidate, prediction: SpinePrediction) -> LocatedDisc:
    """The disc that a candidate describes, in LPS millimetres."""
    grid = prediction.grid
    number = candidate.middle_slice
    corners = _corners(candidate, prediction, number)
    points = {
        name: grid.to_patient([candidate.slice_position, *corner])
        for name, corner in zip(CORNERS, corners, strict=True)
    }
    upper = points["upper_anterior"], points["upper_posterior"]
    lower = points["lower_anterior"], points["lower_posterior"]
    anterior = unit((upper[0] + lower[0]) - (upper[1] + lower[1]))
    slice_axis = grid.affine[:3, 0] / np.linalg.norm(grid.affine[:3, 0])
    upwards = np.cross(anterior, slice_axis)
    left = unit(slice_axis + _sideways_slope(candidate, prediction, corners) * upwards)
    normal = unit(np.cross(anterior, left))
    width = 0.5 * (np.linalg.norm(upper[0] - upper[1]) + np.linalg.norm(lower[0] - lower[1]))
    return LocatedDisc(
        level=level,
        center=np.mean([*upper, *lower], axis=0),
        normal=normal,
        anterior=unit(np.cross(left, normal)),
        width_mm=float(width),
        height_mm=_height(points, normal),
        corners=points,
        confidence=candidate.confidence,
    )


def _corners(candidate: Candidate, prediction: SpinePrediction, number: int) -> np.ndarray:
    """(4, 2) rows and columns in the middle slice, in the order of `anatomy.CORNERS`."""
    pixel = np.linalg.norm(prediction.grid.affine[:3, 1])
    points = candidate.pixels[number]
    center = points.mean(0)
    along = np.linalg.svd(points - center, full_matrices=False)[2][0]
    along *= -np.sign(along[1])  # towards the front: smaller columns
    up = np.array([along[1], -along[0]])  # the front turned by a quarter: towards the head
    depth, height = (points - center) @ along, (points - center) @ up
    half = np.quantile(np.abs(height), 0.8)
    ends = dict(zip(("anterior", "posterior"), np.quantile(depth, (0.98, 0.02)), strict=True))
    sides = {"upper": half, "lower": -half}
    guesses = [center + ends[end] * along + sides[side] * up for side, end in (name.split("_") for name in CORNERS)]
    heats = prediction.corners[:, number]
    found = np.array([_peak(*one, SEARCH_MM / pixel) for one in zip(heats, guesses, strict=True)])
    # In noise peaks of the front may lie behind those of the back.
    width = (found[0] + found[2] - found[1] - found[3]) @ along / 2
    return found if width > LEAST_WIDTH * (ends["anterior"] - ends["posterior"]) else np.array(guesses)


def _peak(heat: np.ndarray, guess: np.ndarray, radius: float) -> np.ndarray:
    """The heatmap's peak near `guess` with sub-pixel precision, or `guess` where there is none."""
    low = np.maximum(np.floor(guess - radius), 0).astype(int)
    high = np.minimum(np.ceil(guess + radius) + 1, heat.shape).astype(int)
    window = heat[low[0] : high[0], low[1] : high[1]]
    if window.size == 0 or window.max() < MIN_PEAK:
        return guess
    rows, columns = np.mgrid[low[0] : high[0], low[1] : high[1]]
    near = np.exp(-((rows - guess[0]) ** 2 + (columns - guess[1]) ** 2) / (2 * (0.6 * radius) ** 2))
    row, column = np.unravel_index(np.argmax(window * near), window.shape)
    part = (slice(max(row - 2, 0), row + 3), slice(max(column - 2, 0), column + 3))
    weights = window[part] ** 2
    return np.array([np.average(rows[part], weights=weights), np.average(columns[part], weights=weights)])


def _sideways_slope(candidate: Candidate, prediction: SpinePrediction, corners: np.ndarray) -> float:
    """Rise of the disc towards the patient's left (mm per mm), from its mask's height on every slice."""
    numbers = np.array(sorted(candidate.pixels))
    affine = prediction.grid.affine
    step, pixel = np.linalg.norm(affine[:3, 0]), np.linalg.norm(affine[:3, 1])
    if len(numbers) < 4 or step * (numbers[-1] - numbers[0]) < 12.0:
        return 0.0
    front = 0.5 * (corners[0] + corners[2] - corners[1] - corners[3])
    up = np.array([front[1], -front[0]]) / np.linalg.norm(front)
    heights = np.array([(candidate.pixels[number] - candidate.center).mean(0) @ up for number in numbers]) * pixel
    # The outermost slices cut the disc's rounded edge; the middle ones show its plane.
    weights = np.array([len(candidate.pixels[number]) for number in numbers], float)
    slope = np.polyfit(numbers * step, heights, 1, w=weights)[0]
    limit = np.tan(np.radians(MAX_TILT_DEGREES))
    return float(np.clip(slope, -limit, limit))


def _height(points: dict[str, np.ndarray], normal: np.ndarray) -> float:
    """Mean distance in mm of the endplates at their corners, along the normal.

    The disc's mask is no better a ruler: where masks are drawn generously it reads two millimetres more.
    """
    distances = [(points[f"upper_{end}"] - points[f"lower_{end}"]) @ normal for end in ("anterior", "posterior")]
    return max(float(np.mean(distances)), MIN_HEIGHT_MM)
