"""Thick slices of a finely sliced canvas, anywhere in it."""

from __future__ import annotations

import numpy as np
import torch


def slice_profile(count: int, thickness_mm: float, spacing_mm: float) -> np.ndarray:
    """(count, count) float32 weights by which canvas slices add up to a thick slice in the place of each of them."""
    # Interpolation between the slices of the canvas makes thick slices thicker; that is taken off beforehand.
    width = np.sqrt(max(thickness_mm**2 - 2 * spacing_mm**2, 1e-6))
    offset = (np.arange(count)[:, None] - np.arange(count)) * spacing_mm
    edge = max(0.15 * width, 0.1 * spacing_mm)
    steps = np.linspace(-0.5, 0.5, 9) * spacing_mm
    inside = [np.tanh((width / 2 - np.abs(offset + step)) / edge) + 1 for step in steps]
    weights = np.mean(inside, axis=0)
    return (weights / weights.sum(axis=1, keepdims=True)).astype(np.float32)


def places(to_canvas: np.ndarray, shape: tuple[int, int, int], size: tuple[int, int, int]) -> np.ndarray:
    """(*shape, 3) float32 where the voxels of a grid lie on another of a size, as torch wants it: (column, row, slice).

    Each runs from -1 to 1 over the other grid. `to_canvas` is 4x4 from the index on the grid to the index on the other.
    """
    where = np.empty((*shape, 3), np.float32)
    for axis, (*factors, first) in enumerate(to_canvas[:3]):
        slices, rows, columns = (2 / size[axis] * f * np.arange(n) for f, n in zip(factors, shape, strict=True))
        slices += (2 * first + 1) / size[axis] - 1
        plane = (rows[:, None] + columns).astype(np.float32)
        np.add(slices.astype(np.float32)[:, None, None], plane, out=where[..., 2 - axis])
    return where


def sample(where: np.ndarray, *channels: np.ndarray) -> np.ndarray:
    """(channels, *shape) of channels (slices, rows, columns) at `places`; beyond the border, the border."""
    stacked, at = torch.from_numpy(np.stack(channels))[None], torch.from_numpy(where)[None]
    return torch.nn.functional.grid_sample(stacked, at, padding_mode="border", align_corners=False)[0].numpy()
