"""The network of Bassani et al. 2023, section 2.2: how ResNet-18 is fine-tuned, and how its answers are calibrated."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import torch
from scipy.special import expit, logsumexp
from torch import nn
from torch.nn import functional
from torch.utils.data import Dataset, WeightedRandomSampler

from ..training.calibration import platt
from ..training.precision import in_bfloat16
from ..training.samples import Sample
from .bassani2023_region import GRAY
from .vision import torchvision

TURN_DEG, SHIFT, FLIP = 10.0, 0.05, 0.5
"""Greatest rotation, greatest shift as a share of the picture, chance of a flip (2.2 says "small"; our choice)."""

LEARNING_RATE, SLOWER, PATIENCE, BATCH, EPOCHS = 1e-3, 0.1, 10, 32, 100
"""The rate falls to a tenth after 10 epochs without a smaller loss (2.2); the optimizer is Adam (our choice)."""

THAWED = (("fc",), ("layer4",), ("layer3",), ("layer2",), ("layer1", "bn1", "conv1"))
STEP_EPOCHS = (5, 10, 15, 20, 50)
"""Parts of the network in the order in which they begin to learn, and for how long before the next part does: "in
multiple steps with increasing numbers of epochs" (2.2; parts and numbers are our choice). They add up to `EPOCHS`."""

RGB_MEAN, RGB_SD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
"""Of ImageNet, on which the weights to start from were trained."""


class EndplateNetwork(nn.Module):
    """ResNet-18 on a gray picture that stands for all three colors; logits (B, classes) of `(B, 1, 128, 128)`."""

    def __init__(self, classes: int) -> None:
        super().__init__()
        self.resnet = torchvision.models.resnet18(weights=None, num_classes=classes)
        self.register_buffer("mean", torch.tensor(RGB_MEAN).view(3, 1, 1), persistent=False)
        self.register_buffer("sd", torch.tensor(RGB_SD).view(3, 1, 1), persistent=False)

    @in_bfloat16
    def forward(self, picture: torch.Tensor) -> torch.Tensor:
        return self.resnet((picture.expand(-1, 3, -1, -1) - self.mean) / self.sd)

    def thaw(self, steps: int) -> None:
        """Let the first so many parts of `THAWED` learn, and freeze the others."""
        for step, names in enumerate(THAWED):
            for name in names:
                self.resnet.get_submodule(name).requires_grad_(step < steps)
        self.train(self.training)

    def train(self, mode: bool = True) -> EndplateNetwork:
        """What is frozen also keeps the statistics of its batch normalization."""
        super().train(mode)
        for part in self.resnet.children():
            if not any(parameter.requires_grad for parameter in part.parameters()):
                part.eval()
        return self


def steps_at(epoch: int, epochs: int) -> int:
    """How many parts of `THAWED` learn in an epoch, counted from 0, of a training of so many epochs."""
    begins = np.cumsum((0, *STEP_EPOCHS[:-1])) * epochs / EPOCHS
    return int((begins <= epoch).sum())


class DiscPictures(Dataset):
    """Pictures `(1, 128, 128)` and class numbers of discs, each time shifted, turned and flipped anew if `augmented`.

    Only flipped upside down: from front to back it would put the canal before the disc.
    """

    def __init__(self, samples: Sequence[Sample], targets: np.ndarray, augmented: bool) -> None:
        self.samples, self.targets = samples, targets
        transforms = torchvision.transforms
        self.augmentation = transforms.Compose(
            [
                transforms.RandomVerticalFlip(FLIP),
                transforms.RandomAffine(
                    TURN_DEG, (SHIFT, SHIFT), interpolation=transforms.InterpolationMode.BILINEAR, fill=GRAY
                ),
            ]
            if augmented
            else []
        )

    def __len__(self) -> int:
        return len(self.samples)

    def __getitem__(self, index: int) -> dict[str, torch.Tensor]:
        picture = torch.from_numpy(self.samples[index].arrays["picture"].astype(np.float32))[None]
        return {"picture": self.augmentation(picture), "target": torch.tensor(int(self.targets[index]))}


def weighted_sampler(targets: np.ndarray) -> WeightedRandomSampler:
    """As many discs as there are, drawn with replacement so that every class is drawn equally often (2.2)."""
    return WeightedRandomSampler((1 / np.bincount(targets)[targets]).tolist(), len(targets))


def loss(network: nn.Module, batch: Mapping[str, torch.Tensor]) -> torch.Tensor:
    """Cross-entropy (our choice; the paper names no loss)."""
    return functional.cross_entropy(network(batch["picture"]), batch["target"])


@torch.no_grad()
def read_logits(network: nn.Module, samples: Sequence[Sample]) -> torch.Tensor:
    """Logits (N, classes) of discs as they are, on the CPU."""
    device = next(network.parameters()).device
    pictures = DiscPictures(samples, np.zeros(len(samples)), augmented=False)
    parts = [
        network(torch.stack([pictures[row]["picture"] for row in rows.tolist()]).to(device)).cpu()
        for rows in torch.arange(len(samples)).split(BATCH)
    ]
    return torch.cat(parts)


def log_odds(logits: np.ndarray) -> np.ndarray:
    """(N, classes) of each class against all others together, from the logits of a softmax."""
    others = np.stack([logsumexp(np.delete(logits, one, axis=1), axis=1) for one in range(logits.shape[1])], axis=1)
    return logits - others


def fit_platt(logits: np.ndarray, targets: np.ndarray) -> np.ndarray:
    """Scale and offset (classes, 2) of Platt's sigmoid for each class against all others (2.2, reference 33).

    A class that no disc has, or every one, is left as the network sees it; so is one whose scale would be negative, as
    it may be on few discs: the more the network sees of a class, the less of it would be believed (our choice).
    """
    odds, scales = log_odds(logits), np.tile([1.0, 0.0], (logits.shape[1], 1))
    for one in range(logits.shape[1]):
        true = (targets == one).astype(float)
        scale, offset = platt(odds[:, one], true) if 0 < true.mean() < 1 else (1.0, 0.0)
        if scale > 0:
            scales[one] = scale, offset
    return scales


def calibrated(logits: np.ndarray, scales: np.ndarray) -> np.ndarray:
    """Probabilities (N, classes) by `fit_platt`'s scales, divided by their sum (our choice)."""
    chances = np.clip(expit(scales[:, 0] * log_odds(logits) + scales[:, 1]), 1e-12, 1)
    return chances / chances.sum(1, keepdims=True)
