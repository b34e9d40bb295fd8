"""Grad-CAM (Selvaraju 2017): feature maps weighted by what they do to the answer."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from ..grading.disc_input import INNER, DiscInput
from ..grading.grader import Ensemble
from ..grading.network import DiscReader
from .answers import answer, as_heat, slices_of

READINGS = 4
"""At most so many members of the ensemble are asked."""


def finest_stage(member: DiscReader) -> nn.Module:
    """The decoder's last stage, at half the picture's resolution, from which the map of changed marrow is drawn.

    Answers rest on coarser stages of the encoder as well, which reach them past this one; that part is not seen here.
    The encoder's own stages, tried on simulated patients, show changes far less sharply.
    """
    return member.up[-1]


@torch.enable_grad()
def heat(
    one: DiscInput, ensemble: Ensemble, task: str, *, stage: Callable[[nn.Module], nn.Module] = finest_stage
) -> np.ndarray:
    """Positive part of the feature maps of a stage, each weighted by its mean gradient over the whole disc.

    Returns
    -------
    (slices, rows, columns) float32 in [0, 1] on `DiscInput.inner_grid`.
    """
    slices = slices_of(one, ensemble.device)[..., *INNER]
    total = 0.0
    for member in ensemble.members[:READINGS]:
        with _outputs_of(stage(member)) as outputs:
            score = answer(member, slices.clone().requires_grad_(), one, task)
        features = outputs[-1]
        weight = torch.autograd.grad(score, features)[0].mean((0, 2, 3), keepdim=True)
        cam = (weight * features).sum(1, keepdim=True).clamp_min(0)
        total = total + functional.interpolate(cam, slices.shape[-2:], mode="bilinear").detach()
    return as_heat(total[:, 0].cpu().numpy())


@contextmanager
def _outputs_of(stage: nn.Module) -> Iterator[list[torch.Tensor]]:
    """What a stage puts out while the block runs."""
    outputs: list[torch.Tensor] = []
    handle = stage.register_forward_hook(lambda module, inputs, output: outputs.append(output))
    try:
        yield outputs
    finally:
        handle.remove()
