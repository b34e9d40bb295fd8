"""Randomly turned, shifted and zoomed copies of a disc's region, through which gradients find the way back."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch
from torch.nn import functional

from ..grading.disc_input import BORDER, SHAPE

TURN_DEGREES = 15.0
SHIFT_PIXELS = float(BORDER)
ZOOM = 0.15
"""Copies differ by up to so much (the zoom: of its logarithm) either way, as widely as the networks' training ones.

Jamaludin 2016 turns by 15 degrees, zooms by a tenth, and finds aggressive copies to be the key to sharp hotspots.
"""


@dataclass(frozen=True)
class Copy:
    """How one copy is taken: turned, zoomed and shifted about the middle of the region."""

    turn_degrees: float
    zoom: float
    shift: tuple[float, float]


def draw_copies(count: int, seed: int) -> list[Copy]:
    """Copies drawn at random, always the same for a seed; the first is the region as it is."""
    random = np.random.default_rng(seed)
    copies = [Copy(0.0, 1.0, (0.0, 0.0))]
    while len(copies) < count:
        turn, zoom, down, back = random.uniform(-1, 1, 4)
        shift = (float(SHIFT_PIXELS * down), float(SHIFT_PIXELS * back))
        copies.append(Copy(float(TURN_DEGREES * turn), float(np.exp(ZOOM * zoom)), shift))
    return copies[:count]


def taken(region: torch.Tensor, copy: Copy) -> torch.Tensor:
    """A copy (slices, channels, *SHAPE) of slices (slices, channels, rows, columns) that have a border.

    The gradient of what is made of the copy comes back to the region's own pixels: no inverse is needed.
    """
    turn = math.radians(copy.turn_degrees)
    row, column = torch.meshgrid(
        *(torch.arange(side, device=region.device) - (side - 1) / 2 for side in SHAPE), indexing="ij"
    )
    source = (
        copy.zoom * (math.sin(turn) * row + math.cos(turn) * column) + copy.shift[1],
        copy.zoom * (math.cos(turn) * row - math.sin(turn) * column) + copy.shift[0],
    )
    size = (region.shape[-1], region.shape[-2])
    grid = torch.stack([2 * place / side for place, side in zip(source, size, strict=True)], -1)
    return functional.grid_sample(region, grid.expand(len(region), -1, -1, -1), align_corners=False)
