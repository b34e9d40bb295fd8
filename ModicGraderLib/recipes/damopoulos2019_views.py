"""What the network of Damopoulos 2019 sees of a disc: IVD volumes (2.1), augmentation (3.4), mixup and sub-volumes.

Regions of a disc are (contrasts, slices, rows, columns): T1 before T2, right to left, head to foot, front to back.
Sections are the paper's; "our choice" marks what it leaves open.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from ..grid import Grid, unit
from ..localization.spine import LocatedDisc
from ..regions import disc_grid, resample
from ..study import Volume

SHAPE, SLICES, WIDTH = (112, 224), 5, 1.7
"""Rows and columns of a region, slices of an IVD volume (2.1, 2.2), and widths of the disc that it shows (3.4)."""

DEPTH = 3
"""Slices of a sub-volume (2.4)."""

WHITE, SATURATED = 255.0, (0.5, 99.5)
"""Regions are rescaled to 0-255 (2.1). That it is done by these percentiles of each whole volume is our choice."""

TURN_DEG, SCALE, SHIFT, SWAP, MIRROR = 7.5, (0.8, 1.2), 5.0, 0.5, 0.5
"""Greatest turn, scales, greatest shift in pixels; chances that slices and that columns change their order (3.4)."""

FIELD = (188, 310)
"""Rows and columns that are cut out: `SHAPE` at the smallest scale, turned and shifted the farthest, lies inside, so
that augmentation draws on the picture and not on a black border (our choice)."""

MIXUP_ALPHA = 0.1
"""Both parameters of mixup's beta distribution (3.4)."""


def rescaled(volume: Volume) -> Volume:
    """The volume with its lowest and its highest 0.5 % of voxels at 0 and 255, linear between (2.1)."""
    low, high = np.percentile(volume.array, SATURATED)
    return replace(volume, array=np.clip((volume.array - low) / max(high - low, 1e-6), 0, 1) * WHITE)


def midsagittal(volume: Volume, discs: Sequence[LocatedDisc]) -> int:
    """Number of the slice that the median of the discs' centers lies next to."""
    place = np.median([volume.to_index(disc.center)[0] for disc in discs])
    return int(np.clip(np.round(place), 0, len(volume.array) - 1))


def ivd_volume(volume: Volume, disc: LocatedDisc, middle: int) -> np.ndarray:
    """The IVD volume of a disc in one contrast, with a border (2.1): (5, *FIELD) uint8.

    Center, orientation and width are the disc's in the sagittal plane, the same in all slices. Where the volume has
    fewer slices its outermost are repeated; what lies outside its pictures is black.

    Parameters
    ----------
    volume:
        As `rescaled` makes it.
    middle:
        Number of the midsagittal slice; the five lie about it.
    """
    step = volume.affine[:3, 0]
    across = unit(step)
    anterior = unit(disc.anterior - (disc.anterior @ across) * across)
    center = disc.center + (middle - volume.to_index(disc.center)[0]) * step
    flat = replace(disc, center=center, anterior=anterior, normal=np.cross(anterior, across))
    grid = disc_grid(flat, volume, shape=FIELD, pixel_mm=WIDTH * disc.width_mm / SHAPE[1], slices=SLICES)
    around = SLICES // 2
    repeated = np.pad(volume.array, ((around, around), (0, 0), (0, 0)), mode="edge")
    affine = volume.affine.copy()
    affine[:3, 3] -= around * step
    return resample(repeated, Grid(affine, repeated.shape), grid, outside=0.0).round().astype(np.uint8)


def without_border(regions: Tensor) -> Tensor:
    """The regions (..., *SHAPE), float, in the middle of (..., *FIELD)."""
    rows, columns = ((have - want) // 2 for have, want in zip(FIELD, SHAPE, strict=True))
    return regions[..., rows : rows + SHAPE[0], columns : columns + SHAPE[1]].float()


def augmented(regions: Tensor, mirror: bool = False) -> Tensor:
    """Turned, scaled, shifted, and with slices in reverse (3.4): (B, 2, 5, *SHAPE) float of (B, 2, 5, *FIELD).

    A disc has one draw for all its slices of both contrasts. The paper's "random flipping in the coronal direction"
    puts the canal before the spine, so it is done only if `mirror`. Drawn on the CPU: the same on every device.
    """
    count, (rows, columns) = len(regions), SHAPE
    angle, step = torch.deg2rad(TURN_DEG * _between(-1, 1, count)), 1 / _between(*SCALE, count)
    cosine, sine = step * angle.cos(), step * angle.sin()
    along, down = (2 * SHIFT * _between(-1, 1, count) for _ in SHAPE)
    # Coordinates as grid_sample wants them: columns before rows, and half a side of either picture is 1.
    theta = torch.stack([cosine * columns, -sine * rows, along, sine * columns, cosine * rows, down], 1).view(-1, 2, 3)
    theta /= torch.tensor(FIELD[::-1])[:, None]
    if mirror:
        theta[:, :, 0] *= torch.where(torch.rand(count) < MIRROR, -1.0, 1.0)[:, None]
    swapped = (torch.rand(count) < SWAP).to(regions.device).view(-1, 1, 1, 1, 1)
    grid = functional.affine_grid(theta, [count, 1, *SHAPE], align_corners=False).to(regions.device)
    moved = functional.grid_sample(regions.flatten(1, 2).float(), grid, align_corners=False)
    moved = moved.unflatten(1, regions.shape[1:3])
    return torch.where(swapped, moved.flip(2), moved)


def _between(low: float, high: float, count: int) -> Tensor:
    return low + (high - low) * torch.rand(count)


def sub_volumes(regions: Tensor) -> Tensor:
    """Slices 1-3, 2-4 and 3-5, as channels T1 T1 T1 T2 T2 T2 (2.2, 2.4): (B, 3, 6, *SHAPE) of (B, 2, 5, *SHAPE)."""
    starts = range(SLICES - DEPTH + 1)
    return torch.stack([regions[:, :, start : start + DEPTH].flatten(1, 2) for start in starts], 1)


def mixed(regions: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
    """Mixup (2.3, equation 1): a batch (B, ...) and its targets (B, classes), blended with a permutation of themselves.

    Each of the batch has its own share, drawn from Beta(0.1, 0.1), and its target has the same.
    """
    share = torch.distributions.Beta(MIXUP_ALPHA, MIXUP_ALPHA).sample((len(regions),)).to(regions.device)
    other = torch.randperm(len(regions)).to(regions.device)
    return tuple(
        own * batch + (1 - own) * batch[other]
        for batch in (regions, targets)
        for own in (share.view(-1, *[1] * (batch.ndim - 1)),)
    )
