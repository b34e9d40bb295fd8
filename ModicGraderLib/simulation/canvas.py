"""Canvas: a fine grid on which anatomy is drawn as tissue, with the labels of what was drawn.

Anatomy is planned in its own coordinates, in mm: x to the patient's left, y to the back, z to the head, with the
column's midsagittal plane at x = 0. A smooth warp and a sideways curve then carry the plan into patient space.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from scipy import ndimage

from ..grid import Grid
from .tissues import Tissue

EDGE_MM = 0.7
"""Width over which one painted tissue gives way to the next."""


@dataclass(frozen=True)
class TissueMap:
    """Tissue at every voxel of a grid.

    Attributes
    ----------
    values:
        (4, slices, rows, columns) float32 with the fields of `tissues.Tissue` along the first axis.
    grid:
        Where the voxels lie, in LPS mm.
    fat_t1_ms, fat_t2_ms:
        Relaxation times of the fat pool, which all tissues share.
    """

    values: np.ndarray
    grid: Grid
    fat_t1_ms: float
    fat_t2_ms: float


def coverage(distance: np.ndarray, edge_mm: float = EDGE_MM) -> np.ndarray:
    """How much of each voxel, in [0, 1], a shape takes, from its signed distance (mm) and the width of its edge."""
    return np.clip(0.5 - distance / edge_mm, 0.0, 1.0)


def blend(values: np.ndarray, weight: np.ndarray, tissue: Tissue, box: tuple = (...,)) -> None:
    """Mix a tissue into a map of tissues (4, slices, rows, columns), or a part of it, by a weight in [0, 1]."""
    for value, target in zip(values, tissue, strict=True):
        value[box] += weight * (target - value[box])


class Canvas:
    """Tissue (4, slices, rows, columns) and labels (slices, rows, columns); later strokes lie over earlier ones.

    Attributes
    ----------
    x, y, z:
        (slices, rows, columns) float32: the place in the plan that each voxel shows.
    values:
        Tissue, as in `TissueMap.values`.
    labels:
        uint8, the spine labels of `anatomy`.
    lesions:
        uint8, where marrow is changed the number (from 1) of the lesion in `Case.lesions`, else 0.
    """

    def __init__(
        self, grid: Grid, rng: np.random.Generator, *, warp_mm: float = 1.5, sideways: np.ndarray | None = None
    ):
        """An empty canvas.

        Parameters
        ----------
        grid:
            A straight sagittal grid: slices to the left, rows to the foot, columns to the back.
        warp_mm:
            Standard deviation of the smooth warp.
        sideways:
            (n, 2) pairs of (z, x) in mm that say how far to the left the column lies at each height; straight if None.
        """
        self.grid, self._rng = grid, rng
        self.spacing = np.linalg.norm(grid.affine[:3, :3], axis=0)
        x, z, y = (
            np.expand_dims(
                np.arange(grid.shape[axis], dtype=np.float32) * grid.affine[row, axis] + grid.affine[row, 3],
                tuple(other for other in range(3) if other != axis),
            )
            for axis, row in ((0, 0), (1, 2), (2, 1))
        )
        away = 0.0 if sideways is None else np.interp(z, sideways[:, 0], sideways[:, 1]).astype(np.float32)
        self.x = x - away + warp_mm * self.noise(60.0)
        self.y = y + warp_mm * self.noise(45.0)
        self.z = z + warp_mm * self.noise(45.0)
        self.values = np.zeros((4, *grid.shape), np.float32)
        self.values[2:] = 1000.0
        self.labels = np.zeros(grid.shape, np.uint8)
        self.lesions = np.zeros(grid.shape, np.uint8)

    def noise(self, size_mm: float) -> np.ndarray:
        """Smooth noise (slices, rows, columns) of unit variance with grains of a size in mm."""
        step = np.maximum(size_mm / self.spacing / 3, 1.0)
        coarse = tuple(int(np.ceil(n / s)) + 3 for n, s in zip(self.grid.shape, step, strict=True))
        sigma = size_mm / self.spacing / step / 2
        grains = ndimage.gaussian_filter(self._rng.standard_normal(coarse, dtype=np.float32), sigma)
        grains /= grains.std()
        size = [int(np.ceil(n * s)) for n, s in zip(coarse, step, strict=True)]
        fine = torch.nn.functional.interpolate(torch.from_numpy(grains)[None, None], size=size, mode="trilinear")
        return np.ascontiguousarray(fine[0, 0].numpy()[tuple(slice(n) for n in self.grid.shape)])

    def paint(self, distance: np.ndarray, tissue: Tissue, box: tuple = (...,), opacity: float = 1.0) -> None:
        """Lay a tissue where the signed distance (mm) is negative; `box` cuts the canvas to the distance's shape."""
        self.blend(opacity * coverage(distance), tissue, box)

    def blend(self, weight: np.ndarray, tissue: Tissue, box: tuple = (...,)) -> None:
        """Mix a tissue in by a weight in [0, 1]."""
        blend(self.values, weight, tissue, box)

    def box(self, center: np.ndarray, reach: float) -> tuple[slice, slice, slice]:
        """The part of the canvas, in all slices, that shows the plan within `reach` mm of the point (y, z)."""
        affine = self.grid.affine
        row = (center[1] - affine[2, 3]) / affine[2, 1]
        column = (center[0] - affine[1, 3]) / affine[1, 2]
        spans = (reach + 6.0) / self.spacing[1:]
        bounds = (
            slice(int(np.clip(at - span, 0, n)), int(np.clip(at + span + 1, 0, n)))
            for at, span, n in zip((row, column), spans, self.grid.shape[1:], strict=True)
        )
        return (slice(None), *bounds)

    def to_patient(self, point: np.ndarray) -> np.ndarray:
        """LPS mm (3,) where the point (x, y, z) of the plan came to lie."""
        goal = np.asarray(point, float)
        place = goal.copy()
        for _ in range(20):
            # Beyond the canvas its warp is carried on unchanged: discs of a crooked spine lie beside a lone slice.
            inside = np.clip(self.grid.to_index(place), 0, np.array(self.grid.shape) - 1)
            shown = [ndimage.map_coordinates(f, inside[:, None], order=1)[0] for f in (self.x, self.y, self.z)]
            place = goal - shown + self.grid.to_patient(inside)
        return place
