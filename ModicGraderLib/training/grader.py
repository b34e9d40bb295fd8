"""Train the disc reader: on simulated patients, whose every pixel is known, then by cross-validation with real ones.

Every real disc gets a score from the member that has never seen its patient. On these out-of-fold scores the
calibration is fitted and the results are reported (`evaluation`).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file

from ..grading.grader import joined
from ..grading.network import DiscReader
from ..models import write_weights
from ..whole_files import whole_file
from .data_folder import FOLDS, fold_of, write_json
from .disc_augmentation import augment, without_border
from .disc_loss import SOFTENED, YES_NO, disc_loss, pixel_loss
from .disc_store import Bags, DiscStore

SLICES = 24
"""Slices in a batch."""

BAGS = (1, 2, 3, 5)
"""Slices of a simulated disc that are seen together; a batch has bags of one size."""

KEPT = 0.3
"""Share of the weights learned from simulated patients alone that a member keeps (Wortsman 2022, CVPR, 7959: models
between the one before and the one after fine-tuning are more robust than either). On simulated validation patients that
won back most of what SPIDER's discs, which teach no types and no endplates, had made the members forget."""

CHECKPOINT_EVERY = 200
"""Steps after which training can go on if it was stopped."""


@dataclass(frozen=True)
class Source:
    """Discs to learn from, and their share of the slices of a batch."""

    store: DiscStore
    chosen: np.ndarray
    share: float
    softened: float


def pretrain(simulated: DiscStore, out: Path, *, steps: int, learning_rate: float = 3e-3, seed: int = 0) -> Path:
    """Weights learned from simulated patients alone; training that was stopped goes on."""
    source = Source(simulated, np.arange(len(simulated)), 1.0, 0.0)
    return train([source], out / "pretrained.safetensors", steps=steps, learning_rate=learning_rate, seed=seed)


def cross_validate(
    real: DiscStore,
    simulated: DiscStore,
    out: Path,
    *,
    start: Path | None,
    steps: int,
    share: float = 0.25,
    learning_rate: float = 1.5e-3,
    kept: float = KEPT,
    repeats: int = 1,
    seed: int = 0,
    slices: int = SLICES,
) -> np.ndarray:
    """Train `FOLDS * repeats` members from `start`; return the out-of-fold logits (discs, outputs) of the real discs.

    `share` of the slices of a batch are simulated; `kept` of each weight stays as it was at the start. Members that are
    in `out` already are not trained again.
    """
    folds = np.array([fold_of(patient, FOLDS) for patient in real.patients])
    logits = np.zeros((len(real), real.targets.shape[1]))
    for number in range(FOLDS * repeats):
        own = folds == number % FOLDS
        sources = [
            Source(real, np.flatnonzero(~own), 1 - share, SOFTENED),
            Source(simulated, np.arange(len(simulated)), share, 0.0),
        ]
        tuned = train(
            [source for source in sources if source.share],
            out / f"tuned{number}.safetensors",
            steps=steps,
            learning_rate=learning_rate,
            seed=seed + number + 1,
            start=start,
            slices=slices,
        )
        path = out / f"member{number}.safetensors"
        _blend(start, tuned, kept, path)
        held = np.flatnonzero(own)
        logits[held] += predict(load_reader(path), real, held) / repeats
    _write_out_of_fold(real, logits, out / "out_of_fold.json")
    return logits


def train(
    sources: Sequence[Source],
    path: Path,
    *,
    steps: int,
    learning_rate: float,
    seed: int,
    start: Path | None = None,
    slices: int = SLICES,
) -> Path:
    """Train a reader for `steps` batches of `slices`; write its weights, averaged over the last steps, to `path`."""
    if path.exists():
        return path
    path.parent.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(seed)
    network = DiscReader()
    if start is not None:
        network.load_state_dict(load_file(start))
    network = network.to(memory_format=torch.channels_last).train()
    optimizer = torch.optim.AdamW(network.parameters(), learning_rate, weight_decay=0.02)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, learning_rate, total_steps=steps, pct_start=0.15)
    average = torch.optim.swa_utils.AveragedModel(
        network, multi_avg_fn=torch.optim.swa_utils.get_ema_multi_avg_fn(0.99), use_buffers=True
    )
    balance = _balance(sources)
    done = _resume(path, network, optimizer, schedule, average)
    # What goes on after a stop sees other batches than what came before it.
    random, rng = torch.Generator().manual_seed(seed + done), np.random.default_rng([seed, done])
    losses = []
    for step in range(done, steps):
        bags, softened = _batch(sources, slices, rng, random)
        logits, pixels = network.read(bags.region, bags.scalars, bags.slices)
        answers = disc_loss(logits, bags.targets, balance, softened)
        shown = pixel_loss(pixels, bags.changes, bags.anatomy)
        optimizer.zero_grad()
        (answers + shown).backward()
        torch.nn.utils.clip_grad_norm_(network.parameters(), 5.0)
        optimizer.step()
        schedule.step()
        average.update_parameters(network)
        losses.append((answers.item(), shown.item()))
        if (step + 1) % CHECKPOINT_EVERY == 0:
            _checkpoint(path, step + 1, network, optimizer, schedule, average)
            answers, shown = np.mean(losses, 0)
            print(f"{path.stem}: step {step + 1}, answers {answers:.3f}, pixels {shown:.3f}", flush=True)
            losses.clear()
    write_weights(path, average.module.state_dict())
    _checkpoint_path(path).unlink(missing_ok=True)
    return path


