"""Disc-aligned sampling of image and labels, and the way back to patient space.

Regions are grids aligned with a disc: rows run from the head
to the foot along the disc's normal, columns from front to back, slices from right to left.
"""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from .grid import Grid, unit
from .localization.spine import LocatedDisc
from .study import Volume


def part_of(grid: Grid, box: tuple[slice, slice, slice]) -> Grid:
    """The part of a grid that three slices with bounds cut out of its arrays."""
    affine = grid.affine.copy()
    affine[:3, 3] = grid.to_patient([one.start for one in box])
    return Grid(affine, tuple(one.stop - one.start for one in box))


def disc_grid(
    disc: LocatedDisc,
    reference: Volume,
    *,
    shape: tuple[int, int],
    pixel_mm: float,
    slices: int,
    stride: int = 1,
) -> Grid:
    """A region about a disc, rotated with it in the sagittal plane, on the slices of `reference`.

    Slices are never resampled obliquely: they are millimetres thick, and a tilted cut through them would only blur.
    A disc that leans sideways is met by each slice at its own height instead (the grid is sheared along `disc.left`).

    Parameters
    ----------
    shape, pixel_mm:
        (rows, columns) of the region and the size of its pixels.
    slices:
        How many slices of `reference`, centered on the one nearest to the disc's center.
    stride:
        Take every `stride`-th slice only.
    """
    step = reference.affine[:3, 0]
    across = unit(step)
    lean = disc.left / max(abs(float(disc.left @ across)), 0.5)
    along = stride * lean * np.sign(lean @ across) * np.linalg.norm(step)
    # A disc may lie beside all slices; it is then read on the outermost.
    nearest = float(np.clip(np.round(reference.to_index(disc.center)[0]), 0, reference.array.shape[0] - 1))
    # The grid's middle slice is an actual slice of the reference, so its samples are not interpolated between two.
    middle = disc.center + along / stride * (nearest - float(reference.to_index(disc.center)[0]))
    down, back = (-unit(axis - (axis @ across) * across) * pixel_mm for axis in (disc.normal, disc.anterior))
    axes = np.stack([along, down, back], axis=1)
    half = (np.array([slices, *shape]) - 1) / 2
    affine = np.eye(4)
    affine[:3, :3] = axes
    affine[:3, 3] = middle - axes @ np.array([np.floor(half[0]), half[1], half[2]])
    return Grid(affine, (slices, *shape))


def on_slices_of(grid: Grid, reference: Volume) -> Grid:
    """The part of a region whose slices, at the middle of the region, are among those of `reference`."""
    slices, rows, columns = grid.shape
    middle = np.stack([np.arange(slices), np.full(slices, (rows - 1) / 2), np.full(slices, (columns - 1) / 2)], axis=1)
    number = reference.to_index(grid.to_patient(middle))[:, 0]
    there = np.flatnonzero((number > -0.5) & (number < reference.array.shape[0] - 0.5))
    return part_of(grid, (slice(int(there[0]), int(there[-1]) + 1), slice(0, rows), slice(0, columns)))


def resample(
    array: np.ndarray, source: Grid, target: Grid, *, order: int = 1, outside: float = np.nan, blur: bool = False
) -> np.ndarray:
    """`array` (slices, rows, columns) on `source`, read at the voxel centers of `target`.

    Parameters
    ----------
    order:
        0 takes the nearest voxel (labels), 1 interpolates linearly.
    outside:
        Value beyond the source; voxels within half a slice of its border are still inside, so that one slice suffices.
    blur:
        Smooth in-plane first where the target's pixels are larger than the source's, against aliasing.

    Returns
    -------
    Array of `target.shape`, of `array`'s type for order 0, else float32.
    """
    if blur:
        ratio = np.linalg.norm(target.affine[:3, 1:3], axis=0).mean() / np.linalg.norm(source.affine[:3, 1:3], axis=0)
        sigma = 0.5 * np.sqrt(np.maximum(ratio**2 - 1, 0))
        array = ndimage.gaussian_filter(array.astype(np.float32), (0, *sigma))
    matrix = np.linalg.inv(source.affine) @ target.affine
    values = ndimage.affine_transform(
        array if order == 0 else array.astype(np.float32),
        matrix[:3, :3],
        matrix[:3, 3],
        output_shape=target.shape,
        order=order,
        mode="nearest",
    )
    if np.isnan(outside) and order == 0:
        raise ValueError("labels need a number for `outside`")
    index = [np.arange(size) for size in target.shape]
    inside = np.ones(target.shape, bool)
    for axis in range(3):
        # Broadcast one axis of the affine map instead of building all coordinates.
        position = (
            matrix[axis, 0] * index[0][:, None, None]
            + matrix[axis, 1] * index[1][None, :, None]
            + matrix[axis, 2] * index[2][None, None, :]
            + matrix[axis, 3]
        )
        inside &= (position >= -0.5 - 1e-6) & (position <= source.shape[axis] - 0.5 + 1e-6)
    values[~inside] = outside
    return values
