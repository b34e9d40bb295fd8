"""The canonical orientation of a sagittal volume: slices right to left, rows head to foot, columns front to back."""

from __future__ import annotations

import numpy as np
from scipy.optimize import linear_sum_assignment

from ..errors import InputError

CANONICAL_DIRECTIONS_LPS = np.array([[1.0, 0.0, 0.0], [0.0, 0.0, -1.0], [0.0, 1.0, 0.0]])
"""LPS directions that (slices, rows, columns) run along most nearly: to the left, to the foot, to the back."""

PLANES = ("sagittal", "axial", "coronal")
"""Name of the plane whose slices follow each other along the canonical (slice, row, column) axis."""

THROUGH_PLANE_RATIO = 2.0
"""An axis whose spacing is at least this many times the finest one is the one the slices were stacked along."""


def plane_of(direction_lps: np.ndarray) -> str:
    """Name of the plane whose normal lies nearest to `direction_lps` (3,): "sagittal", "axial" or "coronal"."""
    return PLANES[int(np.argmax(np.abs(CANONICAL_DIRECTIONS_LPS @ direction_lps)))]


def to_canonical(
    array: np.ndarray, affine: np.ndarray, name: str, through_plane: int | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """The same voxels in canonical order; axes are only permuted and flipped, so every voxel keeps its position.

    Parameters
    ----------
    array:
        (I, J, K), in any axis order.
    affine:
        4x4, index (i, j, k, 1) to LPS millimetres.
    name:
        What to call the input in an error.
    through_plane:
        Axis the slices were stacked along, where it is known; otherwise it is the coarsest axis, if one stands out.

    Returns
    -------
    array, affine:
        (slices, rows, columns) and its 4x4 affine.

    Raises
    ------
    InputError
        The slices are axial or coronal.
    """
    spacing = np.linalg.norm(affine[:3, :3], axis=0)
    cosines = CANONICAL_DIRECTIONS_LPS @ (affine[:3, :3] / spacing)
    axes = linear_sum_assignment(-np.abs(cosines))[1]
    if through_plane is None:
        through_plane = _through_plane(array.shape, spacing)
    if through_plane is not None and axes[0] != through_plane:
        plane = PLANES[list(axes).index(through_plane)]
        raise InputError(f"{name} is {plane}; give the sagittal series instead")

    affine = affine[:, [*axes, 3]].copy()
    array = array.transpose(axes)
    flipped = [canonical for canonical, axis in enumerate(axes) if cosines[canonical, axis] < 0]
    for axis in flipped:
        affine[:3, 3] += affine[:3, axis] * (array.shape[axis] - 1)
        affine[:3, axis] *= -1
    return np.ascontiguousarray(np.flip(array, flipped)), affine


def _through_plane(shape: tuple[int, ...], spacing: np.ndarray) -> int | None:
    """Axis the slices were stacked along: the one of a single slice, else one that is far coarser than the finest."""
    single = [axis for axis, count in enumerate(shape) if count == 1]
    if len(single) == 1:
        return single[0]
    coarsest = int(np.argmax(spacing))
    return coarsest if spacing[coarsest] >= THROUGH_PLANE_RATIO * spacing.min() else None
