"""The disc reader: one network that maps changed marrow pixel by pixel and answers for the disc as a whole."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import nn
from torch.nn import functional
from torch.nn.utils.rnn import pad_sequence

from .disc_input import CHANNELS, SCALARS
from .tasks import MARROW_CHANGE, MODIC_CHANGE, OUTPUTS

WIDTHS = (32, 64, 96, 128)
"""Feature maps per stage; the first works at half the picture's resolution, each next one halves it again."""

CLASSES = 4
"""Classes of a pixel: no change, types I, II, III."""

ANATOMY = ("background", "disc", "vertebra", "canal")
"""What else the network tells of a pixel. It learns from it where endplates run, and grades their relief by it."""

CONTRASTS = 4
"""Channels that the network adds to its input, see `_contrasts`."""

WINDOW = 7
"""Pixels over which marrow is averaged, about 4 mm: less than a change that readers call, enough against noise."""

PROFILE = 16
"""Features of an endplate's profile."""

EMBEDDING = 160
"""Numbers that stand for a slice."""


class _Block(nn.Module):
    def __init__(self, inputs: int, outputs: int, stride: int = 1):
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False),
            nn.BatchNorm2d(outputs),
            nn.ReLU(inplace=True),
            nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False),
            nn.BatchNorm2d(outputs),
        )
        same = inputs == outputs and stride == 1
        self.shortcut = (
            nn.Identity()
            if same
            else nn.Sequential(nn.Conv2d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs))
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.relu(self.body(x) + self.shortcut(x))


class _Merge(nn.Module):
    """Doubles the resolution and takes in the features of the encoder at that resolution."""

    def __init__(self, coarse: int, fine: int):
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(coarse + fine, fine, 3, 1, 1, bias=False), nn.BatchNorm2d(fine), nn.ReLU(inplace=True)
        )

    def forward(self, coarse: torch.Tensor, fine: torch.Tensor) -> torch.Tensor:
        return self.body(torch.cat([functional.interpolate(coarse, scale_factor=2), fine], 1))


