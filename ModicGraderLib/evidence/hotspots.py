"""SpineNet's evidence hotspots (Jamaludin 2016, section 3): how strongly each pixel moves the answer."""

from __future__ import annotations

import numpy as np
import torch

from ..grading.disc_input import INNER, DiscInput
from ..grading.grader import Ensemble
from .answers import CONTRASTS, answer, as_heat, contrasts_there, slices_of
from .copies import draw_copies, taken

COPIES = 6
"""Copies over which the heat is averaged; the members of the ensemble read them in turn."""


@torch.enable_grad()
def heat(one: DiscInput, ensemble: Ensemble, task: str, *, copies: int = COPIES, seed: int = 0) -> np.ndarray:
    """Magnitude of the gradient of the answer, kept slice by slice, averaged over random copies brought back.

    Of SpineNet's copies those with the slices in reverse are left out: this network pools slices in no order.

    Returns
    -------
    (slices, rows, columns) float32 in [0, 1] on `DiscInput.inner_grid`, T1 and T2 added up.
    """
    region = slices_of(one, ensemble.device)
    total = torch.zeros_like(region)
    for number, copy in enumerate(draw_copies(copies, seed)):
        pixels = region.clone().requires_grad_()
        member = ensemble.members[number % len(ensemble.members)]
        score = answer(member, taken(pixels, copy), one, task)
        total += torch.autograd.grad(score, pixels)[0].abs()
    magnitude = total[:, :CONTRASTS].cpu().numpy()[:, contrasts_there(one)].sum(1)
    return as_heat(magnitude[:, *INNER])
