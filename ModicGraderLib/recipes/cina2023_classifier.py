"""The classifier of Cina et al. 2023: two 3D ResNets on the T1 and T2 of a disc, and the four normalizations.

Cina A, Haschtmann D, Damopoulos D, et al. Comparing image normalization techniques in an end-to-end model for automated
Modic changes classification from MRI images. Brain Spine 2023;4:102738, sections 2.2 and 2.3. "Our choice" marks what
the paper leaves open.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from monai.networks.nets import resnet18
from scipy import ndimage
from skimage.exposure import adjust_gamma, equalize_adapthist
from torch import Tensor, nn
from torch.nn import functional
from torch.utils.data import Dataset

from ..anatomy import CORNERS, GRADED_DISCS
from ..grid import Grid
from ..localization.spine import LocatedDisc
from ..regions import resample
from ..study import Volume
from ..training.fit import fit
from ..training.folds import patient_folds
from ..training.labelled_study import LabelledStudy
from ..training.pretrained import load_pretrained
from ..training.samples import Sample
from .cina2023_detector import disc_boxes, drawn_move

CLASSES = ("0", "I", "II")
"""MC0, MC1 and MC2 (2.1). Discs of other grades are answered, but never learned from or measured."""

SLICES, PIXEL_MM = 5, 0.8
"""Slices, symmetric about the mid-sagittal one (2.2), and their pixels (our choice)."""

REGION = (96, 96)
"""Pixels that a box is enlarged to (our choice; the paper names none), about 0.5 mm each."""

CLIP_LIMIT, GAMMA = 0.01, 0.5
"""Of CLAHE, scikit-image's own; and the exponent, which brightens the marrow (our choice; the paper names neither)."""

FEATURES = 512
"""Of each 3D ResNet-18 (the depth is our choice); 1024 when concatenated (2.2)."""

LEARNING_RATE, PATIENCE, BATCH = 1e-3, 5, 16
"""Adam, stopped when the validation loss has not improved for 5 epochs (2.2); the batch is our choice."""

STOP_PART = 8
"""One in so many training patients decides when to stop (our choice; the paper stops on the discs it measures on)."""


def five_slices(t2: Volume, discs: Sequence[LocatedDisc]) -> tuple[Grid, np.ndarray]:
    """The slices of T2 about the mid-sagittal one (2.2), with square pixels of `PIXEL_MM`.

    The mid-sagittal slice is the one nearest to the mean of the discs' centers.

    Returns
    -------
    tuple
        The grid of those of the five that exist, and which of them stands for each of the five: at the edge of the
        volume the outermost is repeated.
    """
    slices = t2.array.shape[0]
    middle = round(float(np.mean([t2.to_index(disc.center)[0] for disc in discs])))
    numbers = np.clip(middle + np.arange(SLICES) - SLICES // 2, 0, slices - 1)
    scale = PIXEL_MM / t2.spacing[1:]
    affine = t2.affine.copy()
    affine[:3, 1:3] *= scale
    # Pixels change their size about the edge of the picture, not about the center of its first pixel.
    affine[:3, 3] = t2.to_patient(np.array([numbers[0], *(scale - 1) / 2]))
    rows, columns = np.round(t2.array.shape[1:] / scale).astype(int)
    return Grid(affine, (int(numbers[-1] - numbers[0]) + 1, int(rows), int(columns))), numbers - numbers[0]


def cut(study: LabelledStudy) -> list[Sample]:
    """The study as a whole, for the detector, and each of its discs, for the classifier.

    The whole study has `t1` and `t2` (5, rows, columns) float32, raw, T1 brought onto the slices of T2 by their
    coordinates in the patient (our choice, since the detector has learned T2 alone), `corners` (L, 4, 2) of its discs
    in (row, column) and `levels` (L,), numbers in `GRADED_DISCS`. A disc has its `box` (4,). Without T1 or T2 there is
    nothing to cut.
    """
    t1, t2 = study.study.t1, study.study.t2
    discs = [disc for disc in study.discs if disc.level in GRADED_DISCS]
    if t1 is None or t2 is None or not discs:
        return []
    grid, chosen = five_slices(t2, discs)
    pictures = {
        name: resample(volume.array, volume.grid, grid, outside=0.0, blur=True)[chosen]
        for name, volume in (("t1", t1), ("t2", t2))
    }
    places = np.array([grid.to_index(np.array([disc.corners[name] for name in CORNERS]))[:, 1:] for disc in discs])
    middles = places.mean(1)
    seen = ((middles >= 0) & (middles < grid.shape[1:])).all(1)
    if not seen.any():
        return []
    discs = [disc for disc, is_seen in zip(discs, seen, strict=True) if is_seen]
    corners = places[seen].astype(np.float32)
    levels = np.array([GRADED_DISCS.index(disc.level) for disc in discs])
    whole = Sample.of_study(study, {**pictures, "corners": corners, "levels": levels})
    return [whole] + [
        Sample.of_disc(study, disc.level, {"box": box})
        for disc, box in zip(discs, disc_boxes(corners, grid.shape[1:]), strict=True)
    ]


def standardized(region: np.ndarray) -> np.ndarray:
    """Zero mean and unit variance over the five slices (2.3)."""
    return (region - region.mean()) / max(region.std(), 1e-6)


def _in_unit_range(region: np.ndarray) -> np.ndarray:
    return (region - region.min()) / max(np.ptp(region), 1e-6)


def clahe(region: np.ndarray) -> np.ndarray:
    """Contrast-limited adaptive histogram equalization of each slice (2.3)."""
    return np.stack([equalize_adapthist(one, clip_limit=CLIP_LIMIT) for one in _in_unit_range(region)])


def gamma_corrected(region: np.ndarray) -> np.ndarray:
    """Gray values from 0 to 1 to the power of `GAMMA` (2.3)."""
    return adjust_gamma(_in_unit_range(region), GAMMA)


NORMALIZATIONS: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "standardization": standardized,
    "none": lambda region: region,
    "clahe": clahe,
    "gamma": gamma_corrected,
}
"""Of the region of a disc (5, rows, columns) in one contrast (2.3)."""


