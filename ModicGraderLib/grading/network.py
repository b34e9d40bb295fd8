"""The disc grader: a small residual network over the slices of a disc region, all findings at once."""

from __future__ import annotations

import torch
from torch import nn

from .disc_input import CHANNELS, SCALARS
from .tasks import OUTPUTS

WIDTHS = (24, 40, 64, 96)
"""Feature maps per stage; each stage halves the picture."""


class _Block(nn.Module):
    def __init__(self, inputs: int, outputs: int, stride: int):
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False),
            nn.BatchNorm2d(outputs),
            nn.ReLU(inplace=True),
            nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False),
            nn.BatchNorm2d(outputs),
        )
        self.shortcut = nn.Sequential(nn.Conv2d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.relu(self.body(x) + self.shortcut(x))


class DiscGrader(nn.Module):
    """Logits `(B, OUTPUTS)` of `tasks` for regions `(B, 4, S, H, W)` and scalars `(B, 16)`; any number of slices S.

    Each slice is read by the same network; the logits of the slices are averaged, those of the ends of an odd stack
    weighing half, since they lie off the mid-sagittal plane on which grades are given.
    """

    def __init__(self) -> None:
        super().__init__()
        stages: list[nn.Module] = [
            nn.Conv2d(CHANNELS, WIDTHS[0], 5, 2, 2, bias=False),
            nn.BatchNorm2d(WIDTHS[0]),
            nn.ReLU(inplace=True),
        ]
        for inputs, outputs in zip((WIDTHS[0], *WIDTHS[:-1]), WIDTHS, strict=True):
            stages.append(_Block(inputs, outputs, 1 if inputs == outputs else 2))
        self.encoder = nn.Sequential(*stages)
        # Three stacked bands (vertebra above, disc, vertebra below) are pooled apart: where a change lies matters.
        self.head = nn.Sequential(
            nn.Dropout(0.4),
            nn.Linear(2 * 3 * WIDTHS[-1] + SCALARS, 128),
            nn.ReLU(inplace=True),
            nn.Dropout(0.3),
            nn.Linear(128, OUTPUTS),
        )

    def forward(self, region: torch.Tensor, scalars: torch.Tensor) -> torch.Tensor:
        """Logits `(B, OUTPUTS)`."""
        batch, _, slices = region.shape[:3]
        flat = region.transpose(1, 2).flatten(0, 1)
        features = self.encoder(flat.contiguous(memory_format=torch.channels_last))
        bands = [
            nn.functional.adaptive_avg_pool2d(features, (3, 1)).flatten(1),
            nn.functional.adaptive_max_pool2d(features, (3, 1)).flatten(1),
        ]
        repeated = scalars.repeat_interleave(slices, dim=0)
        logits = self.head(torch.cat([*bands, repeated], 1)).unflatten(0, (batch, slices))
        weights = torch.ones(slices, device=logits.device)
        if slices > 2:
            weights[[0, -1]] = 0.5
        return (logits * (weights / weights.sum())[None, :, None]).sum(1)
