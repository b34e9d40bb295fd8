"""The course of the spinal canal: coordinates that follow the back of the bodies."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from scipy import ndimage

from .column import BackWall, Body

STEP_MM = 0.5
"""Distance of the heights at which the course is tabulated."""

BEYOND_MM = 180.0
"""How far the course is known above and below the column."""

COCCYX_BEND_MM = 45.0
"""Height below the lowest body over which the sacrum turns from downwards and back to downwards and forwards."""

SACRAL_LEVEL_MM = 17.0
"""Height of one level where the column has ended."""


class Course:
    """The curve behind the bodies, tabulated by height, from the coccyx to above the uppermost body.

    A *foot* is the index into the table of the place on the curve that lies nearest to a point. Whatever changes from
    vertebra to vertebra is a table by foot, made by `profile`.
    """

    def __init__(self, column: list[Body], wall: BackWall):
        self.names = [body.name for body in column]
        bottom = column[0].corner(-1, -1)[1]
        top = column[-1].corner(-1, 1)[1]
        self.z = np.arange(bottom - BEYOND_MM, top + BEYOND_MM, STEP_MM)
        inside = np.clip(self.z, bottom + 2, top - 2)
        y = np.asarray(wall.at(inside), float)
        slope = np.gradient(y, STEP_MM)
        core = (self.z > bottom + 2 + STEP_MM) & (self.z < top - 2 - STEP_MM)
        first, last = np.flatnonzero(core)[[0, -1]]
        below = np.clip((self.z[first] - self.z[:first]) / COCCYX_BEND_MM, 0.0, 2.2)
        slope[:first] = slope[first] + (0.25 - slope[first]) * below
        slope[last + 1 :] = slope[last]
        y[:first] = y[first] - np.cumsum(slope[:first][::-1])[::-1] * STEP_MM
        y[last + 1 :] = y[last] + np.cumsum(slope[last + 1 :]) * STEP_MM
        self.y, self.slope = y, slope
        mids = np.array([(body.corner(-1, 1)[1] + body.corner(-1, -1)[1]) / 2 for body in column])
        self.level = np.interp(self.z, mids, np.arange(len(mids)))
        self.level += np.minimum(self.z - mids[0], 0) / SACRAL_LEVEL_MM + np.maximum(self.z - mids[-1], 0) / 28.0
        self._tables = tuple(table.astype(np.float32) for table in (self.z, self.y, self.slope))

    def locate(self, y: np.ndarray, z: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Of points (y, z) in mm: how far behind the curve they lie (mm, negative in front), and their foot."""
        height, back, slope = self._tables
        foot = self._foot(z)
        tangent = slope.take(foot, mode="clip")
        away = (y - back.take(foot, mode="clip") - tangent * (z - height.take(foot, mode="clip"))) / (1 + tangent**2)
        foot = self._foot(z + np.clip(away, -50.0, 50.0) * tangent)
        tangent = slope.take(foot, mode="clip")
        behind = y - back.take(foot, mode="clip") - tangent * (z - height.take(foot, mode="clip"))
        return behind / np.sqrt(1 + tangent**2), foot

    def profile(self, values: Mapping[str, float], smooth_mm: float = 6.0) -> np.ndarray:
        """Table by foot of a quantity known beside the middle of some vertebrae, by their names."""
        known = sorted((self.index(name), value) for name, value in values.items())
        table = np.interp(self.level, *zip(*known, strict=True))
        return ndimage.gaussian_filter1d(table, smooth_mm / STEP_MM).astype(np.float32)

    def index(self, name: str) -> float:
        """Level of a vertebra: 0 is the lowest of the column; those that the column lacks are counted on from it."""
        ladder = [
            "S5",
            "S4",
            "S3",
            "S2",
            "S1",
            *(f"L{n}" for n in range(5, 0, -1)),
            *(f"T{n}" for n in range(12, 4, -1)),
        ]
        return float(ladder.index(name) - ladder.index(self.names[0]))

    def point(self, level: float, behind: float) -> np.ndarray:
        """(y, z) of the place `behind` mm behind the curve beside a level."""
        foot = int(np.argmin(np.abs(self.level - level)))
        normal = np.array([1.0, -self.slope[foot]]) / np.hypot(1.0, self.slope[foot])
        return np.array([self.y[foot], self.z[foot]]) + behind * normal

    def _foot(self, z: np.ndarray) -> np.ndarray:
        return ((z - np.float32(self.z[0])) * np.float32(1 / STEP_MM) + np.float32(0.5)).astype(np.int32)
