"""Intervertebral discs by Pfirrmann grade (2001): what lies between two bodies."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..anatomy import DISCS_UPWARDS, disc_label
from .body_shape import HALF_WIDTH
from .canvas import Canvas
from .case import DiscState
from .column import Body
from .marrow import Texture
from .tissues import Tissues

DIP_MM = {"normal": 4.0, "wavy_irregular": 5.0, "notched": 8.0, "schmorl_node": 12.0}
"""How far a disc's own tissue reaches beyond its rim into the bodies, which are drawn over it, by endplate lesion."""

FIBERS_MM = (3.0, 2.2)
"""Thickness of the outermost annulus in front and behind."""

DOME_MM = 0.7
"""How much a nucleus is thicker than the gap at the rim of the bodies, less the cartilage on the endplates."""

DISC_SPREAD = (0.08, 0.10)
"""By how much the logarithms of density and T2 differ at most between nuclei of one grade: less than between grades."""

CLEFT_GRADES = (1, 2, 3)
"""Grades whose nucleus may show the dark band across its middle."""


@dataclass(frozen=True)
class DiscFrame:
    """A disc in the midsagittal plane: its middle and axes (y, z), its anteroposterior depth and its height in mm."""

    center: np.ndarray
    forward: np.ndarray
    up: np.ndarray
    depth: float
    height: float


def disc_corners(above: Body, below: Body) -> dict[str, np.ndarray]:
    """(y, z) in mm of the corners of the disc between two bodies, by the names of `anatomy.CORNERS`."""
    return {
        "upper_anterior": above.corner(1, -1),
        "upper_posterior": above.corner(-1, -1),
        "lower_anterior": below.corner(1, 1),
        "lower_posterior": below.corner(-1, 1),
    }


def disc_frame(above: Body, below: Body) -> DiscFrame:
    """The frame of the disc between two bodies."""
    corners = disc_corners(above, below)
    front = (corners["upper_anterior"] + corners["lower_anterior"]) / 2
    back = (corners["upper_posterior"] + corners["lower_posterior"]) / 2
    forward = (front - back) / np.linalg.norm(front - back)
    up = np.array([forward[1], -forward[0]])
    upper, lower = (corners[f"{end}_anterior"] + corners[f"{end}_posterior"] for end in ("upper", "lower"))
    height = float((upper - lower) @ up / 2)
    return DiscFrame((front + back) / 2, forward, up, float(np.linalg.norm(front - back)), height)


def paint_disc(
    canvas: Canvas,
    above: Body,
    below: Body,
    state: DiscState,
    texture: Texture,
    tissues: Tissues,
    rng: np.random.Generator,
) -> None:
    """Paint the disc between two bodies, which are painted over it later, and label it if it has a label."""
    frame = disc_frame(above, below)
    box = canvas.box(frame.center, frame.depth / 2 + 10)
    x, y, z = (plan[box] for plan in (canvas.x, canvas.y, canvas.z))
    dy, dz = y - frame.center[0], z - frame.center[1]
    forward = dy * frame.forward[0] + dz * frame.forward[1]
    up = dy * frame.up[0] + dz * frame.up[1]
    half = max(frame.height / 2, 1.0)
    side = np.clip(np.abs(x) / (frame.depth * HALF_WIDTH), 0, 1)
    belly = np.clip(1 - (up / (half + 2.5)) ** 2, 0.0, 1.0)
    front = frame.depth * (0.6 * (1 - side**2.6) ** (1 / 2.6) - 0.1) + (0.6 + 0.5 * state.bulge_mm) * belly
    back = frame.depth * (0.4 * (1 - side**5) ** 0.2 + 0.1) + (state.bulge_mm + 0.3) * belly
    if state.herniation_mm > 0:
        beside, shift = rng.uniform(-4, 4), rng.uniform(-2.5, 1.0)
        back = back + state.herniation_mm * np.exp(-(((x - beside) / 6) ** 2) - ((up - shift) / (half + 2)) ** 2)
    # Not at the rim: there it would stand out where bodies slip or narrow.
    rim = np.maximum(np.abs(2 * forward / frame.depth), side)
    dip = np.where(up > 0, DIP_MM[state.upper.lesion], DIP_MM[state.lower.lesion])
    dip = 1.0 + dip * np.clip((0.8 - rim) / 0.3, 0.0, 1.0)
    outside = np.maximum.reduce([forward - front, -forward - back, np.abs(up) - half - dip])
    canvas.paint(outside - 0.4, tissues.outer_annulus, box)
    name = f"{above.name}/{below.name}"
    remnant = name not in DISCS_UPWARDS
    # Sharpey's fibers: the outermost annulus is as dark as ligament, thicker in front than behind.
    fibers = 0.4 if remnant else np.where(forward > 0, FIBERS_MM[0], FIBERS_MM[1]) * (1 - 0.7 * side)
    canvas.paint(outside + fibers, tissues.annulus, box)
    if remnant:
        return
    canvas.labels[box][outside < 0] = disc_label(name)
    _nucleus(canvas, box, frame, state, texture, tissues, (x, forward, up, outside), rng)


