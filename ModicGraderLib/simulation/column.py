"""The vertebral column in its midsagittal plane: bodies one on the other, from the sacrum upwards."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

ALONG = np.linspace(-1.0, 1.0, 33)
"""Where the walls of a body are known: from the posterior to the anterior corner, or from the lower to the upper."""


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
