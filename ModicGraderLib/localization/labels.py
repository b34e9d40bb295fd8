"""The label volume of the spine on the study's own grid, each structure with the level it belongs to."""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from ..anatomy import CANAL_LABEL, DISCS_UPWARDS, VERTEBRAE_UPWARDS, disc_label, vertebra_label
from ..grid import Grid
from ..regions import part_of, resample
from ..study import Volume
from .network import CANAL, DISC, SACRUM, VERTEBRA
from .prediction import SpinePrediction
from .spine import LocatedDisc

DISC_REACH = 0.8
DISC_MARGIN_MM = 5.0
"""A disc's voxels lie within this share of its width in front of and behind its center, and this far above and below
its own height; bowel and vessels that look like discs lie farther off."""

BOX_MARGIN_MM = 60.0
"""Nothing farther than this in front of, behind, above or below the discs is labelled: a body and the canal fit in."""

BODY_REACH = 1.1
"""A body's voxels lie within this many disc widths of the nearest disc's center."""


def label_spine(discs: list[LocatedDisc], prediction: SpinePrediction, reference: Volume) -> np.ndarray:
    """Labels (slices, rows, columns) uint8 on the grid of `reference`; `discs` run from the lowest upwards."""
    box, grid = _spine_box(discs, reference)
    structures = [resample(chances, prediction.grid, grid, outside=0.0) for chances in prediction.structures]
    winner = np.argmax(structures, axis=0)
    labels = np.zeros(grid.shape, np.uint8)
    labels[winner == CANAL] = CANAL_LABEL
    points = np.argwhere(np.isin(winner, (VERTEBRA, SACRUM, DISC)))
    kinds = winner[tuple(points.T)]
    depth, above = _in_disc_frames(discs, grid.to_patient(points))
    order = np.array([DISCS_UPWARDS.index(disc.level) for disc in discs])

    nearest = np.hypot(depth, above).argmin(0)
    column = np.arange(len(points))
    heights = np.array([disc.height_mm for disc in discs])[nearest]
    is_disc = (kinds == DISC) & (depth[nearest, column] < DISC_REACH)
    is_disc &= np.abs(above[nearest, column] * _widths(discs)[nearest]) < heights + DISC_MARGIN_MM
    labels[tuple(points[is_disc].T)] = np.array([disc_label(disc.level) for disc in discs])[nearest[is_disc]]

    # A body lies above as many discs as it has below it; the vertebra above disc number k has number k + 1.
    below = (above > 0).sum(0)
    number = np.where(below > 0, order[np.maximum(below - 1, 0)] + 1, order[0])
    is_body = (kinds != DISC) & (number < len(VERTEBRAE_UPWARDS))
    is_body &= (np.abs(above[nearest, column]) < BODY_REACH) & (depth[nearest, column] < BODY_REACH)
    names = np.array([vertebra_label(name) for name in VERTEBRAE_UPWARDS])
    labels[tuple(points[is_body].T)] = names[number[is_body]]
    whole = np.zeros(reference.array.shape, np.uint8)
    whole[box] = _largest_pieces(labels)
    return whole


def _spine_box(discs: list[LocatedDisc], reference: Volume) -> tuple[tuple[slice, slice, slice], Grid]:
    """The part of the reference's voxels that can belong to the spine, as slices and as a grid: all else is air,
    fat and bowel, and by far the most."""
    corners = reference.to_index(np.array([point for disc in discs for point in disc.corners.values()]))
    low = np.floor(corners.min(0)[1:] - BOX_MARGIN_MM / reference.spacing[1:])
    high = np.ceil(corners.max(0)[1:] + BOX_MARGIN_MM / reference.spacing[1:]) + 1
    low = np.clip(low, 0, np.array(reference.array.shape[1:]) - 1).astype(int)
    high = np.clip(high, low + 1, reference.array.shape[1:]).astype(int)
    box = (slice(0, reference.array.shape[0]), slice(low[0], high[0]), slice(low[1], high[1]))
    return box, part_of(reference.grid, box)


def _widths(discs: list[LocatedDisc]) -> np.ndarray:
    return np.array([disc.width_mm for disc in discs])


def _in_disc_frames(discs: list[LocatedDisc], points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Distance in front of or behind each disc's center, and signed height above its plane, in disc widths (D, N)."""
    depth = np.stack([np.abs((points - disc.center) @ disc.anterior) / disc.width_mm for disc in discs])
    above = np.stack([((points - disc.center) @ disc.normal) / disc.width_mm for disc in discs])
    return depth, above


def _largest_pieces(labels: np.ndarray) -> np.ndarray:
    """Each structure without specks smaller than a tenth of its largest piece."""
    for label, box in enumerate(ndimage.find_objects(labels), start=1):
        if box is None:
            continue
        mask = labels[box] == label
        pieces, count = ndimage.label(mask, np.ones((3, 3, 3)))
        if count > 1:
            sizes = np.bincount(pieces.ravel())
            sizes[0] = 0
            specks = np.flatnonzero(sizes < 0.1 * sizes.max())
            labels[box][np.isin(pieces, specks[specks > 0])] = 0
    return labels
