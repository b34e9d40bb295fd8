"""Run the localization network over every sagittal slice of a study, and bring both contrasts onto one grid."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

from ..grid import Grid
from ..progress import Progress
from ..regions import resample
from ..study import SpineStudy, Volume
from .network import PIXEL_MM, STRIDE, SpineNetwork, standardize

SLICE_STEP_MM = 2.5
"""Slices closer than this are thinned out: their neighbors would only say the same again."""

BATCH = 4


@dataclass(frozen=True)
class SpinePrediction:
    """What the network saw, averaged over the contrasts, on `grid` (slices of the reference, square pixels).

    Attributes
    ----------
    structures: (5, S, H, W), probabilities of `network.STRUCTURES`.
    identities: (15, S, H, W), probabilities of the level identities, meaningful on the spine alone.
    corners: (4, S, H, W), heatmaps in [0, 1] of `anatomy.CORNERS`.
    """

    grid: Grid
    structures: np.ndarray
    identities: np.ndarray
    corners: np.ndarray


def prediction_grid(reference: Volume, scale: float = 1.0) -> Grid:
    """The reference's field of view with pixels of `PIXEL_MM * scale`, its sides multiples of the network's stride."""
    slices, rows, columns = reference.array.shape
    spacing = reference.spacing
    thinning = max(1, round(SLICE_STEP_MM / spacing[0])) if slices > 1 else 1
    first = ((slices - 1) % thinning) // 2
    kept = (slices - 1 - first) // thinning + 1
    pixel = PIXEL_MM * scale
    extent = np.array([rows, columns]) * spacing[1:]
    shape = np.maximum(np.ceil(extent / pixel / STRIDE) * STRIDE, 4 * STRIDE).astype(int)
    directions = reference.affine[:3, :3] / spacing
    affine = np.eye(4)
    affine[:3, 0] = directions[:, 0] * spacing[0] * thinning
    affine[:3, 1:3] = directions[:, 1:] * pixel
    center = reference.to_patient([first, (rows - 1) / 2, (columns - 1) / 2])
    affine[:3, 3] = center - affine[:3, 1:3] @ ((shape - 1) / 2)
    return Grid(affine, (kept, int(shape[0]), int(shape[1])))


def predict(
    study: SpineStudy, network: SpineNetwork, *, scale: float = 1.0, progress: Progress | None = None
) -> SpinePrediction:
    """The network's view of a study; where only one contrast reaches, that one alone counts."""
    progress = progress or Progress()
    grid = prediction_grid(study.reference, scale)
    channels = sum(network.channels)
    total = np.zeros((channels, *grid.shape), np.float32)
    weight = np.zeros(grid.shape, np.float32)
    for number, volume in enumerate(study.volumes):
        part = progress.part(number / len(study.volumes), (number + 1) / len(study.volumes))
        image = resample(volume.array, volume.grid, grid, blur=True)
        seen = ~np.isnan(image)
        # The network was trained on whole pictures; a sliver of one would only mislead it.
        seen &= seen.mean((1, 2), keepdims=True) > 0.3
        probabilities = _run(network, np.nan_to_num(image), part)
        # In place: for a 3D volume each of these arrays has hundreds of megabytes.
        probabilities *= seen
        total += probabilities
        weight += seen
    total /= np.maximum(weight, 1)
    structures, identities, corners = np.split(total, np.cumsum(network.channels)[:-1])
    structures[0][weight == 0] = 1
    return SpinePrediction(grid, structures, identities, corners)


@torch.inference_mode()
def _run(network: SpineNetwork, image: np.ndarray, progress: Progress) -> np.ndarray:
    device = next(network.parameters()).device
    result = np.empty((sum(network.channels), *image.shape), np.float32)
    for start in range(0, len(image), BATCH):
        progress.step(start / len(image), "Looking for the spine")
        batch = standardize(torch.from_numpy(image[start : start + BATCH]))[:, None].to(device)
        structures, identities, corners = network(batch.contiguous(memory_format=torch.channels_last))
        probabilities = torch.cat([structures.softmax(1), identities.softmax(1), corners.sigmoid()], 1)
        result[:, start : start + BATCH] = probabilities.permute(1, 0, 2, 3).cpu().numpy()
    return result