def disc_region(pictures: np.ndarray, box: np.ndarray, augmented: bool = False) -> dict[str, np.ndarray]:
    """What both contrasts, by name, show in a box: (5, *REGION); turned and shifted by lot if `augmented` (2.2).

    What comes into view at the edges by turning and shifting is what lies beyond the box.
    """
    matrix, offset = drawn_move(REGION) if augmented else (np.eye(2), np.zeros(2))
    scale = np.array([box[3] - box[1], box[2] - box[0]]) / (np.array(REGION) - 1)
    whole = np.eye(3)
    whole[1:, 1:] = scale[:, None] * matrix
    start = np.array([0, *(box[1::-1] + scale * offset)])
    return {
        name: ndimage.affine_transform(pictures[name], whole, start, (SLICES, *REGION), order=1)
        for name in ("t1", "t2")
    }


class TwinResNet(nn.Module):
    """Two 3D ResNet-18 of one build with weights of their own, one a contrast, and a layer on both (2.2, Figure 1).

    Shortcuts and layers as in Med3D, whose weights fit, and so is the step of the first convolution within a slice; of
    the five slices it leaves out none (our choice).
    """

    def __init__(self, pretrained: Path | None = None) -> None:
        super().__init__()
        self.t1, self.t2 = (
            resnet18(
                spatial_dims=3, n_input_channels=1, feed_forward=False, shortcut_type="A", conv1_t_stride=(1, 2, 2)
            )
            for _ in range(2)
        )
        self.head = nn.Linear(2 * FEATURES, len(CLASSES))
        if pretrained:
            for part in (self.t1, self.t2):
                load_pretrained(part, pretrained)

    def forward(self, t1: Tensor, t2: Tensor) -> Tensor:
        """Logits (B, 3) of regions (B, 1, 5, rows, columns)."""
        return self.head(torch.cat([self.t1(t1), self.t2(t2)], dim=1))


def loss(network: nn.Module, batch: Mapping[str, Tensor]) -> Tensor:
    """Cross-entropy, all classes weighing the same (2.2)."""
    return functional.cross_entropy(network(batch["t1"], batch["t2"]), batch["target"])


