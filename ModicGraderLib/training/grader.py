"""Train the disc grader by cross-validation over patients; the members of all folds become the shipped ensemble.

Every disc gets a score from the members that have never seen its patient. On these out-of-fold scores the
calibration is fitted and the results are reported (`evaluation`).
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import save_file
from sklearn.linear_model import LogisticRegression
from torch.nn import functional

from ..grading.disc_input import BORDER, SHAPE
from ..grading.network import DiscGrader
from ..grading.tasks import OUTPUTS, SWAP_ENDPLATES
from .data_folder import fold_of
from .spider_discs import GradedDisc

FOLDS = 5
BATCH = 32
LEARNING_RATE = 2e-3


def cross_validate(
    discs: list[GradedDisc],
    out: Path,
    *,
    epochs: int,
    repeats: int = 1,
    seed: int = 0,
    extra: Sequence[GradedDisc] = (),
    share: float = 0.0,
) -> np.ndarray:
    """Train `FOLDS * repeats` members; return the out-of-fold logits (discs, outputs), averaged over repeats.

    `extra` discs, simulated ones, are in no fold: they make up `share` of every batch of every member, and at 1 they
    are all that is learned from. The number of batches does not depend on them.

    Each member's weights stay in `out` and are not trained again by a later call, so an interrupted run goes on.
    Writes `out/disc-grader.safetensors` and `out/out_of_fold.json`.
    """
    out.mkdir(parents=True, exist_ok=True)
    folds = np.array([fold_of(disc.patient, FOLDS) for disc in discs])
    tensors = stack([*discs, *extra])
    pool = Pool(np.arange(len(discs), len(discs) + len(extra)), share)
    logits = np.zeros((len(discs), OUTPUTS))
    members = {}
    for repeat in range(repeats):
        for fold in range(FOLDS):
            name = f"member{repeat * FOLDS + fold}"
            chosen = np.flatnonzero(folds != fold)
            state = _member(tensors, chosen, pool, out / f"{name}.pt", epochs, seed + 100 * repeat + fold)
            network = DiscGrader()
            network.load_state_dict(state)
            held = np.flatnonzero(folds == fold)
            logits[held] += predict(network, tensors, held) / repeats
            members |= {f"{name}.{key}": tensor.contiguous() for key, tensor in state.items()}
    scale, offset = fit_calibration(logits, tensors[2].numpy()[: len(discs)])
    calibration = {"calibration.scale": torch.tensor(scale), "calibration.offset": torch.tensor(offset)}
    save_file(members | calibration, out / "disc-grader.safetensors")
    rows = [
        {
            "patient": disc.patient,
            "level": disc.disc.level,
            "modic_type": disc.modic_type,
            "pfirrmann": disc.pfirrmann,
            "targets": [None if math.isnan(value) else value for value in disc.targets.tolist()],
            "logits": logit.tolist(),
        }
        for disc, logit in zip(discs, logits, strict=True)
    ]
    (out / "out_of_fold.json").write_text(json.dumps(rows))
    return logits


def stack(discs: list[GradedDisc]) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Regions (N, 4, S, H, W) with their border, scalars (N, 16) and targets (N, outputs) of discs."""
    return (
        torch.from_numpy(np.stack([one.disc.region for one in discs])),
        torch.from_numpy(np.stack([one.disc.scalars for one in discs])),
        torch.from_numpy(np.stack([one.targets for one in discs])),
    )


def predict(network: DiscGrader, tensors: tuple[torch.Tensor, ...], chosen: np.ndarray) -> np.ndarray:
    """Logits (len(chosen), outputs) without augmentation."""
    network.eval()
    with torch.inference_mode():
        region = tensors[0][chosen][..., BORDER:-BORDER, BORDER:-BORDER]
        return network(region, tensors[1][chosen]).numpy()


def fit_calibration(logits: np.ndarray, targets: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Platt's scale and offset (outputs,) per output, from scores of patients the network has not seen."""
    scale, offset = np.ones(OUTPUTS, np.float32), np.zeros(OUTPUTS, np.float32)
    for output in range(OUTPUTS):
        known = ~np.isnan(targets[:, output])
        fitted = LogisticRegression(C=10.0).fit(logits[known, output, None], targets[known, output] > 0.5)
        scale[output], offset[output] = fitted.coef_[0, 0], fitted.intercept_[0]
    return scale, offset


@dataclass(frozen=True)
class Pool:
    """Rows (N,) of discs that belong to no fold, and the share of each batch that is drawn from them."""

    rows: np.ndarray
    share: float


def _member(
    tensors: tuple[torch.Tensor, ...], chosen: np.ndarray, extra: Pool, path: Path, epochs: int, seed: int
) -> dict[str, torch.Tensor]:
    if not path.exists():
        state = _train(tensors, chosen, extra, epochs, seed)
        torch.save(state, path.with_suffix(".partial"))
        path.with_suffix(".partial").replace(path)
    return torch.load(path, weights_only=True)


def _train(
    tensors: tuple[torch.Tensor, ...], chosen: np.ndarray, extra: Pool, epochs: int, seed: int
) -> dict[str, torch.Tensor]:
    """Weights after `epochs`, averaged exponentially over the steps."""
    torch.manual_seed(seed)
    random = torch.Generator().manual_seed(seed)
    network = DiscGrader()
    optimizer = torch.optim.AdamW(network.parameters(), LEARNING_RATE, weight_decay=0.02)
    steps = epochs * math.ceil(len(chosen) / BATCH)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, LEARNING_RATE, total_steps=steps, pct_start=0.15)
    average = torch.optim.swa_utils.AveragedModel(
        network, multi_avg_fn=torch.optim.swa_utils.get_ema_multi_avg_fn(0.98), use_buffers=True
    )
    balance = _balance(tensors[2], chosen, extra)
    network.train()
    for batch in _batches(chosen, extra, steps, random):
        region, scalars, targets = augment(*(tensor[batch] for tensor in tensors), random)
        loss = graded_loss(network(region, scalars), targets, balance)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
        average.update_parameters(network)
    return average.module.state_dict()


