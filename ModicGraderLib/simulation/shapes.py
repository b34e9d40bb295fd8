"""Signed distances (mm, negative inside) to the simple shapes of which bones and vessels are made."""

from __future__ import annotations

import numpy as np


def rod(point: tuple[np.ndarray, ...], start: tuple, stop: tuple, thick: float, thin: float) -> np.ndarray:
    """Signed distance (mm) to a rod with round ends whose radius goes from `thick` at its start to `thin`."""
    # Plain floats keep single precision.
    start, axis = [float(a) for a in start], [float(b - a) for a, b in zip(start, stop, strict=True)]
    length = sum(d * d for d in axis)
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
