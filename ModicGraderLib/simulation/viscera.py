"""Bowel and its fat, liver, the organs of the pelvis, and the wall of the belly."""

from __future__ import annotations

import numpy as np
import torch

from .canvas import EDGE_MM, Canvas, blend, coverage
from .case import Case
from .column import Body
from .course import Course
from .fields import COARSE, coarse, fill, grains
from .posterior_elements import REFERENCE_DEPTH_MM
from .tissues import Tissue, Tissues

BELLY_MM = {"F": 72.0, "M": 82.0}
"""Distance of the belly's skin from the front of L3 in a lean patient."""

BELLY_FAT_MM = 38.0
"""By how much it grows up to the average fat factor."""

HALF = 2
"""Viscera are drawn on every so many slices, rows and columns: breathing and bowel movement blur them anyway."""


def draw_viscera(
    canvas: Canvas, column: list[Body], course: Course, case: Case, tissues: Tissues, rng: np.random.Generator
) -> None:
    """Draw everything in front of the spine but vessels and psoas; what lies behind it there becomes fat."""
    behind = course.locate(coarse(canvas.y), coarse(canvas.z))[0]
    columns = np.flatnonzero((behind < -8.0).any((0, 1)))
    if len(columns) == 0:
        return
    viscera = Viscera(canvas, slice(0, COARSE * int(columns[-1]) + COARSE + 1), column, course, case, tissues, rng)
    viscera.draw()
    viscera.copy_to(canvas)


