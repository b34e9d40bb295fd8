"""Volumes at any obliquity and discs that lean in them, drawn by Hypothesis for tests of geometry."""

from __future__ import annotations

import numpy as np
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from ModicGraderLib.anatomy import CORNERS
from ModicGraderLib.localization.spine import LocatedDisc
from ModicGraderLib.study import Volume

HEIGHT_MM = 9.0

AXES = np.array([[1.0, 0, 0], [0, 0, 1], [0, -1, 0]])


def turn(degrees) -> np.ndarray:
    """Rotation (3, 3) by angles about x, y and z."""
    return Rotation.from_euler("xyz", degrees, degrees=True).as_matrix()


def volume(shape=(9, 120, 90), spacing=(4.0, 0.8, 0.8), obliquity=(0, 0, 0), array=None) -> Volume:
    """A volume about the origin, empty unless an array is given."""
    affine = np.eye(4)
    affine[:3, :3] = turn(obliquity) @ AXES * spacing
    affine[:3, 3] = -affine[:3, :3] @ ((np.array(shape) - 1) / 2)
    return Volume(np.zeros(shape, np.float32) if array is None else array, affine, "t2")


def disc_in(reference: Volume, center=(0, 0, 0), lordosis=0.0, scoliosis=0.0, width=35.0) -> LocatedDisc:
    """A disc that leans forward and sideways against the volume's own axes, degrees."""
    frame = reference.affine[:3, :3] / reference.spacing
    across, down, back = frame.T
    bend, lean = np.radians([lordosis, scoliosis])
    anterior = -np.cos(bend) * back + np.sin(bend) * down
    upright = -np.cos(bend) * down - np.sin(bend) * back
    normal = np.cos(lean) * upright - np.sin(lean) * across
    center = np.asarray(center, float)
    ends = {"upper": normal, "lower": -normal, "anterior": anterior, "posterior": -anterior}
    corners = {}
    for name in CORNERS:
        side, end = name.split("_")
        corners[name] = center + ends[side] * HEIGHT_MM / 2 + ends[end] * width / 2
    return LocatedDisc("L4/L5", center, normal, anterior, width, HEIGHT_MM, corners, 1.0)


degrees = st.floats(-25, 25)
tilts = st.fixed_dictionaries({"lordosis": st.floats(-50, 50), "scoliosis": degrees})
studies = st.builds(
    volume,
    shape=st.tuples(st.integers(1, 15), st.integers(40, 200), st.integers(40, 200)),
    spacing=st.tuples(st.floats(1, 6), st.floats(0.3, 2), st.floats(0.3, 2)),
    obliquity=st.tuples(degrees, degrees, degrees),
)
centers = st.tuples(*[st.floats(-60, 60)] * 3)