@dataclass(frozen=True)
class Discs:
    """Discs, and the pictures of their studies by the study's name."""

    samples: Sequence[Sample]
    pictures: Mapping[str, Mapping[str, np.ndarray]]

    @classmethod
    def of(cls, samples: Sequence[Sample]) -> Discs:
        """All discs among the samples of `cut`."""
        pictures = {sample.study: sample.arrays for sample in samples if not sample.level}
        return cls([sample for sample in samples if sample.level], pictures)

    def learnable(self) -> Discs:
        """Those that are labelled with one of `CLASSES`; none is `excluded`: 912 are six of 152 patients (2.1)."""
        kept = [one for one in self.samples if one.labels.modic in CLASSES]
        return Discs(kept, self.pictures)

    def in_boxes(self, boxes: Sequence[np.ndarray]) -> Discs:
        """The same discs in other boxes (4,)."""
        moved = [
            replace(sample, arrays={**sample.arrays, "box": box})
            for sample, box in zip(self.samples, boxes, strict=True)
        ]
        return Discs(moved, self.pictures)

    def __getitem__(self, rows: np.ndarray) -> Discs:
        return Discs([self.samples[row] for row in rows], self.pictures)

    def __len__(self) -> int:
        return len(self.samples)

    @property
    def patients(self) -> list[str]:
        """Of each disc."""
        return [sample.patient for sample in self.samples]

    @property
    def targets(self) -> np.ndarray:
        """Class numbers (N,) of learnable discs."""
        return np.array([CLASSES.index(sample.labels.modic) for sample in self.samples])


class DiscRegions(Dataset):
    """Normalized regions (1, 5, rows, columns) of both contrasts by name, and the class number where there is one."""

    def __init__(self, discs: Discs, normalization: str, augmented: bool = False) -> None:
        self.discs, self.normalize, self.augmented = discs, NORMALIZATIONS[normalization], augmented

    def __len__(self) -> int:
        return len(self.discs)

    def __getitem__(self, index: int) -> dict[str, Tensor]:
        sample = self.discs.samples[index]
        seen = disc_region(self.discs.pictures[sample.study], sample.arrays["box"], self.augmented)
        item = {name: torch.from_numpy(self.normalize(one).astype(np.float32))[None] for name, one in seen.items()}
        if sample.labels.modic in CLASSES:
            item["target"] = torch.tensor(CLASSES.index(sample.labels.modic))
        return item


def without_stop_part(discs: Discs, seed: int) -> tuple[Discs, Discs]:
    """Discs to learn from, and those of one in `STOP_PART` patients, which decide when to stop."""
    stop = patient_folds(discs.patients, discs.targets, STOP_PART, seed)[0]
    return discs[np.setdiff1d(np.arange(len(discs)), stop)], discs[stop]


def train_classifier(
    discs: Discs,
    stop: Discs,
    folder: Path,
    *,
    normalization: str,
    epochs: int,
    seed: int,
    device: str = "cpu",
    pretrained: Path | None = None,
) -> TwinResNet:
    """Train on learnable discs until the loss of the discs `stop` stops falling (2.2); see `fit`.

    The weights are `classifier.safetensors` in the folder.
    """
    torch.manual_seed(seed)
    network = TwinResNet(pretrained)
    fit(
        network,
        loss,
        DiscRegions(discs, normalization, augmented=True),
        folder,
        name="classifier",
        epochs=epochs,
        batch_size=BATCH,
        optimizer=torch.optim.Adam(network.parameters(), LEARNING_RATE),
        seed=seed,
        device=device,
        validate=lambda one: functional.cross_entropy(logits(one, stop, normalization), torch.tensor(stop.targets)),
        patience=PATIENCE,
    )
    return network


@torch.no_grad()
def logits(network: nn.Module, discs: Discs, normalization: str) -> Tensor:
    """Logits (N, 3) of discs as they are, on the CPU."""
    device, regions = next(network.parameters()).device, DiscRegions(discs, normalization)
    parts = []
    for rows in torch.arange(len(discs)).split(BATCH):
        items = [regions[row] for row in rows.tolist()]
        parts.append(network(*(torch.stack([item[name] for item in items]).to(device) for name in ("t1", "t2"))).cpu())
    return torch.cat(parts) if parts else torch.zeros(0, len(CLASSES))


def class_probabilities(network: nn.Module, discs: Discs, normalization: str) -> np.ndarray:
    """Probabilities (N, 3) of `CLASSES`."""
    return logits(network, discs, normalization).softmax(1).numpy()
