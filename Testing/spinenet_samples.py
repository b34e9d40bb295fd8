"""Samples of noise for SpineNet, and a network whose answers are known."""

from __future__ import annotations

import zlib

import numpy as np
import torch
from torch import nn

from ModicGraderLib.recipes.spinenet2016_discs import TASKS
from ModicGraderLib.recipes.spinenet2016_views import SOURCE_SHAPE
from ModicGraderLib.training.labelled_study import DiscLabels
from ModicGraderLib.training.samples import Sample


class Squares(nn.Module):
    """A network whose gradient is twice the picture; class 1 is told by it, class 0 by nothing."""

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(9))

    def forward(self, copies: torch.Tensor) -> dict[str, torch.Tensor]:
        score = (copies**2).sum((1, 2, 3))
        return {task: torch.stack([0 * score] * (n - 1) + [score], 1) for task, n in TASKS.items()}


def as_bytes(volume: torch.Tensor) -> np.ndarray:
    return (255 * volume).round().to(torch.uint8).numpy()


def noise_sample(patient: str, labels: DiscLabels, level: str = "L4/L5") -> Sample:
    """A disc whose volume is noise of its own."""
    seed = zlib.crc32(f"{patient} {level}".encode())
    volume = np.random.default_rng(seed).integers(0, 256, SOURCE_SHAPE, dtype=np.uint8)
    return Sample(f"study of {patient}", patient, level, labels, {"volume": volume})
