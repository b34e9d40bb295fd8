"""SpineNet: six grades of a lumbar disc from its T2 slices, by one VGG-M that branches late.

Jamaludin A, Kadir T, Zisserman A. SpineNet: automatically pinpointing classification evidence in spinal MRIs. MICCAI
2016, LNCS 9901:166-175. Read beside it: "section 4" and the like are the paper's. Views of a disc and evidence hotspots
are in `spinenet2016_views`, what is cut out of a study in `spinenet2016_discs`, the paper's tables beside ours in
`spinenet2016_tables`.
"""

from __future__ import annotations

from collections import Counter, OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from torch import nn
from torch.nn import functional
from torch.optim.lr_scheduler import ReduceLROnPlateau
from torch.utils.data import DataLoader

from ..errors import InputError
from ..training.fit import fit
from ..training.folds import split
from ..training.labelled_study import LabelledStudy
from ..training.precision import in_bfloat16
from ..training.pretrained import load_pretrained, read_weights
from ..training.samples import Sample
from .recipe import Answer, CohortWish, Plan, Run, Table
from .spinenet2016_discs import TASKS, DiscVolumes, classes_of, cut, grade_of, pixels_of, target_of
from .spinenet2016_tables import PAPER_LABELS, Measured, point, tables
from .spinenet2016_views import INNER, SHAPE, draw_views, plain_views, read_views

LAYERS = ("conv1", "conv2", "conv3", "conv4", "conv5", "fc6", "fc7", "fc8")

BRANCH_POINTS = ("conv5", "none", "conv3", "conv4", "fc6", "fc7")
"""The last layer that tasks share (Table 2), the paper's choice first; "none" makes six networks of their own."""

MOMENTUM, WEIGHT_DECAY, LEARNING_RATE, RATE_DROP = 0.9, 0.0005, 0.001, 0.1
PLATEAU_EPOCHS = 20
"""Section 4, "Training"; after how many epochs without progress an error has its plateau is not said."""

BATCH_SIZE, LEAST_BATCHES = 256, 16
"""Section 4; a cohort too small for so many batches an epoch gets smaller ones."""

MEASURED_AT_ONCE = 64
"""Discs in a batch of validation."""

MODELS = 2
"""Trained for each experiment, "by swapping the validation and test sets" (section 5)."""

SHARES = (0.8, 0.1, 0.1)
"""Of the patients in training, validation, test (section 5: 1602:204:203)."""

NAME = "spinenet2016"
"""Of the recipe and its files."""


class Scale(NamedTuple):
    """What else a budget changes: units of FC6 (the paper's 4096 make 264 million weights), discs that are taken of
    each study, copies that a hotspot is averaged over."""

    fc6: int
    discs: int
    copies: int


SCALES = {"smoke": Scale(64, 1, 2), "small": Scale(512, 6, 16), "full": Scale(4096, 6, 64)}


class SpineNet(nn.Module):
    """VGG-M-1024 without response normalization on nine slices, its last layers once for each task (Figure 2).

    Convolutions are padded by half their size, so that conv5 leaves 512 x 3 x 7. FC6 and FC7 have VGG-M's dropout.

    Parameters
    ----------
    branch:
        One of `BRANCH_POINTS`.
    classes:
        By task.
    fc6:
        Units of FC6, 4096 in the paper.
    """

    def __init__(self, branch: str = "conv5", classes: Mapping[str, int] = TASKS, fc6: int = 4096) -> None:
        super().__init__()
        number = 0 if branch == "none" else LAYERS.index(branch) + 1
        self.register_buffer("mean", torch.zeros(SHAPE[0]))
        self.shared = _layers(LAYERS[:number], fc6, 0)
        self.heads = nn.ModuleDict({task: _layers(LAYERS[number:], fc6, count) for task, count in classes.items()})
        self.apply(_initialize)

    @in_bfloat16
    def forward(self, copies: torch.Tensor) -> dict[str, torch.Tensor]:
        """Logits (N, classes) by task for copies (N, *SHAPE) of disc volumes in [0, 1]."""
        # Channels last: a step takes three quarters of its time on a CPU.
        centered = (copies - self.mean[:, None, None]).contiguous(memory_format=torch.channels_last)
        features = self.shared(centered)
        return {task: head(features) for task, head in self.heads.items()}


def _layers(names: Sequence[str], fc6: int, classes: int) -> nn.Sequential:
    make = {
        "conv1": lambda: _convolution(SHAPE[0], 96, 7, stride=2, pool=True),
        "conv2": lambda: _convolution(96, 256, 5, stride=2, pool=True),
        "conv3": lambda: _convolution(256, 512, 3),
        "conv4": lambda: _convolution(512, 512, 3),
        "conv5": lambda: _convolution(512, 512, 3, pool=True),
        "fc6": lambda: nn.Sequential(nn.Flatten(), nn.Linear(512 * 3 * 7, fc6), nn.ReLU(), nn.Dropout()),
        "fc7": lambda: nn.Sequential(nn.Linear(fc6, 1024), nn.ReLU(), nn.Dropout()),
        "fc8": lambda: nn.Linear(1024, classes),
    }
    return nn.Sequential(OrderedDict((name, make[name]()) for name in names))


