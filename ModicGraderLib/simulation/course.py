"""The course of the spinal canal: coordinates that follow the back of the bodies, and shapes drawn in them."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import torch
from scipy import ndimage

from .canvas import Canvas
from .column import BackWall, Body

STEP_MM = 0.5
"""Distance of the heights at which the course is tabulated."""

BEYOND_MM = 180.0
"""How far the course is known above and below the column."""

COCCYX_BEND_MM = 45.0
"""Height below the lowest body over which the sacrum turns from downwards and back to downwards and forwards."""

SACRAL_LEVEL_MM = 17.0
"""Height of one level where the column has ended."""

COARSE = 4
"""Smooth fields are computed at every so many voxels along rows and columns, and filled in between."""


class Course:
    """The curve behind the bodies, tabulated by height, from the coccyx to above the uppermost body.

    A *foot* is the index into the table of the place on the curve that lies nearest to a point. Whatever changes from
    vertebra to vertebra is a table by foot, made by `profile`.
    """

    def __init__(self, column: list[Body], wall: BackWall):
        self.names = [body.name for body in column]
        bottom = column[0].corner(-1, -1)[1]
        top = column[-1].corner(-1, 1)[1]
        self.z = np.arange(bottom - BEYOND_MM, top + BEYOND_MM, STEP_MM)
        inside = np.clip(self.z, bottom + 2, top - 2)
        y = np.asarray(wall.at(inside), float)
        slope = np.gradient(y, STEP_MM)
        core = (self.z > bottom + 2 + STEP_MM) & (self.z < top - 2 - STEP_MM)
        first, last = np.flatnonzero(core)[[0, -1]]
        below = np.clip((self.z[first] - self.z[:first]) / COCCYX_BEND_MM, 0.0, 2.2)
        slope[:first] = slope[first] + (0.25 - slope[first]) * below
        slope[last + 1 :] = slope[last]
        y[:first] = y[first] - np.cumsum(slope[:first][::-1])[::-1] * STEP_MM
        y[last + 1 :] = y[last] + np.cumsum(slope[last + 1 :]) * STEP_MM
        self.y, self.slope = y, slope
        mids = np.array([(body.corner(-1, 1)[1] + body.corner(-1, -1)[1]) / 2 for body in column])
        self.level = np.interp(self.z, mids, np.arange(len(mids)))
        self.level += np.minimum(self.z - mids[0], 0) / SACRAL_LEVEL_MM + np.maximum(self.z - mids[-1], 0) / 28.0
        self._tables = tuple(table.astype(np.float32) for table in (self.z, self.y, self.slope))

    def locate(self, y: np.ndarray, z: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Of points (y, z) in mm: how far behind the curve they lie (mm, negative in front), and their foot."""
        height, back, slope = self._tables
        foot = self._foot(z)
        tangent = slope.take(foot, mode="clip")
        away = (y - back.take(foot, mode="clip") - tangent * (z - height.take(foot, mode="clip"))) / (1 + tangent**2)
        foot = self._foot(z + np.clip(away, -50.0, 50.0) * tangent)
        tangent = slope.take(foot, mode="clip")
        behind = y - back.take(foot, mode="clip") - tangent * (z - height.take(foot, mode="clip"))
        return behind / np.sqrt(1 + tangent**2), foot

    def profile(self, values: Mapping[str, float], smooth_mm: float = 6.0) -> np.ndarray:
        """Table by foot of a quantity known beside the middle of some vertebrae, by their names."""
        known = sorted((self.index(name), value) for name, value in values.items())
        table = np.interp(self.level, *zip(*known, strict=True))
        return ndimage.gaussian_filter1d(table, smooth_mm / STEP_MM).astype(np.float32)

    def index(self, name: str) -> float:
        """Level of a vertebra: 0 is the lowest of the column; those that the column lacks are counted on from it."""
        ladder = [
            "S5",
            "S4",
            "S3",
            "S2",
            "S1",
            *(f"L{n}" for n in range(5, 0, -1)),
            *(f"T{n}" for n in range(12, 4, -1)),
        ]
        return float(ladder.index(name) - ladder.index(self.names[0]))

    def point(self, level: float, behind: float) -> np.ndarray:
        """(y, z) of the place `behind` mm behind the curve beside a level."""
        foot = int(np.argmin(np.abs(self.level - level)))
        normal = np.array([1.0, -self.slope[foot]]) / np.hypot(1.0, self.slope[foot])
        return np.array([self.y[foot], self.z[foot]]) + behind * normal

    def _foot(self, z: np.ndarray) -> np.ndarray:
        return ((z - np.float32(self.z[0])) * np.float32(1 / STEP_MM) + np.float32(0.5)).astype(np.int32)


