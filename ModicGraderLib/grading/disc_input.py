"""What the disc grader looks at: one disc-aligned region per disc, scaled by the patient's own marrow."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..anatomy import CANAL_LABEL, DISCS_UPWARDS
from ..localization.spine import LocatedDisc, SpineLocation
from ..mapping.marrow import Marrow
from ..regions import disc_grid, resample
from ..study import SpineStudy

SHAPE = (72, 112)
"""Rows and columns the network reads."""

WIDTHS = 1.75
"""Width of the region in disc widths (Damopoulos 2019 takes 1.7)."""

BORDER = 8
"""Pixels kept around the region, so that training can turn and shift it."""

MAX_SLICES = 3
"""Slices read about the disc's middle; the network has been trained on mid-sagittal pictures alone."""

CHANNELS = 4
"""T1, T2, disc, vertebrae."""

LEVELS = 8
"""Levels told apart, from L5/S1 to T11/T12 and above."""

SCALARS = 8 + LEVELS


@dataclass(frozen=True)
class DiscInput:
    """One disc for the network.

    Attributes
    ----------
    level:
        Name of the disc.
    region:
        (4, slices, rows, columns) float32 with `BORDER` on each side: T1 and T2 in units of twice the patient's
        marrow signal (0.5 is normal marrow), clipped to [0, 2], zero where a contrast is missing; then the masks of
        the disc and of the vertebrae, 0 or 1.
    scalars:
        (16,) float32: geometry of the disc in the patient's own terms, contrasts present, and the level.
    """

    level: str
    region: np.ndarray
    scalars: np.ndarray


def disc_inputs(study: SpineStudy, location: SpineLocation, marrow: dict[str, Marrow]) -> list[DiscInput]:
    """One input per disc of `location`; `marrow` holds the reference of each contrast ("t1", "t2") that has one."""
    heights = np.array([disc.height_mm / disc.width_mm for disc in location.discs])
    usual = float(np.median(heights))
    return [_input(disc, study, location, marrow, usual) for disc in location.discs]


def _input(
    disc: LocatedDisc, study: SpineStudy, location: SpineLocation, marrow: dict[str, Marrow], usual: float
) -> DiscInput:
    shape = (SHAPE[0] + 2 * BORDER, SHAPE[1] + 2 * BORDER)
    slices = min(MAX_SLICES, study.reference.array.shape[0])
    grid = disc_grid(disc, study.reference, shape=shape, pixel_mm=WIDTHS * disc.width_mm / SHAPE[1], slices=slices)
    region = np.zeros((CHANNELS, *grid.shape), np.float32)
    present = []
    for channel, (name, volume) in enumerate((("t1", study.t1), ("t2", study.t2))):
        present.append(float(volume is not None and name in marrow))
        if present[-1]:
            signal = resample(volume.array, volume.grid, grid, outside=0.0, blur=False)
            region[channel] = np.clip(0.5 * signal * np.exp(-marrow[name].log_signal(grid)), 0, 2)
    labels = resample(location.labels, study.reference.grid, grid, order=0, outside=0)
    region[2] = labels > CANAL_LABEL
    region[3] = (labels > 0) & (labels < CANAL_LABEL)
    return DiscInput(disc.level, region, _scalars(disc, region, usual, present))


def _scalars(disc: LocatedDisc, region: np.ndarray, usual: float, present: list[float]) -> np.ndarray:
    ratio = disc.height_mm / disc.width_mm
    slip = float((disc.corners["upper_posterior"] - disc.corners["lower_posterior"]) @ disc.anterior)
    inside = region[2] > 0
    nucleus = float(np.median(region[1][inside])) if inside.any() and present[1] else 0.5
    level = np.zeros(LEVELS, np.float32)
    level[min(DISCS_UPWARDS.index(disc.level), LEVELS - 1)] = 1
    numbers = [
        (disc.width_mm - 35) / 5,
        (disc.height_mm - 8) / 3,
        (ratio - 0.24) / 0.08,
        (ratio - usual) / 0.08,
        slip / disc.width_mm / 0.05,
        (nucleus - 0.5) / 0.3,
        *present,
    ]
    return np.concatenate([np.clip(numbers, -4, 4), level]).astype(np.float32)
