"""Integrated gradients (Sundararajan 2017): what each pixel adds to the answer of a disc without findings."""

from __future__ import annotations

import numpy as np
import torch

from ..grading.disc_input import INNER, DiscInput
from ..grading.grader import Ensemble
from .answers import CONTRASTS, answer, as_heat, slices_of
from .plain import plain_region

STEPS = 6
"""Steps from the plain disc to the real one; the members of the ensemble read them in turn."""


def heat(one: DiscInput, ensemble: Ensemble, task: str, *, steps: int = STEPS) -> np.ndarray:
    """What speaks for the finding: the positive contributions of `attributions`.

    Returns
    -------
    (slices, rows, columns) float32 in [0, 1] on `DiscInput.inner_grid`, T1 and T2 added up.
    """
    return as_heat(np.maximum(attributions(one, ensemble, task, steps=steps).sum(0), 0))


@torch.enable_grad()
def attributions(one: DiscInput, ensemble: Ensemble, task: str, *, steps: int) -> np.ndarray:
    """Contribution (2, slices, rows, columns) of each pixel of T1 and T2, on `DiscInput.inner_grid`.

    With one member and many steps they add up to the answer of the disc less that of `plain.plain_region`.
    """
    real = slices_of(one, ensemble.device)[..., *INNER]
    plain = torch.from_numpy(plain_region(one.region).swapaxes(0, 1)).to(real)[..., *INNER]
    total = torch.zeros_like(real)
    for number in range(steps):
        # The middle of each step: the error of the sum then falls with the square of their number.
        pixels = torch.lerp(plain, real, (number + 0.5) / steps).requires_grad_()
        score = answer(ensemble.members[number % len(ensemble.members)], pixels, one, task)
        total += torch.autograd.grad(score, pixels)[0] / steps
    return (total * (real - plain))[:, :CONTRASTS].cpu().numpy().swapaxes(0, 1)
