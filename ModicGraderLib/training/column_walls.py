"""Measures the walls of vertebral bodies on SPIDER's T2 SPACE masks, for the shape model of the column."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

import numpy as np

from ..simulation.column_shape import ALONG, LEARNED_BODIES
from .spine_slices import MEAN_BODY_DEPTH_MM, SpineSlice

CORNERS_OF_WALLS = (((1, 3), (1, 2)), ((0, 1), (0, 0)), ((0, 0), (1, 2)), ((0, 1), (1, 3)))
"""Ends of the superior, inferior, anterior and posterior wall: 0 for the disc below or 1 for the one above, and the
corner of that disc (index in `anatomy.CORNERS`)."""

SACRAL_WALLS = np.array([0.4, 0.3, 1.0, 0.6])
"""The masks lack the sacrum: S1 has the walls of L5, flatter by these factors (seen on SPIDER's T1 slices)."""

RIM = (0.7, 0.92)
"""Along a wall, the rim lies between these; the corners of the masks are rounded off and lie deeper than it."""

WAVES = 4
"""Half waves that describe a wall; finer detail is the masks' staircase."""

IMPLAUSIBLE = 0.15
"""A wall that lies so far (in mean body depths) from the line between its corners was cut wrongly."""


def mask_walls(slices: Iterable[SpineSlice]) -> np.ndarray:
    """(patients, 6, 4, 33) walls of S1 and L5-L1 in units of mean body depth: medians of each patient's slices.

    A hollow wall is negative. Walls of which a patient shows none are NaN.
    """
    of_patients = defaultdict(list)
    for one in slices:
        of_patients[one.patient].append(_walls_of_slice(one))
    medians = [np.ma.median(np.ma.masked_invalid(walls), axis=0) for walls in of_patients.values()]
    walls = np.ma.filled(np.ma.stack(medians), np.nan)
    return np.concatenate([walls[:, :1] * SACRAL_WALLS[:, None], walls], axis=1)


def _walls_of_slice(one: SpineSlice) -> np.ndarray:
    """(5, 4, 33) walls of L5 to L1."""
    places = {(int(disc), int(corner)): np.array([row, column]) for disc, corner, row, column in one.corners}
    walls = np.full((len(LEARNED_BODIES) - 1, 4, len(ALONG)), np.nan)
    for number in range(len(walls)):
        body = np.argwhere(one.identity == 2 * (number + 1)).astype(float)
        for wall, ends in enumerate(CORNERS_OF_WALLS):
            start, stop = (places.get((number + disc, corner)) for disc, corner in ends)
            if start is not None and stop is not None and len(body):
                walls[number, wall] = _profile(body, start, stop) * one.pixel_mm / MEAN_BODY_DEPTH_MM
    return walls


def _profile(body: np.ndarray, start: np.ndarray, stop: np.ndarray) -> np.ndarray:
    """(33,) pixels by which a body's pixels (N, 2) stand out beyond the line between two rims; NaN if implausible."""
    length = np.linalg.norm(stop - start)
    forward = (stop - start) / length
    outward = np.array([-forward[1], forward[0]])
    outward *= -np.sign((body.mean(0) - start) @ outward)
    along, out = 2 * (body - start) @ forward / length - 1, (body - start) @ outward
    near = np.abs(along[:, None] - ALONG) < ALONG[1] - ALONG[0]
    if not near.any(0)[1:-1].all():
        return np.full(len(ALONG), np.nan)
    border = np.where(near, out[:, None], -np.inf).max(0)
    rims = [border[(RIM[0] <= side) & (side <= RIM[1])].max() for side in (-ALONG, ALONG)]
    border -= np.interp(ALONG, (-np.mean(RIM), np.mean(RIM)), rims)
    waves = np.sin(np.pi / 2 * np.arange(1, WAVES + 1)[:, None] * (ALONG + 1))
    inside = np.abs(ALONG) <= RIM[1]
    weights = np.linalg.lstsq(waves[:, inside].T, np.minimum(border[inside], 0.0), rcond=None)[0]
    smooth = weights @ waves
    return smooth if np.abs(smooth).max() < IMPLAUSIBLE * length else np.full(len(ALONG), np.nan)
