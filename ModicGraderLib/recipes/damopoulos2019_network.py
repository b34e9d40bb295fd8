"""The networks of Damopoulos 2019: VGG16 (2.2), its weighted loss (2.2), how it is trained (3.4) and asked (2.4).

Sections are the paper's; "our choice" marks what it leaves open.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from safetensors.torch import load_file
from torch import Tensor, nn
from torch.nn import functional

from ..anatomy import GRADED_DISCS
from ..errors import InputError
from ..training.fit import fit
from ..training.labelled_study import DiscLabels
from ..training.precision import in_bfloat16
from ..training.pretrained import load_pretrained
from ..training.samples import Sample
from .damopoulos2019_views import DEPTH, SHAPE, WHITE, augmented, mixed, sub_volumes, without_border
from .recipe import Run
from .vision import torchvision

DROPOUT = 0.2
"""After the last convolution (3.4)."""

CASES_PER_BATCH, TYPED_PER_BATCH = 3, 6
"""Cases, of 6 discs each, in a batch; changed discs in a batch of the second stage (3.4)."""

EPOCHS, EPOCHS_WITH_MIXUP = 40, 80
"""Passes over the training data (3.4)."""

LEARNING_RATE, FINE_TUNING_RATE, MOMENTUM, WEIGHT_DECAY = 1e-3, 1e-4, 0.9, 5e-4
"""Of stochastic gradient descent, as VGG was trained (our choice: the paper names no optimizer). At the rate that is
right from chance, a trial from weights of ImageNet fell back to chance within two epochs."""

GRAY_MEAN, GRAY_SD = 0.449, 0.226
"""Of ImageNet's colors in [0, 1]: torchvision's weights expect pictures so scaled."""


@dataclass(frozen=True)
class Stage:
    """One network: the name of its file, and the grades that each of its outputs stands for."""

    name: str
    outputs: tuple[tuple[str, ...], ...]

    def target(self, labels: DiscLabels) -> int | None:
        """Number of the output that is right for a disc; None where none is."""
        return next((number for number, grades in enumerate(self.outputs) if labels.modic in grades), None)


MULTICLASS = Stage("multiclass", (("0",), ("I",), ("II",)))
CHANGE = Stage("change", (("0",), ("I", "II")))
TYPE = Stage("type", (("I",), ("II",)))
"""One network for the three grades, or one for whether there is a change and one for its type (3.3)."""


class Vgg16(nn.Module):
    """VGG16 on six channels, with dropout after its last convolution and a single fully connected layer (2.2).

    Logits (B, classes) of pictures (B, 6, 112, 224) with gray values from 0 to 255. The convolutions bear torchvision's
    names, for `--pretrained`. Both layers of 4096 units are left away (3.4).
    """

    def __init__(self, classes: int) -> None:
        super().__init__()
        vgg = torchvision.models.vgg
        self.features = vgg.make_layers(vgg.cfgs["D"], batch_norm=False)
        self.features[0] = nn.Conv2d(2 * DEPTH, 64, 3, padding=1)
        self.dropout = nn.Dropout(DROPOUT)
        self.grade = nn.Linear(512 * (SHAPE[0] // 32) * (SHAPE[1] // 32), classes)
        for layer in self.features:
            if isinstance(layer, nn.Conv2d):
                nn.init.kaiming_normal_(layer.weight, mode="fan_out", nonlinearity="relu")
                nn.init.zeros_(layer.bias)
        nn.init.normal_(self.grade.weight, std=0.01)
        nn.init.zeros_(self.grade.bias)

    @in_bfloat16
    def forward(self, pictures: Tensor) -> Tensor:
        signal = (pictures / WHITE - GRAY_MEAN) / GRAY_SD
        convolved = self.features[:-1](signal.contiguous(memory_format=torch.channels_last))
        return self.grade(self.features[-1](self.dropout(convolved)).flatten(1))


class CaseBatches:
    """Batches of the discs of three cases each (3.4), as lists of row numbers; all cases once an epoch, shuffled.

    A case is a pair of sequences, so that a patient who was examined twice is two.

    Parameters
    ----------
    studies:
        (N,) of the rows.
    """

    def __init__(self, studies: Sequence[str]) -> None:
        self.cases = [np.flatnonzero(np.asarray(studies) == one).tolist() for one in sorted(set(studies))]

    def __iter__(self) -> Iterator[list[int]]:
        for some in torch.randperm(len(self.cases)).split(CASES_PER_BATCH):
            yield [row for case in some.tolist() for row in self.cases[case]]


def class_weights(targets: Sequence[int], classes: int) -> Tensor:
    """Weights (classes,) inversely proportional to the classes' frequencies (2.2), of mean 1 over the targets.

    N / (M n) for N targets, n of them of this class, and M classes that occur: 0.429, 4.718 and 2.190 for the paper's
    429, 39 and 84 discs. A class that does not occur has weight 0.
    """
    counts = np.bincount(targets, minlength=classes)
    weights = np.zeros(classes, np.float32)
    np.divide(counts.sum(), (counts > 0).sum() * counts, out=weights, where=counts > 0)
    return torch.from_numpy(weights)


@dataclass(frozen=True)
class WeightedLoss:
    """Cross-entropy of soft targets, weighted by class (2.2, 2.3), over all sub-volumes of a batch of discs."""

    weights: Tensor
    mixup: bool
    mirror: bool

    def __call__(self, network: nn.Module, batch: Mapping[str, Tensor]) -> Tensor:
        regions = augmented(batch["regions"], self.mirror)
        targets = functional.one_hot(batch["target"], len(self.weights)).float()
        if self.mixup:
            # "The entire IVD volumes are interpolated" (Fig. 4), so before they are taken apart.
            regions, targets = mixed(regions, targets)
        pictures = sub_volumes(regions)
        # The grade is one of the disc: each sub-volume learns it, also where it does not show the change.
        targets = targets.repeat_interleave(pictures.shape[1], 0)
        return functional.cross_entropy(network(pictures.flatten(0, 1)), targets, self.weights.to(targets.device))


def with_targets(stage: Stage, samples: Sequence[Sample]) -> list[tuple[Sample, int]]:
    """The discs that a stage has a target for, with it.

    Raises
    ------
    InputError
        There is none.
    """
    labelled = [(sample, target) for sample in samples if (target := stage.target(sample.labels)) is not None]
    if not labelled:
        grades = ", ".join(grade for grades in stage.outputs for grade in grades)
        raise InputError(f"No disc is labelled with one of the Modic grades {grades}; give studies that have some.")
    return labelled


def train(stage: Stage, samples: Sequence[Sample], run: Run, mixup: bool, mirror: bool) -> None:
    """Train the network of a stage on the discs that it has a target for (3.4); raises as `with_targets`."""
    labelled = with_targets(stage, samples)
    targets = [target for _, target in labelled]
    data = [{"regions": torch.from_numpy(one.arrays["regions"]), "target": target} for one, target in labelled]
    torch.manual_seed(run.seed)
    network = Vgg16(len(stage.outputs))
    if run.pretrained:
        load_pretrained(network, run.pretrained)
    rate = FINE_TUNING_RATE if run.pretrained else LEARNING_RATE
    batches = {"batch_sampler": CaseBatches([sample.study for sample, _ in labelled])}
    fit(
        network,
        WeightedLoss(class_weights(targets, len(stage.outputs)), mixup, mirror),
        data,
        run.folder,
        name=stage.name,
        epochs=max(round(run.plan.epochs * (EPOCHS_WITH_MIXUP if mixup else EPOCHS)), 1),
        optimizer=torch.optim.SGD(network.parameters(), lr=rate, momentum=MOMENTUM, weight_decay=WEIGHT_DECAY),
        seed=run.seed,
        device=run.device,
        **({"batch_size": TYPED_PER_BATCH} if stage is TYPE else batches),
    )


@torch.inference_mode()
def read(stage: Stage, samples: Sequence[Sample], run: Run) -> np.ndarray:
    """Probabilities (N, 3, outputs) of every sub-volume, by the weights in `run.folder`.

    Raises
    ------
    InputError
        There are no weights.
    """
    path = run.folder / f"{stage.name}.safetensors"
    if not path.exists():
        raise InputError(f"There are no trained weights {path.name} in {run.folder.name}; train this variant first.")
    network = Vgg16(len(stage.outputs)).to(run.device).eval()
    network.load_state_dict(load_file(path))
    parts = []
    for rows in torch.arange(len(samples)).split(CASES_PER_BATCH * len(GRADED_DISCS)):
        regions = torch.stack([torch.from_numpy(samples[row].arrays["regions"]) for row in rows]).to(run.device)
        pictures = sub_volumes(without_border(regions))
        logits = network(pictures.flatten(0, 1)).unflatten(0, pictures.shape[:2])
        parts.append(logits.softmax(2).cpu().numpy())
    return np.concatenate(parts)
