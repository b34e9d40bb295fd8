"""The label volume of the spine on the study's own grid, each structure with the level it belongs to."""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from ..anatomy import CANAL_LABEL, DISCS_UPWARDS, VERTEBRAE_UPWARDS, disc_label, vertebra_label
from ..regions import Grid, resample, volume_grid
from ..study import Volume
from .network import CANAL, DISC, SACRUM, VERTEBRA
from .prediction import SpinePrediction
from .spine import LocatedDisc

REACH_MM = 60.0
"""Nothing farther than this from the nearest disc's center belongs to the labelled spine."""


def label_spine(discs: list[LocatedDisc], prediction: SpinePrediction, reference: Volume) -> np.ndarray:
    """Labels (slices, rows, columns) uint8 on the grid of `reference`; `discs` run from the lowest upwards."""
    grid = volume_grid(reference)
    structures = np.stack([
        resample(chances, prediction.grid, grid, outside=0.0) for chances in prediction.structures
    ])  # fmt: skip
    winner = structures.argmax(0)
    labels = np.zeros(grid.shape, np.uint8)
    labels[winner == CANAL] = CANAL_LABEL
    points, distance, above = _measure(discs, grid, np.isin(winner, (VERTEBRA, SACRUM, DISC)))
    kinds = winner[tuple(points)]
    near = distance.min(0) < REACH_MM
    order = [DISCS_UPWARDS.index(disc.level) for disc in discs]

    nearest = distance.argmin(0)
    is_disc = (kinds == DISC) & near
    labels[tuple(points[:, is_disc])] = np.array([disc_label(disc.level) for disc in discs])[nearest[is_disc]]

    # A body lies above as many discs as it has below it; the vertebra above disc number k has number k + 1.
    below = (above > 0).sum(0)
    number = np.where(below > 0, np.array(order)[np.maximum(below - 1, 0)] + 1, order[0])
    is_body = (kinds != DISC) & near & (number < len(VERTEBRAE_UPWARDS))
    names = np.array([vertebra_label(name) for name in VERTEBRAE_UPWARDS])
    labels[tuple(points[:, is_body])] = names[number[is_body]]
    return _largest_pieces(labels)


def _measure(discs: list[LocatedDisc], grid: Grid, mask: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    # Voxels (3, N) of the mask, their distance to each disc's center and signed height above each disc's plane (D, N).
    points = np.argwhere(mask)
    patient = grid.to_patient(points).astype(np.float32)
    distance = np.stack([np.linalg.norm(_flat(patient - disc.center, disc), axis=1) for disc in discs])
    above = np.stack([(patient - disc.center) @ disc.normal for disc in discs])
    return points.T, distance, above


def _flat(offset: np.ndarray, disc: LocatedDisc) -> np.ndarray:
    # Distance in the sagittal plane: a voxel at the side of a disc is no farther from it than one in its middle.
    return offset - np.outer(offset @ disc.left, disc.left)


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