def load_reader(path: Path) -> DiscReader:
    """A trained reader, ready to predict."""
    network = DiscReader()
    network.load_state_dict(load_file(path))
    return network.to(memory_format=torch.channels_last).eval()


@torch.inference_mode()
def predict(network: DiscReader, store: DiscStore, chosen: np.ndarray) -> np.ndarray:
    """Logits (len(chosen), outputs) from all slices of each disc, without augmentation."""
    parts = []
    for some in np.array_split(chosen, math.ceil(len(chosen) / 16)):
        bags = without_border(store.whole(some))
        parts.append(network(bags.region, bags.scalars, bags.slices)[0].numpy())
    return np.concatenate(parts)


def predict_together(
    members: Sequence[DiscReader], base: DiscReader | None, store: DiscStore, chosen: np.ndarray
) -> np.ndarray:
    """Logits (len(chosen), outputs) of members and base joined, as `grading.grader.grade_discs` joins them."""
    mean = np.mean([predict(member, store, chosen) for member in members], axis=0)
    return joined(mean, predict(base, store, chosen) if base else None)


def _blend(start: Path | None, tuned: Path, kept: float, path: Path) -> None:
    """Write the weights `kept` of the way back from those that were tuned to those at the start, if there are any."""
    after = load_file(tuned)
    before = after if start is None else load_file(start)
    blended = {
        name: torch.lerp(tensor, before[name], kept) if tensor.is_floating_point() else tensor
        for name, tensor in after.items()
    }
    write_weights(path, blended)


def _batch(
    sources: Sequence[Source], slices: int, rng: np.random.Generator, random: torch.Generator
) -> tuple[Bags, torch.Tensor]:
    parts, softened = [], []
    size = int(rng.choice(BAGS))
    for source in sources:
        # Real discs have one slice each, so that they come one by one.
        size_here = min(size, int(source.store.count.max()))
        count = max(round(source.share * slices / size_here), 1)
        parts.append(source.store.windows(rng.choice(source.chosen, count), size_here, rng))
        softened.append(torch.full((count,), source.softened))
    together = Bags(
        *(
            torch.cat([getattr(part, name) for part in parts])
            for name in ("region", "changes", "anatomy", "scalars", "targets")
        ),
        slices=[one for part in parts for one in part.slices],
    )
    return augment(together, random), torch.cat(softened)


def _balance(sources: Sequence[Source]) -> torch.Tensor:
    # Square root of the odds: full balancing lets the eleven slipped discs shout down everything else.
    frequency = sum(source.share * source.store.targets[source.chosen, :YES_NO].nanmean(0) for source in sources)
    frequency = frequency.nan_to_num(0.5).clamp(0.02, 0.98)
    return torch.sqrt((1 - frequency) / frequency)


def _checkpoint_path(path: Path) -> Path:
    return path.with_suffix(".checkpoint")


def _checkpoint(path: Path, step: int, *parts: object) -> None:
    with whole_file(_checkpoint_path(path)) as unfinished:
        torch.save({"step": step, "parts": [part.state_dict() for part in parts]}, unfinished)


def _resume(path: Path, *parts: object) -> int:
    if not _checkpoint_path(path).exists():
        return 0
    saved = torch.load(_checkpoint_path(path), weights_only=True)
    for part, state in zip(parts, saved["parts"], strict=True):
        part.load_state_dict(state)
    return saved["step"]


def _write_out_of_fold(real: DiscStore, logits: np.ndarray, path: Path) -> None:
    rows = [
        {
            "patient": patient,
            "targets": [None if math.isnan(value) else value for value in targets.tolist()],
            "logits": logit.tolist(),
        }
        for patient, targets, logit in zip(real.patients, real.targets, logits, strict=True)
    ]
    write_json(path, rows)
