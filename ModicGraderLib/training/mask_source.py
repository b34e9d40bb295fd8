"""SPIDER T2 SPACE slices with masks of vertebrae, discs and canal (`spider_t2_space_masks`) as `SpineSlice`s.

The masks neither separate the vertebrae nor know the sacrum; SPIDER counts from the lowest disc, L5/S1, and so do we.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image
from scipy import ndimage

from ..localization.network import BACKGROUND, CANAL, DISC, IDENTITIES, VERTEBRA
from .spine_slices import (
    MEAN_BODY_DEPTH_MM,
    NO_IDENTITY,
    NOT_SACRUM_KNOWN,
    UNKNOWN,
    SpineSlice,
    endplate,
    quadrilateral,
)

MASK_VERTEBRA, MASK_DISC, MASK_CANAL = 1, 2, 3

MIN_DISC_PIXELS = 120


def read_mask_slices(folder: Path) -> list[SpineSlice]:
    """The slices of `folder` (the data folder's `spider_t2_space_masks`) on which the canal runs along the spine."""
    found = (_slice(path) for path in sorted((folder / "images").glob("*.png")))
    return [one for one in found if one is not None]


def _slice(path: Path) -> SpineSlice | None:
    image = np.array(Image.open(path).convert("L"), dtype=np.float32)
    mask = np.array(Image.open(path.parents[1] / "masks" / path.name))
    front = _front_of_canal(mask)
    if front is None:
        return None
    anterior = np.arange(mask.shape[1])[None, :] < front[:, None]
    labels, count = ndimage.label((mask == MASK_DISC) & anterior)
    sizes = ndimage.sum_labels(np.ones_like(labels), labels, range(1, count + 1))
    discs = [np.argwhere(labels == index + 1) for index in range(count) if sizes[index] >= MIN_DISC_PIXELS]
    if len(discs) < 5:
        return None
    discs.sort(key=lambda points: -points[:, 0].mean())

    # A body pixel belongs to the vertebra whose number is the count of discs that lie below it.
    body = np.argwhere((mask == MASK_VERTEBRA) & anterior)
    discs_below = sum((_height_above(points, body) > 0).astype(int) for points in discs)
    bodies = [body[discs_below == number] for number in range(1, len(discs) + 1)]
    if min(len(points) for points in bodies[:-1]) < 2 * MIN_DISC_PIXELS:
        return None
    structure = np.where(mask == MASK_CANAL, CANAL, BACKGROUND).astype(np.uint8)
    below = ~_above(discs[0], mask.shape)
    structure[below & (mask == 0)] = NOT_SACRUM_KNOWN
    structure[below & (mask == MASK_VERTEBRA) & anterior] = UNKNOWN
    identity = np.full(mask.shape, NO_IDENTITY, np.uint8)
    for number, points in enumerate(discs):
        structure[tuple(points.T)], identity[tuple(points.T)] = DISC, min(2 * number + 1, IDENTITIES - 1)
    for number, points in enumerate(bodies, start=1):
        structure[tuple(points.T)], identity[tuple(points.T)] = VERTEBRA, min(2 * number, IDENTITIES - 1)

    corners, depths = _corners(discs, bodies)
    known = ~_above(discs[-1], mask.shape)
    return SpineSlice(
        patient=f"spider-{path.stem.split('_')[0]}",
        source="masks",
        contrast="t2",
        image=image,
        pixel_mm=MEAN_BODY_DEPTH_MM / float(np.mean(depths)),
        structure=structure,
        identity=identity,
        corners=corners,
        corners_known=known,
    )


def _front_of_canal(mask: np.ndarray) -> np.ndarray | None:
    # Column of the canal's anterior wall per row, carried on above and below it; None if it covers too little.
    canal = mask == MASK_CANAL
    rows = np.flatnonzero(canal.any(1))
    disc_rows = np.flatnonzero((mask == MASK_DISC).any(1))
    if len(disc_rows) == 0 or len(rows) < 0.8 * (disc_rows[-1] - disc_rows[0]):
        return None
    front = ndimage.median_filter(canal[rows].argmax(1), 25)
    return np.interp(np.arange(mask.shape[0]), rows, front)


def _height_above(disc: np.ndarray, points: np.ndarray) -> np.ndarray:
    # Signed distance (upwards positive) of points from the disc's long axis.
    center = disc.mean(0)
    along = np.linalg.svd(disc - center, full_matrices=False)[2][0]
    up = np.array([-along[1], along[0]])
    up *= -np.sign(up[0])
    return (points - center) @ up


def _above(disc: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    # The part of the picture above a disc's long axis.
    return (_height_above(disc, np.indices(shape).reshape(2, -1).T) > 0).reshape(shape)


def _corners(discs: list[np.ndarray], bodies: list[np.ndarray]) -> tuple[np.ndarray, list[float]]:
    # Corners from the bodies; the lower ones of L5/S1, whose sacrum is not labelled, from the disc itself.
    corners: list[tuple] = []
    depths = []
    quads = [quadrilateral(points) for points in bodies[:-1]]
    first = quadrilateral(discs[0])
    lowest = endplate(first, 2 * first.mean(0) - quads[0].mean(0))
    for number, quad in enumerate(quads):
        toward = discs[number].mean(0)
        lower = endplate(quad, toward)
        upper = endplate(quad, discs[number + 1].mean(0))
        corners += [(number, end, *lower[end]) for end in range(2)]
        corners += [(number + 1, 2 + end, *upper[end]) for end in range(2)]
        if 1 <= number <= 3:
            depths += [float(np.linalg.norm(side[0] - side[1])) for side in (lower, upper)]
    corners += [(0, 2 + end, *lowest[end]) for end in range(2)]
    return np.array(corners), depths
