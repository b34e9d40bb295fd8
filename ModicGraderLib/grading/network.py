"""The disc reader: one network that maps changed marrow pixel by pixel and answers for the disc as a whole."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import nn
from torch.nn import functional
from torch.nn.utils.rnn import pad_sequence

from .disc_input import CHANNELS, SCALARS
from .tasks import MODIC_CHANGE, OF_AN_ENDPLATE, OF_THE_DISC, OUTPUTS

WIDTHS = (32, 64, 96, 128)
"""Feature maps per stage; the first works at half the picture's resolution, each next one halves it again."""

CLASSES = 4
"""Classes of a pixel: no change, types I, II, III."""

ANATOMY = ("background", "disc", "vertebra", "canal")
"""What else the network tells of a pixel. It learns from it where endplates run, and grades their relief by it."""

PIXELS = (CLASSES, len(ANATOMY), 1)
"""Outputs for a pixel, see `Pixels`."""

CONTRASTS = 4
"""Channels that the network adds to its input, see `_contrasts`."""

WINDOW = 7
"""Pixels over which marrow is averaged, about 4 mm: less than a change that readers call, enough against noise."""

NEAR = 8
"""Pixels from the disc within which marrow is near it, about 4.5 mm."""

PROFILE = 16
"""Features of an endplate's profile."""

ENDPLATE, SLICE = 64, 160
"""Numbers that stand for an endplate on a slice, and for a slice."""


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


class Pixels(NamedTuple):
    """Logits of what every pixel shows.

    Attributes
    ----------
    classes:
        (N, 4, H, W) of no change and types I, II, III.
    anatomy:
        (N, 4, H, W) of `ANATOMY`.
    own:
        (N, 1, H, W) of a change there resting on an endplate of this disc, not on one of a neighboring disc.
    """

    classes: torch.Tensor
    anatomy: torch.Tensor
    own: torch.Tensor


