"""Learns the statistical shape model of the lumbar column that the simulator draws from.

Poses and sizes come from the polygons of L1-L5 and S1 on T1 slices, which are coarse but many and show S1; the walls
from SPIDER's T2 SPACE masks, which are fine but few. Only patients of the training part count, and only relations
within a picture: the polygon pictures were turned by their publisher and have no known pixel size.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
from safetensors.numpy import save_file

from ..resources import resource_path
from ..simulation.column_shape import MODEL_FILE
from ..whole_files import whole_file
from .column_walls import mask_walls
from .mask_source import read_mask_slices
from .polygon_source import UPWARDS, polygon_endplates, skips_a_vertebra
from .spine_slices import endplate, quadrilateral
from .splits import is_training, training_part

EXPLAINED = 0.95
"""Share of the variance that the modes keep."""

OUTLYING = 4.0
"""A column with a measure so many standard deviations off is left out: fractures, high slips, slips of the pen."""

SIGMA_OF_MAD = 1.4826
"""Standard deviation of normal values against their median absolute deviation."""

DRAWING_NOISE = 0.025
"""Standard deviation of a polygon's corner, in mean body depths: nearly all of what varies least among columns."""

SACRAL_NOISE = 0.06
"""The same for the lower corners of S1, which many polygons set short of its lower end."""

INSET = 0.045
"""The polygons run inside the cortex and cut the rounded corners, by this share of the mean body depth on every side.

By so much the bodies must grow for the heights of bodies and discs to match those of the SPIDER masks, and for their
corners to be those of sharp-edged bodies.
"""


def learn_column_shape(data: Path) -> dict[str, np.ndarray]:
    """The tensors of a `ColumnShape` from the data folder."""
    columns = polygon_columns(data / "t1_vertebra_polygons")
    poses = np.array([pose_of(corners) for corners in columns])
    middle = np.median(poses, axis=0)
    spread = SIGMA_OF_MAD * np.median(np.abs(poses - middle), axis=0)
    usual = (np.abs(poses - middle) < OUTLYING * spread).all(1)
    true_covariance = np.cov(poses[usual].T) - drawing_noise(columns[usual])
    walls = mask_walls(training_part(read_mask_slices(data / "spider_t2_space_masks")))
    wall_mean = np.nanmean(walls, axis=0)
    # What one body's walls have in common varies alike at all levels; S1's are made from L5's.
    deviations = np.nan_to_num(walls - wall_mean)[:, 1:].reshape(-1, wall_mean[0].size)
    return {
        "pose_mean": poses[usual].mean(0),
        "pose_modes": modes_of(true_covariance),
        "wall_mean": wall_mean,
        "wall_modes": modes_of(np.cov(deviations.T)).reshape(-1, *wall_mean.shape[1:]),
    }


def save_column_shape(data: Path) -> Path:
    """Learn the model and put it into `Resources`; return its path."""
    path = resource_path(MODEL_FILE)
    path.parent.mkdir(exist_ok=True)
    # safetensors writes the buffer as it lies in memory, whatever its order.
    tensors = {name: np.ascontiguousarray(tensor, np.float32) for name, tensor in learn_column_shape(data).items()}
    with whole_file(path) as unfinished:
        save_file(tensors, unfinished)
    return path


def polygon_columns(folder: Path) -> np.ndarray:
    """(patients, 6, 2, 2, 2) corners of the training patients' columns, as `column_corners` gives them."""
    records = json.loads((folder / "vertebrae.json").read_text(encoding="utf-8"))
    columns = [
        {name: np.array(points)[:, ::-1] for name, points in record["vertebrae"].items()}
        for record in records
        if is_training(f"polygons-{record['patient']}")
    ]
    return np.array([column_corners(column) for column in columns if not skips_a_vertebra(column)])


