"""Smooth fields and noise on parts of a canvas, made on grids just fine enough for them."""

from __future__ import annotations

import numpy as np
import torch
from scipy import ndimage

from .canvas import Canvas

COARSE = 4
"""Smooth fields are computed at every so many voxels along rows and columns, and filled in between."""


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


def coarse(field: np.ndarray, step: int = COARSE) -> np.ndarray:
    """A field (slices, rows, columns) at every `step`-th row and column, the last ones included."""
    rows, columns = (np.minimum(np.arange(0, n + step - 1, step), n - 1) for n in field.shape[1:])
    return field[:, rows[:, None], columns]


def fill(field: np.ndarray, shape: tuple[int, ...], step: int = COARSE) -> np.ndarray:
    """A field made by `coarse` from an array of `shape`, at every voxel of it."""
    size = [(n - 1) * step + 1 for n in field.shape[1:]]
    given = torch.from_numpy(np.ascontiguousarray(field, np.float32))[None]
    fine = torch.nn.functional.interpolate(given, size=size, mode="bilinear", align_corners=True)
    return fine[0].numpy()[:, : shape[1], : shape[2]]


def grains(
    shape: tuple[int, ...],
    spacing: np.ndarray,
    size_mm: float | tuple[float, float, float],
    rng: np.random.Generator,
) -> np.ndarray:
    """Smooth noise of unit variance on a box of `shape` (slices, rows, columns) and spacing in mm, with grains of a
    size in mm, or of a size along each axis."""
    step = np.maximum(np.asarray(size_mm, float) / spacing / 2, 1.0)
    nodes = [int(np.ceil(n / s)) + 3 for n, s in zip(shape, step, strict=True)]
    noise = ndimage.gaussian_filter(rng.standard_normal(nodes, dtype=np.float32), 1.0)
    noise /= noise.std() + 1e-6
    at = 1.0 + np.arange(shape[0]) / step[0]
    below = at.astype(int)
    share = (at - below).astype(np.float32)[:, None, None]
    noise = (1 - share) * noise[below] + share * noise[below + 1]
    size = [int(np.ceil(n * s)) for n, s in zip(nodes[1:], step[1:], strict=True)]
    fine = torch.nn.functional.interpolate(torch.from_numpy(noise)[None], size=size, mode="bilinear")
    return fine[0].numpy()[:, : shape[1], : shape[2]]


def sheets(field: np.ndarray, spacing: np.ndarray) -> np.ndarray:
    """About the distance in mm, seen in a slice, to where a field changes its sign: thin sheets that branch."""
    steepness = sum((np.gradient(field, axis=axis) / spacing[axis].item()) ** 2 for axis in (1, 2))
    return np.abs(field) / np.sqrt(steepness + 1e-4)