class Viscera:
    """The viscera of one patient at half the canvas's resolution."""

    def __init__(self, canvas: Canvas, columns: slice, column: list[Body], course: Course, case, tissues, rng):
        self._course, self._case, self._tissues, self._rng = course, case, tissues, rng
        self._bodies = {body.name: body for body in column}
        self._columns = columns
        self._slices = np.minimum(np.arange(0, canvas.grid.shape[0] + 1, HALF), canvas.grid.shape[0] - 1)
        self._x, self._y, self._z = (
            coarse(plan[:, :, columns], HALF)[self._slices] for plan in (canvas.x, canvas.y, canvas.z)
        )
        self._spacing = canvas.spacing * HALF
        self._values = np.empty((4, *self._x.shape), np.float32)
        self._values[:] = np.reshape(tissues.fat, (4, 1, 1, 1))
        behind, foot = course.locate(self._y, self._z)
        depth = course.profile({body.name: body.depth for body in column}, 5.0)
        self._ahead = -behind - depth.take(foot, mode="clip")
        self._level = course.level.astype(np.float32).take(foot, mode="clip")

    def draw(self) -> None:
        """Draw organ over organ, the wall of the belly last."""
        self._draw_bowel()
        self._draw_liver()
        self._draw_pelvis()
        self._draw_belly()

    def copy_to(self, canvas: Canvas) -> None:
        """Carry the organs over to all voxels of the canvas's front."""
        slices = canvas.grid.shape[0]
        shape = canvas.values[0][:, :, self._columns].shape
        for value, drawn in zip(canvas.values, self._values, strict=True):
            along = torch.from_numpy(drawn.reshape(1, len(drawn), -1).transpose(0, 2, 1).copy())
            size = (len(drawn) - 1) * HALF + 1
            full = torch.nn.functional.interpolate(along, size=size, mode="linear", align_corners=True)[0, :, :slices]
            value[:, :, self._columns] = fill(full.numpy().T.reshape(slices, *drawn.shape[1:]), shape, HALF)

    def _blend(self, weight: np.ndarray, tissue: Tissue) -> None:
        blend(self._values, weight, tissue)

    def _paint(self, distance: np.ndarray, tissue: Tissue, opacity: float = 1.0, edge_mm: float = 2 * EDGE_MM) -> None:
        self._blend(opacity * coverage(distance, edge_mm), tissue)

    def _noise(self, *size_mm: float) -> np.ndarray:
        return grains(self._x.shape, self._spacing, size_mm if len(size_mm) > 1 else size_mm[0], self._rng)

    def _draw_bowel(self) -> None:
        """Loops of bowel in the fat of the mesentery: walls, mixed contents, gas; vessels in the fat."""
        rng, course, tissues = self._rng, self._course, self._tissues
        sizes = rng.uniform(0.7, 1.4) * np.array([28.0, rng.uniform(16, 40), 17.0])
        loops = self._noise(*sizes) + 0.35 * self._noise(8.0)
        stuff, food = self._noise(24.0), self._noise(4.0)
        lean = np.clip(1.1 - 0.3 * self._case.fat_factor + rng.normal(0.0, 0.15), 0.25, 1.1)
        threshold = 0.9 - 1.4 * lean + 0.9 * np.clip((20.0 - self._ahead) / 12.0, 0.0, 6.0)
        above = loops - threshold + np.clip((self._level - course.index("L5")) * 0.12, -0.5, 0.4)
        soft = rng.uniform(0.3, 0.8)
        loop = np.clip(0.5 + above / soft, 0.0, 1.0)
        core = np.clip(above / soft - 0.3, 0.0, 1.0)
        self._blend(loop * rng.uniform(0.5, 1.0), tissues.muscle)
        self._blend(core, tissues.bowel)
        self._blend(core * np.clip(0.12 + 0.15 * food, 0.0, 0.4), tissues.fat)
        watery = tissues.bowel._replace(density=0.95, fat=0.0, t1_ms=2200.0, t2_ms=180.0)
        self._blend(np.clip(stuff * 1.2 - 0.9, 0.0, 0.8) * core, watery)
        self._blend(np.clip(-stuff * 1.1 - 0.7 + 0.4 * food, 0.0, 0.7) * core, tissues.fat)
        gas = np.clip(1.5 * (self._noise(14.0) + 0.3 * food - rng.uniform(1.2, 1.9)), 0.0, 1.0)
        self._blend(gas * core, tissues.air)
        # Vessels and sheets of the mesentery.
        strands = np.clip(1 - np.abs(self._noise(18.0, 30.0, 8.0)) / 0.16, 0.0, 1.0) * (1 - loop)
        before = np.clip((self._ahead - 6.0) / 14.0, 0.0, 1.0)
        self._blend(before * strands * np.clip(food * 0.35 + 0.35, 0.0, 0.7), tissues.bowel)
        haze = np.clip(rng.uniform(0.08, 0.3) + 0.12 * self._noise(10.0, 20.0, 7.0), 0.0, 0.5) * (1 - loop)
        self._blend(before * haze, tissues.bowel)

    def _draw_liver(self) -> None:
        """Liver or stomach at the upper front; pancreas and duodenum before the upper lumbar vessels."""
        course, rng = self._course, self._rng
        liver = self._tissues.muscle._replace(fat=0.05, t1_ms=600.0, t2_ms=48.0, density=0.78)
        edge = course.point(course.index("L1") + rng.normal(0.5, 0.5), -self._bodies["L3"].depth - 55.0)
        below = edge[1].item() - self._z + rng.uniform(0.3, 0.8) * (edge[0].item() - self._y) + 4.0 * self._noise(30.0)
        self._paint(np.maximum(below, 40.0 - self._ahead + 2.0 * self._noise(25.0)), liver)
        gland = np.hypot((self._level - course.index("L1") + 0.4) * 1.9, (self._ahead - 42.0) / 10.0) - 1
        self._paint((gland + 0.3 * self._noise(7.0)) * 10.0, liver._replace(fat=0.25), 0.8)

    def _draw_pelvis(self) -> None:
        """Fat before the sacrum, rectum, bladder, and in women the uterus."""
        course, rng, tissues = self._course, self._rng, self._tissues
        presacral = np.maximum(self._ahead - 12.0 - 5.0 * self._noise(30.0), (self._level - course.index("S1")) * 15.0)
        self._paint(presacral, tissues.fat, 0.9, 4.0)
        wobble = self._noise(13.0)
        rectum = np.hypot(self._ahead - rng.uniform(22, 30), 0.6 * (self._x - rng.normal(0, 8))) - rng.uniform(9, 15)
        rectum = np.maximum(rectum - 3.0 * wobble, (self._level - course.index("S2") + rng.uniform(-0.3, 0.6)) * 18.0)
        self._paint(rectum, tissues.muscle)
        self._paint(rectum + 3.5, tissues.bowel)
        if rng.random() < 0.5:
            self._paint(rectum + 6.0 + 2.0 * wobble, tissues.air, 0.9)
        full = rng.uniform(0.5, 1.3)
        y, z = course.point(course.index("S2"), -19.0).tolist()
        radii = (35.0 * full, 38.0 * full, 26.0 * full)
        bladder = self._ball((y - 85.0, z - 38.0 + 14.0 * full), radii, 3.0 * wobble)
        self._paint(bladder - 3.5, tissues.muscle)
        self._paint(bladder, tissues.csf._replace(t1_ms=3200.0, t2_ms=700.0))
        if self._case.patient.sex == "F":
            womb = self._ball((y - 52.0, z - 12.0 + rng.normal(0.0, 10.0)), (24.0, 30.0, 17.0), 2.5 * wobble)
            self._paint(womb, tissues.muscle._replace(t1_ms=1000.0, t2_ms=65.0))
            self._paint(womb + 13.0, tissues.muscle._replace(t1_ms=1300.0, t2_ms=130.0))

    def _ball(self, center: tuple[float, float], radii: tuple[float, float, float], rough: np.ndarray) -> np.ndarray:
        """About the signed distance (mm) to an ellipsoid at (y, z) in the midline; radii along x, y, z."""
        offsets = (self._x, self._y - center[0], self._z - center[1])
        square = sum((offset / radius) ** 2 for offset, radius in zip(offsets, radii, strict=True))
        return (np.sqrt(square) - 1) * min(radii) + rough

    def _draw_belly(self) -> None:
        """The wall of the belly, its fat and skin, and the air before it."""
        rng, case, tissues = self._rng, self._case, self._tissues
        plump = min(max(case.fat_factor, 0.3), 2.5)
        reach = BELLY_MM[case.patient.sex] + BELLY_FAT_MM * plump**0.8 + rng.normal(0, 8)
        body = self._bodies["L3"]
        y, z = body.to_plan(np.array([body.depth / 2, 0.0])).tolist()
        reach *= float(body.depth) / REFERENCE_DEPTH_MM
        bend = rng.uniform(0.0004, 0.0012) * (self._z - z + rng.uniform(0, 40)) ** 2
        # mm below the skin, and how thick the fat is under it.
        under = self._y - (y - reach) - bend - self._x**2 / 700
        fat = min(max(18.0 * plump * np.exp(rng.normal(0, 0.25)), 5.0), 60.0) + 1.5 * self._noise(40.0)
        self._paint(under - fat - 11.0, tissues.muscle)
        self._paint(np.maximum(under - fat - 11.0, np.abs(self._x) - 4.0), tissues.ligament, 0.5)
        self._paint(under - fat, tissues.fat)
        self._paint(under - 1.8, tissues.skin)
        self._paint(under, tissues.air)
