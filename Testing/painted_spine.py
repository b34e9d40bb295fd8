"""A spine of boxes with known discs, painted as the localization network would ideally see it, or as a picture.

Stand-ins for what training gives: nothing here has learned anything. `paint` makes a `SpinePrediction` from geometry;
`painted_volume` draws the same spine with one gray per structure, which `PaintReader`, in the network's place, reads.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from scipy import ndimage
from torch import nn

from ModicGraderLib.anatomy import CANAL_LABEL, CORNERS, DISCS_UPWARDS, VERTEBRAE_UPWARDS, disc_label, vertebra_label
from ModicGraderLib.grid import Grid
from ModicGraderLib.localization.network import (
    BACKGROUND,
    CANAL,
    CORNER_CHANNELS,
    DISC,
    IDENTITIES,
    SACRUM,
    STRUCTURES,
    VERTEBRA,
)
from ModicGraderLib.localization.prediction import SpinePrediction
from ModicGraderLib.localization.spine import LocatedDisc
from ModicGraderLib.study import Volume

LORDOSIS_DEGREES = (32, 16, 4, -4, -9, -12, -12, -10)
"""How far the normal of each disc leans forward, from L5/S1 upwards."""

BODY_MM = 26.0
HALF_BREADTH_MM = 24.0
CORNER_SIGMA_MM = 2.5


@dataclass(frozen=True)
class Box:
    """A disc or a body: identity as the network counts it (discs odd), center, axes, size along (anterior, normal)."""

    identity: int
    center: np.ndarray
    anterior: np.ndarray
    normal: np.ndarray
    size: tuple[float, float]

    @property
    def left(self) -> np.ndarray:
        return np.cross(self.normal, self.anterior)

    def inside(self, points: np.ndarray, soft_mm: float) -> np.ndarray:
        """How much of a pixel of `soft_mm` at each point (..., 3) lies in the box, in [0, 1]."""
        offset = points - self.center
        beyond = np.maximum(
            np.abs(offset @ self.anterior) - self.size[0] / 2, np.abs(offset @ self.left) - HALF_BREADTH_MM
        )
        beyond = np.maximum(beyond, np.abs(offset @ self.normal) - self.size[1] / 2)
        return np.clip(0.5 - beyond / soft_mm, 0, 1)


def spine_boxes(
    discs: int = 6, *, width: float = 35.0, height: float = 9.0, scoliosis_degrees: float = 0.0, lordosis: float = 1.0
) -> list[Box]:
    """Bodies and discs from S1 upwards; scoliosis tilts the discs sideways by up to so much, one way and the other."""
    boxes, point = [], np.zeros(3)
    for number in range(discs + 1):
        bend = np.radians(LORDOSIS_DEGREES[max(number - 1, 0) : number + 1]) * lordosis
        for identity, angle, tall in ((2 * number, bend.mean(), BODY_MM), (2 * number + 1, bend[-1], height)):
            lean = np.radians(scoliosis_degrees) * np.cos(np.pi * number / max(discs - 1, 1))
            anterior = np.array([0, -np.cos(angle), -np.sin(angle)])
            upright = np.array([0, -np.sin(angle), np.cos(angle)])
            normal = np.cos(lean) * upright - np.sin(lean) * np.array([1.0, 0, 0])
            step = normal * tall / 2
            boxes.append(Box(identity, point + step, anterior, normal, (width, tall)))
            point = point + 2 * step
    boxes = boxes[:-1]  # The vertebra above the last disc ends the spine.
    middle = np.mean([box.center for box in boxes], axis=0)
    return [Box(box.identity, box.center - middle, box.anterior, box.normal, box.size) for box in boxes]


def turned(boxes: list[Box], turn: np.ndarray) -> list[Box]:
    """The boxes after a rotation (3, 3) about the origin."""
    return [Box(b.identity, turn @ b.center, turn @ b.anterior, turn @ b.normal, b.size) for b in boxes]


def true_discs(boxes: list[Box]) -> list[LocatedDisc]:
    """The discs among the boxes, from the lowest upwards."""
    return [_disc(box) for box in boxes if box.identity % 2]


def _disc(box: Box) -> LocatedDisc:
    ends = {"upper": box.normal, "lower": -box.normal, "anterior": box.anterior, "posterior": -box.anterior}
    corners = {}
    for name in CORNERS:
        side, end = name.split("_")
        corners[name] = box.center + ends[side] * box.size[1] / 2 + ends[end] * box.size[0] / 2
    level = DISCS_UPWARDS[box.identity // 2]
    return LocatedDisc(level, box.center, box.normal, box.anterior, *box.size, corners, 1.0)


def sagittal_grid(
    slices: int = 9, spacing: tuple[float, float] = (4.0, 1.25), size: tuple[int, int] = (256, 128), turn=None
) -> Grid:
    """A grid about the origin, slices to the left, rows to the foot, columns to the back, then turned."""
    axes = np.array([[1.0, 0, 0], [0, 0, 1], [0, -1, 0]]) * (spacing[0], spacing[1], spacing[1])
    affine = np.eye(4)
    affine[:3, :3] = axes if turn is None else turn @ axes
    affine[:3, 3] = -affine[:3, :3] @ ((np.array([slices, *size]) - 1) / 2)
    return Grid(affine, (slices, *size))


def grid_points(grid: Grid) -> np.ndarray:
    """LPS mm (slices, rows, columns, 3) of every voxel."""
    return grid.to_patient(np.stack(np.indices(grid.shape), axis=-1))


def paint(boxes: list[Box], grid: Grid, certainty: float = 0.9) -> SpinePrediction:
    """The prediction of a network that sees the boxes and is right about each level with probability `certainty`."""
    points = grid_points(grid)
    pixel = float(np.linalg.norm(grid.affine[:3, 1]))
    structures = np.zeros((len(STRUCTURES), *grid.shape), np.float32)
    identities = np.full((IDENTITIES, *grid.shape), 1 / IDENTITIES, np.float32)
    corners = np.zeros((CORNER_CHANNELS, *grid.shape), np.float32)
    for box in boxes:
        share = box.inside(points, pixel)
        kind = DISC if box.identity % 2 else VERTEBRA if box.identity else SACRUM
        structures[kind] = np.maximum(structures[kind], share)
        identities[:, share > 0.2] = (1 - certainty) / (IDENTITIES - 1)
        identities[min(box.identity, IDENTITIES - 1), share > 0.2] = certainty
    for disc in true_discs(boxes):
        for channel, name in enumerate(CORNERS):
            offset = points - disc.corners[name]
            squared = (offset @ disc.anterior) ** 2 + (offset @ disc.normal) ** 2
            heat = np.exp(-squared / (2 * CORNER_SIGMA_MM**2)) * (np.abs(offset @ disc.left) < HALF_BREADTH_MM)
            corners[channel] = np.maximum(corners[channel], heat)
    structures[CANAL] = _canal(boxes, points)
    spine = structures[1:].sum(0)
    structures[1:] /= np.maximum(spine, 1)
    structures[BACKGROUND] = 1 - structures[1:].sum(0)
    return SpinePrediction(grid, structures, identities, corners)


def _canal(boxes: list[Box], points: np.ndarray) -> np.ndarray:
    canal = np.zeros(points.shape[:-1], bool)
    for box in boxes:
        offset = points - box.center
        depth = offset @ box.anterior + box.size[0] / 2
        level = np.abs(offset @ box.normal) < box.size[1] / 2 + 2
        canal |= (depth < -3) & (depth > -17) & level & (np.abs(offset @ box.left) < 10)
    return canal


def true_labels(boxes: list[Box], grid: Grid) -> np.ndarray:
    """Labels (slices, rows, columns) uint8 of the boxes and of the canal behind them."""
    points = grid_points(grid)
    labels = np.where(_canal(boxes, points), CANAL_LABEL, 0).astype(np.uint8)
    for box in boxes:
        number = box.identity // 2
        label = disc_label(DISCS_UPWARDS[number]) if box.identity % 2 else vertebra_label(VERTEBRAE_UPWARDS[number])
        labels[box.inside(points, 1e-6) > 0.5] = label
    return labels


GRAYS = {BACKGROUND: 0.0, VERTEBRA: 100.0, SACRUM: 200.0, DISC: 300.0, CANAL: 400.0}
"""Gray of each structure in a painted picture."""


def painted_volume(boxes: list[Box], grid: Grid, contrast: str) -> Volume:
    """The boxes as a picture that `PaintReader` understands."""
    labels = true_labels(boxes, grid)
    kinds = np.select(
        [labels == CANAL_LABEL, labels > CANAL_LABEL, labels == 1, labels > 0],
        [CANAL, DISC, SACRUM, VERTEBRA],
        BACKGROUND,
    )
    image = np.array([GRAYS[kind] for kind in range(len(STRUCTURES))], np.float32)[kinds]
    return Volume(image, grid.affine, contrast, {"path": f"{contrast}.nii.gz"})


class PaintReader(nn.Module):
    """Stands in for `SpineNetwork` on painted pictures: a pixel's gray is its structure, a disc's rank its level."""

    def __init__(self) -> None:
        super().__init__()
        self.channels = (len(STRUCTURES), IDENTITIES, CORNER_CHANNELS)
        self.sharpness = nn.Parameter(torch.tensor(12.0), requires_grad=False)

    def forward(self, image: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Logits of structures, identities and corners (none marked) for `(B, 1, H, W)`."""
        low, high = image.amin((-2, -1), keepdim=True), image.amax((-2, -1), keepdim=True)
        gray = (image - low) / (high - low).clamp_min(1e-6) * max(GRAYS.values())
        kinds = (gray / GRAYS[VERTEBRA]).round().long()[:, 0]
        # Around brighter structures lies a rim of the sacrum's gray, which is no sacrum.
        whole = ndimage.binary_opening(kinds.numpy() == SACRUM, np.ones((1, 7, 7)))
        kinds[(kinds == SACRUM) & ~torch.from_numpy(whole)] = VERTEBRA
        one_hot = nn.functional.one_hot(kinds, len(STRUCTURES)).movedim(-1, 1).float()
        identities = torch.from_numpy(np.stack([self._identities(one) for one in kinds.numpy()]))
        corners = torch.full((len(image), CORNER_CHANNELS, *image.shape[-2:]), -1.0)
        return one_hot * self.sharpness, identities * self.sharpness, corners * self.sharpness

    @staticmethod
    def _identities(kinds: np.ndarray) -> np.ndarray:
        # One-hot (15, H, W); a row belongs to the body above as many discs as have their middle below it.
        pieces, count = ndimage.label(ndimage.binary_opening(kinds == DISC, np.ones((3, 3))))
        middles = sorted(ndimage.center_of_mass(pieces > 0, pieces, range(1, count + 1)), reverse=True)
        identity = np.zeros(kinds.shape, int)
        for row, _ in middles:
            identity[: int(row)] += 2
        for rank, (row, column) in enumerate(middles):
            identity[pieces == pieces[int(row), int(column)]] = 2 * rank + 1
        return np.moveaxis(np.eye(IDENTITIES, dtype=np.float32)[np.minimum(identity, IDENTITIES - 1)], -1, 0)
