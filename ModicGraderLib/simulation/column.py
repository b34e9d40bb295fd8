"""The vertebral column in its midsagittal plane: bodies one on the other, from the sacrum upwards."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

ALONG = np.linspace(-1.0, 1.0, 33)
"""Where the walls of a body are known: from the posterior to the anterior corner, or from the lower to the upper."""

_ENDS = {
    "superior": ((-1, 1), (1, 1)),
    "inferior": ((-1, -1), (1, -1)),
    "anterior": ((1, -1), (1, 1)),
    "posterior": ((-1, -1), (-1, 1)),
}
"""Corners (side, end) at which each wall begins and ends."""


@dataclass(frozen=True)
class Body:
    """One vertebral body, seen from the side; y runs to the back and z to the head, in mm.

    Attributes
    ----------
    name:
        "L3", "S1", ...
    center:
        (y, z) of the mean of its four corners.
    tilt:
        Angle in radians by which its front points down.
    depth:
        Anteroposterior distance of the corners, the mean of above and below.
    front, back:
        Distance of the upper from the lower corner, in front and behind.
    superior, inferior, anterior, posterior:
        (33,) mm by which each wall stands out beyond the straight line between its corners, at `ALONG`; a hollow wall
        is negative.
    taper:
        mm by which the upper endplate is deeper than the lower one.
    skew:
        mm by which the upper endplate's middle lies before the lower one's.
    """

    name: str
    center: np.ndarray
    tilt: float
    depth: float
    front: float
    back: float
    superior: np.ndarray
    inferior: np.ndarray
    anterior: np.ndarray
    posterior: np.ndarray
    taper: float = 0.0
    skew: float = 0.0

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
        return self.to_plan(self._local_corner(side, end))

    def wall(self, name: str) -> np.ndarray:
        """(33, 2) mm to the front and to the head of `center`: "superior", "inferior", "anterior" or "posterior" wall.

        The order is that of `ALONG`.
        """
        start, stop = (self._local_corner(side, end) for side, end in _ENDS[name])
        along = (ALONG[:, None] + 1) / 2
        chord = stop - start
        outward = np.array([-chord[1], chord[0]]) / np.hypot(*chord) * (1 if name in ("superior", "posterior") else -1)
        return start + along * chord + getattr(self, name)[:, None] * outward

    def outline(self) -> np.ndarray:
        """(128, 2) points (y, z) around the body."""
        walls = [self.wall("superior"), self.wall("anterior")[::-1], self.wall("inferior")[::-1]]
        return self.to_plan(np.concatenate([wall[:-1] for wall in [*walls, self.wall("posterior")]]))

    def local(self, y: np.ndarray, z: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Of points (y, z): mm to the front and mm to the head of `center`."""
        dy, dz = y - self.center[0], z - self.center[1]
        return dy * self.forward[0] + dz * self.forward[1], dy * self.up[0] + dz * self.up[1]

    def to_plan(self, points: np.ndarray) -> np.ndarray:
        """(..., 2) points in (y, z) from mm to the front and to the head of `center`."""
        return self.center + points @ np.stack([self.forward, self.up])

    def _local_corner(self, side: int, end: int) -> np.ndarray:
        height = self.front if side > 0 else self.back
        return np.array([side * (self.depth + end * self.taper / 2) + end * self.skew, end * height]) / 2