def _convolution(inputs: int, outputs: int, size: int, stride: int = 1, pool: bool = False) -> nn.Sequential:
    pooling = [nn.MaxPool2d(2)] if pool else []
    return nn.Sequential(nn.Conv2d(inputs, outputs, size, stride, padding=size // 2), nn.ReLU(), *pooling)


def _initialize(module: nn.Module) -> None:
    """Glorot 2010, which section 4 cites."""
    if isinstance(module, (nn.Conv2d, nn.Linear)):
        nn.init.xavier_uniform_(module.weight)
        nn.init.zeros_(module.bias)


def load_network(path: Path) -> SpineNet:
    """The network whose weights a file holds, in eval mode; branch point and sizes are seen from the weights.

    Raises
    ------
    InputError
        The file cannot be read, or holds other weights.
    """
    weights = read_weights(path)
    shared = [name for name in LAYERS if any(key.startswith(f"shared.{name}.") for key in weights)]
    fc6 = [len(weight) for key, weight in weights.items() if key.endswith("fc6.1.weight")]
    classes = {task: len(weights.get(f"heads.{task}.fc8.weight", ())) for task in TASKS}
    try:
        network = SpineNet(shared[-1] if shared else "none", classes, fc6[0])
        network.load_state_dict(weights)
    except (IndexError, RuntimeError) as error:
        raise InputError(f"{path.name} holds no weights of {NAME}; train it anew, or give another run.") from error
    return network.eval()


def class_weights(targets: torch.Tensor, classes: int) -> torch.Tensor:
    """alpha_c = 1 / freq(c) of targets (N,), freq being the share of the known (section 2); 0 for absent classes."""
    counts = torch.bincount(targets[targets >= 0], minlength=classes).float()
    return torch.where(counts > 0, counts.sum() / counts.clamp_min(1), 0.0)


def multi_task_loss(
    logits: Mapping[str, torch.Tensor], targets: torch.Tensor, weights: Mapping[str, torch.Tensor]
) -> torch.Tensor:
    """Sum over tasks, each weighing 1, of alpha_c times the softmax log-loss, unknown labels left out (section 2).

    The paper sums over images; here it is the mean over those with a known label, so that the learning rate suits
    batches of any size.

    Parameters
    ----------
    logits:
        (N, classes) by task.
    targets:
        (N, tasks) class numbers in the order of `logits`, -1 where unknown.
    weights:
        alpha (classes,) by task.
    """
    total = targets.new_zeros((), dtype=torch.float32)
    for (task, scores), truth in zip(logits.items(), targets.T, strict=True):
        losses = functional.cross_entropy(scores, truth, weights[task].to(scores), ignore_index=-1, reduction="sum")
        total = total + losses / (truth >= 0).sum().clamp_min(1)
    return total


def train(samples: Sequence[Sample], validation: Sequence[Sample], branch: str, folder: Path, run: Run) -> SpineNet:
    """Train one network ("Training", section 4), and leave it in `folder`."""
    data = DiscVolumes(samples)
    classes = classes_of([*samples, *validation])
    torch.manual_seed(run.seed)
    network = SpineNet(branch, classes, SCALES[run.budget].fc6)
    if run.pretrained:
        load_pretrained(network, run.pretrained)
    means = np.mean([one.arrays["volume"][INNER].mean((1, 2)) for one in samples], axis=0)
    network.mean.copy_(torch.from_numpy(means / 255))
    weights = {task: class_weights(data.targets[:, number], classes[task]) for number, task in enumerate(TASKS)}

    def loss(network: nn.Module, batch: Mapping[str, torch.Tensor]) -> torch.Tensor:
        volumes = batch["volume"].float() / 255
        return multi_task_loss(network(draw_views(len(volumes)).of(volumes)), batch["targets"], weights)

    optimizer = torch.optim.SGD(network.parameters(), LEARNING_RATE, MOMENTUM, weight_decay=WEIGHT_DECAY)
    fit(
        network,
        loss,
        data,
        folder,
        name=NAME,
        epochs=int(run.plan.epochs),
        batch_size=batch_size(len(samples)),
        optimizer=optimizer,
        seed=run.seed,
        device=run.device,
        validate=lambda network: validation_loss(network, DiscVolumes(validation), weights),
        schedule=ReduceLROnPlateau(optimizer, factor=RATE_DROP, patience=PLATEAU_EPOCHS),
    )
    return network


def batch_size(discs: int) -> int:
    """256, or so many that an epoch over these discs has `LEAST_BATCHES`."""
    return max(1, min(BATCH_SIZE, discs // LEAST_BATCHES))


def validation_loss(network: SpineNet, data: DiscVolumes, weights: Mapping[str, torch.Tensor]) -> float:
    """Mean loss of the plain views of discs, whose plateaus lower the learning rate."""
    total = 0.0
    for batch in DataLoader(data, MEASURED_AT_ONCE):
        volumes, targets = (batch[name].to(network.mean.device) for name in ("volume", "targets"))
        logits = network(plain_views(len(volumes)).of(volumes.float() / 255))
        total += len(volumes) * float(multi_task_loss(logits, targets, weights))
    return total / len(data)


@dataclass(frozen=True)
class SpineNet2016:
    """The recipe; variants are branch points."""

    name: str = NAME
    title: str = "SpineNet: automatically pinpointing classification evidence in spinal MRIs"
    doi: str = "10.1007/978-3-319-46723-8_20"
    cohort: CohortWish = field(
        default_factory=lambda: CohortWish(
            2009, "pfirrmann", {str(grade): n / 11994 for grade, n in enumerate(PAPER_LABELS["pfirrmann"], 1)}
        )
    )
    plans: Mapping[str, Plan] = field(
        default_factory=lambda: {"smoke": Plan(6, 1, 1), "small": Plan(60, 1, 40), "full": Plan(None, None, 1000)}
    )
    variants: Sequence[str] = BRANCH_POINTS
    tasks: Sequence[str] = tuple(TASKS)

    def cut(self, study: LabelledStudy) -> list[Sample]:
        """Disc volumes, see `spinenet2016_discs.cut`."""
        return cut(study)

    def fit(self, samples: Sequence[Sample], run: Run) -> None:
        """Train on nine of ten patients, the rate falling by what the tenth shows; weights lie under the variant."""
        samples = _graded(samples, run)
        rows = split([one.patient for one in samples], (SHARES[0] + SHARES[1], SHARES[2]), run.seed)
        parts = [[samples[row] for row in part] for part in rows]
        branch = run.variant or BRANCH_POINTS[0]
        train(*parts, branch, run.folder / branch, run)

    def answer(self, samples: Sequence[Sample], run: Run) -> list[Answer]:
        """Six answers a disc: the most probable grade by the mean of 54 views."""
        network = load_network(run.folder / (run.variant or BRANCH_POINTS[0]) / f"{NAME}.safetensors").to(run.device)
        answers = []
        for sample in samples:
            for task, views in read_views(network, pixels_of(sample, run.device)).items():
                names = [grade_of(task, number) for number in range(views.shape[1])]
                chances = dict(zip(names, map(float, views.mean(0)), strict=True))
                best = max(chances, key=chances.get)
                answers.append(Answer(sample.study, sample.patient, sample.level, task, chances, best))
        return answers

    def reproduce(self, samples: Sequence[Sample], run: Run, source: str) -> list[Table]:
        """Tables 1 and 2 and what section 5 says; all branch points, or `run.variant` alone."""
        samples = _graded(samples, run)
        parts = split([one.patient for one in samples], SHARES, run.seed)
        learned, *others = ([samples[row] for row in part] for part in parts)
        measured, pointed = [], []
        for branch in [run.variant] if run.variant else BRANCH_POINTS:
            for model in range(run.plan.folds or MODELS):
                validation, test = others if model % 2 == 0 else others[::-1]
                # Another seed, lest the deviation of the models be that of their test sets alone.
                own = replace(run, seed=run.seed + model)
                network = train(learned, validation, branch, run.folder / branch / f"model-{model + 1}", own)
                views = [read_views(network, pixels_of(one, network.mean.device)) for one in test]
                by_task = {task: np.stack([one[task] for one in views]) for task in TASKS}
                measured.append(Measured(branch, test, by_task))
                if branch == measured[0].branch:
                    pointed += point(network, test, SCALES[run.budget].copies)
        return tables(samples, measured, pointed, source, run.budget)


def _graded(samples: Sequence[Sample], run: Run) -> list[Sample]:
    """Samples with a label of any task, as many of each study as the budget takes."""
    taken: list[Sample] = []
    count: Counter[str] = Counter()
    for sample in samples:
        known = any(target_of(sample.labels, task) >= 0 for task in TASKS)
        if known and count[sample.study] < SCALES[run.budget].discs:
            taken.append(sample)
            count[sample.study] += 1
    if not taken:
        raise InputError("No disc has a label that SpineNet learns; give studies with Pfirrmann grades or the like.")
    return taken


RECIPE = SpineNet2016()
