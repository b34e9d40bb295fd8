"""Random views of a `SpineSlice`: geometry, contrast and artefacts far wider than any one scanner gives.

A network that has seen only T1 must read T2, so intensities are remapped by curves that need not be monotone and each
structure is lightened or darkened on its own, after SynthSeg (Billot 2023) but starting from a real picture.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from monai.transforms import (
    Compose,
    OneOf,
    RandAdjustContrast,
    RandBiasField,
    RandCoarseDropout,
    RandGaussianNoise,
    RandGaussianSmooth,
    RandGibbsNoise,
    RandSimulateLowResolution,
)
from scipy import ndimage

from ..localization.network import CANAL, CORNER_CHANNELS, DISC, PIXEL_MM, SACRUM, VERTEBRA, standardize
from .spine_slices import NO_IDENTITY, UNKNOWN, SpineSlice

CORNER_SIGMA_MM = 2.5
"""Width of the bump that marks a corner in its heatmap."""


@dataclass(frozen=True)
class View:
    """What the network is given and asked for: image `(1, H, W)`, the rest `(H, W)` and corners `(4, H, W)`."""

    image: torch.Tensor
    structure: torch.Tensor
    identity: torch.Tensor
    corners: torch.Tensor
    corners_known: torch.Tensor


@dataclass(frozen=True)
class Placement:
    """Where a view lies in its slice: view pixel (row, column) from the center -> slice pixel = matrix @ it + center.

    `bend` (2, h, w) is a coarse displacement in view pixels, added first.
    """

    matrix: np.ndarray
    center: np.ndarray
    bend: np.ndarray


class SpineViews:
    """Draws views of `size` x `size` pixels of `PIXEL_MM`; `augment=False` gives the centered, plain view."""

    def __init__(self, size: int = 256, augment: bool = True, seed: int = 0):
        self.size = size
        self.augment = augment
        self.random = np.random.default_rng(seed)
        self._artefacts = Compose(
            [
                OneOf(
                    [
                        RandGaussianSmooth(sigma_x=(0.4, 1.5), sigma_y=(0.4, 1.5), prob=1.0),
                        RandGibbsNoise(prob=0.7, alpha=(0.0, 0.5)),
                    ]
                ),
                RandSimulateLowResolution(
                    prob=0.2, zoom_range=(0.4, 0.9), upsample_mode="bilinear", align_corners=False
                ),
                RandBiasField(prob=0.4, degree=3, coeff_range=(-0.4, 0.4)),
                RandAdjustContrast(prob=0.4, gamma=(0.5, 2.0)),
                RandGaussianNoise(prob=0.5, std=0.04),
                RandCoarseDropout(holes=1, max_holes=4, spatial_size=12, max_spatial_size=40, fill_value=0, prob=0.15),
            ]
        ).set_random_state(seed)

    def __call__(self, one: SpineSlice) -> View:
        """One view of a slice."""
        placement = self._place(one) if self.augment else self._center(one)
        points = self._points(placement)
        image = _sample(one.image, points, order=1)
        structure = _sample(one.structure, points, order=0, outside=UNKNOWN).astype(np.uint8)
        identity = _sample(one.identity, points, order=0, outside=NO_IDENTITY).astype(np.uint8)
        known = _sample(one.corners_known.astype(np.uint8), points, order=0).astype(bool)
        if self.augment:
            image = self._recolor(image, structure)
        return View(
            image=standardize(torch.from_numpy(np.ascontiguousarray(image, np.float32)))[None],
            structure=torch.from_numpy(structure.astype(np.int64)),
            identity=torch.from_numpy(identity.astype(np.int64)),
            corners=torch.from_numpy(self._corner_maps(one, points)),
            corners_known=torch.from_numpy(known),
        )

    def _center(self, one: SpineSlice) -> Placement:
        marked = np.argwhere(one.identity != NO_IDENTITY)
        return Placement(np.eye(2) * PIXEL_MM / one.pixel_mm, marked.mean(0), np.zeros((2, 4, 4)))

    def _place(self, one: SpineSlice) -> Placement:
        random = self.random
        angle = np.deg2rad(random.normal(0, 10))
        turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
        scale = np.exp(random.uniform(-0.3, 0.3))
        aspect = np.diag(np.exp(random.normal(0, 0.06, 2)))
        shear = np.array([[1, 0], [random.normal(0, 0.05), 1]])
        plain = self._center(one)
        shift = random.normal(0, 22, 2) * plain.matrix[0, 0]
        bend = random.normal(0, random.choice([0, 1.0, 3.0]), (2, 6, 6))
        return Placement(turn @ aspect @ shear * scale * plain.matrix[0, 0], plain.center + shift, bend)

    def _points(self, placement: Placement) -> np.ndarray:
        grid = np.indices((self.size, self.size)).astype(float)
        if placement.bend.any():
            zoom = self.size / placement.bend.shape[1]
            grid = grid + np.stack([ndimage.zoom(axis, zoom, order=3, grid_mode=True, mode="nearest")
                                    for axis in placement.bend])  # fmt: skip
        grid -= (self.size - 1) / 2
        return np.einsum("ij,jhw->ihw", placement.matrix, grid) + placement.center[:, None, None]

    def _corner_maps(self, one: SpineSlice, points: np.ndarray) -> np.ndarray:
        # Distances are measured where the corner is looked up, so that bent views need no inverse.
        pixel = np.sqrt(np.abs(np.linalg.det(np.array([
            [points[i, 1, 0] - points[i, 0, 0], points[i, 0, 1] - points[i, 0, 0]] for i in range(2)
        ]))))  # fmt: skip
        sigma = CORNER_SIGMA_MM / PIXEL_MM * pixel
        maps = np.zeros((CORNER_CHANNELS, self.size, self.size), np.float32)
        for _, corner, row, column in one.corners:
            squared = (points[0] - row) ** 2 + (points[1] - column) ** 2
            maps[int(corner)] = np.maximum(maps[int(corner)], np.exp(-squared / (2 * sigma**2)))
        return maps

    def _recolor(self, image: np.ndarray, structure: np.ndarray) -> np.ndarray:
        random = self.random
        low, high = np.percentile(image, [1, random.uniform(97.5, 99.8)])
        image = np.clip((image - low) / max(high - low, 1e-6), 0, 1)
        if random.random() < 0.5:
            knots = np.sort(np.concatenate([[0, 1], random.uniform(0, 1, 3)]))
            curve = random.uniform(0, 1, 5)
            curve[0] = min(curve[0], random.uniform(0, 0.2))  # Air stays the darkest as a rule.
            image = (1 - (mix := random.uniform(0.4, 1.0))) * image + mix * np.interp(image, knots, curve)
        if random.random() < 0.6:
            for region in self._regions(structure):
                if random.random() < 0.7:
                    soft = ndimage.gaussian_filter(region.astype(np.float32), random.uniform(0.6, 2.0))
                    gain, offset = random.uniform(0.4, 1.3), random.uniform(-0.3, 0.6)
                    image = image * (1 - soft) + soft * np.clip(gain * image + offset, 0, 1.2)
        return np.asarray(self._artefacts(torch.from_numpy(np.ascontiguousarray(image, np.float32))[None]))[0]

    def _regions(self, structure: np.ndarray) -> list[np.ndarray]:
        bodies = (structure == VERTEBRA) | (structure == SACRUM)
        discs = structure == DISC
        nucleus = ndimage.binary_erosion(discs, iterations=2)
        canal = structure == CANAL
        if not canal.any():
            # Where the canal is not labelled, a band behind the bodies stands in for it; good enough to recolor.
            column = bodies | discs
            near, width = (round(mm / PIXEL_MM) for mm in (self.random.uniform(1, 4), self.random.uniform(10, 17)))
            canal = ndimage.maximum_filter(column, (5, 2 * (near + width) + 1), origin=(0, near + width))
            canal &= ~ndimage.maximum_filter(column, (5, 2 * near + 1), origin=(0, 0))
        return [bodies, discs, nucleus, canal]


def _sample(image: np.ndarray, points: np.ndarray, order: int, outside: int = 0) -> np.ndarray:
    return ndimage.map_coordinates(image, points, order=order, cval=outside)
