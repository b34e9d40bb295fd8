"""What lies close to the front and the sides of the column: ligament, fat, great vessels, crura and psoas."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from .canvas import Canvas
from .column import Body
from .fields import part_of
from .posterior_elements import REFERENCE_DEPTH_MM
from .shapes import rod
from .tissues import Tissue, Tissues

AORTA_MM = (7.5, 10.0)
"""Least and greatest radius."""

CAVA_MM = (6.5, 9.5)
"""Least and greatest radius of the inferior vena cava."""

PSOAS = {
    "T12": (24.0, -20.0, 3.0),
    "L1": (26.0, -22.0, 7.5),
    "L2": (28.0, -21.0, 11.5),
    "L3": (31.0, -18.0, 15.0),
    "L4": (36.0, -12.0, 17.5),
    "L5": (43.0, -2.0, 18.5),
    "S1": (50.0, 14.0, 17.0),
}
"""Of its middle beside each body: mm beside the midline, mm before the body's front, and its radius."""


def draw_psoas(canvas: Canvas, column: list[Body], tissues: Tissues, rng: np.random.Generator) -> None:
    """Draw the psoas on both sides, and the diaphragm's crura before the uppermost bodies."""
    size = rng.normal(1.0, 0.1)
    sides = [(body, *PSOAS[body.name]) for body in column if body.name in PSOAS]
    points = [(beside, *before(body, ahead)) for body, beside, ahead, _ in sides]
    draw_tube(canvas, points, [size * radius for *_, radius in sides], tissues.muscle, mirrored=True)
    high = [body for body in column if body.name in ("L3", "L2", "L1", "T12", "T11", "T10")]
    thick = [rng.uniform(0.8, 1.2) * radius for radius in (1.5, 3.0, 4.5, 5.5, 6.0, 6.0)][: len(high)]
    points = [(8.0 + 0.7 * n, *before(body, 1.5 + thick[n])) for n, body in enumerate(high)]
    draw_tube(canvas, points, thick, tissues.muscle, mirrored=True)


def draw_prevertebral(canvas: Canvas, column: list[Body], tissues: Tissues, rng: np.random.Generator) -> None:
    """Draw what lies on the front of the bodies, and the lumbar vessels in the middle of each.

    From the outside inwards: the crura, nodes and sheaths of the vessels, patchy fat, and the anterior ligament.
    """
    line = []
    for body in column:
        line += [body.corner(1, -1), body.to_plan(body.wall("anterior")[16]), body.corner(1, 1)]
    lumbar = np.repeat([not body.name.startswith("S") for body in column], 3)
    loose = np.where(lumbar, np.maximum(rng.normal(rng.uniform(3.0, 11.0), 3.5, len(line)), 1.5), 1.5)
    soft = tissues.bowel._replace(t2_ms=rng.uniform(0.8, 1.3) * tissues.bowel.t2_ms)
    _draw_sheath(canvas, line, loose, 17.0, soft, rng.uniform(0.5, 0.95))
    fat = np.maximum(rng.normal(rng.uniform(0.0, 3.0), 1.2, len(line)), 0.0)
    _draw_sheath(canvas, line, fat, 17.0, tissues.fat, rng.uniform(0.4, 0.9))
    _draw_sheath(canvas, line, rng.uniform(0.9, 1.8, len(line)), 14.0, tissues.ligament, 0.95)
    for body in column:
        if not body.name.startswith("S"):
            points = [(x, *before(body, rng.uniform(1.2, 2.5), rng.uniform(-4, 4))) for x in (-18.0, 18.0)]
            radius = rng.uniform(0.5, 1.3)
            draw_tube(canvas, points, [radius, radius], tissues.blood_flowing, opacity=rng.uniform(0.3, 0.9))


def _draw_sheath(
    canvas: Canvas, line: list[np.ndarray], thick: np.ndarray, half_width: float, tissue: Tissue, opacity: float
) -> None:
    """Draw a layer before a line of points (y, z), of a thickness in mm at each of them."""
    for number, (start, stop) in enumerate(zip(line[:-1], line[1:], strict=True)):
        from_mm, to_mm = float(thick[number]), float(thick[number + 1])
        box = part_of(canvas, np.array([start, stop]), half_width + 3.0, margin=6.0 + max(from_mm, to_mm))
        layer = rod((canvas.y[box], canvas.z[box]), start, stop, from_mm, to_mm)
        canvas.paint(np.maximum(layer, np.abs(canvas.x[box]) - half_width), tissue, box, opacity)


