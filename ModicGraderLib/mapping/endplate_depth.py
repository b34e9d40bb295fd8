"""How deep each voxel of a vertebral body lies below an endplate, and how far from the opposite one."""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from ..grid import Grid, unit
from ..localization.spine import LocatedDisc

COLUMN_MM = 1.5
"""Width of the columns into which a body is cut; wider than a pixel, so that none stays empty."""

PROFILE_MM = 4.0
"""An endplate lies within this distance of its straight line; a column that begins farther off begins at a wall."""


def endplate_depths(disc: LocatedDisc, endplate: str, body: np.ndarray, grid: Grid) -> tuple[np.ndarray, np.ndarray]:
    """Distances in mm of a body's voxels from two endplates, along the normal of the endplate at the disc.

    The body is cut into columns at right angles to the endplate, on every slice; a column begins and ends where the
    outline of the body does, so that depth follows concave, notched and leaning endplates.

    Parameters
    ----------
    endplate:
        "upper" or "lower", of the disc; the body is the one it belongs to.
    body:
        (slices, rows, columns) bool on `grid`.

    Returns
    -------
    near, far:
        (slices, rows, columns) float32: from the disc's endplate, and from the opposite one; infinite beyond the body.
    """
    near, far = (np.full(body.shape, np.inf, np.float32) for _ in range(2))
    points = np.argwhere(body)
    if len(points):
        front, back = disc.corners[f"{endplate}_anterior"], disc.corners[f"{endplate}_posterior"]
        along = unit(front - back)
        inwards = unit(np.cross(along, disc.left)) * (1 if endplate == "upper" else -1)
        offset = grid.to_patient(points) - (front + back) / 2
        forward, sideways, depth = offset @ along, offset @ disc.left, offset @ inwards
        first, last = _column_ends(depth, np.round(forward / COLUMN_MM).astype(int), points[:, 0])
        # The opposite endplate's corners belong to another disc; its line follows from where the middle columns end.
        design = np.stack([np.ones_like(depth), forward, sideways], axis=1)
        middle = np.abs(forward) < disc.width_mm / 4
        opposite = design @ np.linalg.lstsq(design[middle], last[middle], rcond=None)[0]
        near[tuple(points.T)] = depth - np.clip(first, -PROFILE_MM, PROFILE_MM)
        far[tuple(points.T)] = np.clip(last, opposite - PROFILE_MM, opposite + PROFILE_MM) - depth
    return near, far


def _column_ends(depth: np.ndarray, place: np.ndarray, slice_: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Depth (N,) at which the column of each voxel begins and ends, from its depth, column and slice (N,)."""
    column = slice_ * (np.ptp(place) + 1) + place - place.min()
    there, number = np.unique(column, return_inverse=True)
    index = np.arange(len(there))
    return ndimage.minimum(depth, number, index)[number], ndimage.maximum(depth, number, index)[number]
