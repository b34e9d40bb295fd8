"""The detector of Cina et al. 2023: where the six discs lie on the mid-sagittal T2 slice, by Faster R-CNN.

Cina A, Haschtmann D, Damopoulos D, et al. Comparing image normalization techniques in an end-to-end model for automated
Modic changes classification from MRI images. Brain Spine 2023;4:102738, sections 2.2 and 2.3 and Table 1. "Our choice"
marks what the paper leaves open. Boxes are (x1, y1, x2, y2) = (front, top, back, bottom) in pixels of the picture.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import MethodType

import numpy as np
import torch
from safetensors.torch import load_file
from scipy import ndimage
from torch import Tensor, nn
from torch.utils.data import Dataset

from ..anatomy import CORNERS, GRADED_DISCS
from ..evaluation.metrics import bootstrap
from ..training.fit import fit
from ..training.precision import in_bfloat16
from ..training.pretrained import load_pretrained, read_weights
from ..training.samples import Sample
from .recipe import Cell, Table
from .vision import torchvision

CLASSES = 1 + len(GRADED_DISCS)
"""Background, then T12/L1 to L5/S1 (2.2, "a maximum of six regions of interest")."""

BOX_MARGIN = (0.1, 0.35)
"""How far a box exceeds the four corners of its disc, in widths of the disc: (to the front and the back, up and down).
Modic changes lie in the vertebrae, so the box has to show the adjacent third of both (our choice)."""

GRAY_PERCENTILES = (0.5, 99.5)
"""Of the picture, that become 0 and 1 (our choice)."""

SIDE, TORCHVISION_SIDE = 320, 800
"""Pixels of the picture's shorter side in the network (our choice), and for which torchvision chose its anchors."""

ANCHORS = (32, 64, 128, 256, 512)
"""Sides of torchvision's anchors on the five levels of the feature pyramid; ours are as large beside the picture."""

TRAINABLE_LAYERS = 3
"""Of the five of a pretrained backbone, that go on learning: torchvision's rule for transfer learning (2.2)."""

LEARNING_RATE = 3e-4
"""Of Adam. At the paper's 1e-3 (2.2) the loss of a trial from chance grew twentyfold within five steps."""

PATIENCE, BATCH = 5, 2
"""Epochs without a lower validation loss that end the training (2.2), and pictures in a batch (our choice)."""

SETTLING_STEPS = 150
"""Steps before validation losses are compared (our choice). At first hardly a proposal meets a disc, and calling nearly
all of them background costs little; the loss rises as proposals get better, and falls again once discs are named. On 29
slices of SPIDER the first of six epochs had the lowest, so that training stopped with the weights of one epoch."""

TURN_DEGREES, SHIFT_PIXELS = 10.0, 10.0
"""Rotation between -10 and 10 degrees, shifts of -10 to 10 pixels (2.2)."""

VALIDATION_SEED = 0
"""The loss is taken on proposals drawn by lot; each validation draws the same."""


def build_detector(
    side: int = SIDE, pretrained: Path | None = None, weights: Path | None = None, **settings
) -> nn.Module:
    """Faster R-CNN on the feature pyramid of a ResNet-50 (2.2), with seven classes.

    Parameters
    ----------
    side:
        Pixels of the shorter side of pictures in the network.
    pretrained:
        Weights of torchvision's `resnet50` or `fasterrcnn_resnet50_fpn`. With them the first two of the backbone's five
        parts and all of its batch normalization are frozen, as torchvision does; without, everything learns, and groups
        of channels are normalized: two pictures are no batch to take statistics of (Wu 2018, ECCV; He 2019, ICCV).
    weights:
        What `train_detector` left, of one that started either way.
    settings:
        Further ones of torchvision's `FasterRCNN`, for example fewer proposals or other anchors.
    """
    detection = torchvision.models.detection
    state = load_file(weights) if weights else {}
    is_transfer = bool(pretrained) or "backbone.body.bn1.running_mean" in state
    backbone = detection.backbone_utils.resnet_fpn_backbone(
        backbone_name="resnet50",
        weights=None,
        norm_layer=torchvision.ops.FrozenBatchNorm2d if is_transfer else partial(nn.GroupNorm, 32),
        trainable_layers=TRAINABLE_LAYERS if is_transfer else 5,
    )
    sizes = tuple((round(anchor * side / TORCHVISION_SIDE),) for anchor in ANCHORS)
    anchors = detection.rpn.AnchorGenerator(sizes, ((0.5, 1.0, 2.0),) * len(sizes))
    network = detection.FasterRCNN(
        backbone, CLASSES, min_size=side, max_size=2 * side, **{"rpn_anchor_generator": anchors, **settings}
    )
    # Between the two, boxes are cut out and compared, for which eight bits are too few.
    for part in (network.backbone, network.roi_heads.box_head):
        part.forward = MethodType(in_bfloat16(type(part).forward), part)
    if pretrained:
        is_whole = any(name.startswith("backbone.") for name in read_weights(pretrained))
        load_pretrained(network if is_whole else network.backbone.body, pretrained, renamed=_new_name)
    if state:
        network.load_state_dict(state)
    return network