def part_of(canvas: Canvas, points: np.ndarray, half_width: float = np.inf, margin: float = 6.0) -> tuple:
    """The part of a canvas that shows the plan between the outermost of some points (n, 2) of (y, z), at |x| within
    `half_width`; `margin` is how far the warp may carry anything, in mm."""
    low, high = np.min(points, 0) - margin, np.max(points, 0) + margin
    affine, (slices, rows, columns) = canvas.grid.affine, canvas.grid.shape
    row = sorted((z - affine[2, 3]) / affine[2, 1] for z in (low[1], high[1]))
    column = sorted((y - affine[1, 3]) / affine[1, 2] for y in (low[0], high[0]))
    spans = [slice(int(np.clip(a, 0, n)), int(np.clip(b + 2, 0, n))) for (a, b), n in ((row, rows), (column, columns))]
    if not np.isfinite(half_width):
        return slice(0, slices), *spans
    here = np.abs(canvas.x[:, spans[0], spans[1]][:, ::6, ::6])
    shown = np.flatnonzero((here < half_width + 2).any((1, 2))) if here.size else np.array([], int)
    return (slice(int(shown[0]), int(shown[-1]) + 1) if len(shown) else slice(0, 0), *spans)


def coarse(field: np.ndarray) -> np.ndarray:
    """A field (slices, rows, columns) at every `COARSE`-th row and column."""
    rows, columns = (np.minimum(np.arange(0, n + COARSE - 1, COARSE), n - 1) for n in field.shape[1:])
    return field[:, rows[:, None], columns]


def fill(field: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """A coarse field at every voxel of a canvas of `shape`."""
    size = [(n - 1) * COARSE + 1 for n in field.shape[1:]]
    coarse_field = torch.from_numpy(np.ascontiguousarray(field, np.float32))[None]
    fine = torch.nn.functional.interpolate(coarse_field, size=size, mode="bilinear", align_corners=True)
    return fine[0].numpy()[:, : shape[1], : shape[2]]


def rod(point: tuple[np.ndarray, ...], start: tuple, stop: tuple, thick: float, thin: float) -> np.ndarray:
    """Signed distance (mm) to a rod with round ends whose radius goes from `thick` at its start to `thin`."""
    axis = np.subtract(stop, start)
    length = float(axis @ axis)
    along = sum((p - a) * d for p, a, d in zip(point, start, axis, strict=True)) / length
    along = np.clip(along, 0.0, 1.0)
    square = sum((p - a - along * d) ** 2 for p, a, d in zip(point, start, axis, strict=True))
    return np.sqrt(square) - (thick + along * (thin - thick))


def block(*axes: tuple[np.ndarray, np.ndarray | float], radius: float) -> np.ndarray:
    """Signed distance (mm) to a box with rounded edges, from the offset along each axis and half the box's size."""
    outside = [np.abs(offset) - half + radius for offset, half in axes]
    beyond = np.sqrt(sum(np.maximum(side, 0.0) ** 2 for side in outside))
    return beyond + np.minimum(np.maximum.reduce(outside), 0.0) - radius


def joined(one: np.ndarray, other: np.ndarray, fillet: float) -> np.ndarray:
    """Signed distance to two shapes that grow into each other over `fillet` mm."""
    near = np.maximum(fillet - np.abs(one - other), 0.0) / fillet
    return np.minimum(one, other) - near**2 * fillet / 4