class DiscReader(nn.Module):
    """Reads every slice of a disc region alike, and pools the slices of a disc by attention.

    A U-Net (Ronneberger 2015) whose pixels are unshuffled first, so that no stage works at full resolution. What it
    says of the pixels goes into the answers for the disc: a grade can then follow the map.
    """

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Sequential(
            nn.PixelUnshuffle(2), nn.Conv2d(4 * (CHANNELS + CONTRASTS), WIDTHS[0], 3, 1, 1, bias=False),
            nn.BatchNorm2d(WIDTHS[0]), nn.ReLU(inplace=True), _Block(WIDTHS[0], WIDTHS[0]),
        )  # fmt: skip
        self.down = nn.ModuleList(
            _Block(inputs, outputs, 2) for inputs, outputs in zip(WIDTHS[:-1], WIDTHS[1:], strict=True)
        )
        self.up = nn.ModuleList(
            _Merge(coarse, fine) for coarse, fine in zip(WIDTHS[:0:-1], WIDTHS[-2::-1], strict=True)
        )
        self.pixels = nn.Sequential(nn.Conv2d(WIDTHS[0], 4 * (CLASSES + len(ANATOMY)), 3, 1, 1), nn.PixelShuffle(2))
        self.profile = nn.Sequential(
            nn.Conv1d(PROFILES, PROFILE, 7, 2, 3), nn.ReLU(inplace=True),
            nn.Conv1d(PROFILE, 2 * PROFILE, 5, 2, 2), nn.ReLU(inplace=True),
        )  # fmt: skip
        # Three stacked bands (vertebra above, disc, vertebra below) are pooled apart: where a finding lies matters.
        features = 2 * 3 * (WIDTHS[-1] + WIDTHS[-2]) + 2 * 2 * (CLASSES - 1) + 4 * PROFILE + SCALARS
        self.embed = nn.Sequential(nn.Dropout(0.3), nn.Linear(features, EMBEDDING), nn.ReLU(inplace=True))
        self.attention = nn.Linear(EMBEDDING, 1)
        self.head = nn.Sequential(nn.Dropout(0.3), nn.Linear(2 * EMBEDDING, OUTPUTS))

    def forward(
        self, region: torch.Tensor, scalars: torch.Tensor, slices: Sequence[int]
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Logits of `tasks` (B, OUTPUTS), and of the classes of every pixel (N, 4, H, W); see `read`."""
        return self.read(region, scalars, slices)[:2]

    def read(
        self, region: torch.Tensor, scalars: torch.Tensor, slices: Sequence[int]
    ) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Logits of `tasks` (B, OUTPUTS), of the classes of every pixel (N, 4, H, W), and of `ANATOMY` likewise.

        Parameters
        ----------
        region:
            (N, 4, H, W) slices of all discs, one disc after the other; see `disc_input.DiscInput.region`.
        scalars:
            (B, 16) of the discs.
        slices:
            How many slices each disc has; they sum to N.
        """
        seen = torch.cat([region, _contrasts(region)], 1)
        stages = [self.stem(seen.contiguous(memory_format=torch.channels_last))]
        for down in self.down:
            stages.append(down(stages[-1]))
        fine = stages[-1]
        for up, stage in zip(self.up, stages[-2::-1], strict=True):
            fine = up(fine, stage)
        pixels, anatomy = self.pixels(fine).split((CLASSES, len(ANATOMY)), 1)
        profile = self.profile(_profiles(anatomy))
        embedded = self.embed(torch.cat([
            *(_bands(stage) for stage in stages[-2:]),
            _evidence(pixels, region[:, 3]),
            profile.mean(2), profile.amax(2),
            scalars.repeat_interleave(torch.as_tensor(slices, device=scalars.device), dim=0),
        ], 1))  # fmt: skip
        return self._disc(embedded, slices), pixels, anatomy

    def _disc(self, embedded: torch.Tensor, slices: Sequence[int]) -> torch.Tensor:
        padded = pad_sequence(embedded.split(list(slices)), batch_first=True)
        number = torch.arange(padded.shape[1], device=padded.device)
        absent = number >= torch.as_tensor(slices, device=padded.device)[:, None]
        weight = self.attention(padded).masked_fill(absent[..., None], -torch.inf).softmax(1)
        # What is embedded is never negative, so that absent slices, all zero, cannot be the largest.
        logits = self.head(torch.cat([(weight * padded).sum(1), padded.amax(1)], 1))
        upper, lower = logits[:, MARROW_CHANGE[0]], logits[:, MARROW_CHANGE[1]]
        either = torch.logsumexp(torch.stack([upper, lower, upper + lower]), 0)
        return torch.cat([logits[:, :MODIC_CHANGE], either[:, None], logits[:, MODIC_CHANGE + 1 :]], 1)


def _contrasts(region: torch.Tensor) -> torch.Tensor:
    """Marrow's signal, free of noise: (N, 4, H, W) from regions of that shape.

    T1 and T2 as the logarithm of their ratio to normal marrow, averaged over the bone near a pixel; then the same
    against the mean of all the bone in the upper or lower half of the slice, should the reference be off.
    """
    bone = region[:, 3:4]
    there = (region[:, :2].amax((2, 3), keepdim=True) > 0) * bone
    ratio = torch.log2(2 * region[:, :2].clamp_min(0) + 0.06).clamp(-2, 2) * there
    near = functional.avg_pool2d(bone, WINDOW, 1, WINDOW // 2)
    local = functional.avg_pool2d(ratio, WINDOW, 1, WINDOW // 2) / near.clamp_min(0.05) * (near > 0.05)
    halves = [part.unflatten(2, (2, -1)).sum((3, 4), keepdim=True) for part in (ratio, bone)]
    mean = (halves[0] / halves[1].clamp_min(1.0)).expand(-1, -1, -1, bone.shape[2] // 2, bone.shape[3]).flatten(2, 3)
    return torch.cat([local, local - mean * (near > 0.05)], 1)


PROFILES = 4
"""Curves along a disc: how much bone lies above and below it, how high it is, and where the canal runs."""


def _profiles(anatomy: torch.Tensor) -> torch.Tensor:
    """Thickness (N, 4, W) of bone in the upper and the lower half, of the disc and of the canal, in tens of pixels."""
    chance = anatomy.softmax(1)
    disc, bone, canal = (chance[:, ANATOMY.index(name)] for name in ("disc", "vertebra", "canal"))
    upper, lower = bone.unflatten(1, (2, -1)).sum(2).unbind(1)
    return torch.stack([upper, lower, disc.sum(1), canal.sum(1)], 1) / 10


def _bands(features: torch.Tensor) -> torch.Tensor:
    return torch.cat([
        functional.adaptive_avg_pool2d(features, (3, 1)).flatten(1),
        functional.adaptive_max_pool2d(features, (3, 1)).flatten(1),
    ], 1)  # fmt: skip


def _evidence(pixels: torch.Tensor, bone: torch.Tensor) -> torch.Tensor:
    """Area and peak (N, 12) of each type in the vertebra above and the one below, from logits (N, 4, H, W)."""
    types = pixels.softmax(1)[:, 1:] * bone[:, None]
    halves = types.unflatten(2, (2, -1))
    # Area as the side of a square: a small change shall count for more than its share of the pixels.
    area = (halves.mean((3, 4)) + 1e-6).sqrt() * 4
    peak = functional.avg_pool2d(types, 4).unflatten(2, (2, -1)).amax((3, 4))
    return torch.cat([area.flatten(1), peak.flatten(1)], 1)