def _new_name(name: str) -> str:
    """Today's name of a weight in torchvision's published detectors, of before each convolution became a block."""
    name = re.sub(r"((?:inner|layer)_blocks\.\d+)\.(weight|bias)$", r"\1.0.\2", name)
    return re.sub(r"rpn\.head\.conv\.(weight|bias)$", r"rpn.head.conv.0.0.\1", name)


def detector_loss(network: nn.Module, batch: tuple[Sequence[Tensor], Sequence[Mapping[str, Tensor]]]) -> Tensor:
    """Sum of the four losses: is there a disc, and where, asked of the proposals and of the head (2.2).

    The paper takes their mean, a quarter of it; to Adam that is the same.
    """
    return sum(network(*batch).values())


def disc_boxes(corners: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """The upright boxes (L, 4) about discs, widened by `BOX_MARGIN` and kept within the picture.

    Parameters
    ----------
    corners:
        (L, 4, 2) of (row, column) in the order of `anatomy.CORNERS`.
    shape:
        (rows, columns) of the picture.
    """
    along = corners[:, [CORNERS.index("upper_anterior"), CORNERS.index("lower_anterior")]]
    along = along - corners[:, [CORNERS.index("upper_posterior"), CORNERS.index("lower_posterior")]]
    widths = np.linalg.norm(along, axis=2).mean(1, keepdims=True)
    margin = widths * BOX_MARGIN
    points = corners[..., ::-1]
    boxes = np.concatenate([points.min(1) - margin, points.max(1) + margin], axis=1)
    return boxes.clip(0, np.tile(shape[::-1], 2)).astype(np.float32)


def in_unit_range(picture: np.ndarray) -> np.ndarray:
    """A picture from 0 to 1."""
    low, high = np.percentile(picture, GRAY_PERCENTILES)
    return np.clip((picture - low) / max(high - low, 1e-6), 0, 1).astype(np.float32)


def drawn_move(shape: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
    """A random turn about the middle of a picture and a shift (2.2), drawn from torch's global generator.

    Returns
    -------
    tuple
        Matrix (2, 2) and offset (2,) that lead from (row, column) in the moved picture to that in the original.
    """
    angle, down, right = (2 * torch.rand(3).double().numpy() - 1) * (TURN_DEGREES, SHIFT_PIXELS, SHIFT_PIXELS)
    cosine, sine = np.cos(np.radians(angle)), np.sin(np.radians(angle))
    matrix = np.array([[cosine, -sine], [sine, cosine]])
    middle = (np.array(shape) - 1) / 2
    return matrix, middle - matrix @ (middle + np.array((down, right)))


class MidsagittalPictures(Dataset):
    """Pictures (3, rows, columns) in [0, 1] with the boxes and classes of their discs, as torchvision wants them.

    Parameters
    ----------
    samples:
        Whole studies: `t2` (slices, rows, columns), the mid-sagittal slice in the middle; `corners` (L, 4, 2) of
        (row, column); `levels` (L,), numbers in `GRADED_DISCS`.
    augmented:
        Turn and shift each anew.
    """

    def __init__(self, samples: Sequence[Sample], augmented: bool) -> None:
        self.samples, self.augmented = samples, augmented

    def __len__(self) -> int:
        return len(self.samples)

    def __getitem__(self, index: int) -> tuple[Tensor, dict[str, Tensor]]:
        arrays = self.samples[index].arrays
        picture, corners = in_unit_range(arrays["t2"][len(arrays["t2"]) // 2]), arrays["corners"]
        if self.augmented:
            matrix, offset = drawn_move(picture.shape)
            picture = ndimage.affine_transform(picture, matrix, offset, order=1)
            corners = (corners - offset) @ matrix
        boxes = disc_boxes(corners, picture.shape)
        inside = (boxes[:, 2:] > boxes[:, :2]).all(1)
        target = {
            "boxes": torch.from_numpy(boxes[inside]),
            "labels": torch.from_numpy(arrays["levels"][inside].astype(np.int64)) + 1,
        }
        return torch.from_numpy(picture).expand(3, -1, -1), target


def pictures_and_targets(items: list[tuple]) -> tuple[list, list]:
    """A batch for torchvision: pictures may differ in size, so they are listed and not stacked."""
    pictures, targets = zip(*items, strict=True)
    return list(pictures), list(targets)


def validation_loss(network: nn.Module, samples: Sequence[Sample]) -> float:
    """Mean `detector_loss` of whole studies; torchvision tells losses in training mode alone."""
    data, device = MidsagittalPictures(samples, augmented=False), next(network.parameters()).device
    network.train()
    with torch.no_grad(), torch.random.fork_rng():
        torch.manual_seed(VALIDATION_SEED)
        losses = [
            float(detector_loss(network, ([picture.to(device)], [{k: v.to(device) for k, v in target.items()}])))
            for picture, target in (data[row] for row in range(len(data)))
        ]
    network.eval()
    return float(np.mean(losses))


def train_detector(
    network: nn.Module,
    samples: Sequence[Sample],
    validation: Sequence[Sample],
    folder: Path,
    *,
    epochs: int,
    seed: int,
    device: str = "cpu",
    augmented: bool = True,
    batch_size: int = BATCH,
    learning_rate: float = LEARNING_RATE,
) -> None:
    """Train on whole studies until the loss of the validation studies stops falling (2.2); see `fit`."""
    steps = math.ceil(len(samples) / batch_size)
    fit(
        network,
        detector_loss,
        MidsagittalPictures(samples, augmented),
        folder,
        name="detector",
        epochs=epochs,
        batch_size=batch_size,
        optimizer=torch.optim.Adam([p for p in network.parameters() if p.requires_grad], learning_rate, fused=True),
        seed=seed,
        device=device,
        collate=pictures_and_targets,
        validate=lambda one: validation_loss(one, validation),
        patience=PATIENCE,
        settling=math.ceil(SETTLING_STEPS / steps),
    )


@dataclass(frozen=True)
class Found:
    """A disc that the detector found: its box (4,) and confidence in [0, 1]."""

    box: np.ndarray
    confidence: float


def best_of_each_level(boxes: np.ndarray, labels: np.ndarray, scores: np.ndarray) -> dict[str, Found]:
    """Of all boxes (N, 4) with their classes (N,) from 1 and scores (N,), the surest of each level (2.2)."""
    found: dict[str, Found] = {}
    for row in np.argsort(-scores, kind="stable"):
        found.setdefault(GRADED_DISCS[labels[row] - 1], Found(boxes[row], float(scores[row])))
    return found


@torch.no_grad()
def all_boxes(network: nn.Module, samples: Sequence[Sample]) -> list[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """What the detector sees on whole studies: boxes, labels and scores as `best_of_each_level` takes them."""
    device, data = next(network.parameters()).device, MidsagittalPictures(samples, augmented=False)
    answers = (network([data[row][0].to(device)])[0] for row in range(len(data)))
    return [tuple(one[key].cpu().numpy() for key in ("boxes", "labels", "scores")) for one in answers]


def detect(network: nn.Module, samples: Sequence[Sample]) -> list[dict[str, Found]]:
    """The discs found on whole studies, by level; levels that were not found are absent."""
    return [best_of_each_level(*one) for one in all_boxes(network, samples)]


def overlap(first: np.ndarray, second: np.ndarray) -> float:
    """Intersection of two boxes (4,) over their union (2.3)."""
    pair = (torch.as_tensor(box, dtype=torch.float32)[None] for box in (first, second))
    return float(torchvision.ops.box_iou(*pair))


TABLE_1 = {
    "IoU": (0.70, 0.80, 0.78, 0.81, 0.82, 0.81),
    "Confidence score": (0.93, 0.98, 0.98, 0.93, 0.97, 0.98),
    "Found": (None,) * len(GRADED_DISCS),
    "IoU of the box that fits best, whatever its level": (None,) * len(GRADED_DISCS),
}
"""Of T12/L1 to L5/S1 (Table 1). The paper does not tell how many discs of each level were found, nor whether a low
overlap is a box that fits badly or that of a neighbour."""


GIVEN_BOXES = (
    "Given boxes are true for simulated patients; for real ones they are of the corners in a manifest or, where there"
    " are none, of our own localizer, which is then what the detector learns from and is measured by."
)


def table_1(network: nn.Module, samples: Sequence[Sample], source: str, budget: str) -> Table:
    """Table 1 beside ours on whole studies: means over the discs that were found, and the share that was.

    The last row takes of all boxes, also of those that are not the surest of their level, the one that fits each disc
    best, to tell boxes that fit badly from wrong names.
    """
    measured = np.full((len(TABLE_1), len(samples), len(GRADED_DISCS)), np.nan)
    for row, (sample, seen) in enumerate(zip(samples, all_boxes(network, samples), strict=True)):
        found = best_of_each_level(*seen)
        boxes = disc_boxes(sample.arrays["corners"], sample.arrays["t2"].shape[1:])
        for box, level in zip(boxes, sample.arrays["levels"], strict=True):
            own = found.get(GRADED_DISCS[level])
            told = (overlap(own.box, box), own.confidence, 1) if own else (np.nan, np.nan, 0)
            measured[:, row, level] = *told, max((overlap(one, box) for one in seen[0]), default=np.nan)
    patients = [sample.patient for sample in samples]
    rows = {
        name: [
            Cell(paper, bootstrap(lambda rows, of=of: _mean(of[rows]), patients))
            for paper, of in zip(papers, values.T, strict=True)
        ]
        for (name, papers), values in zip(TABLE_1.items(), measured, strict=True)
    }
    note = (
        f"{len(samples)} studies of patients who were not learned from; 95 % intervals of a bootstrap over patients."
        " Our boxes reach into both vertebrae; the paper does not tell its own, and a larger box is easier to overlap."
        f" {GIVEN_BOXES}"
    )
    return Table("Table 1: performance of the detection model", GRADED_DISCS, rows, source, budget, (note,))


def _mean(values: np.ndarray) -> float:
    """Of those known; NaN if there are none."""
    known = values[np.isfinite(values)]
    return float(known.mean()) if len(known) else float("nan")