def column_corners(vertebrae: dict[str, np.ndarray]) -> np.ndarray:
    """(6, 2, 2, 2) corners of S1 and L5-L1: body, side (back, front), end (bottom, top), and mm-like (y, z).

    `vertebrae` holds polygons in (row, column) of an upright picture with the abdomen on the left.
    """
    discs = polygon_endplates(vertebrae)
    corners = np.empty((len(UPWARDS), 2, 2, 2))
    for number, name in enumerate(UPWARDS):
        quad, middle = quadrilateral(vertebrae[name]), vertebrae[name].mean(0)
        upper = discs[number][2:] if number < len(discs) else endplate(quad, 2 * middle - vertebrae["L2"].mean(0))
        lower = discs[number - 1][:2] if number else _remaining(quad, upper)
        for end, side in enumerate((lower, upper)):
            corners[number, :, end] = side[::-1, ::-1] * (1, -1)
    return corners


def _remaining(quad: np.ndarray, side: np.ndarray) -> np.ndarray:
    """The side of a quadrilateral opposite to one of its sides, in the same direction."""
    others = np.array([point for point in quad if not (point == side).all(1).any()])
    return others if (others[1] - others[0]) @ (side[1] - side[0]) > 0 else others[::-1]


def pose_of(corners: np.ndarray) -> np.ndarray:
    """The pose (`POSE_SIZE`,) of a column from its corners (6, 2, 2, 2), in units of its mean body depth."""
    unit = _mean_depth(corners)
    inset = INSET * unit
    unit += 2 * inset
    signs = np.array([-1.0, 1.0])
    bodies = []
    for body in corners:
        along = np.einsum("s,sec->c", signs, body) / 4
        forward = along / np.hypot(*along)
        up = np.array([forward[1], -forward[0]])
        rise = np.einsum("e,sec->c", signs, body) / 4
        twist = np.einsum("s,e,sec->c", signs, signs, body) / 4
        wedge = _tilt(body[:, 0]) - _tilt(body[:, 1])
        lengths = np.array(
            [2 * np.hypot(*along) + 2 * inset, 2 * rise @ up + 2 * inset, 4 * twist @ forward, 2 * rise @ forward]
        )
        bodies.append([*lengths[:2] / unit, wedge, *lengths[2:] / unit])
    joints = []
    for below, above in zip(corners[:-1, :, 1], corners[1:, :, 0], strict=True):
        lower, upper = _tilt(below), _tilt(above)
        axis = (lower + upper) / 2
        forward, up = np.array([-np.cos(axis), -np.sin(axis)]), np.array([-np.sin(axis), np.cos(axis)])
        height = (above.mean(0) - below.mean(0)) @ up - 2 * inset
        joints.append([height / unit, lower - upper, (above[0] - below[0]) @ forward / unit])
    return np.concatenate([np.ravel(bodies), np.ravel(joints)])


def _mean_depth(corners: np.ndarray) -> float:
    return float(np.linalg.norm(corners[2:5, 1] - corners[2:5, 0], axis=-1).mean())


def _tilt(side: np.ndarray) -> float:
    """Angle in radians by which the front of an endplate (back, front) points down."""
    backward, down = side[0] - side[1]
    return float(np.arctan2(down, backward))


def drawing_noise(columns: np.ndarray) -> np.ndarray:
    """Covariance of poses that comes from corners set by hand; `columns` are (patients, 6, 2, 2, 2)."""
    rng = np.random.default_rng(0)
    errors = []
    for corners in np.repeat(columns, 4, axis=0):
        slip = rng.normal(0.0, DRAWING_NOISE, corners.shape)
        slip[0, :, 0] *= SACRAL_NOISE / DRAWING_NOISE
        errors.append(pose_of(corners + slip * _mean_depth(corners)) - pose_of(corners))
    return np.cov(np.array(errors).T)


def modes_of(covariance: np.ndarray) -> np.ndarray:
    """(modes, n) what one standard deviation of each mode adds; together they explain `EXPLAINED` of the variance."""
    variances, directions = np.linalg.eigh(covariance)
    variances, directions = np.maximum(variances[::-1], 0.0), directions[:, ::-1].T
    kept = int(np.searchsorted(np.cumsum(variances) / variances.sum(), EXPLAINED)) + 1
    return directions[:kept] * np.sqrt(variances[:kept, None])
