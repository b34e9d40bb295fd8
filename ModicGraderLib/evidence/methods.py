"""The ways to find evidence, by name, and the one that is taken."""

from __future__ import annotations

from typing import Protocol

import numpy as np

from ..grading.disc_input import DiscInput
from ..grading.grader import Ensemble
from . import grad_cam, hotspots, integrated_gradients


class Method(Protocol):
    """Heat (slices, rows, columns) float32 in [0, 1] on `DiscInput.inner_grid` for a task of `answers.TASKS`."""

    def __call__(self, one: DiscInput, ensemble: Ensemble, task: str) -> np.ndarray: ...


METHODS: dict[str, Method] = {
    "hotspots": hotspots.heat,
    "grad_cam": grad_cam.heat,
    "integrated_gradients": integrated_gradients.heat,
}

DEFAULT_METHOD = "grad_cam"
"""Chosen by `evaluation.evidence` on simulated validation patients.

Of its heat most lies in the true change, its peaks point as well as any, and it takes a third of the time.
"""