class DiscReader(nn.Module):
    """Reads every slice of a disc region alike, and pools the slices of a disc by attention and by the largest.

    A U-Net (Ronneberger 2015) whose pixels are unshuffled first, so that no stage works at full resolution. What it
    says of the pixels goes into the answers: a grade can then follow the map. Both endplates are read by the same
    layers.
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
        self.pixels = nn.Sequential(nn.Conv2d(WIDTHS[0], 4 * sum(PIXELS), 3, 1, 1), nn.PixelShuffle(2))
        self.profile = nn.Sequential(
            nn.Conv1d(PROFILES, PROFILE, 7, 2, 3), nn.ReLU(inplace=True),
            nn.Conv1d(PROFILE, 2 * PROFILE, 5, 2, 2), nn.ReLU(inplace=True),
        )  # fmt: skip
        self.endplate = nn.Sequential(
            nn.Dropout(0.1), nn.Linear(EVIDENCE + 2 * WIDTHS[0] + 4 * PROFILE, ENDPLATE), nn.ReLU(inplace=True)
        )
        # Three stacked bands (vertebra above, disc, vertebra below) are pooled apart: where a finding lies matters.
        features = 2 * 3 * (WIDTHS[-1] + WIDTHS[-2]) + 2 * ENDPLATE + SCALARS
        self.embed = nn.Sequential(nn.Dropout(0.3), nn.Linear(features, SLICE), nn.ReLU(inplace=True))
        self.attention = nn.Linear(SLICE, 1)
        self.head = nn.Sequential(nn.Dropout(0.3), nn.Linear(2 * SLICE, len(OF_THE_DISC)))
        self.endplate_head = nn.Sequential(
            nn.Dropout(0.2), nn.Linear(2 * SLICE + 3 * ENDPLATE, ENDPLATE), nn.ReLU(inplace=True),
            nn.Linear(ENDPLATE, len(OF_AN_ENDPLATE["upper"])),
        )  # fmt: skip

    def forward(
        self, region: torch.Tensor, scalars: torch.Tensor, slices: Sequence[int]
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Logits of `tasks` (B, OUTPUTS), and of the classes of every pixel (N, 4, H, W); see `read`."""
        answers, pixels = self.read(region, scalars, slices)
        return answers, pixels.classes

    def read(self, region: torch.Tensor, scalars: torch.Tensor, slices: Sequence[int]) -> tuple[torch.Tensor, Pixels]:
        """Logits of `tasks` (B, OUTPUTS), and all that is told of the pixels.

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
        pixels = Pixels(*self.pixels(fine).split(PIXELS, 1))
        endplates = self._endplates(region, fine, pixels)
        embedded = self.embed(torch.cat([
            *(_bands(stage) for stage in stages[-2:]),
            endplates.flatten(1),
            scalars.repeat_interleave(torch.as_tensor(slices, device=scalars.device), dim=0),
        ], 1))  # fmt: skip
        return self._answers(embedded, endplates, slices), pixels

    def _endplates(self, region: torch.Tensor, fine: torch.Tensor, pixels: Pixels) -> torch.Tensor:
        """What stands for the upper and the lower endplate on each slice, (N, 2, ENDPLATE)."""
        types = pixels.classes.softmax(1)[:, 1:] * region[:, 3:4]
        own = types * pixels.own.sigmoid()
        near = _dilated(region[:, 2:3]) * region[:, 3:4]
        profile = self.profile(_profiles(pixels.anatomy).flatten(0, 1)).unflatten(0, (-1, 2))
        weights = functional.avg_pool2d(torch.cat([own.sum(1, keepdim=True), near], 1), 2)
        return self.endplate(torch.cat([
            _evidence(own), _evidence(types * near), _areas(_halves(types)),
            _weighted_means(fine, weights),
            profile.mean(3), profile.amax(3),
        ], 2))  # fmt: skip

    def _answers(self, embedded: torch.Tensor, endplates: torch.Tensor, slices: Sequence[int]) -> torch.Tensor:
        padded, own = (pad_sequence(part.split(list(slices)), batch_first=True) for part in (embedded, endplates))
        count = torch.as_tensor(slices, device=padded.device)
        absent = torch.arange(padded.shape[1], device=padded.device) >= count[:, None]
        weight = self.attention(padded).masked_fill(absent[..., None], -torch.inf).softmax(1)
        # What is embedded is never negative, so that absent slices, all zero, cannot be the largest.
        disc = torch.cat([(weight * padded).sum(1), padded.amax(1)], 1)
        # A change is one if two slices show it; of a lone slice nothing more can be asked.
        largest = own.topk(min(2, own.shape[1]), 1).values
        second = torch.where((count > 1)[:, None, None], largest[:, -1], largest[:, 0])
        pooled = torch.cat([(weight[..., None] * own).sum(1), largest[:, 0], second], 2)
        answers = self.endplate_head(torch.cat([disc[:, None].expand(-1, 2, -1), pooled], 2))
        logits = disc.new_zeros(len(disc), OUTPUTS)
        logits[:, OF_THE_DISC] = self.head(disc)
        for number, outputs in enumerate(OF_AN_ENDPLATE.values()):
            logits[:, outputs] = answers[:, number]
        upper, lower = answers[..., 0].unbind(1)
        logits[:, MODIC_CHANGE] = torch.logsumexp(torch.stack([upper, lower, upper + lower]), 0)
        return logits


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
"""Curves along an endplate: how much bone lies on its side and on the other, how high the disc is, and the canal."""


def _profiles(anatomy: torch.Tensor) -> torch.Tensor:
    """Curves (N, 2, 4, W) of both endplates: thickness of bone, bone opposite, disc and canal, in tens of pixels."""
    chance = anatomy.softmax(1)
    disc, bone, canal = (chance[:, ANATOMY.index(name)] for name in ("disc", "vertebra", "canal"))
    sides = bone.unflatten(1, (2, -1)).sum(2)
    both = torch.stack([disc.sum(1), canal.sum(1)], 1)[:, None].expand(-1, 2, -1, -1)
    return torch.cat([torch.stack([sides, sides.flip(1)], 2), both], 2) / 10


def _bands(features: torch.Tensor) -> torch.Tensor:
    return torch.cat([
        functional.adaptive_avg_pool2d(features, (3, 1)).flatten(1),
        functional.adaptive_max_pool2d(features, (3, 1)).flatten(1),
    ], 1)  # fmt: skip


def _halves(maps: torch.Tensor) -> torch.Tensor:
    """The vertebra above and the one below, (N, 2, C, H / 2, W) of maps (N, C, H, W)."""
    return maps.unflatten(2, (2, -1)).transpose(1, 2)


def _areas(halves: torch.Tensor) -> torch.Tensor:
    # Area as the side of a square: a small change shall count for more than its share of the pixels.
    return (halves.mean((3, 4)) + 1e-6).sqrt() * 4


def _dilated(mask: torch.Tensor) -> torch.Tensor:
    """A mask (N, 1, H, W) grown by `NEAR` pixels to all sides, rows after columns since that is faster."""
    wide = functional.max_pool2d(mask, (1, 2 * NEAR + 1), 1, (0, NEAR))
    return functional.max_pool2d(wide, (2 * NEAR + 1, 1), 1, (NEAR, 0))


EVIDENCE = 5 * (CLASSES - 1)
"""Areas and peaks of own changes and of those near the disc, and areas of all."""


def _evidence(types: torch.Tensor) -> torch.Tensor:
    """Area and peak (N, 2, 6) of each type in the vertebra above and the one below, from chances (N, 3, H, W)."""
    peak = _halves(functional.avg_pool2d(types, 4)).amax((3, 4))
    return torch.cat([_areas(_halves(types)), peak], 2)


def _weighted_means(features: torch.Tensor, weights: torch.Tensor) -> torch.Tensor:
    """Means (N, 2, W * C) of features (N, C, H, W) in the upper and the lower half, by weights (N, W, H, W)."""
    there, weight = _halves(features).flatten(3), _halves(weights).flatten(3)
    total = torch.einsum("nhwp,nhcp->nhwc", weight, there)
    return (total / (weight.sum(3)[..., None] + 1.0)).flatten(2)
