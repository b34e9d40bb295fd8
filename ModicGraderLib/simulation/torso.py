"""The torso around the spine: skin, fat and muscles of the back; what lies in front is drawn by `abdomen`."""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from .abdomen import draw_abdomen
from .canvas import Canvas
from .case import Case
from .column import BackWall, Body
from .course import STEP_MM, Course, coarse, fill
from .posterior_elements import TIPS
from .tissues import Tissues

BACK_FAT_MM = {"F": 23.0, "M": 18.0}
"""Thickness of the subcutaneous fat behind L5 of a patient of average fat factor."""

FAT_PROFILE = {
    "T9": 0.40,
    "T12": 0.42,
    "L1": 0.48,
    "L2": 0.58,
    "L3": 0.75,
    "L4": 0.95,
    "L5": 1.08,
    "S1": 1.05,
    "S3": 0.9,
}
"""Its thickness at other heights as a share of that."""

MUSCLE_DEPTH_MM = {"T9": 40.0, "T12": 48.0, "L2": 56.0, "L4": 56.0, "L5": 52.0, "S1": 44.0, "S2": 32.0, "S3": 22.0}
"""How far behind the posterior walls the erector spinae reach, beside the midline."""

SKIN_MM = 1.8
"""Thickness of the skin of the back."""

FATTY_LEVELS = {"T12": 0.0, "L2": 0.12, "L3": 0.3, "L4": 0.65, "L5": 1.0, "S2": 1.2}
"""How much of the age's fatty change the muscles show at each height: the lowest show most."""


def draw_torso(
    canvas: Canvas, column: list[Body], wall: BackWall, case: Case, tissues: Tissues, rng: np.random.Generator
) -> None:
    """Fill the canvas with the torso: everything but the spine and its canal.

    To be called first, on an empty canvas; `draw_posterior_elements`, `draw_canal` and then bodies and discs are drawn
    over it. It sets no labels.

    Parameters
    ----------
    column:
        Bodies from the sacrum upwards.
    """
    course = Course(column, wall)
    x, y, z = (coarse(plan) for plan in (canvas.x, canvas.y, canvas.z))
    behind, foot = course.locate(y, z)
    scale = next(body for body in column if body.name == "L3").depth / 34.5
    tips = scale * course.profile(TIPS)
    skin_at, fat_mm = _skin_line(course, tips, case, scale, rng)
    row = np.clip(((z - course.z[0]) / STEP_MM).astype(np.int32), 0, len(course.z) - 1)
    furrow = 4.0 * np.exp(-((x / 12.0) ** 2)) / (1 + fat_mm / 15) - x**2 / 900
    skin = fill(y - skin_at.take(row) + furrow, canvas.labels.shape)
    behind_full = fill(behind, canvas.labels.shape)
    canvas.values[:] = np.reshape(tissues.fat, (4, 1, 1, 1))
    _draw_septa(canvas, skin, behind_full, rng)
    take = _Taker(foot, canvas.labels.shape)
    _draw_muscles(canvas, course, behind_full, skin, (x, behind, take), tips, scale, case, tissues, rng)
    draw_abdomen(canvas, column, course, behind_full, (x, y, z, behind, foot), case, tissues, rng)
    back = _behind(canvas, skin)
    canvas.paint(-skin[back] - SKIN_MM, tissues.skin, back)
    canvas.paint(-skin[back], tissues.air, back)


class _Taker:
    """Brings tables by foot to all voxels of a canvas."""

    def __init__(self, foot: np.ndarray, shape: tuple[int, ...]):
        self._foot, self._shape = foot, shape

    def coarse(self, table: np.ndarray) -> np.ndarray:
        """At every `COARSE`-th voxel."""
        return table.astype(np.float32).take(self._foot, mode="clip")


def _behind(canvas: Canvas, skin: np.ndarray) -> tuple:
    """The part of the canvas from just before the skin of the back onwards."""
    columns = np.flatnonzero((skin[:, ::8] > -8.0).any((0, 1)))
    return slice(None), slice(None), slice(int(columns[0]) if len(columns) else skin.shape[2], None)


def _skin_line(
    course: Course, tips: np.ndarray, case: Case, scale: float, rng: np.random.Generator
) -> tuple[np.ndarray, float]:
    """y of the skin of the back at every height of the course, and the thickness of the fat behind L5, in mm."""
    normal = np.stack([np.ones_like(course.slope), -course.slope]) / np.hypot(1.0, course.slope)
    at = np.stack([course.y, course.z]) + tips * normal
    order = np.argsort(at[1])
    spine = ndimage.gaussian_filter1d(np.interp(course.z, at[1][order], at[0][order]), 16.0 / STEP_MM)
    fat = max(BACK_FAT_MM[case.patient.sex] * case.fat_factor * np.exp(rng.normal(0.0, 0.3)), 3.5)
    thickness = 2.5 + fat * course.profile(FAT_PROFILE, 15.0) * (1 + 0.1 * rng.standard_normal())
    skin = spine + thickness
    # Below the sacrum's most prominent place the buttocks go on.
    lowest = int(np.argmin(np.abs(course.level - course.index("S2"))))
    flat = skin[lowest] - 0.0006 * (course.z[lowest] - course.z) ** 2 + 0.12 * (course.z[lowest] - course.z)
    below = np.clip((course.z[lowest] - course.z) / 25.0, 0.0, 1.0)
    skin = skin * (1 - below) + flat * below
    return ndimage.gaussian_filter1d(skin, 8.0 / STEP_MM).astype(np.float32), float(fat)


