"""The pictures of Bassani et al. 2023, section 2.2 and Figure 4: from a disc's corners to 128 x 128 gray values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from ..anatomy import vertebrae_of
from ..localization.spine import LocatedDisc
from ..measurement.disc_geometry import ENDS, corners_in_plane
from ..regions import disc_grid, part_of, resample
from ..study import Volume

SIDE, GRAY = 128, 0.5
"""Pixels of the square picture, and the middle gray it is padded with (2.2)."""

SATURATED = (1, 99)
"""Percentiles of the whole slice that become black and white (2.2)."""

BODY_SHARE = 0.3
"""How much of the height of each adjacent vertebra is seen (2.2, "approximately 30 %")."""

AHEAD, BEHIND = 0.05, 0.3
"""Widths of the disc that are seen in front of it and behind, where "some" of the canal lies (our choice)."""

BODY_PER_WIDTH = 0.75
"""Height of a body per width of its disc, where no other disc tells it (our choice)."""


def middle_slice(volume: Volume, discs: Sequence[LocatedDisc]) -> Volume:
    """The slice that most discs have their center next to, "the most representative" one (2.2), stretched to [0, 1]."""
    slices, rows, columns = volume.array.shape
    number = int(np.clip(np.median([volume.to_index(disc.center)[0] for disc in discs]).round(), 0, slices - 1))
    box = (slice(number, number + 1), slice(0, rows), slice(0, columns))
    return Volume(stretched(volume.array[box]), part_of(volume.grid, box).affine, volume.contrast)


def stretched(array: np.ndarray) -> np.ndarray:
    """Gray values with the lowest and the highest 1 % of all pixels saturated, in [0, 1] (2.2)."""
    low, high = np.percentile(array, SATURATED)
    return np.clip((array - low) / max(high - low, 1e-6), 0, 1).astype(np.float32)


def body_heights(discs: Sequence[LocatedDisc]) -> dict[str, float]:
    """Height in mm, mean of front and back, of each vertebral body that lies between two of the discs."""
    roofs = {vertebrae_of(disc.level)[1]: disc.corners for disc in discs}
    floors = {vertebrae_of(disc.level)[0]: disc.corners for disc in discs}
    return {
        body: float(
            np.mean([np.linalg.norm(roofs[body][f"lower_{end}"] - floors[body][f"upper_{end}"]) for end in ENDS])
        )
        for body in roofs.keys() & floors.keys()
    }


def disc_picture(picture: Volume, disc: LocatedDisc, heights: Mapping[str, float]) -> np.ndarray:
    """The region of interest of a disc (2.2 and Figure 4): 128 x 128 float16 in [0, 1], head up, front to the left.

    Between the disc's corners and beyond them by 30 % of either vertebra, with some of the canal; turned with the disc
    (our choice); 128 pixels wide, its aspect kept, padded with gray above and below.

    Parameters
    ----------
    picture:
        One slice in [0, 1].
    heights:
        Of the vertebral bodies, mm. One that is missing, as that of S1, is taken for as high as the others.
    """
    usual = float(np.mean(list(heights.values()))) if heights else BODY_PER_WIDTH * disc.width_mm
    above, below = (BODY_SHARE * heights.get(body, usual) for body in vertebrae_of(disc.level))
    forward, up = corners_in_plane(disc).T
    front, back = forward.max() + AHEAD * disc.width_mm, forward.min() - BEHIND * disc.width_mm
    top, bottom = up.max() + above, up.min() - below
    pixel_mm = (front - back) / SIDE
    rows = min(round((top - bottom) / pixel_mm), SIDE)
    center = disc.center + (front + back) / 2 * disc.anterior + (top + bottom) / 2 * disc.normal
    grid = disc_grid(replace(disc, center=center), picture, shape=(rows, SIDE), pixel_mm=pixel_mm, slices=1)
    region = resample(picture.array, picture.grid, grid, blur=True)[0]
    padded = np.full((SIDE, SIDE), GRAY, np.float16)
    start = (SIDE - rows) // 2
    padded[start : start + rows] = np.nan_to_num(region, nan=GRAY)
    return padded