def draw_vessels(canvas: Canvas, column: list[Body], tissues: Tissues, rng: np.random.Generator) -> None:
    """Draw aorta and vena cava down to L4, the common iliac vessels below, and what leaves the aorta in front."""
    bodies = {body.name: body for body in column}
    radius, wide = rng.uniform(*AORTA_MM), rng.uniform(*CAVA_MM)
    shift, fork, blood = rng.normal(12.0, 5.0), rng.uniform(-14.0, 8.0), tissues.blood_flowing
    upper = [body for body in column if body.name[0] in "LT" and body.name != "L5"]
    trunk = [(0.5 * shift, *before(bodies["L4"], 3.0 + radius, fork))]
    trunk += [(shift + 1.0 * n, *before(body, 4.0 + 1.2 * n + radius)) for n, body in enumerate(upper[1:])]
    draw_tube(canvas, trunk, [radius + 0.9] * len(trunk), tissues.ligament, opacity=0.6)
    draw_tube(canvas, trunk, [radius] * len(trunk), blood)
    confluence = (-12.0 + shift / 2, *before(bodies["L5"], 6.0, 6.0))
    cava = [confluence] + [(-24.0 + shift / 2, *before(body, wide + 1.0 + n)) for n, body in enumerate(upper)]
    draw_tube(canvas, cava, [0.7 * wide] + [wide] * len(upper), blood)
    for side in (-1.0, 1.0):
        middle = before(bodies["L5"], 12.0, -4.0)
        low = before(bodies["S1"], 16.0, -10.0)
        artery = [trunk[0], (shift + side * 14.0, *middle), (side * 36.0, *low)]
        draw_tube(canvas, artery, [5.5, 5.0, 4.6], blood)
        vein = [
            confluence,
            (side * 15.0, *before(bodies["L5"], 5.5, -9.0)),
            (side * 34.0, *before(bodies["S1"], 6.0, -8.0)),
        ]
        draw_tube(canvas, vein, [6.5, 5.5, 5.5], blood)
    if rng.random() < 0.6:
        start = before(bodies["L1"], 2 * radius + 4.0, rng.uniform(-8.0, 10.0))
        stop = before(bodies["L3"], 2 * radius + rng.uniform(18.0, 40.0))
        mesenteric = [(shift + 4, *start), (shift + rng.normal(0.0, 5.0), *stop)]
        draw_tube(canvas, mesenteric, [7.0, 6.0], tissues.fat, opacity=0.5)
        draw_tube(canvas, mesenteric, [3.2, 2.4], blood, opacity=0.8)
    crossing = before(bodies["L1"], 2 * radius + 8.0, -14.0)
    draw_tube(canvas, [(-14.0, *crossing), (40.0, crossing[0] + 14.0, crossing[1] + 8.0)], [2.8, 2.8], blood)


def before(body: Body, ahead_mm: float, up_mm: float = 0.0) -> tuple[float, float]:
    """(y, z) of a place `ahead_mm` before the front of a body and `up_mm` above its center, at reference size."""
    scale = body.depth / REFERENCE_DEPTH_MM
    y, z = body.to_plan(np.array([body.depth / 2 + ahead_mm * scale, up_mm * scale]))
    return float(y), float(z)


def draw_tube(
    canvas: Canvas,
    points: Sequence[tuple[float, float, float]],
    radii: Sequence[float],
    tissue: Tissue,
    *,
    opacity: float = 1.0,
    mirrored: bool = False,
) -> None:
    """Draw a tube through points (x, y, z) of the plan in mm with a radius at each; on both sides if `mirrored`."""
    for start, stop, thick, thin in zip(points[:-1], points[1:], radii[:-1], radii[1:], strict=True):
        widest = max(thick, thin)
        reach = max(abs(start[0]), abs(stop[0])) + widest
        box = part_of(canvas, np.array([start[1:], stop[1:]]), reach, margin=6.0 + widest)
        if canvas.labels[box].size == 0:
            continue
        x = np.abs(canvas.x[box]) if mirrored else canvas.x[box]
        canvas.paint(rod((x, canvas.y[box], canvas.z[box]), start, stop, thick, thin), tissue, box, opacity)
