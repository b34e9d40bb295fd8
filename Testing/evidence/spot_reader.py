"""A disc with a spot in it, and a network whose answers depend on spots alone: the right evidence is known."""

from __future__ import annotations

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from ModicGraderLib.grading.disc_input import BORDER, CHANNELS, SCALARS, SHAPE, DiscInput
from ModicGraderLib.grading.grader import Ensemble
from ModicGraderLib.grading.tasks import BINARY_TASKS, OUTPUTS, PFIRRMANN
from ModicGraderLib.grid import Grid

SLICES = 5
DARK = (1, slice(20, 28), slice(30, 40))
"""Slice, rows and columns, without the border, that are dark on T1: what speaks for a Modic change."""

BRIGHT = (3, slice(44, 52), slice(60, 72))
"""The same of what is bright on T2: what speaks for a worn disc."""


class _Spots(nn.Module):
    """Feature maps (N, 2, H / 2, W / 2): dark on T1, bright on T2."""

    def forward(self, region: torch.Tensor) -> torch.Tensor:
        pooled = functional.avg_pool2d(region[:, :2], 2)
        return torch.relu(torch.stack([0.4 - pooled[:, 0], pooled[:, 1] - 0.6], 1))


class SpotReader(nn.Module):
    """Answers like a `DiscReader`: modic_change for dark spots on T1, pfirrmann for bright ones on T2."""

    def __init__(self) -> None:
        super().__init__()
        self.up = nn.ModuleList([_Spots()])
        self.gain = nn.Parameter(torch.ones(1))

    def forward(self, region, scalars, slices):
        dark, bright = self.up[-1](region).square().sum((0, 2, 3))
        changed = torch.zeros(OUTPUTS)
        changed[[BINARY_TASKS.index(name) for name in ("modic_change", "upper_marrow_change")]] = 1.0
        worn = torch.zeros(OUTPUTS)
        worn[PFIRRMANN] = 1.0
        return self.gain * (dark * changed + bright * worn)[None], torch.zeros(len(region), 4, *region.shape[-2:])


def ensemble_of(*members: nn.Module) -> Ensemble:
    return Ensemble(tuple(members), np.ones(OUTPUTS), np.zeros(OUTPUTS))


def spotted_disc(affine: np.ndarray | None = None) -> DiscInput:
    """Normal marrow in two vertebrae, a disc between them, and the two spots."""
    region = np.full((CHANNELS, SLICES, SHAPE[0] + 2 * BORDER, SHAPE[1] + 2 * BORDER), 0.5, np.float32)
    region[2:] = 0
    inner = region[..., BORDER:-BORDER, BORDER:-BORDER]
    inner[2, :, 40:56, 15:97] = 1
    inner[3, :, :40, 15:97] = 1
    inner[3, :, 56:, 15:97] = 1
    inner[0][DARK] = 0.1
    inner[1][BRIGHT] = 0.9
    grid = Grid(np.diag([4.0, 0.5, 0.5, 1.0]) if affine is None else affine, region.shape[1:])
    scalars = np.zeros(SCALARS, np.float32)
    scalars[6:8] = 1
    return DiscInput("L4/L5", region, scalars, grid)


def share_near(heat: np.ndarray, spot: tuple, margin: int) -> float:
    """Share of the heat in a spot's slice within `margin` pixels of it."""
    number, rows, columns = spot
    near = (
        number,
        slice(rows.start - margin, rows.stop + margin),
        slice(columns.start - margin, columns.stop + margin),
    )
    return float(heat[near].sum() / heat.sum())
