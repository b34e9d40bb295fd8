"""Batches: what every process trains on in each epoch, drawn anew from the seed and the number of the epoch."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from . import ranks


@dataclass
class Batches:
    """The batches of each epoch; every process gets its share of each.

    Attributes
    ----------
    data, batch_sampler, collate, workers, seed:
        As in `fit`.
    """

    data: Dataset
    batch_sampler: Iterable[list[int]]
    collate: Callable[[list], Any] | None
    workers: int
    seed: int

    def of(self, epoch: int) -> tuple[DataLoader, list[float]]:
        """Our shares of an epoch's batches, and what the loss of each counts; seeds everything random.

        Processes step by the mean of their gradients: a loss that is a mean over rows, times this, weighs all rows of a
        batch alike. Of one process it is 1.
        """
        # All processes draw the same order, and then each its own augmentations.
        _seed_all(self.seed, epoch)
        for part in (self.data, self.batch_sampler, getattr(self.batch_sampler, "sampler", None)):
            tell_epoch(part, epoch, self.seed)
        shares = [_own_share(list(batch)) for batch in self.batch_sampler]
        _seed_all(self.seed, epoch, 1 + ranks.rank())
        rows, weights = [rows for rows, _ in shares], [weight for _, weight in shares]
        return DataLoader(self.data, batch_sampler=rows, collate_fn=self.collate, num_workers=self.workers), weights


def _seed_all(*numbers: int) -> None:
    seed = _mixed(*numbers)
    torch.manual_seed(seed)
    np.random.seed(seed)  # noqa: NPY002 (libraries draw from it)
    random.seed(seed)


def _mixed(*numbers: int) -> int:
    return int(np.random.SeedSequence(numbers).generate_state(1)[0])


def tell_epoch(part: object, epoch: int, seed: int) -> None:
    """Seed the generators of a dataset, sampler or loss for an epoch, if it has any of its own."""
    if hasattr(part, "set_epoch"):
        part.set_epoch(epoch)
    if isinstance(generator := getattr(part, "generator", None), torch.Generator):
        generator.manual_seed(_mixed(seed, epoch))


def _own_share(batch: list[int]) -> tuple[list[int], float]:
    """Our rows of a batch, and what their mean counts among the processes' means.

    At least one row, since all processes step together; one that is another's counts nothing.
    """
    number, count = ranks.rank(), ranks.processes()
    own = batch[number::count]
    return own or [batch[number % len(batch)]], count * len(own) / len(batch)


def to_device(batch: Any, device: torch.device) -> Any:
    """A batch of tensors, also inside of mappings and sequences, on a device."""
    if isinstance(batch, Tensor):
        return batch.to(device, non_blocking=True)
    if isinstance(batch, Mapping):
        return {name: to_device(value, device) for name, value in batch.items()}
    if isinstance(batch, tuple) and hasattr(batch, "_fields"):
        return type(batch)(*(to_device(value, device) for value in batch))
    if isinstance(batch, (list, tuple)):
        return type(batch)(to_device(value, device) for value in batch)
    return batch
