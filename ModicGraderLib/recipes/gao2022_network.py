"""The two encoder-decoders of Gao 2022 and their loss.

The abstract calls them autoencoders and says no more: their architecture and loss are our choice.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import torch
from monai.losses import DiceCELoss
from monai.networks.nets import DynUNet
from torch import nn

from ..training.precision import in_bfloat16
from .gao2022_patches import standardized

FILTERS = (16, 32, 64, 128, 128)
STRIDES = ((1, 1, 1),) + 4 * ((1, 2, 2),)
KERNELS = 2 * ((1, 3, 3),) + 3 * ((3, 3, 3),)
"""Of the levels of both networks along (slices, rows, columns); our choice. Slices are 4 to 5 mm apart: they are never
pooled, and mixed where pixels have become as large."""

ALONE = 3
"""Copies of a single slice that are read as a series (our choice): with nothing beside it the networks, which have
learned series, outline bodies less well and find fewer changes."""


def encoder_decoder(channels: int) -> nn.Module:
    """One of the two networks: `(B, channels, slices, rows, columns)` to logits `(B, 1, slices, rows, columns)`.

    A V-Net (Milletari 2016), as the paper's group names its segmenter elsewhere: residual units, strided and
    transposed convolutions, PReLU; with the kernels of `KERNELS` and instead of dropout instance normalization.
    Rows and columns must be multiples of 16.
    """
    network = DynUNet(
        spatial_dims=3,
        in_channels=channels,
        out_channels=1,
        kernel_size=KERNELS,
        strides=STRIDES,
        upsample_kernel_size=STRIDES[1:],
        filters=FILTERS,
        norm_name=("instance", {"affine": True}),
        act_name="prelu",
        res_block=True,
    )
    # MONAI registers every layer a second time under `skip_layers`, through which alone it runs; weights are kept once.
    for name in ("input_block", "downsamples", "bottleneck", "upsamples"):
        delattr(network, name)
    return network


class ModicMapper(nn.Module):
    """Both networks side by side, in one file of weights; neither sees the other's parameters or gradients.

    Input `(B, 2, slices, rows, columns)`: T1 and T2 as `standardized`. Output: logits of the same shape, of vertebral
    bodies (from T1 alone) and of Modic changes (from T1 and T2).
    """

    def __init__(self) -> None:
        super().__init__()
        self.bodies = encoder_decoder(1)
        self.changes = encoder_decoder(2)

    @in_bfloat16
    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Logits of bodies and changes."""
        return torch.cat([self.bodies(images[:, :1]), self.changes(images)], 1)


_dice_and_cross_entropy = DiceCELoss(sigmoid=True, batch=True)


def loss(network: nn.Module, batch: Mapping[str, torch.Tensor]) -> torch.Tensor:
    """Sum of both networks' Dice and cross-entropy losses; our choice.

    Dice is taken over the voxels of the batch, not of each patch: most patches show no change at all.
    """
    logits = network(batch["images"])
    return sum(_dice_and_cross_entropy(logits[:, one : one + 1], batch["masks"][:, one : one + 1]) for one in (0, 1))


@torch.inference_mode()
def segment(network: ModicMapper, t1: np.ndarray, t2: np.ndarray, device: str) -> np.ndarray:
    """Probabilities (2, slices, rows, columns) of vertebral bodies and of Modic changes, from images of that shape."""
    images = torch.from_numpy(np.stack([standardized(t1), standardized(t2)]))[None].to(device)
    if is_alone := len(t1) == 1:
        images = images.repeat_interleave(ALONE, dim=2)
    chances = network(images)[0].sigmoid().cpu().numpy()
    return chances[:, [ALONE // 2]] if is_alone else chances
