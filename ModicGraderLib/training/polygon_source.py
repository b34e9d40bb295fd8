"""T1 mid-sagittal slices with polygons of L1-L5 and S1 (`t1_vertebra_polygons`) as `SpineSlice`s."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

from ..localization.network import DISC, SACRUM, VERTEBRA
from .spine_slices import (
    ABOVE_LABELS,
    MEAN_BODY_DEPTH_MM,
    NO_IDENTITY,
    NOT_CANAL_KNOWN,
    SpineSlice,
    endplate,
    quadrilateral,
)

UPWARDS = ("S1", "L5", "L4", "L3", "L2", "L1")


def read_polygon_slices(folder: Path) -> list[SpineSlice]:
    """The slices of `folder` (the data folder's `t1_vertebra_polygons`) on which no vertebra was skipped."""
    records = json.loads((folder / "vertebrae.json").read_text(encoding="utf-8"))
    return [_slice(folder, record) for record in records if not skips_a_vertebra(_polygons(record))]


def skips_a_vertebra(vertebrae: dict[str, np.ndarray]) -> bool:
    """Whether a body was left out between two polygons, which shows as a disc taller than it is wide."""
    sides = [(disc[:2].mean(0) - disc[2:].mean(0), disc[::2].mean(0) - disc[1::2].mean(0))
             for disc in polygon_endplates(vertebrae)]  # fmt: skip
    return any(np.linalg.norm(height) > np.linalg.norm(width) for height, width in sides)


def _polygons(record: dict) -> dict[str, np.ndarray]:
    return {name: np.array(points)[:, ::-1] for name, points in record["vertebrae"].items()}


def polygon_endplates(vertebrae: dict[str, np.ndarray]) -> list[np.ndarray]:
    """Per disc from L5/S1 upwards, its corners (4, 2) in (row, column), in the order of `anatomy.CORNERS`.

    `vertebrae` holds the polygons (N, 2) in (row, column) of S1 and L5-L1.
    """
    quads = [quadrilateral(vertebrae[name]) for name in UPWARDS]
    return [
        np.concatenate([endplate(above, below.mean(0)), _facing(below, above)])
        for below, above in zip(quads[:-1], quads[1:], strict=True)
    ]


def _facing(below: np.ndarray, above: np.ndarray) -> np.ndarray:
    # S1 is tilted against the column, so its upper endplate is the side that faces L5's lower one, not L5's center.
    return endplate(below, endplate(above, below.mean(0)).mean(0))


def _fill(shape: tuple[int, int], polygon: np.ndarray) -> np.ndarray:
    canvas = Image.new("1", (shape[1], shape[0]))
    ImageDraw.Draw(canvas).polygon([(float(x), float(y)) for y, x in polygon], fill=1)
    return np.array(canvas)


def _slice(folder: Path, record: dict) -> SpineSlice:
    image = np.array(Image.open(folder / record["image"]).convert("L"), dtype=np.float32)
    vertebrae = _polygons(record)
    discs = polygon_endplates(vertebrae)
    identity = np.full(image.shape, NO_IDENTITY, np.uint8)

    top = endplate(quadrilateral(vertebrae["L1"]), 2 * vertebrae["L1"].mean(0) - vertebrae["L2"].mean(0))
    below_labels = _fill(image.shape, _half_plane(top, image.shape))
    structure = np.where(below_labels, NOT_CANAL_KNOWN, ABOVE_LABELS).astype(np.uint8)
    for index, corners in enumerate(discs):
        region = _fill(image.shape, corners[[0, 1, 3, 2]])
        structure[region], identity[region] = DISC, 2 * index + 1
    for index, name in enumerate(UPWARDS):
        region = _fill(image.shape, vertebrae[name])
        structure[region], identity[region] = (SACRUM if name == "S1" else VERTEBRA), 2 * index

    depths = [np.linalg.norm(side[0] - side[1]) for disc in discs[1:4] for side in (disc[:2], disc[2:])]
    corners = [(index, corner, *disc[corner]) for index, disc in enumerate(discs) for corner in range(4)]
    corners += [(5, 2 + end, *top[end]) for end in range(2)]
    return SpineSlice(
        patient=f"polygons-{record['patient']}",
        source="polygons",
        contrast="t1",
        image=image,
        pixel_mm=MEAN_BODY_DEPTH_MM / float(np.mean(depths)),
        structure=structure,
        identity=identity,
        corners=np.array(corners),
        corners_known=below_labels,
    )


def _half_plane(side: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    # The part of the picture below the line through `side`, as a polygon that overlaps the picture generously.
    reach = 4 * max(shape)
    along = (side[1] - side[0]) / np.linalg.norm(side[1] - side[0])
    down = np.array([along[1], -along[0]])
    down *= np.sign(down[0])
    front, back = side[0] - reach * along, side[1] + reach * along
    return np.array([front, back, back + reach * down, front + reach * down])
