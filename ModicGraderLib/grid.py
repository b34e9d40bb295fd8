"""Grid: a box of voxels anywhere in patient space."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


def unit(vector: np.ndarray) -> np.ndarray:
    """A vector (3,) at length 1."""
    return vector / np.linalg.norm(vector)


@dataclass(frozen=True)
class Grid:
    """A voxel grid in patient space.

    Attributes
    ----------
    affine:
        4x4, maps the index (slice, row, column, 1) to LPS millimetres.
    shape:
        (slices, rows, columns).
    """

    affine: np.ndarray
    shape: tuple[int, int, int]

    def to_patient(self, index: np.ndarray) -> np.ndarray:
        """LPS millimetres (..., 3) of continuous indices (..., 3) in (slice, row, column) order."""
        return np.asarray(index) @ self.affine[:3, :3].T + self.affine[:3, 3]

    def to_index(self, point: np.ndarray) -> np.ndarray:
        """Continuous indices (..., 3) in (slice, row, column) order of LPS points (..., 3) in millimetres."""
        return (np.asarray(point) - self.affine[:3, 3]) @ np.linalg.inv(self.affine[:3, :3]).T
