"""Simulated studies as `SpineSlice`s, labelled completely: every body, disc, canal and corner is known."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..anatomy import CANAL_LABEL, CORNERS, DISCS_UPWARDS, VERTEBRAE_UPWARDS, disc_label, vertebra_label
from ..grid import Grid
from ..localization.network import CANAL, DISC, IDENTITIES, PIXEL_MM, SACRUM, VERTEBRA
from ..localization.prediction import prediction_grid
from ..localization.spine import LocatedDisc
from ..regions import resample
from ..study import Volume
from .spine_slices import NO_IDENTITY, UNKNOWN, SpineSlice

BEYOND = 255
"""Stands for voxels outside the label volume; no structure has this label."""


def _tables() -> tuple[np.ndarray, np.ndarray]:
    """Structure code and identity of each label (256,)."""
    structure, identity = np.zeros(256, np.uint8), np.full(256, NO_IDENTITY, np.uint8)
    structure[CANAL_LABEL], structure[BEYOND] = CANAL, UNKNOWN
    for number, name in enumerate(VERTEBRAE_UPWARDS):
        structure[vertebra_label(name)] = VERTEBRA if number else SACRUM
        identity[vertebra_label(name)] = min(2 * number, IDENTITIES - 1)
    for number, name in enumerate(DISCS_UPWARDS):
        structure[disc_label(name)] = DISC
        identity[disc_label(name)] = min(2 * number + 1, IDENTITIES - 1)
    return structure, identity


STRUCTURE_OF_LABEL, IDENTITY_OF_LABEL = _tables()


def simulated_slices(
    volumes: Sequence[Volume], labels: np.ndarray, label_grid: Grid, discs: Sequence[LocatedDisc], patient: str
) -> list[SpineSlice]:
    """Every slice of some simulated series that shows the spine, at the network's pixel size.

    Parameters
    ----------
    volumes:
        The series, each on a grid of its own.
    labels, label_grid:
        True labels (slices, rows, columns) uint8 of `anatomy`, and where they lie.
    discs:
        True geometry of the discs. Their corners are taken for those of every slice, so the slices must lie near the
        middle of the spine.
    """
    return [one for volume in volumes for one in _slices(volume, labels, label_grid, discs, patient)]


def _slices(
    volume: Volume, labels: np.ndarray, label_grid: Grid, discs: Sequence[LocatedDisc], patient: str
) -> list[SpineSlice]:
    grid = prediction_grid(volume)
    images = np.nan_to_num(resample(volume.array, volume.grid, grid, blur=True))
    values = resample(labels, label_grid, grid, order=0, outside=BEYOND)
    found = [
        (DISCS_UPWARDS.index(disc.level), number, *grid.to_index(disc.corners[name])[1:])
        for disc in discs
        for number, name in enumerate(CORNERS)
    ]
    corners = np.array(found, float).reshape(-1, 4)
    inside = ((corners[:, 2:] >= 0) & (corners[:, 2:] <= np.array(grid.shape[1:]) - 1)).all(1)
    return [
        SpineSlice(
            patient=patient,
            source="simulated",
            contrast=volume.contrast,
            image=image,
            pixel_mm=PIXEL_MM,
            structure=STRUCTURE_OF_LABEL[value],
            identity=IDENTITY_OF_LABEL[value],
            corners=corners[inside],
            corners_known=value != BEYOND,
        )
        for image, value in zip(images, values, strict=True)
        if (IDENTITY_OF_LABEL[value] != NO_IDENTITY).any()
    ]
