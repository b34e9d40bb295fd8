"""What the disc reader looks at: one disc-aligned region per disc, scaled by the patient's own marrow."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from ..anatomy import CANAL_LABEL, DISCS_UPWARDS
from ..grid import Grid
from ..localization.spine import LocatedDisc, SpineLocation
from ..mapping.marrow import Marrow
from ..regions import disc_grid, on_slices_of, part_of, resample
from ..study import SpineStudy, Volume

SHAPE = (96, 112)
"""Rows and columns the network reads: four fifths of the body on either side, and the canal behind."""

WIDTHS = 1.75
"""Width of the region in disc widths (Damopoulos 2019 takes 1.7)."""

BORDER = 8
"""Pixels kept around the region, so that training can turn and shift it."""

INNER = (slice(BORDER, -BORDER), slice(BORDER, -BORDER))
"""Rows and columns of a region without its border."""

REACH_MM = 22.0
"""Slices so far to either side of the disc's middle are read: half the width of a vertebral body."""

SLICE_MM = 3.0
"""Of thinner slices several are averaged into one of this thickness, as thin as routine examinations go."""

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
    grid:
        Where the region, with its border, lies in the patient.
    """

    level: str
    region: np.ndarray
    scalars: np.ndarray
    grid: Grid

    @property
    def inner_grid(self) -> Grid:
        """The part of the grid that the network reads: without the border."""
        slices, *sides = self.grid.shape
        return part_of(self.grid, (slice(0, slices), *(slice(BORDER, side - BORDER) for side in sides)))


def disc_inputs(study: SpineStudy, location: SpineLocation, marrow: dict[str, Marrow]) -> list[DiscInput]:
    """One input per disc of `location`; `marrow` holds the reference of each contrast ("t1", "t2") that has one."""
    heights = np.array([disc.height_mm / disc.width_mm for disc in location.discs])
    usual = float(np.median(heights))
    return [_input(disc, study, location, marrow, usual) for disc in location.discs]


def input_grid(disc: LocatedDisc, reference: Volume) -> Grid:
    """The region of a disc, with its border, on those slices of `reference` that show the body."""
    spacing = float(reference.spacing[0])
    stride = _stride(reference)
    slices = 2 * int(REACH_MM / (spacing * stride)) + 1
    shape = (SHAPE[0] + 2 * BORDER, SHAPE[1] + 2 * BORDER)
    pixel_mm = WIDTHS * disc.width_mm / SHAPE[1]
    return on_slices_of(
        disc_grid(disc, reference, shape=shape, pixel_mm=pixel_mm, slices=slices, stride=stride), reference
    )


def _stride(reference: Volume) -> int:
    return max(1, round(SLICE_MM / float(reference.spacing[0])))


def _input(
    disc: LocatedDisc, study: SpineStudy, location: SpineLocation, marrow: dict[str, Marrow], usual: float
) -> DiscInput:
    grid = input_grid(disc, study.reference)
    region = np.zeros((CHANNELS, *grid.shape), np.float32)
    present = []
    for channel, (name, volume) in enumerate((("t1", study.t1), ("t2", study.t2))):
        present.append(float(volume is not None and name in marrow))
        if present[-1]:
            region[channel] = np.clip(0.5 * _signal(volume, grid) * np.exp(-marrow[name].log_signal(grid)), 0, 2)
    labels = resample(location.labels, study.reference.grid, grid, order=0, outside=0)
    region[2] = labels > CANAL_LABEL
    region[3] = (labels > 0) & (labels < CANAL_LABEL)
    return DiscInput(disc.level, region, _scalars(disc, region, grid, usual, present), grid)


def _signal(volume: Volume, grid: Grid) -> np.ndarray:
    """A volume on the slices of a region; thin slices are averaged, since the network knows thick ones."""
    stride = _stride(volume)
    if stride == 1:
        return resample(volume.array, volume.grid, grid, outside=0.0)
    # Only what surrounds the region: a smoothed copy of a whole 3D volume would take seconds a disc.
    ends = np.array(list(np.ndindex(2, 2, 2))) * (np.array(grid.shape) - 1)
    index = volume.to_index(grid.to_patient(ends))
    low = np.clip(np.floor(index.min(0)).astype(int) - stride, 0, np.array(volume.array.shape) - 1)
    high = np.clip(np.ceil(index.max(0)).astype(int) + stride + 1, low + 1, volume.array.shape)
    box = tuple(slice(int(a), int(b)) for a, b in zip(low, high, strict=True))
    thick = ndimage.uniform_filter1d(volume.array[box], stride, axis=0, mode="nearest")
    return resample(thick, part_of(volume.grid, box), grid, outside=0.0)


def _scalars(disc: LocatedDisc, region: np.ndarray, grid: Grid, usual: float, present: list[float]) -> np.ndarray:
    ratio = disc.height_mm / disc.width_mm
    slip = float((disc.corners["upper_posterior"] - disc.corners["lower_posterior"]) @ disc.anterior)
    # The nucleus lies in the middle slice; the others show ever more of the annulus.
    middle = int(np.clip(np.round(grid.to_index(disc.center)[0]), 0, grid.shape[0] - 1))
    inside = region[2, middle] > 0
    nucleus = float(np.median(region[1, middle][inside])) if inside.any() and present[1] else 0.5
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
