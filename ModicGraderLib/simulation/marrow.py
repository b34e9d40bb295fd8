"""What a vertebral body is filled with: textured marrow, the basivertebral vein, harmless focal lesions."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .body_shape import BodyField, half_width
from .canvas import Canvas, coverage
from .case import VertebraState
from .column import Body
from .tissues import Tissue, Tissues

CORTEX_MM = 0.5
"""Thickness of the cortical shell."""

ENDPLATE_MM = 1.2
"""Thickness of a bony endplate with the calcified cartilage on it, as dark as cortex."""


CARTILAGE_SHARE = 0.3
"""How much of what is dark between marrow and disc is cartilage, which T1 does not show black."""


@dataclass(frozen=True)
class Texture:
    """Fields (slices, rows, columns) of unit variance that make marrow patchy; one draw serves a whole patient.

    `fine` has grains of about 1.5 mm, `patches` of about 6 mm, `large` of about 14 mm.
    """

    fine: np.ndarray
    patches: np.ndarray
    large: np.ndarray

    @classmethod
    def draw(cls, canvas: Canvas) -> Texture:
        """New texture for a canvas."""
        return cls(canvas.noise(1.5), canvas.noise(6.0), canvas.noise(14.0))


def paint_marrow(
    canvas: Canvas,
    box: tuple,
    body: Body,
    shape: BodyField,
    texture: Texture,
    tissues: Tissues,
    state: VertebraState,
    rng: np.random.Generator,
) -> np.ndarray:
    """Paint a body on the part `box` of a canvas; returns how much of each voxel is marrow, in [0, 1]."""
    canvas.paint(shape.distance, tissues.cortex, box)
    # Uneven, as the cartilage on it is.
    inside = np.minimum(shape.below_top, shape.above_bottom) - ENDPLATE_MM * (1 + 0.3 * texture.patches[box])
    endplate = coverage(inside) * (shape.distance < 0)
    canvas.blend(CARTILAGE_SHARE * endplate, tissues.cartilage, box)
    marrow = coverage(np.maximum(shape.distance + CORTEX_MM, -inside))
    canvas.blend(marrow, tissues.marrow[body.name], box)
    _vein(canvas, box, body, shape, marrow, tissues, rng)
    if state.hemangioma_mm > 0:
        _ball(canvas, box, body, shape, marrow, state.hemangioma_mm, tissues.hemangioma, texture.fine, rng)
    if state.focal_fat_mm > 0:
        fat = tissues.marrow[body.name]._replace(fat=0.95)
        _ball(canvas, box, body, shape, marrow, state.focal_fat_mm, fat, texture.patches, rng)
    return marrow


def mottle(canvas: Canvas, box: tuple, marrow: np.ndarray, texture: Texture, patchiness: float) -> None:
    """Vary the fat fraction of marrow and of what changed it by a standard deviation of `patchiness`.

    Islands of fat stand out bright; vessels and bone islands are dark specks.
    """
    speckle = 0.55 * texture.fine[box] + 0.65 * texture.patches[box] + 0.5 * texture.large[box]
    islands = np.clip(texture.patches[box] + 0.5 * texture.fine[box] - 1.4, 0.0, 1.5)
    fat = canvas.values[1][box]
    canvas.values[1][box] = np.clip(fat + marrow * patchiness * (speckle + 2.0 * islands), 0.0, np.maximum(fat, 0.97))
    specks = np.clip(-texture.fine[box] + 0.4 * texture.large[box] - 1.6, 0.0, 1.5)
    canvas.values[0][box] *= 1 - 0.30 * specks * marrow


def _vein(canvas, box, body: Body, shape: BodyField, marrow, tissues: Tissues, rng) -> None:
    """The basivertebral vein: a wedge from the middle of the back wall, in the slices next to the midline."""
    if body.name.startswith("S"):
        return
    height = shape.up + rng.uniform(-1.5, 1.5) + rng.uniform(-0.15, 0.15) * shape.along * body.depth / 2
    reach = rng.uniform(-0.7, 0.3)
    thickness = rng.uniform(0.4, 1.5) * np.clip((reach - shape.along) / (1 + reach), 0.0, 1.0) + 0.1
    wedge = np.maximum(np.abs(height) - 1.6 * thickness, np.abs(shape.left) * half_width(body) - 3.5)
    wedge = np.maximum(wedge, (shape.along - reach) * body.depth / 2)
    canvas.blend(coverage(wedge, 1.5) * marrow * rng.uniform(0.1, 0.7), tissues.blood_slow, box)


def _ball(canvas, box, body: Body, shape: BodyField, marrow, diameter: float, tissue: Tissue, grain, rng) -> None:
    """A harmless round lesion that keeps clear of both endplates."""
    radius = min(diameter / 2, 0.36 * (body.front + body.back) / 2)
    height = shape.up - rng.uniform(-2.0, 2.0)
    forward = (shape.along - rng.uniform(-0.45, 0.45)) * body.depth / 2
    away = np.sqrt(height**2 + forward**2 + (shape.left * half_width(body) - rng.uniform(-5, 5)) ** 2)
    weight = np.clip(0.5 + (radius - away + 0.7 * grain[box]) / 1.8, 0.0, 0.95)
    canvas.blend(weight * marrow, tissue, box)
