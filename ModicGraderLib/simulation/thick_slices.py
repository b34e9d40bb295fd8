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


def places(to_canvas: np.ndarray, shape: tuple[int, int, int], size: tuple[int, int, int]) -> torch.Tensor:
    """(*shape, 3) where the voxels of a grid lie on another of a size, as torch wants it: (column, row, slice) / half.

    `to_canvas` is 4x4 from the index on the grid to the index on the other.
    """
    steps = [torch.arange(n, dtype=torch.float32) for n in shape]
    steps = steps[0][:, None, None], steps[1][:, None], steps[2]
    where = torch.empty((*shape, 3))
    for axis, matrix in enumerate(to_canvas[:3].tolist()):
        index = sum(factor * step for factor, step in zip(matrix[:3], steps, strict=True)) + matrix[3]
        where[..., 2 - axis] = (2 * index + 1) / size[axis] - 1
    return where


def sample(where: torch.Tensor, *channels: np.ndarray) -> np.ndarray:
    """(channels, *shape) of channels (slices, rows, columns) at `places`; beyond the border, the border."""
    stacked = torch.from_numpy(np.stack(channels))[None]
    return torch.nn.functional.grid_sample(stacked, where[None], padding_mode="border", align_corners=False)[0].numpy()