def _draw_septa(canvas: Canvas, skin: np.ndarray, behind: np.ndarray, rng: np.random.Generator) -> None:
    """Thin sheets of fiber in the fat: less water and fat in them, seen as dark lines."""
    box = _behind(canvas, np.minimum(skin + 55.0, behind - 25.0))
    if canvas.x[box].size == 0:
        return
    lobes = canvas.noise(np.array([16.0, 9.0, 6.0]))[box]
    patchy = np.clip(canvas.noise(26.0)[box] * 0.5 + rng.uniform(0.1, 0.5), 0.05, 1.0)
    line = np.clip(1 - np.abs(lobes) / 0.09, 0.0, 1.0) * patchy
    # One fascia runs along the skin, halfway down the fat.
    scarpa = np.abs(skin[box] + rng.uniform(5, 12) + 1.5 * canvas.noise(40.0)[box])
    line = np.maximum(line, 0.8 * np.clip(1 - scarpa / 0.8, 0.0, 1.0) * np.sqrt(patchy))
    canvas.values[0][box] *= 1 - 0.75 * line


def _draw_muscles(canvas, course, behind, skin, coarse_fields, tips, scale, case, tissues, rng) -> None:
    """Erector spinae and multifidus with their fat; between the spinous processes, their ligaments."""
    x, behind_c, take = coarse_fields
    shape = canvas.labels.shape
    age, beside = case.patient.age_years, np.abs(x)
    side = np.clip((beside - 2.0) / 9.0, 0.0, 1.0)
    deep = take.coarse(scale * course.profile(MUSCLE_DEPTH_MM) * rng.normal(1.0, 0.04))
    tip = take.coarse(tips) + 1.5
    surface = fill(behind_c - (tip + (np.maximum(deep, tip + 1) - tip) * side), shape)
    front = take.coarse(scale * course.profile({"T9": 14, "L4": 15.0, "S1": 17.0, "S2": 14.0, "S3": 10.0, "S5": 6.0}))
    inner = fill(front - behind_c, shape)
    lowest = fill((course.index("S4") - take.coarse(course.level)) * 17.0, shape)
    muscle = np.maximum(np.maximum(surface, inner), lowest)
    columns = np.flatnonzero((muscle[:, ::6, ::4] < 3.0).any((0, 1))) * 4
    if len(columns) == 0:
        return
    box = (slice(None), slice(None), slice(max(int(columns[0]) - 4, 0), int(columns[-1]) + 8))
    muscle = muscle[box]
    canvas.paint(np.maximum(muscle, skin[box] + 4.0) - 0.7, tissues.ligament, box, 0.8)
    canvas.paint(np.maximum(muscle, skin[box] + 4.0), tissues.muscle, box)
    fatty = take.coarse(course.profile(FATTY_LEVELS))
    share = np.clip((age - 25) / 55, 0.05, 1.0) * rng.uniform(0.5, 1.5) * (1.15 if case.patient.sex == "F" else 0.9)
    # Fat gathers first next to the laminae.
    near_bone = np.exp(-np.maximum(behind_c - front - 4, 0) / 12.0)
    threshold = fill(1.9 - 1.9 * share * fatty - 0.7 * near_bone * (0.3 + fatty), shape)[box]
    fibers = canvas.noise(np.array([4.0, 22.0, 3.2]))[box]
    coarse_fat = canvas.noise(np.array([8.0, 18.0, 7.0]))[box]
    inside = np.clip(0.5 - (muscle + 0.8) / 0.7, 0.0, 1.0)
    streaks = np.clip(1.6 * (0.75 * fibers + 0.65 * coarse_fat - threshold), 0.0, 0.92)
    cleft = fill(_intermuscular(x, behind_c, front, rng), shape)[box]
    streaks = np.maximum(streaks, np.clip(0.9 - np.abs(cleft) / 1.1, 0.0, 0.75))
    canvas.blend(streaks * inside, tissues.fat, box)
    _draw_interspinous(canvas, box, muscle, inside, fibers, tissues, rng)


def _intermuscular(x: np.ndarray, behind: np.ndarray, front: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """mm from the layer of fat between multifidus and longissimus."""
    return np.abs(x) - 9.0 - rng.uniform(0, 4) - 0.4 * (behind - front) + 2.0 * np.sin(behind / 9.0)


def _draw_interspinous(canvas, box, muscle, inside, fibers, tissues, rng) -> None:
    """Between the processes a fan of ligament and fat; over their tips the dark supraspinous ligament."""
    beside = np.abs(canvas.x[box])
    sheet = np.clip(0.5 - (beside - 3.2) / 1.5, 0.0, 1.0) * inside
    fan = canvas.noise(np.array([5.0, 3.2, 12.0]))[box] + 0.5 * fibers
    fat = np.clip(0.35 + rng.uniform(-0.15, 0.25) + 0.35 * fan, 0.0, 0.95)
    fiber = tissues.muscle._replace(density=0.62, t2_ms=0.8 * tissues.muscle.t2_ms)
    canvas.blend(sheet * 0.9, fiber, box)
    canvas.blend(sheet * fat, tissues.fat, box)
    over_tips = np.clip(0.5 - (np.abs(muscle + 1.0) - 1.2) / 0.8, 0.0, 1.0) * (beside < 4.0)
    canvas.blend(0.85 * over_tips, tissues.ligament, box)