def _nucleus(canvas, box, frame: DiscFrame, state: DiscState, texture: Texture, tissues: Tissues, place, rng) -> None:
    """The nucleus, its dark band, and what late degeneration leaves: clefts of fluid or gas."""
    x, forward, up, outside = place
    grade = state.pfirrmann
    size = {1: 0.35, 2: 0.34, 3: 0.33, 4: 0.34, 5: 0.35}[grade] * frame.depth * rng.uniform(0.93, 1.07)
    half = max(frame.height / 2, 1.0)
    # A lens between the cartilage of the two endplates, which stays dark.
    flat = np.abs(up) / (half + DOME_MM)
    core = (
        ((np.hypot(forward + 0.02 * frame.depth, x / (1.9 * HALF_WIDTH)) / size) ** 2.5 + flat**2.5) ** 0.4 - 1
    ) * size
    # The border of nucleus and annulus is sharp in young discs and lost in old ones.
    border = {1: 4.0, 2: 5.0, 3: 7.0, 4: 8.0, 5: 8.0}[grade]
    weight = np.clip(0.5 - core / border, 0.0, 1.0) * (outside < 0)
    weight *= np.clip(
        1 + {1: 0.08, 2: 0.15}.get(grade, 0.22) * (texture.patches[box] + 0.5 * texture.fine[box]), 0.3, 1.2
    )
    # What breaks through an endplate is nucleus.
    weight = np.maximum(weight, np.clip((np.abs(up) - half - 1.0) / 1.5, 0.0, 1.0) * (outside < 0))
    content = tissues.nucleus[grade]
    content = content._replace(
        density=content.density * np.exp(rng.uniform(-1, 1) * DISC_SPREAD[0]),
        t2_ms=content.t2_ms * np.exp(rng.uniform(-1, 1) * DISC_SPREAD[1]),
    )
    canvas.blend(np.clip(weight, 0, 1), content, box)
    if grade in CLEFT_GRADES and rng.random() < {1: 0.35, 2: 0.85, 3: 0.4}[grade]:
        thin = np.abs(up - 0.2 * texture.large[box] - rng.uniform(-0.6, 0.6)) - (0.10 * half + 0.25)
        band = np.clip(0.5 - thin / 1.5, 0, 1) * np.clip(0.5 - (core + 0.15 * size) / 3.0, 0, 1)
        canvas.blend(band * rng.uniform(0.25, 0.6), tissues.annulus, box)
    if grade >= 4 and rng.random() < 0.3:
        cleft = np.abs(up - rng.uniform(-0.2, 0.2) * half) - rng.uniform(0.3, 0.7)
        ends = np.clip(-(core + rng.uniform(0, 6)) / 4.0, 0, 1)
        patch = np.clip(0.5 - cleft / 0.8, 0, 1) * ends * (outside < 0)
        fluid = rng.random() < 0.4
        canvas.blend(patch * rng.uniform(0.3, 0.8), tissues.csf if fluid else tissues.air, box)
