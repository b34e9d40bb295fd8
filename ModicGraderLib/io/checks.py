"""What a volume, and a pair of them, must be before anything is computed on it."""

from __future__ import annotations

import numpy as np

from ..errors import InputError
from ..study import Volume

MIN_FIELD_OF_VIEW_MM = 80.0
"""Two lumbar levels, or a disc with its canal, do not fit into less."""

MIN_PIXELS = 64
"""Fewer rows or columns than this are a thumbnail."""

SPACING_RANGE_MM = (0.05, 20.0)
"""Distances of neighboring voxels outside this range are wrong units or no geometry at all."""

THROUGH_PLANE_TOLERANCE_MM = 10.0
"""How far beyond its outermost slices a volume still counts as covering the same anatomy: single slices of T1 and T2
are planned a few millimetres apart."""

SMALL_OVERLAP = 0.5
"""Share of the smaller picture that both contrasts should at least show."""


def check_volume(volume: Volume, name: str) -> None:
    """Raise InputError unless `volume` holds a usable picture with a believable geometry."""
    _check_geometry(volume, name)
    if not np.isfinite(volume.array).all():
        raise InputError(f"{name} holds NaN or infinite values; export it again from the original images")
    if volume.array.min() == volume.array.max():
        raise InputError(f"{name} is empty: every voxel has the same value; export it again from the original images")


def check_affine(affine: np.ndarray, name: str) -> None:
    """Raise InputError unless `affine` (4x4) has a believable distance between voxels along each axis."""
    spacing = np.linalg.norm(affine[:3, :3], axis=0)
    low, high = SPACING_RANGE_MM
    if not np.isfinite(affine).all() or spacing.min() < low or spacing.max() > high:
        raise InputError(
            f"{name} has no usable geometry (voxels of {_times(spacing)} mm); export it again with spacing and "
            "orientation in millimetres"
        )


def _check_geometry(volume: Volume, name: str) -> None:
    check_affine(volume.affine, name)
    pixels = volume.array.shape[1:]
    if min(pixels) < MIN_PIXELS:
        raise InputError(
            f"{name} has only {pixels[0]} x {pixels[1]} pixels; give the original sagittal series with at least "
            f"{MIN_PIXELS} x {MIN_PIXELS}"
        )
    extent = volume.spacing[1:] * pixels
    if extent.min() < MIN_FIELD_OF_VIEW_MM:
        raise InputError(
            f"{name} shows only {_times(extent, 0)} mm; give a sagittal series of the lumbar spine that shows at "
            f"least {MIN_FIELD_OF_VIEW_MM:.0f} mm in both directions"
        )


def check_pair(t1: Volume, t2: Volume) -> float:
    """How much of the smaller of two pictures the other shows too, in (0, 1].

    Raises
    ------
    InputError
        The same picture twice, or two that share no part of space and so cannot be of one patient.
    """
    if t1.array.shape == t2.array.shape and np.array_equal(t1.array, t2.array):
        raise InputError("T1 and T2 are the same image; give one T1-weighted and one T2-weighted series")
    overlap = max(covered(t1, t2), covered(t2, t1))
    if overlap == 0:
        raise InputError(
            "T1 and T2 do not overlap in space, so they cannot be of one patient and position; give the two series of "
            "one examination"
        )
    return overlap


def covered(volume: Volume, by: Volume) -> float:
    """Share of `volume` that lies within `by`, in [0, 1], on a coarse lattice of its voxels."""
    axes = [np.linspace(0, count - 1, min(count, 25)) for count in volume.array.shape]
    points = volume.to_patient(np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1))
    return float(inside(by, points).mean())


def inside(volume: Volume, points: np.ndarray) -> np.ndarray:
    """Which LPS `points` (..., 3) in mm lie within `volume`, as booleans (...); its outermost slices reach further."""
    margin = np.array([THROUGH_PLANE_TOLERANCE_MM / volume.spacing[0], 0.0, 0.0])
    index = volume.to_index(points)
    return ((index >= -0.5 - margin) & (index <= np.array(volume.array.shape) - 0.5 + margin)).all(axis=-1)


def _times(values: np.ndarray, digits: int = 3) -> str:
    return " x ".join(f"{value:.{digits}f}" for value in values)
