"""Classifiers that are told to tell simulated pairs from real ones: 0.5 is a simulator that nobody sees through.

One reads the measurements of a pair, the other looks at its disc regions with a small convolutional network. Each is
tested on patients it has not seen. The regions are also shown blurred, so that anatomy alone is left, and with what
the blur leaves subtracted, so that texture alone is: the difference says what gives a simulation away.
"""

from __future__ import annotations

import numpy as np
import torch
from scipy import ndimage
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.model_selection import GroupKFold
from torch import nn
from torch.nn import functional

from .metrics import Estimate, auroc, bootstrap
from .simulator_pairs import MeasuredPair

FOLDS = 5

BLUR_PIXELS = 3.0
"""Standard deviation that takes the texture from a region, about 1.7 mm."""

VIEWS = ("whole", "blurred", "texture")

PARTS = {
    "whole": (slice(None), slice(None)),
    "disc": (slice(22, 50), slice(22, 90)),
    "marrow": (slice(0, 20), slice(30, 82)),
    "front": (slice(None), slice(0, 26)),
    "canal": (slice(None), slice(84, 112)),
}
"""(rows, columns) of a region that show one thing alone."""

EPOCHS = 10
BATCH = 32
LEARNING_RATE = 2e-3
CROP = 4
"""Pixels by which training shifts a region, so that its frame is not learned by heart."""


def from_measurements(real: list[MeasuredPair], simulated: list[MeasuredPair], group: str = "") -> Estimate:
    """AUROC of gradient boosting on the measurements whose name begins with `group`, five-fold over patients."""
    names = [name for name in sorted(real[0].features) if name.startswith(group)]
    pairs = real + simulated
    table = np.array([[pair.features[name] for name in names] for pair in pairs], float)
    table = table[:, np.isfinite(table).sum(axis=0) > len(pairs) / 2]
    truth = np.r_[np.zeros(len(real)), np.ones(len(simulated))]
    score = np.zeros(len(truth))
    for train, test in _folds(np.arange(len(truth))):
        model = HistGradientBoostingClassifier(max_iter=100, max_depth=3, min_samples_leaf=8, class_weight="balanced")
        score[test] = model.fit(table[train], truth[train]).predict_proba(table[test])[:, 1]
    return _estimate(truth, score, np.arange(len(truth)))


def from_regions(
    real: list[MeasuredPair], simulated: list[MeasuredPair], view: str = "whole", part: str = "whole"
) -> Estimate:
    """AUROC of a small network on disc regions, five-fold over patients, one score a patient.

    The regions are seen in one of `VIEWS`, and as much of them as one of `PARTS` shows.
    """
    pairs = real + simulated
    regions = torch.from_numpy(np.concatenate([_view(pair.regions, view, part) for pair in pairs]))
    patient = np.repeat(np.arange(len(pairs)), [len(pair.regions) for pair in pairs])
    truth = np.r_[np.zeros(len(real)), np.ones(len(simulated))]
    logits = np.zeros(len(patient))
    for number, (train, test) in enumerate(_folds(patient)):
        network = _trained(regions[train], torch.from_numpy(truth[patient[train]]).float(), seed=number)
        with torch.inference_mode():
            inner = regions[test][..., CROP:-CROP, CROP:-CROP]
            logits[test] = torch.cat([network(part)[:, 0] for part in inner.split(256)]).numpy()
    seen = np.unique(patient)
    score = np.array([logits[patient == one].mean() for one in seen])
    return _estimate(truth[seen], score, seen)


def _folds(group: np.ndarray):
    return GroupKFold(FOLDS, shuffle=True, random_state=0).split(group, groups=group)


def _estimate(truth: np.ndarray, score: np.ndarray, patient: np.ndarray) -> Estimate:
    return bootstrap(lambda rows: auroc(truth[rows], score[rows]), patient)


def _view(regions: np.ndarray, view: str, part: str) -> np.ndarray:
    """Regions, or a part of them, (N, 2, rows, columns) float32 of zero mean and unit spread."""
    if view != "whole":
        blurred = ndimage.gaussian_filter(regions, (0, 0, BLUR_PIXELS, BLUR_PIXELS))
        regions = blurred if view == "blurred" else regions - blurred
    # Scaled by itself alone: the mean of the whole would tell a part what lies beside it.
    rows, columns = PARTS[part]
    regions = regions[:, :, rows, columns]
    mean, spread = (f(regions, axis=(2, 3), keepdims=True) for f in (np.mean, np.std))
    return ((regions - mean) / np.maximum(spread, 1e-6)).astype(np.float32)


def _network() -> nn.Module:
    widths = (2, 16, 32, 48)
    layers = [
        nn.Sequential(nn.Conv2d(a, b, 3, stride=2, padding=1, bias=False), nn.BatchNorm2d(b), nn.ReLU())
        for a, b in zip(widths[:-1], widths[1:], strict=True)
    ]
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Dropout(0.3), nn.Linear(widths[-1], 1))


def _trained(regions: torch.Tensor, truth: torch.Tensor, seed: int) -> nn.Module:
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    network = _network()
    steps = EPOCHS * -(-len(regions) // BATCH)
    optimizer = torch.optim.AdamW(network.parameters(), LEARNING_RATE, weight_decay=0.02)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, LEARNING_RATE, total_steps=steps)
    balance = (1 - truth).sum() / truth.sum()
    for _ in range(EPOCHS):
        for rows in torch.from_numpy(rng.permutation(len(regions))).split(BATCH):
            down, right = rng.integers(0, 2 * CROP + 1, 2)
            height, width = (n - 2 * CROP for n in regions.shape[2:])
            seen = regions[rows][..., down : down + height, right : right + width]
            loss = functional.binary_cross_entropy_with_logits(network(seen)[:, 0], truth[rows], pos_weight=balance)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
    return network.eval()
