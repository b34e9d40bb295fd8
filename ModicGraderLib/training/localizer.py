"""Train the localization network; resumes where it was stopped.

The loss is the negative logarithm of the probability of the *set* of structures a pixel may be, the cross-entropy of
the identities where they are known, and that of the corner heatmaps.
"""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file
from torch.nn import functional
from torch.utils.data import DataLoader, IterableDataset

from ..localization.network import STRUCTURES, SpineNetwork
from ..models import write_weights
from ..whole_files import whole_file
from .precision import has_bfloat16
from .spine_augmentation import SpineViews, View
from .spine_slices import ALLOWED, NO_IDENTITY, SpineSlice

ALLOWED_TABLE = torch.tensor([[float(s in ALLOWED[code]) for s in range(len(STRUCTURES))] for code in sorted(ALLOWED)])


class _Stream(IterableDataset):
    """An endless stream of random views, drawn from the sources with the given shares."""

    def __init__(self, sources: Sequence[Sequence[SpineSlice]], shares: Sequence[float], seed: int):
        self.sources, self.shares, self.seed = sources, np.asarray(shares) / np.sum(shares), seed

    def __iter__(self):
        worker = torch.utils.data.get_worker_info()
        seed = self.seed + (worker.id if worker else 0)
        random, views = np.random.default_rng(seed), SpineViews(seed=seed)
        while True:
            source = self.sources[random.choice(len(self.sources), p=self.shares)]
            view = views(source[random.integers(len(source))])
            yield view.image, view.structure, view.identity, view.corners, view.corners_known


def spine_loss(outputs: tuple[torch.Tensor, ...], view: View) -> torch.Tensor:
    """Scalar loss of the network's logits against a batch of views (every field with a leading batch axis)."""
    structures, identities, corners = outputs
    allowed = torch.stack([column[view.structure] for column in ALLOWED_TABLE.T.contiguous()], 1)
    log_probability = functional.log_softmax(structures, 1)
    likelihood = torch.logsumexp(log_probability.masked_fill(allowed == 0, -1e4), 1)
    informative = allowed.sum(1) < len(STRUCTURES)
    # The spine is a tenth of the picture; its pixels count threefold.
    weight = informative * torch.where(view.identity == NO_IDENTITY, 1.0, 3.0)
    structure_loss = -(likelihood * weight).sum() / weight.sum()
    known = view.identity != NO_IDENTITY
    identity_loss = functional.cross_entropy(identities, torch.where(known, view.identity, -100), ignore_index=-100)
    heat = functional.binary_cross_entropy_with_logits(corners, view.corners, reduction="none")
    heat_weight = view.corners_known[:, None] * (1 + 20 * view.corners)
    return structure_loss + identity_loss + 2 * (heat * heat_weight).sum() / heat_weight.sum()


def train(
    sources: Sequence[Sequence[SpineSlice]],
    shares: Sequence[float],
    out: Path,
    *,
    steps: int,
    batch: int = 8,
    learning_rate: float = 2e-3,
    start: Path | None = None,
    seed: int = 0,
    workers: int = 1,
    bfloat16: bool = False,
) -> Path:
    """Train for `steps` batches and return the weights' path; `start` gives the weights to begin with.

    With `bfloat16` the network runs in that precision where the processor has it, about twice as fast.

    `out` keeps `state.pt` (weights, optimizer, step) every 200 steps, from which an interrupted call goes on, and
    `log.jsonl`.
    """
    torch.manual_seed(seed)
    out.mkdir(parents=True, exist_ok=True)
    network = SpineNetwork().to(memory_format=torch.channels_last)
    if start:
        network.load_weights(load_file(start))
    optimizer = torch.optim.AdamW(network.parameters(), lr=learning_rate, weight_decay=1e-4)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, learning_rate, total_steps=steps, pct_start=0.1)
    done = _resume(out / "state.pt", network, optimizer, schedule)
    if done >= steps:
        return out / "weights.safetensors"
    loader = DataLoader(_Stream(sources, shares, seed + done), batch_size=batch, num_workers=workers)
    network.train()
    began, losses = time.time(), []
    for step, fields in enumerate(loader, start=done + 1):
        view = View(*fields)
        with torch.autocast("cpu", torch.bfloat16, enabled=bfloat16 and has_bfloat16(torch.device("cpu"))):
            outputs = network(view.image.contiguous(memory_format=torch.channels_last))
        loss = spine_loss(tuple(output.float() for output in outputs), view)
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(network.parameters(), 5.0)
        optimizer.step()
        schedule.step()
        losses.append(loss.item())
        if step % 50 == 0:
            with (out / "log.jsonl").open("a") as log:
                log.write(json.dumps({"step": step, "loss": float(np.mean(losses)), "s": time.time() - began}) + "\n")
            losses.clear()
        if step % 200 == 0 or step == steps:
            _save(out, network, optimizer, schedule, step)
        if step == steps:
            break
    return out / "weights.safetensors"


def _save(out: Path, network, optimizer, schedule, step: int) -> None:
    state = {
        "network": network.state_dict(),
        "optimizer": optimizer.state_dict(),
        "schedule": schedule.state_dict(),
        "step": step,
    }
    with whole_file(out / "state.pt") as unfinished:
        torch.save(state, unfinished)
    write_weights(out / "weights.safetensors", network.weights())


def _resume(path: Path, network, optimizer, schedule) -> int:
    if not path.exists():
        return 0
    state = torch.load(path, weights_only=True)
    network.load_state_dict(state["network"])
    optimizer.load_state_dict(state["optimizer"])
    schedule.load_state_dict(state["schedule"])
    return state["step"]
