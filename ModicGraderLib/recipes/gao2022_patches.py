"""What the networks of Gao 2022 learn from: patches about marrow, half of them about a change where there is one."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from monai.transforms import (
    Compose,
    RandAffined,
    RandFlipd,
    RandGaussianNoised,
    RandScaleIntensityd,
    RandShiftIntensityd,
    RandWeightedCropd,
    SpatialPadd,
    ToTensord,
)
from torch.utils.data import Dataset

from ..training.samples import Sample

PATCH = (6, 112, 96)
"""Most (slices, rows, columns) of a patch: three levels of a spine on slices of 4 mm and pixels of 1 mm."""

ROTATION_DEGREES = 10.0
SCALE = 0.1
INTENSITY = 0.2
NOISE = 0.1
"""Augmentation, our choice since none is published: turns and scaling in the sagittal plane, gain and offset of each
contrast and noise in standard deviations of the image, and the mirror image of left and right."""


class Patches(Dataset):
    """One random patch of each study: `images` (2, slices, rows, columns) float32 of T1 and T2, `masks` (2, ...) of
    vertebral bodies and of Modic changes, 0 or 1.

    Parameters
    ----------
    studies:
        Samples of whole studies whose changes are outlined, as `gao2022.Gao2022.cut` makes them.
    """

    def __init__(self, studies: Sequence[Sample]) -> None:
        self._studies = [images_and_masks(one) for one in studies]
        slices = min(PATCH[0], max(one["images"].shape[1] for one in self._studies))
        self._transform = _transform((slices, *PATCH[1:]))

    def __len__(self) -> int:
        return len(self._studies)

    def __getitem__(self, number: int) -> dict[str, torch.Tensor]:
        # MONAI's transforms keep generators of their own; the loop seeds torch's, so that a resumed run is the same.
        self._transform.set_random_state(int(torch.randint(2**31 - 1, ())))
        study = self._studies[number]
        patch = self._transform({**study, "weights": _weights(study["masks"])})[0]
        return {name: patch[name] for name in ("images", "masks")}


def images_and_masks(study: Sample) -> dict[str, np.ndarray]:
    """`images` (2, slices, rows, columns) float32 of T1 and T2, `masks` (2, ...) float32 of bodies and changes."""
    images = np.stack([standardized(study.arrays[name]) for name in ("t1", "t2")])
    return {
        "images": images,
        "masks": np.stack([study.arrays[name] > 0 for name in ("bodies", "changes")]).astype("f4"),
    }


def standardized(image: np.ndarray) -> np.ndarray:
    """(slices, rows, columns) clipped at its 99.5th percentile, then with mean 0 and standard deviation 1.

    The clip keeps the fat beside the surface coil from setting the scale.
    """
    clipped = np.minimum(image, np.percentile(image, 99.5))
    return ((clipped - clipped.mean()) / max(float(clipped.std()), 1e-6)).astype(np.float32)


def _weights(masks: np.ndarray) -> np.ndarray:
    """How often a voxel is the middle of a patch (1, slices, rows, columns): bodies and changes equally often."""
    sums = masks.sum((1, 2, 3), keepdims=True)
    return (masks / np.maximum(sums, 1)).sum(0, keepdims=True)


def _transform(size: tuple[int, int, int]) -> Compose:
    both = ("images", "masks")
    return Compose(
        [
            SpatialPadd((*both, "weights"), size),
            RandWeightedCropd(both, "weights", size),
            RandAffined(
                both,
                prob=1.0,
                rotate_range=(np.radians(ROTATION_DEGREES), 0, 0),
                scale_range=(0, SCALE, SCALE),
                mode=("bilinear", "nearest"),
                padding_mode=("border", "zeros"),
            ),
            RandFlipd(both, prob=0.5, spatial_axis=0),
            RandScaleIntensityd("images", INTENSITY, prob=1.0, channel_wise=True),
            RandShiftIntensityd("images", INTENSITY, prob=1.0, channel_wise=True),
            RandGaussianNoised("images", prob=0.5, std=NOISE),
            ToTensord(both, track_meta=False),
        ]
    )
