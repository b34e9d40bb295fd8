"""The shape of a simple lumbar spine: a chain of slabs, bodies and discs by turns, and the curve behind them.

Everything lies in one plane with y to the back and z to the head, in mm; `simple.py` gives it depth.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from scipy.interpolate import CubicSpline

BODY_HEIGHTS_MM = {"L5": (28.5, 22.5), "L4": (27.0, 25.0), "L3": (26.5, 26.0), "L2": (26.0, 26.3)}
BODY_HEIGHTS_MM |= {"L1": (25.0, 26.0), "T12": (24.0, 25.5), "T11": (22.5, 24.0), "T10": (21.5, 22.5)}
"""Height of each body in front and behind."""

DISC_HEIGHTS_MM = {"L5/S1": (14.0, 6.0), "L4/L5": (12.5, 7.0), "L3/L4": (11.0, 7.0), "L2/L3": (10.0, 6.5)}
DISC_HEIGHTS_MM |= {"L1/L2": (8.0, 6.0), "T12/L1": (7.0, 6.0), "T11/T12": (6.0, 5.5), "T10/T11": (5.5, 5.0)}
"""Height of each healthy disc in front and behind."""

SACRUM_MM = (("S1", 30.0, 26.0, 30.0), ("S1/S2", 3.0, 2.5, 19.0), ("S2", 25.0, 21.0, 20.0), ("S2/S3", 1.5, 1.5, 12.0))
SACRUM_MM += (("S3", 20.0, 17.0, 14.0),)
"""Name, height in front and behind, and depth of what lies below the L5/S1 disc; the discs are remnants."""


SACRAL_ENDPLATE_MM = np.array([12.0, -68.0])
"""(y, z) of the middle of the sacral endplate."""


@dataclass(frozen=True)
class Slab:
    """A body or a disc: a wedge with rounded corners.

    `center` is (y, z); `tilt` the angle in radians by which its front points down; heights and depth in mm.
    """

    name: str
    center: np.ndarray
    tilt: float
    front: float
    back: float
    depth: float

    @property
    def forward(self) -> np.ndarray:
        """Unit vector (y, z) to the front."""
        return np.array([-np.cos(self.tilt), -np.sin(self.tilt)])

    @property
    def up(self) -> np.ndarray:
        """Unit vector (y, z) to the head, at right angles to `forward`."""
        return np.array([-np.sin(self.tilt), np.cos(self.tilt)])

    def corner(self, side: int, end: int) -> np.ndarray:
        """(y, z) of a corner: `side` 1 is the front and -1 the back, `end` 1 is the top and -1 the bottom."""
        height = self.front if side > 0 else self.back
        return self.center + side * self.depth / 2 * self.forward + end * height / 2 * self.up

    def local(self, y: np.ndarray, z: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Of points (y, z): mm to the front, mm to the head, and half the slab's height there."""
        dy, dz = y - self.center[0], z - self.center[1]
        forward = dy * self.forward[0] + dz * self.forward[1]
        half = (self.front + self.back) / 4 + forward / self.depth * (self.front - self.back) / 2
        return forward, dy * self.up[0] + dz * self.up[1], half

    def distance(
        self, x: np.ndarray, y: np.ndarray, z: np.ndarray, width: float, waist: float, taper: float = 0.0
    ) -> np.ndarray:
        """Signed distance in mm to the surface, negative inside.

        `width` is half the extent to the sides; `waist` is by how much the endplates and walls are hollow, or bulge
        where it is negative; `taper` is the share of its depth that a sacral body gains above and loses below.
        """
        forward, up, half = self.local(y, z)
        round_off = np.sqrt(np.clip(1 - (np.abs(x) / width) ** 2.5, 0.0, 1.0))
        reach = self.depth / 2 * (0.55 + 0.45 * round_off) * (1 + taper * up / half) - waist * (
            1 - np.clip(up / half, -1, 1) ** 2
        )
        half = half - waist * (1 - np.clip(2 * forward / self.depth, -1, 1) ** 2)
        corner = min(3.5, (self.front + self.back) / 5)
        outside = [np.abs(forward) - reach + corner, np.abs(up) - half + corner, np.abs(x) - width + corner]
        beyond = np.sqrt(sum(np.maximum(side, 0.0) ** 2 for side in outside))
        return beyond + np.minimum(np.maximum.reduce(outside), 0.0) - corner


def build_spine(scale: float, upper_tilt: float, disc_scale: Mapping[str, float]) -> list[Slab]:
    """Slabs from S3 upwards to T10, bodies and discs by turns.

    Parameters
    ----------
    scale:
        Size of the patient; 1 is average.
    upper_tilt:
        Angle in radians by which the front of the uppermost disc points down; a lordotic spine leans back there.
    disc_scale:
        Factor on the height of each disc of `DISC_HEIGHTS_MM`.
    """
    column = []
    for (disc, disc_mm), (body, body_mm) in zip(DISC_HEIGHTS_MM.items(), BODY_HEIGHTS_MM.items(), strict=True):
        depth = scale * (34.0 if body.startswith("L") else 31.0)
        column.append((disc, *(scale * disc_scale[disc] * height for height in disc_mm), depth))
        column.append((body, *(scale * height for height in body_mm), depth))
    sacral_tilt = upper_tilt + sum(_wedge(*sizes) for _, *sizes in column)
    sacrum = _chain(
        SACRAL_ENDPLATE_MM, sacral_tilt, [(name, *(scale * v for v in sizes)) for name, *sizes in SACRUM_MM], -1
    )
    return sacrum[::-1] + _chain(SACRAL_ENDPLATE_MM, sacral_tilt, column, 1)


def _wedge(front: float, back: float, depth: float) -> float:
    return float(np.arctan2(front - back, depth))


def _chain(start: np.ndarray, tilt: float, parts: list[tuple[str, float, float, float]], direction: int) -> list[Slab]:
    """Slabs put one on the other from the endplate at `start`, upwards (1) or downwards (-1)."""
    slabs, point = [], start
    for name, front, back, depth in parts:
        wedge = _wedge(front, back, depth)
        middle = tilt - direction * wedge / 2
        step = direction * (front + back) / 2 * np.array([-np.sin(middle), np.cos(middle)])
        slabs.append(Slab(name, point + step / 2, middle, front, back, depth))
        tilt, point = tilt - direction * wedge, point + step
    return slabs


class BackWall:
    """The curve along the back of the bodies, from which everything behind them is measured."""

    def __init__(self, slabs: list[Slab]):
        sacral_end = next(index for index, slab in enumerate(slabs) if slab.name == "S2")
        points = np.array([(slab.center - slab.depth / 2 * slab.forward)[::-1] for slab in slabs[sacral_end:]])
        self._curve = CubicSpline(points[:, 0], points[:, 1], bc_type="natural")
        self._range = points[0, 0], points[-1, 0]

    def depth(self, y: np.ndarray, z: np.ndarray) -> np.ndarray:
        """mm by which points (y, z) lie behind the curve, at right angles to it."""
        inside = np.clip(z, *self._range)
        slope = self._curve(inside, 1)
        wall = self._curve(inside) + (z - inside) * slope
        return (y - wall) / np.sqrt(1 + slope**2)

    def at(self, z: np.ndarray) -> np.ndarray:
        """y of the curve at heights z."""
        return self._curve(np.clip(z, *self._range))
