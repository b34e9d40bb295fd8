"""Views of disc volumes that can be brought back: SpineNet's augmentations, its 54 test views, its evidence hotspots.

Jamaludin 2016, sections 3 and 4. Disc volumes are (slices, rows, columns): right to left, head to foot, front to back.
"""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass, fields

import numpy as np
import torch
from torch import nn
from torch.nn import functional

SHAPE = (9, 112, 224)
"""What the network sees: slices, rows, columns ("Disc volume extraction", section 4)."""

SOURCE_SHAPE = (13, 192, 320)
"""What is kept of a disc, so that shifted views show real pixels.

Thirteen slices hold every window of nine; a turned, shrunk and shifted view may still look beyond the corners: zeros.
"""

MIDDLE = (SOURCE_SHAPE[0] - SHAPE[0]) // 2
"""First slice of the window about the mid-sagittal one."""

INNER = tuple(slice((have - want) // 2, (have + want) // 2) for have, want in zip(SOURCE_SHAPE, SHAPE, strict=True))
"""The middle of what is kept, as the network sees it in a plain view."""

TURN_DEGREES = 15.0
SHIFT_PIXELS = (24.0, 32.0)
SHIFT_SLICES = 2
SCALES = (0.9, 1.1)
BRIGHTNESS = 0.1
"""Of training: up to so much either way, shifts along rows (the paper's y) and columns (x); flips half of the time."""

TEST_SHIFT_PIXELS = 16.0
"""The patches at test time lie at -16, 0 and 16 pixels along rows and columns: the center and eight about it."""

VIEWS_AT_ONCE = 16
"""Views whose gradients are held in memory together."""


@dataclass(frozen=True)
class Views:
    """How N copies of disc volumes are taken.

    Attributes
    ----------
    turn:
        (N,) radians within the slices.
    scale:
        (N,); 1.1 makes everything larger by a tenth.
    shift:
        (N, 2) pixels of the volume from its center to that of the copy, along rows and columns.
    first:
        (N,) whole number: slice of the volume that is the first of the copy.
    flipped:
        (N,) bool: whether the slices of the copy come in reverse, "across the mid-sagittal".
    brightness:
        (N,) added to the signal.
    """

    turn: torch.Tensor
    scale: torch.Tensor
    shift: torch.Tensor
    first: torch.Tensor
    flipped: torch.Tensor
    brightness: torch.Tensor

    def __len__(self) -> int:
        return len(self.turn)

    def of(self, volumes: torch.Tensor) -> torch.Tensor:
        """Copies (N, *SHAPE) in [0, 1] of volumes (N, *SOURCE_SHAPE) in [0, 1]."""
        views = self._on(volumes.device)
        slices = views.first[:, None] + torch.arange(SHAPE[0], device=volumes.device)
        slices = torch.where(views.flipped[:, None], slices.flip(1), slices)
        copies = _read(_slices(volumes, slices), views._matrix(), views.shift)
        return (copies + views.brightness[:, None, None, None]).clamp(0, 1)

    def back(self, maps: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Maps (N, *SHAPE) on the copies, brought back to the middle of their volumes.

        Returns
        -------
        maps:
            (N, *SHAPE), 0 where the copy did not look.
        seen:
            (N, *SHAPE): how much of each pixel the copy saw, in [0, 1].
        """
        views = self._on(maps.device)
        maps = torch.where(views.flipped[:, None, None, None], maps.flip(1), maps)
        inverse = torch.linalg.inv(views._matrix())
        shift = -(inverse @ views.shift[..., None])[..., 0]
        slices = MIDDLE - views.first[:, None] + torch.arange(SHAPE[0], device=maps.device)
        inside = ((slices >= 0) & (slices < SHAPE[0]))[..., None, None]
        slices = slices.clamp(0, SHAPE[0] - 1)
        found, seen = (_read(_slices(one, slices), inverse, shift) * inside for one in (maps, torch.ones_like(maps)))
        return found, seen

    def _on(self, device: torch.device) -> Views:
        return Views(*(getattr(self, field.name).to(device) for field in fields(self)))

    def _matrix(self) -> torch.Tensor:
        # (N, 2, 2): where in the volume a step (rows, columns) of the copy leads.
        cosine, sine = torch.cos(self.turn) / self.scale, torch.sin(self.turn) / self.scale
        return torch.stack([torch.stack([cosine, -sine], -1), torch.stack([sine, cosine], -1)], -2)


def draw_views(count: int, random: torch.Generator | None = None) -> Views:
    """Views drawn at random as in training ("Data augmentation details", section 4); None: torch's own generator."""

    def either_way(most: float) -> torch.Tensor:
        return most * (2 * torch.rand(count, generator=random) - 1)

    return Views(
        turn=either_way(math.radians(TURN_DEGREES)),
        scale=SCALES[0] + (SCALES[1] - SCALES[0]) * torch.rand(count, generator=random),
        shift=torch.stack([either_way(most) for most in SHIFT_PIXELS], 1),
        first=torch.randint(MIDDLE - SHIFT_SLICES, MIDDLE + SHIFT_SLICES + 1, (count,), generator=random),
        flipped=torch.rand(count, generator=random) < 0.5,
        brightness=either_way(BRIGHTNESS),
    )


def plain_views(count: int) -> Views:
    """Views of the middle of volumes, as they are."""
    none = torch.zeros(count)
    first = torch.full((count,), MIDDLE)
    return Views(none, torch.ones(count), torch.zeros(count, 2), first, torch.zeros(count, dtype=torch.bool), none)


def test_views() -> Views:
    """The 54 views averaged at test time: 9 patches, either slice order, 3 windows; the first is the plain one.

    "Data augmentation details", section 4: "8 patches, ±16 pixels from the origin, alongside the centre patch, their
    slice-wise reflections, and sliding the slice window ±1".
    """
    steps = (0, -1, 1)
    picks = list(itertools.product(steps, (False, True), steps, steps))
    windows, flips, down, back = (torch.tensor(pick) for pick in zip(*picks, strict=True))
    plain = plain_views(len(picks))
    shift = TEST_SHIFT_PIXELS * torch.stack([down, back], 1)
    return Views(plain.turn, plain.scale, shift, MIDDLE + windows, flips, plain.brightness)


test_views.__test__ = False  # It is no test, whatever pytest makes of its name.


@torch.inference_mode()
def read_views(network: nn.Module, volume: torch.Tensor) -> dict[str, np.ndarray]:
    """Probabilities (54, classes) by task of the test views of a volume (*SOURCE_SHAPE); their mean is the answer."""
    views = test_views()
    logits = network(views.of(volume.expand(len(views), *SOURCE_SHAPE)))
    return {task: scores.softmax(1).cpu().numpy() for task, scores in logits.items()}


def hotspots(
    network: nn.Module, volume: torch.Tensor, task: str, answer: int, *, copies: int, seed: int = 0
) -> np.ndarray:
    """Evidence for an answer: |dy_c/dx| slice by slice, averaged over random copies brought back (section 3).

    Unlike in `evidence.hotspots` the magnitude is taken on the copy, as in the paper, and slices are flipped and moved.

    Parameters
    ----------
    network:
        Gives logits (N, classes) by task for copies (N, *SHAPE).
    volume:
        *SOURCE_SHAPE in [0, 1], on the network's device.
    answer:
        Number c of the class whose unnormalized score y_c is explained.
    copies:
        How many are averaged; the paper does not say.

    Returns
    -------
    np.ndarray
        *SHAPE float32, not negative: the mean over the copies that saw a pixel.
    """
    random = torch.Generator().manual_seed(seed)
    total = seen = torch.zeros(SHAPE, device=volume.device)
    for start in range(0, copies, VIEWS_AT_ONCE):
        views = draw_views(min(VIEWS_AT_ONCE, copies - start), random)
        pixels = views.of(volume.expand(len(views), *SOURCE_SHAPE)).requires_grad_()
        with torch.enable_grad():
            score = network(pixels)[task][:, answer].sum()
        found, looked = views.back(torch.autograd.grad(score, pixels)[0].abs())
        total, seen = total + found.sum(0), seen + looked.sum(0)
    return (total / seen.clamp_min(1)).cpu().numpy()


def _slices(volumes: torch.Tensor, slices: torch.Tensor) -> torch.Tensor:
    """Of volumes (N, slices, rows, columns) those named by (N, K): (N, K, rows, columns)."""
    return volumes[torch.arange(len(volumes), device=volumes.device)[:, None], slices]


def _read(images: torch.Tensor, matrix: torch.Tensor, shift: torch.Tensor) -> torch.Tensor:
    """Images (N, C, H, W) read linearly about their middle, (N, C, *SHAPE[1:]); zeros beyond.

    A step (rows, columns) from the middle of the result is `matrix` (N, 2, 2) times it, plus `shift` (N, 2), in them.
    """
    step = torch.stack(
        torch.meshgrid(
            *(torch.arange(side, device=images.device) - (side - 1) / 2 for side in SHAPE[1:]), indexing="ij"
        ),
        -1,
    )
    source = torch.einsum("nij,hwj->nhwi", matrix, step) + shift[:, None, None]
    height, width = images.shape[-2:]
    grid = torch.stack([2 * source[..., 1] / width, 2 * source[..., 0] / height], -1)
    return functional.grid_sample(images, grid, align_corners=False)
