"""A statistical model of the lumbar column's shape, learned from real ones by `training/column_shape.py`.

A column is described by its bodies and by the joints between them, in proportion to its mean body depth.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
from safetensors.numpy import load_file

from ..errors import InputError
from ..resources import resource_path

ALONG = np.linspace(-1.0, 1.0, 33)
"""Where the walls of a body are known: from the posterior to the anterior corner, or from the lower to the upper."""

LEARNED_BODIES = ("S1", "L5", "L4", "L3", "L2", "L1")
"""Bodies that the model knows, from the sacrum upwards."""

LIMIT = 2.5
"""No mode lies further from the mean than this many standard deviations."""

MODEL_FILE = "Simulation/column_shape.safetensors"


@dataclass(frozen=True)
class BodyForm:
    """Size and shape of a body, wherever it lies; lengths in any one unit, angles in radians.

    `height` is the mean of front and back and `wedge` the angle between the endplates, positive where the front is
    higher; the others are as in `column.Body`, with `walls` (4, 33) being superior, inferior, anterior and posterior.
    """

    depth: float
    height: float
    wedge: float
    taper: float
    skew: float
    walls: np.ndarray

    def scaled(self, factor: float) -> BodyForm:
        """The same form, larger by a factor."""
        lengths = {name: factor * getattr(self, name) for name in ("depth", "height", "taper", "skew", "walls")}
        return replace(self, **lengths)


@dataclass(frozen=True)
class Joint:
    """How a body lies on the one below it.

    Attributes
    ----------
    height:
        Distance of the middles of the two facing endplates along the disc's axis, which halves the angle between them.
    wedge:
        Angle in radians between them, positive where the disc is higher in front.
    slip:
        By how much the posterior corner above lies before the one below, at right angles to the axis.
    """

    height: float
    wedge: float
    slip: float

    def scaled(self, factor: float) -> Joint:
        """The same joint, larger by a factor."""
        return replace(self, height=factor * self.height, slip=factor * self.slip)


POSE_SIZE = 5 * len(LEARNED_BODIES) + 3 * (len(LEARNED_BODIES) - 1)
"""Length of a pose: depth, height, wedge, taper and skew of each body, then height, wedge and slip of each joint."""

LORDOSIS = np.zeros(POSE_SIZE)
"""The sum of these wedges is the angle between the upper endplates of L1 and S1: of all bodies but S1, all joints."""
LORDOSIS[7 : 5 * len(LEARNED_BODIES) : 5] = 1
LORDOSIS[5 * len(LEARNED_BODIES) + 1 :: 3] = 1


@dataclass(frozen=True)
class ColumnShape:
    """The model: two sets of principal components.

    Attributes
    ----------
    pose_mean, pose_modes:
        (`POSE_SIZE`,) and (modes, `POSE_SIZE`): a mean pose, and what one standard deviation of each mode adds to it.
    wall_mean, wall_modes:
        (bodies, 4, 33) and (modes, 4, 33): the same for the walls, in units of mean body depth.
    """

    pose_mean: np.ndarray
    pose_modes: np.ndarray
    wall_mean: np.ndarray
    wall_modes: np.ndarray

    @property
    def mean_joints(self) -> list[Joint]:
        """The joints of the mean column, L5/S1 first; lengths in units of the mean body depth."""
        return [Joint(*values) for values in self.pose_mean[5 * len(LEARNED_BODIES) :].reshape(-1, 3).tolist()]

    def draw(self, lordosis: float, rng: np.random.Generator) -> tuple[list[BodyForm], list[Joint]]:
        """Draw a column with about this lordosis (radians): its bodies S1 to L1, and its joints L5/S1 to L1/L2.

        Everything else is as probable as it is in columns with that lordosis. Lengths are in units of the mean body
        depth.
        """
        pose = self.pose_mean + self._conditioned(_limited(rng, len(self.pose_modes)), lordosis) @ self.pose_modes
        common = _limited(rng, len(self.wall_modes))
        bodies = []
        for number, values in enumerate(pose[: 5 * len(LEARNED_BODIES)].reshape(-1, 5)):
            weights = np.sqrt(0.5) * (common + _limited(rng, len(self.wall_modes)))
            walls = self.wall_mean[number] + np.tensordot(weights, self.wall_modes, 1)
            bodies.append(BodyForm(*values.tolist(), walls))
        joints = pose[5 * len(LEARNED_BODIES) :].reshape(-1, 3)
        return bodies, [Joint(*values) for values in joints.tolist()]

    def _conditioned(self, weights: np.ndarray, lordosis: float) -> np.ndarray:
        """The normal variates moved to where the lordosis is as asked, by the shortest way."""
        gain = self.pose_modes @ LORDOSIS
        missing = lordosis - self.pose_mean @ LORDOSIS - weights @ gain
        return weights + missing * gain / (gain @ gain)


@lru_cache(maxsize=1)
def load_column_shape() -> ColumnShape:
    """The model in `Resources`; an `InputError` says how to get it where it is missing."""
    path = resource_path(MODEL_FILE)
    if not path.is_file():
        raise InputError(f"{path} is missing; run `python -m ModicGraderLib.training column` to learn it again.")
    return ColumnShape(**{name: tensor.astype(float) for name, tensor in load_file(path).items()})


def _limited(rng: np.random.Generator, count: int) -> np.ndarray:
    return np.clip(rng.standard_normal(count), -LIMIT, LIMIT)
