"""A tiny training with everything that is random in real ones; by itself, `python tiny_fit.py FOLDER EPOCHS ...`."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import Any

import torch
from torch import nn
from torch.utils.data import Dataset, WeightedRandomSampler

from ModicGraderLib.training.fit import fit

ROWS = 12


class Points(Dataset):
    """Points of a line with noise that is drawn anew each time, as augmentations are."""

    def __init__(self, noise: float = 0.1, pause: float = 0.0):
        self.noise, self.pause = noise, pause

    def __len__(self) -> int:
        return ROWS

    def __getitem__(self, row: int) -> dict[str, torch.Tensor]:
        time.sleep(self.pause)
        x = torch.tensor([row / ROWS, 1.0])
        return {"x": x + self.noise * torch.randn(2), "y": torch.tensor([3 * row / ROWS - 1])}


def line() -> dict[str, torch.Tensor]:
    """All points without noise."""
    points = [Points(0.0)[row] for row in range(ROWS)]
    return {key: torch.stack([point[key] for point in points]) for key in ("x", "y")}


def squares(network: nn.Module, batch: dict[str, torch.Tensor]) -> torch.Tensor:
    """Mean squared error."""
    return ((network(batch["x"]) - batch["y"]) ** 2).mean()


def tiny_fit(folder: Path, epochs: int, *, noise: float = 0.1, pause: float = 0.0, dropout: float = 0.3, **more):
    """Fit a network of 13 weights with dropout, momentum, a schedule and a weighted sampler; return it."""
    torch.manual_seed(7)
    network = nn.Sequential(nn.Linear(2, 3), nn.Tanh(), nn.Dropout(dropout), nn.Linear(3, 1))
    optimizer = torch.optim.SGD(network.parameters(), 0.1, momentum=0.9)
    schedule = torch.optim.lr_scheduler.StepLR(optimizer, 3, 0.5)
    call = {
        "name": "tiny",
        "epochs": epochs,
        "batch_size": 4,
        "optimizer": optimizer,
        "schedule": schedule,
        "seed": 1,
        "sampler": WeightedRandomSampler(torch.arange(1.0, 1 + ROWS), ROWS),
    }
    fit(network, squares, Points(noise, pause), folder, **{**call, **more})
    return network


def stopped_early(batch_size: int, patience: int) -> dict[str, Any]:
    """Further arguments of `tiny_fit`: in batches of this size, until the points are not hit better any more."""
    return {
        "batch_size": batch_size,
        "patience": patience,
        "validate": lambda network: squares(network, line()).item(),
        "schedule": None,
    }


if __name__ == "__main__":
    folder, epochs, pause, noise, dropout, *stopping = sys.argv[1:]
    more = stopped_early(*map(int, stopping)) if stopping else {}
    tiny_fit(Path(folder), int(epochs), pause=float(pause), noise=float(noise), dropout=float(dropout), **more)
