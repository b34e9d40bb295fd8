"""What every method of evidence shares: the disc as a tensor, the answer that is explained, and the heat it becomes."""

from __future__ import annotations

import numpy as np
import torch
from scipy import ndimage
from torch import nn

from ..grading.disc_input import DiscInput
from ..grading.tasks import BINARY_TASKS, PFIRRMANN

PFIRRMANN_TASK = "pfirrmann"
TASKS = (*BINARY_TASKS, PFIRRMANN_TASK)
"""Answers that can be explained."""

CONTRASTS = 2
"""The first channels of a region, T1 and T2. Masks are no evidence: they are our own drawing."""

SMOOTH_PIXELS = 1.5
"""Standard deviation by which raw heat is smoothed: at half resolution, where networks work, a pixel means nothing."""


def slices_of(one: DiscInput, device: torch.device) -> torch.Tensor:
    """The region with its border, slice by slice: (slices, channels, rows, columns)."""
    return torch.from_numpy(np.ascontiguousarray(one.region.swapaxes(0, 1))).to(device)


def contrasts_there(one: DiscInput) -> np.ndarray:
    """Which of T1 and T2 the disc was read from: (2,) bool."""
    return one.region[:CONTRASTS].any((1, 2, 3))


def answer(member: nn.Module, slices: torch.Tensor, one: DiscInput, task: str) -> torch.Tensor:
    """The unnormalized score (a scalar) that a member of an ensemble gives a task, higher for more disease.

    Parameters
    ----------
    slices:
        (slices, channels, rows, columns), without a border, of the disc `one`.
    task:
        One of `TASKS`. Of Pfirrmann's grade the four questions "above grade 1 ... 4" are added up.
    """
    if task not in TASKS:
        raise ValueError(f"{task!r} cannot be explained; known are {', '.join(TASKS)}")
    scalars = torch.from_numpy(one.scalars)[None].to(slices.device)
    logits = member(slices, scalars, [len(slices)])[0][0]
    return logits[PFIRRMANN].sum() if task == PFIRRMANN_TASK else logits[BINARY_TASKS.index(task)]


def as_heat(values: np.ndarray) -> np.ndarray:
    """Heat (slices, rows, columns) float32 with 1 at its hottest pixel, from values that are not negative.

    Smoothed within the slices alone; all zero where the values are.
    """
    smooth = ndimage.gaussian_filter(values.astype(np.float32), (0, SMOOTH_PIXELS, SMOOTH_PIXELS))
    hottest = float(smooth.max())
    return smooth / hottest if hottest > 0 else smooth
