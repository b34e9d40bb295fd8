"""fit(): the one training loop of all recipes; goes on where it was stopped, on a CPU, a GPU, or several.

What makes going on exact is that nothing random is carried from one epoch to the next: at the start of each, the
generators of torch, numpy and Python are seeded from the seed and the number of the epoch.

Under `torchrun --nproc-per-node N` every batch is shared among the N processes, and all of its rows weigh alike: with a
loss that is a mean over rows, each step is that of one process. What looks at several rows at once looks at a process's
share alone: batch normalization, whose running statistics are those of the first process, partners of mixup, and losses
that are no mean over rows, as Dice over a batch or a mean over labelled rows. With these, a share should not be small.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from contextlib import nullcontext
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel
from torch.optim.lr_scheduler import ReduceLROnPlateau
from torch.utils.data import BatchSampler, Dataset, RandomSampler, Sampler
from torch.utils.tensorboard import SummaryWriter

from ..errors import InputError
from ..models import write_weights
from ..progress import Progress
from ..terminal import shown_progress
from ..whole_files import whole_file
from . import ranks
from .batches import Batches, tell_epoch, to_device

Loss = Callable[[nn.Module, Any], Tensor]


def fit(
    network: nn.Module,
    loss: Loss,
    data: Dataset,
    folder: Path,
    *,
    name: str,
    epochs: int,
    optimizer: torch.optim.Optimizer,
    seed: int,
    batch_size: int | None = None,
    sampler: Sampler[int] | None = None,
    batch_sampler: Iterable[list[int]] | None = None,
    collate: Callable[[list], Any] | None = None,
    device: str = "cpu",
    validate: Callable[[nn.Module], float] | None = None,
    patience: int | None = None,
    settling: int = 0,
    schedule: torch.optim.lr_scheduler.LRScheduler | None = None,
    on_epoch: Callable[[int, nn.Module], None] | None = None,
    workers: int = 0,
) -> None:
    """Train a network, and leave its weights in `folder/<name>.safetensors` and in the network, which is set to `eval`.

    Where that file is there already, its weights are loaded and nothing is trained. `folder/<name>.checkpoint` keeps
    what the next call needs to go on after the last whole epoch; on a CPU it ends with the same weights as an unbroken
    run. `folder/logs/<name>` is for TensorBoard.

    Parameters
    ----------
    network:
        Moved to `device`. Before an epoch it is set to `train`.
    loss:
        Scalar loss of the network at a batch, whose tensors are on `device`. It calls the network, and asks for none of
        its attributes: under `torchrun` the network is wrapped. Augmentation and mixup belong here or into `data`.
    data:
        Of the map style, with items that `collate` can make a batch of. Random draws in `data`, the samplers and `loss`
        come from torch's, numpy's or Python's global generators; whoever has generators of its own seeds them in
        `set_epoch(epoch)`, which is called where it exists.
    name:
        Of the files.
    epochs:
        How many, from the first; early stopping may end sooner.
    optimizer, schedule:
        Built on the network's parameters. The schedule is stepped after each epoch; `ReduceLROnPlateau` is told the
        loss of validation, or that of training where nothing is validated.
    seed:
        Of everything random from here on; the network's first weights are the caller's.
    batch_size, sampler, batch_sampler:
        The size of a batch and, if rows are not merely shuffled, the order of rows; or in place of both, lists of rows.
    collate:
        Makes a batch of a list of items; tensors are stacked by default.
    validate:
        Loss of the network in `eval` without gradients, lower is better; asked after each epoch.
    patience:
        So many epochs without a lower validation loss end the training, and the weights of the best epoch are kept;
        None to train to the end and keep the last weights.
    settling:
        So many of the first epochs are not looked at by `patience`, nor kept as the best; for a loss that is low while
        the network has learned nothing. Where training ends within them, the last weights are kept.
    on_epoch:
        Called with the number of the epoch, from 0, and the network, before each; for gradual unfreezing. After a stop
        it is called for all epochs that are done as well.
    workers:
        Processes that read `data`.

    Raises
    ------
    InputError
        The loss of training or validation became infinite or not a number.
    """
    if (batch_size is None) == (batch_sampler is None):
        raise ValueError("give either batch_size or batch_sampler")
    if patience is not None and validate is None:
        raise ValueError("patience needs validate")
    if batch_sampler is None:
        batch_sampler = BatchSampler(sampler or RandomSampler(data), batch_size, drop_last=False)
    folder.mkdir(parents=True, exist_ok=True)
    where = ranks.join(device)
    network.to(where)
    weights = folder / f"{name}.safetensors"
    # The first decides for all: it might write them before another asks.
    if not ranks.shared(weights.exists(), where):
        training = _Training(
            network, loss, optimizer, schedule, validate, patience, settling, on_epoch, seed, weights, where
        )
        training.run(epochs, Batches(data, batch_sampler, collate, workers, seed))
        ranks.wait()
    network.load_state_dict(load_file(weights, device=str(where)))
    network.eval()


@dataclass
class _State:
    """How far training has come: whole epochs, the lowest validation loss, and the epochs since then."""

    epoch: int = 0
    lowest: float = math.inf
    stale: int = 0


@dataclass
class _Training:
    network: nn.Module
    loss: Loss
    optimizer: torch.optim.Optimizer
    schedule: torch.optim.lr_scheduler.LRScheduler | None
    validate: Callable[[nn.Module], float] | None
    patience: int | None
    settling: int
    on_epoch: Callable[[int, nn.Module], None] | None
    seed: int
    weights: Path
    device: torch.device

    def run(self, epochs: int, batches: Batches) -> None:
        state = self._resume()
        # Until all have read the checkpoint; the first might be about to delete it.
        ranks.wait()
        with self._logs(state.epoch) as logs, shown_progress() if ranks.is_first() else nullcontext(Progress()) as bar:
            while state.epoch < epochs and not self._is_stale(state):
                bar.step(state.epoch / epochs, f"{self.weights.stem}: epoch {state.epoch + 1} of {epochs}")
                losses = self._epoch(state, batches)
                if logs:
                    for title, value in losses.items():
                        logs.add_scalar(title, value, state.epoch)
                if ranks.is_first():
                    self._checkpoint(state)
        if ranks.is_first():
            if self.patience is None or not self._best.exists():
                write_weights(self.weights, self.network.state_dict())
            else:
                self._best.replace(self.weights)
            self._stopped.unlink(missing_ok=True)

    def _epoch(self, state: _State, batches: Batches) -> dict[str, float]:
        """Train for one epoch, validate, and return the losses and the learning rate by name."""
        loader, weights = batches.of(state.epoch)
        tell_epoch(self.loss, state.epoch, self.seed)
        self.network.train()
        if self.on_epoch:
            self.on_epoch(state.epoch, self.network)
        # Wrapped anew each time, since layers may have been unfrozen.
        network = self.network
        if ranks.processes() > 1:
            network = DistributedDataParallel(network, find_unused_parameters=True)
        values = []
        for batch, weight in zip(loader, weights, strict=True):
            value = weight * self.loss(network, to_device(batch, self.device))
            self.optimizer.zero_grad(set_to_none=True)
            value.backward()
            self.optimizer.step()
            values.append(value.detach())
        rate = self.optimizer.param_groups[0]["lr"]
        mean = ranks.averaged(torch.stack(values).mean().item(), self.device)
        self._check("loss", mean, state)
        losses = {"loss/training": mean, "learning_rate": rate}
        if self.validate:
            losses["loss/validation"] = self._validated(state)
        self._step_schedule(losses)
        state.epoch += 1
        return losses

    def _validated(self, state: _State) -> float:
        """Validation loss; keeps the weights that have the lowest so far."""
        self.network.eval()
        value = 0.0
        if ranks.is_first():
            with torch.no_grad():
                value = float(self.validate(self.network))
        value = ranks.shared(value, self.device)
        self._check("validation loss", value, state)
        if state.epoch < self.settling:
            return value
        state.stale += 1
        if value < state.lowest:
            state.lowest, state.stale = value, 0
            if self.patience is not None and ranks.is_first():
                write_weights(self._best, self.network.state_dict())
        return value

    def _check(self, what: str, value: float, state: _State) -> None:
        if not math.isfinite(value):
            raise InputError(
                f"The {what} of {self.weights.stem} is {value} in epoch {state.epoch + 1}; look for images without any"
                " signal among the data, and use another output folder."
            )

    def _step_schedule(self, losses: Mapping[str, float]) -> None:
        if isinstance(self.schedule, ReduceLROnPlateau):
            self.schedule.step(losses.get("loss/validation", losses["loss/training"]))
        elif self.schedule:
            self.schedule.step()

    def _is_stale(self, state: _State) -> bool:
        return self.patience is not None and state.stale >= self.patience

    @property
    def _stopped(self) -> Path:
        return self.weights.with_suffix(".checkpoint")

    @property
    def _best(self) -> Path:
        return self.weights.with_suffix(".best")

    def _parts(self) -> dict[str, Any]:
        parts = {"network": self.network, "optimizer": self.optimizer, "schedule": self.schedule}
        return {name: part for name, part in parts.items() if part is not None}

    def _checkpoint(self, state: _State) -> None:
        saved = {"state": asdict(state), **{name: part.state_dict() for name, part in self._parts().items()}}
        with whole_file(self._stopped) as unfinished:
            torch.save(saved, unfinished)

    def _resume(self) -> _State:
        if not self._stopped.exists():
            return _State()
        saved = torch.load(self._stopped, weights_only=True, map_location=self.device)
        state = _State(**saved["state"])
        # First, because it may give the optimizer more parameters.
        for epoch in range(state.epoch if self.on_epoch else 0):
            self.on_epoch(epoch, self.network)
        for name, part in self._parts().items():
            part.load_state_dict(saved[name])
        return state

    def _logs(self, epoch: int) -> SummaryWriter | nullcontext:
        """TensorBoard's log, without what an epoch that was stopped half-way left in it."""
        if not ranks.is_first():
            return nullcontext()
        return SummaryWriter(self.weights.parent / "logs" / self.weights.stem, purge_step=epoch + 1)
