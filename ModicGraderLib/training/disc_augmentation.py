"""Random views of disc regions. The two contrasts of a patient are never changed apart by more than a reference errs:
their relation is what tells the type of a change."""

from __future__ import annotations

import math
from dataclasses import replace

import torch
from torch.nn import functional

from ..grading.disc_input import SHAPE
from ..grading.tasks import SWAP_ENDPLATES
from .disc_store import Bags
from .graded_discs import HIDDEN, LOWER_ENDPLATE, OTHER_ENDPLATE, UNKNOWN

TURN_DEG, ZOOM, STRETCH, SHIFT = 10.0, 0.15, 0.12, 0.06
"""Greatest rotation, logarithm of the zoom and of the stretch head to foot, and shift as a share of half the region.
Published slices are stretched by up to so much (rows and columns of unequal size under one nominal pixel size)."""

GAIN, GAMMA, NOISE = 0.08, 0.2, 0.05
"""Greatest logarithm of the error of the marrow reference and of the exponent on the signal; standard deviation."""

T1_LOST, T2_LOST, UPSIDE_DOWN = 0.05, 0.04, 0.3
"""How often a contrast is taken away, so that the other alone can be graded, and a region turned upside down."""

SLIP = 4
"""Which of the scalars is the slip, which changes its sign upside down."""

NUCLEUS = 5
"""Which of them is the signal of the nucleus on T2; without T2 it is 0."""

PRESENT = slice(6, 8)
"""Scalars that say which contrasts are there."""


def _upside_down_codes() -> torch.Tensor:
    codes = torch.arange(256)
    for own in (0, OTHER_ENDPLATE, HIDDEN, HIDDEN + OTHER_ENDPLATE):
        upper, lower = slice(own + 1, own + LOWER_ENDPLATE), slice(own + LOWER_ENDPLATE + 1, own + 2 * LOWER_ENDPLATE)
        codes[upper], codes[lower] = codes[lower].clone(), codes[upper].clone()
    return codes.to(torch.uint8)


UPSIDE_DOWN_CODES = _upside_down_codes()


def augment(bags: Bags, random: torch.Generator) -> Bags:
    """Random turns, zooms, stretches, shifts, gains, gammas, noise, lost contrasts and upside-down copies.

    Every disc gets one view, common to its slices; regions lose their border.
    """
    discs = len(bags.slices)
    owner = torch.arange(discs).repeat_interleave(torch.tensor(bags.slices))
    flip = torch.rand(discs, generator=random) < UPSIDE_DOWN
    region, codes = _moved(bags, owner, random)
    region, scalars = _exposed(region, bags.scalars, owner, random)
    turned = flip[owner]
    region = torch.where(turned[:, None, None, None], region.flip(-2), region)
    codes = torch.where(turned[:, None, None, None], codes.flip(-2), codes)
    changes = torch.where(turned[:, None, None], UPSIDE_DOWN_CODES[codes[:, 0].long()], codes[:, 0])
    mirrored = scalars.clone()
    mirrored[:, SLIP] *= -1
    return Bags(
        region=region,
        changes=changes,
        anatomy=codes[:, 1],
        scalars=torch.where(flip[:, None], mirrored, scalars),
        targets=torch.where(flip[:, None], bags.targets[:, SWAP_ENDPLATES], bags.targets),
        slices=bags.slices,
    )


def without_border(bags: Bags) -> Bags:
    """The bags as the network reads them when nothing is augmented."""
    rows, columns = ((have - want) // 2 for have, want in zip(bags.region.shape[2:], SHAPE, strict=True))
    inner = (..., slice(rows, rows + SHAPE[0]), slice(columns, columns + SHAPE[1]))
    return replace(bags, region=bags.region[inner], changes=bags.changes[inner], anatomy=bags.anatomy[inner])


def _moved(bags: Bags, owner: torch.Tensor, random: torch.Generator) -> tuple[torch.Tensor, torch.Tensor]:
    discs, (rows, columns) = len(bags.slices), bags.region.shape[2:]
    angle = math.radians(TURN_DEG) * _draw(random, discs)
    across = torch.exp(ZOOM * _draw(random, discs))
    down = across * torch.exp(STRETCH * _draw(random, discs))
    aspect = columns / rows
    theta = torch.zeros(discs, 2, 3)
    theta[:, 0, 0], theta[:, 0, 1] = torch.cos(angle) * across, -torch.sin(angle) * down / aspect
    theta[:, 1, 0], theta[:, 1, 1] = torch.sin(angle) * across * aspect, torch.cos(angle) * down
    theta[:, :, :2] *= torch.tensor([[SHAPE[1] / columns, SHAPE[0] / rows]])
    theta[:, :, 2] = SHIFT * _draw(random, discs, 2)
    grid = functional.affine_grid(theta[owner], [len(owner), 1, *SHAPE], align_corners=False)
    region = functional.grid_sample(bags.region, grid, align_corners=False)
    # Codes are no quantities: the nearest one is taken; beyond the picture nothing is known.
    codes = torch.stack([bags.changes, bags.anatomy], 1).float() - UNKNOWN
    codes = functional.grid_sample(codes, grid, mode="nearest", align_corners=False)
    return region, (codes + UNKNOWN).to(torch.uint8)


def _exposed(
    region: torch.Tensor, scalars: torch.Tensor, owner: torch.Tensor, random: torch.Generator
) -> tuple[torch.Tensor, torch.Tensor]:
    discs = len(scalars)
    gain, gamma = (torch.exp(most * _draw(random, discs, 2, 1, 1))[owner] for most in (GAIN, GAMMA))
    signal = gain * 0.5 * (2 * region[:, :2]).clamp_min(1e-4) ** gamma
    unrest = NOISE * torch.rand(discs, 1, 1, 1, generator=random)[owner]
    signal = signal + unrest * torch.randn(signal.shape, generator=random)
    present = _drop_contrasts(scalars[:, PRESENT], random)
    region = torch.cat([signal.clamp(0, 2) * present[owner][:, :, None, None], region[:, 2:]], 1)
    jitter = 0.1 * torch.randn(scalars.shape, generator=random) * (torch.arange(scalars.shape[1]) < PRESENT.start)
    scalars = scalars + jitter
    scalars[:, PRESENT] = present
    scalars[:, NUCLEUS] *= present[:, 1]
    return region, scalars


def _drop_contrasts(present: torch.Tensor, random: torch.Generator) -> torch.Tensor:
    chance = torch.rand(len(present), generator=random)
    kept = present.clone()
    kept[chance < T1_LOST, 0] = 0
    kept[chance > 1 - T2_LOST, 1] = 0
    return torch.where(kept.sum(1, keepdim=True) > 0, kept, present)


def _draw(random: torch.Generator, *shape: int) -> torch.Tensor:
    return 2 * torch.rand(*shape, generator=random) - 1
