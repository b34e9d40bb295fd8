"""The localization network: structures, level identities and disc corners on one sagittal slice of any contrast.

The identity of a level is counted from the sacrum upwards: class 0 is S1, class 1 the disc L5/S1, class 2 L5, and so
on, discs odd and vertebrae even. Everything from T11 upwards shares the last class.
"""

from __future__ import annotations

import torch
from monai.networks.nets import DynUNet
from torch import nn

PIXEL_MM = 1.25
"""Pixel size the network reads, in mm."""

STRUCTURES = ("background", "vertebra", "sacrum", "disc", "canal")
"""Classes of the structure softmax; `vertebra` is the body without posterior elements, `sacrum` the body of S1."""

BACKGROUND, VERTEBRA, SACRUM, DISC, CANAL = range(len(STRUCTURES))

IDENTITIES = 15
"""Classes of the identity softmax: S1, L5/S1, L5, ..., T11/T12, and T11 with all above it."""

CORNER_CHANNELS = 4
"""Heatmaps of the disc corners, in the order of `anatomy.CORNERS`."""

STRIDE = 64
"""Image sides must be multiples of this."""


class SpineNetwork(nn.Module):
    """U-Net (MONAI's DynUNet) at half resolution whose last layer paints a 2 x 2 block of pixels for each of its own.

    Input `(B, 1, H, W)` at `PIXEL_MM`, standardized per image. Output: structure logits `(B, 5, H, W)`, identity
    logits `(B, 15, H, W)` and corner logits `(B, 4, H, W)`.
    """

    def __init__(self) -> None:
        super().__init__()
        self.channels = (len(STRUCTURES), IDENTITIES, CORNER_CHANNELS)
        self.unet = DynUNet(
            spatial_dims=2,
            in_channels=1,
            out_channels=4 * sum(self.channels),
            kernel_size=[3] * 6,
            strides=[2] * 6,
            upsample_kernel_size=[2] * 5,
            filters=[32, 48, 96, 160, 224, 256],
            norm_name="batch",
        )
        self.paint = nn.PixelShuffle(2)

    def forward(self, image: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Logits of structures, identities and corners for `(B, 1, H, W)`."""
        structures, identities, corners = torch.split(self.paint(self.unet(image)), self.channels, dim=1)
        return structures, identities, corners

    def weights(self) -> dict[str, torch.Tensor]:
        """The parameters and buffers, each once: MONAI's `skip_layers` only name those of the other modules again."""
        state = self.state_dict()
        return {name: tensor.contiguous() for name, tensor in state.items() if ".skip_layers." not in name}

    def load_weights(self, weights: dict[str, torch.Tensor]) -> None:
        """Take what `weights()` gave, in any precision; raise RuntimeError if anything is missing or unknown."""
        missing, unknown = self.load_state_dict(weights, strict=False)
        # Batch counters matter to training alone and are not shipped.
        missing = [name for name in missing if ".skip_layers." not in name and "num_batches" not in name]
        if missing or unknown:
            raise RuntimeError(f"weights do not fit SpineNetwork: missing {missing}, unknown {unknown}")


def standardize(image: torch.Tensor) -> torch.Tensor:
    """Each image of `(..., H, W)` clipped at its 99.5th percentile, then with mean 0 and standard deviation 1.

    The clip keeps the fat beside the surface coil, by far the brightest tissue, from setting the scale.
    """
    flat = image.flatten(-2)
    top = torch.quantile(flat, 0.995, dim=-1, keepdim=True)
    flat = torch.minimum(flat, top)
    flat = (flat - flat.mean(-1, keepdim=True)) / flat.std(-1, keepdim=True).clamp_min(1e-6)
    return flat.reshape(image.shape)
