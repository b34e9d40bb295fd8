"""Modic changes: marrow changed next to an endplate, with soft and irregular edges."""

from __future__ import annotations

import numpy as np

from .body_shape import BodyField
from .canvas import Canvas
from .case import MarrowLesion
from .marrow import Texture
from .tissues import Tissues

EDGE_MM = (1.2, 3.5)
"""Over how many mm a change fades into the marrow around it."""

RIM_MM = 2.5
"""Changed marrow about a notch or node, however deep that is."""

IRREGULAR = 0.18
"""Standard deviation of a change's depth along the endplate, as a share of it."""


def paint_lesion(
    canvas: Canvas,
    box: tuple,
    lesion: MarrowLesion,
    number: int,
    below_endplate: np.ndarray,
    relief: np.ndarray,
    height_mm: float,
    shape: BodyField,
    marrow: np.ndarray,
    texture: Texture,
    tissues: Tissues,
    rng: np.random.Generator,
) -> None:
    """Paint one Modic change on the part `box` of a canvas and enter its number in `canvas.lesions`.

    Parameters
    ----------
    below_endplate:
        Depth in mm into the body from the endplate on which the change rests.
    relief:
        How far that endplate stands out there beyond its smooth profile. A change is as deep as asked from the profile,
        as readers measure it, and at least a rim about a notch or node.
    height_mm:
        Height of the body.
    marrow:
        How much of each voxel is marrow.
    """
    across = np.hypot(
        (shape.along - lesion.anterior) / max(lesion.anterior_extent, 0.05),
        (shape.left - lesion.lateral) / max(lesion.lateral_extent, 0.05),
    )
    flatness = rng.uniform(2.0, 5.0)
    reach = lesion.height * height_mm * (1 - np.clip(across, 0, 1) ** flatness) ** (1 / 2.2)
    roughness = np.clip(IRREGULAR * (0.9 * texture.patches[box] + 0.2 * texture.fine[box]), -0.6, 0.05)
    beyond = np.minimum(below_endplate - relief - reach * (1 + roughness), below_endplate - np.minimum(RIM_MM, reach))
    edge = min(rng.uniform(*EDGE_MM), 0.4 * lesion.height * height_mm + 0.5)
    weight = np.clip(0.5 - beyond / edge, 0.0, 1.0) * (across < 1) * marrow
    for type_, share in _shares(lesion.type, texture.large[box] + 0.6 * texture.patches[box], below_endplate, reach):
        canvas.blend(lesion.strength * weight * share, tissues.lesion[type_], box)
    canvas.lesions[box][(weight > 0.5) & (beyond < 0)] = number


def _shares(
    type_: str, grain: np.ndarray, depth: np.ndarray, reach: np.ndarray
) -> list[tuple[str, np.ndarray | float]]:
    """Types to blend one after the other, with the weight of each; a mixed change is in zones, not a mean signal."""
    if "/" not in type_:
        return [(type_, 1.0)]
    first, second = type_.split("/")
    # Oedema and sclerosis lie next to the endplate, fat deeper; patches blur the border.
    outer = "III" if type_ == "II/III" else "I"
    deep = np.clip(0.5 + 1.6 * (depth / np.maximum(reach, 1.0) - 0.45) + 0.5 * grain, 0.0, 1.0)
    return [(outer, 1.0), (second if outer == first else first, deep)]