def _batches(chosen: np.ndarray, extra: Pool, steps: int, random: torch.Generator) -> Iterator[torch.Tensor]:
    """Rows of `steps` batches, the extra ones last."""
    count = round(extra.share * BATCH)
    own, others = _dealt(chosen, BATCH - count, random), _dealt(extra.rows, count, random)
    for _ in range(steps):
        yield torch.cat([next(own), next(others)])


def _dealt(rows: np.ndarray, count: int, random: torch.Generator) -> Iterator[torch.Tensor]:
    # Like cards from a pack that is shuffled anew whenever it runs out.
    left = torch.empty(0, dtype=torch.long)
    while True:
        while len(left) < count:
            left = torch.cat([left, torch.from_numpy(rows)[torch.randperm(len(rows), generator=random)]])
        yield left[:count]
        left = left[count:]


def _balance(targets: torch.Tensor, chosen: np.ndarray, extra: Pool) -> torch.Tensor:
    # Square root of the odds: full balancing lets the eleven slipped discs shout down everything else.
    frequency = targets[chosen].nanmean(0)
    if len(extra.rows):
        frequency = (1 - extra.share) * frequency + extra.share * targets[extra.rows].nanmean(0)
    frequency = frequency.clamp(0.01, 0.99)
    return torch.sqrt((1 - frequency) / frequency)


def graded_loss(logits: torch.Tensor, targets: torch.Tensor, balance: torch.Tensor) -> torch.Tensor:
    """Mean over outputs of the cross-entropy where a grade is known, with softened targets (readers disagree)."""
    known = ~targets.isnan()
    soft = targets.nan_to_num(0.0) * 0.92 + 0.04
    loss = functional.binary_cross_entropy_with_logits(logits, soft, pos_weight=balance, reduction="none")
    return (loss * known).sum() / known.sum()


def augment(
    region: torch.Tensor, scalars: torch.Tensor, targets: torch.Tensor, random: torch.Generator
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Random turns, shifts, zooms, gains, gammas, noise, missing contrasts and upside-down copies of a batch."""

    def draw(*shape: int) -> torch.Tensor:
        return 2 * torch.rand(*shape, generator=random) - 1

    batch, channels, slices, rows, columns = region.shape
    angle, zoom = draw(batch) * math.radians(10), torch.exp(0.15 * draw(batch))
    cosine, sine = torch.cos(angle) * zoom, torch.sin(angle) * zoom
    theta = torch.zeros(batch, 2, 3)
    aspect = columns / rows
    theta[:, 0, 0], theta[:, 0, 1], theta[:, 1, 0], theta[:, 1, 1] = cosine, -sine / aspect, sine * aspect, cosine
    theta[:, :, 2] = draw(batch, 2) * 0.08
    frame = torch.tensor([[SHAPE[1] / columns], [SHAPE[0] / rows]])
    theta[:, :, :2] *= frame.T
    grid = functional.affine_grid(theta, [batch, channels * slices, *SHAPE], align_corners=False)
    view = functional.grid_sample(region.flatten(1, 2), grid, align_corners=False).unflatten(1, (channels, slices))

    signal = view[:, :2]
    gain, gamma = torch.exp(0.12 * draw(batch, 2, 1, 1, 1)), torch.exp(0.2 * draw(batch, 2, 1, 1, 1))
    signal = gain * 0.5 * (2 * signal).clamp_min(1e-4) ** gamma
    signal = signal + 0.04 * torch.rand(batch, 1, 1, 1, 1, generator=random) * torch.randn(
        signal.shape, generator=random
    )
    present = _drop_contrasts(scalars[:, 6:8], random)
    view = torch.cat([signal * present[:, :, None, None, None], view[:, 2:]], 1)
    scalars = scalars + 0.1 * torch.randn(scalars.shape, generator=random) * (torch.arange(scalars.shape[1]) < 6)
    scalars = torch.cat([scalars[:, :6], present, scalars[:, 8:]], 1)

    flip = torch.rand(batch, generator=random) < 0.3
    view = torch.where(flip[:, None, None, None, None], view.flip(-2), view)
    targets = torch.where(flip[:, None], targets[:, SWAP_ENDPLATES], targets)
    mirrored = scalars.clone()
    mirrored[:, 4] *= -1  # what slipped forwards now lies below
    return view, torch.where(flip[:, None], mirrored, scalars), targets


def _drop_contrasts(present: torch.Tensor, random: torch.Generator) -> torch.Tensor:
    # One picture in eight loses one of its contrasts, so that T1 or T2 alone can be graded too.
    chance = torch.rand(len(present), generator=random)
    kept = present.clone()
    kept[chance < 0.07, 0] = 0
    kept[chance > 0.95, 1] = 0
    return torch.where(kept.sum(1, keepdim=True) > 0, kept, present)
