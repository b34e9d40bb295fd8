"""A vertebral body in three dimensions, from its midsagittal outline."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .column import Body
from .endplates import EndplateRelief

HALF_WIDTH = 0.64
"""Half the width of a body as a share of its depth (Panjabi 1992: 45 mm by 35 mm)."""

SACRAL_HALF_WIDTH = 0.85
"""The same for the sacrum, whose alae belong to it."""

CORNER_MM = 1.6
"""Radius of the rim of a body."""


@dataclass(frozen=True)
class BodyField:
    """A body seen from the voxels around it; all arrays have the shape of the voxels.

    Attributes
    ----------
    distance:
        Signed distance in mm to the surface, about; negative inside.
    along:
        Share of the half depth to the front: -1 at the posterior corners, 1 at the anterior ones.
    left:
        Share of the half width to the left.
    up:
        mm to the head of the body's middle.
    below_top, above_bottom:
        Depth in mm below the superior endplate and above the inferior one; negative outside.
    superior_relief, inferior_relief:
        How far those endplates stand out there beyond their smooth profile, in mm; negative in a notch or node.
    """

    distance: np.ndarray
    along: np.ndarray
    left: np.ndarray
    up: np.ndarray
    below_top: np.ndarray
    above_bottom: np.ndarray
    superior_relief: np.ndarray
    inferior_relief: np.ndarray


def half_width(body: Body) -> float:
    """Half the width of a body in mm."""
    return body.depth * (SACRAL_HALF_WIDTH if body.name.startswith("S") else HALF_WIDTH)


def body_field(
    body: Body,
    x: np.ndarray,
    y: np.ndarray,
    z: np.ndarray,
    superior: EndplateRelief,
    inferior: EndplateRelief,
    osteophytes_mm: tuple[float, float],
) -> BodyField:
    """The field of a body at points of the plan (mm).

    Parameters
    ----------
    superior, inferior:
        Relief of the two endplates.
    osteophytes_mm:
        How far the anterior rim stands out above and below.
    """
    forward, up = body.local(y, z)
    width = half_width(body)
    left = x / width
    along = 2 * forward / body.depth
    # The dome of an endplate flattens towards the sides, where the ring of harder bone lies.
    dome = np.sqrt(np.clip(1 - left**2, 0.0, 1.0))
    reliefs = superior(along, x), inferior(along, x)
    below_top = _endplate(body, "superior", forward, dome) + reliefs[0] - up
    above_bottom = up - _endplate(body, "inferior", forward, dome) + reliefs[1]
    height = np.clip(up / ((body.front + body.back) / 4), -1.2, 1.2)
    plan = np.clip(np.abs(left), 0, 1)
    front = _wall(body, "anterior", up) + 0.6 * body.depth * ((1 - plan**2.6) ** (1 / 2.6) - 1)
    for end, size in zip((1, -1), osteophytes_mm, strict=True):
        front = front + size * np.clip((end * height - 0.55) / 0.45, 0, 1) ** 2
    back = _wall(body, "posterior", up) - 0.4 * body.depth * ((1 - plan**5) ** 0.2 - 1)
    waist = width - 2.0 * (1 - np.clip(height, -1, 1) ** 2)
    walls = (-below_top, -above_bottom, forward - front, back - forward, np.abs(x) - waist)
    return BodyField(_rounded(walls, CORNER_MM), along, left, up, below_top, above_bottom, *reliefs)


def _wall(body: Body, name: str, up: np.ndarray) -> np.ndarray:
    """mm to the front at which a wall stands, at heights `up`."""
    wall = body.wall(name)
    return np.interp(up, wall[:, 1], wall[:, 0]).astype(np.float32)


def _endplate(body: Body, name: str, forward: np.ndarray, dome: np.ndarray) -> np.ndarray:
    """mm to the head at which an endplate lies; `dome` is the share of its curvature that is left at the sides."""
    wall = body.wall(name)
    (start, rise), steps = wall[0], wall[-1] - wall[0]
    chord = rise + (forward - start) * steps[1] / steps[0]
    curve = np.interp(forward, wall[:, 0], wall[:, 1] - rise - (wall[:, 0] - start) * steps[1] / steps[0])
    return chord + curve.astype(np.float32) * dome


def _rounded(walls: tuple[np.ndarray, ...], radius: float) -> np.ndarray:
    """Signed distance to the space within all walls, with edges rounded to a radius in mm."""
    beyond = np.zeros_like(walls[0])
    nearest = walls[0]
    for wall in walls:
        beyond += np.maximum(wall + radius, 0.0) ** 2
        nearest = np.maximum(nearest, wall)
    return np.sqrt(beyond) + np.minimum(nearest + radius, 0.0) - radius
