"""The torso around the spine: skin, fat and muscles of the back, and in front what `viscera` and `vessels` draw."""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from .canvas import Canvas, coverage
from .case import Case
from .column import Body
from .course import STEP_MM, Course
from .fields import COARSE, coarse, fill, grains, sheets
from .posterior_elements import REFERENCE_DEPTH_MM, process_tips
from .tissues import Tissues
from .vessels import draw_prevertebral, draw_psoas, draw_vessels
from .viscera import draw_viscera

BACK_FAT_MM = {"F": 37.0, "M": 30.0}
"""Thickness of the subcutaneous fat behind L5 of a patient of average fat factor, chosen so that the skin lies as far
behind the discs as in SPIDER's pictures: 10, 50 and 90 % of 61, 80 and 101 mm."""

BACK_FAT_SPREAD = 0.38
"""Standard deviation of its logarithm between patients of the same fat factor."""

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

MUSCLE_BULGE_MM = {"T9": 1.0, "T12": 4.0, "L2": 5.5, "L4": 6.0, "L5": 5.0, "S1": 2.0, "S3": 0.0}
"""By how much the erector spinae stand out behind the tips of the spinous processes, beside the midline."""

MUSCLE_FRONT_MM = {"T9": 14.0, "L4": 15.0, "S1": 17.0, "S2": 14.0, "S3": 10.0, "S5": 6.0}
"""How far behind the posterior walls of the bodies the muscles of the back begin."""

SACRAL_FASCIA_MM = {"S5": 7.0, "S4": 11.0, "S3": 18.0, "S2": 27.0}
"""How far behind the sacral canal's front the muscles end in the midline."""

SKIN_MM = 1.8
"""Thickness of the skin of the back."""

FATTY_LEVELS = {"T12": 0.0, "L2": 0.12, "L3": 0.3, "L4": 0.65, "L5": 1.0, "S2": 1.2}
"""How much of the age's fatty change the muscles show at each height: the lowest show most."""


def draw_torso(
    canvas: Canvas, column: list[Body], course: Course, case: Case, tissues: Tissues, rng: np.random.Generator
) -> None:
    """Fill the canvas with the torso: everything but the spine and its canal.

    To be called first, on an empty canvas; `draw_posterior_elements`, `draw_canal` and then bodies and discs are drawn
    over it. It sets no labels.

    Parameters
    ----------
    column:
        Bodies from the sacrum upwards.
    course:
        The course of the canal behind them.
    """
    canvas.values[:] = np.reshape(tissues.fat, (4, 1, 1, 1))
    draw_viscera(canvas, column, course, case, tissues, rng)
    Back(canvas, column, course, case, tissues, rng).draw()
    draw_psoas(canvas, column, tissues, rng)
    draw_prevertebral(canvas, column, tissues, rng)
    draw_vessels(canvas, column, tissues, rng)


class Back:
    """Everything between the spine and the skin of the back of one patient."""

    def __init__(
        self,
        canvas: Canvas,
        column: list[Body],
        course: Course,
        case: Case,
        tissues: Tissues,
        rng: np.random.Generator,
    ):
        self._canvas, self._course, self._case, self._tissues, self._rng = canvas, course, case, tissues, rng
        self._scale = float(next(body for body in column if body.name == "L3").depth) / REFERENCE_DEPTH_MM
        self._x, self._y, self._z = (coarse(plan) for plan in (canvas.x, canvas.y, canvas.z))
        self._fascia = self._fascia_line(process_tips(column))
        usual = BACK_FAT_MM[case.patient.sex] * case.fat_factor
        self._fat_mm = float(max(usual * rng.lognormal(0.0, BACK_FAT_SPREAD), 3.5))
        row = np.clip(((self._z - course.z[0]) / STEP_MM).astype(np.int32), 0, len(course.z) - 1)
        self._under_fascia = self._y - self._fascia.take(row)
        # Between the muscles of both sides the skin of lean backs lies in a furrow.
        furrow = 4.0 * np.exp(-((self._x / 12.0) ** 2)) / (1 + self._fat_mm / 15) - self._x**2 / 900
        self._skin = self._y - self._skin_line().take(row) + furrow

    def draw(self) -> None:
        """Septa in the fat, muscles, skin, and the air behind it."""
        self._draw_septa()
        self._draw_muscles()
        box = self._columns(self._skin > -8.0)
        skin = self._fine(self._skin, box)
        self._canvas.paint(-skin - SKIN_MM, self._tissues.skin, box)
        self._canvas.paint(-skin, self._tissues.air, box)

    def _columns(self, wanted: np.ndarray) -> tuple:
        """The part of the canvas between the outermost columns in which something of a coarse field is wanted."""
        columns = np.flatnonzero(wanted.any((0, 1))) * COARSE
        if len(columns) == 0:
            return slice(None), slice(None), slice(0, 0)
        return slice(None), slice(None), slice(max(int(columns[0]) - COARSE, 0), int(columns[-1]) + COARSE + 1)

    def _fine(self, field: np.ndarray, box: tuple) -> np.ndarray:
        """A coarse field at all voxels of a box."""
        first = box[2].start // COARSE
        stop = min(box[2].stop, self._canvas.grid.shape[2])
        shape = (*self._canvas.grid.shape[:2], stop - COARSE * first)
        return fill(field[:, :, first : -(-stop // COARSE) + 1], shape)[:, :, box[2].start - COARSE * first :]

    def _grains(self, box: tuple, *size_mm: float) -> np.ndarray:
        shape = self._canvas.labels[box].shape
        return grains(shape, self._canvas.spacing, size_mm if len(size_mm) > 1 else size_mm[0], self._rng)

    def _fascia_line(self, tips: np.ndarray) -> np.ndarray:
        """y of the thoracolumbar fascia in the midline at every height of the course.

        It runs over the tips of the spinous processes and from L4 straight on to the lower sacrum, for those of L5
        and S1 stay short of it.
        """
        course = self._course
        sacrum = [course.point(course.index(name), self._scale * mm) for name, mm in SACRAL_FASCIA_MM.items()]
        line = _by_height(np.concatenate([sacrum, tips[course.names.index("L4") :]]))
        line = ndimage.gaussian_filter1d(np.interp(course.z, line[:, 1], line[:, 0]), 10.0 / STEP_MM) + 2.0
        tips = _by_height(tips)
        short = np.maximum(tips[:, 0] + 2.5 - np.interp(tips[:, 1], course.z, line), 0.0)
        return (line + np.interp(course.z, tips[:, 1], short)).astype(np.float32)

    def _skin_line(self) -> np.ndarray:
        """y of the skin of the back in the midline at every height of the course."""
        course, rng = self._course, self._rng
        share = course.profile(FAT_PROFILE, 15.0) * (1 + 0.1 * rng.standard_normal())
        skin = ndimage.gaussian_filter1d(self._fascia, 14.0 / STEP_MM) + 2.5 + self._fat_mm * share
        # Below the most prominent part of the sacrum the buttocks go on.
        lowest = int(np.argmin(np.abs(course.level - course.index("S2"))))
        drop = course.z[lowest] - course.z
        flat = skin[lowest] + 0.12 * drop - 0.0006 * drop**2
        below = np.clip(drop / 25.0, 0.0, 1.0)
        skin = np.maximum(skin * (1 - below) + flat * below, self._fascia + 3.0)
        return ndimage.gaussian_filter1d(skin, 8.0 / STEP_MM).astype(np.float32)

    def _draw_septa(self) -> None:
        """Thin sheets of fiber in the fat: less water and fat in them, seen as dark lines."""
        box = self._columns((self._skin > -60.0) & (self._under_fascia > -6.0) & (self._skin < 3.0))
        if self._canvas.labels[box].size == 0:
            return
        skin = self._fine(self._skin, box)
        spacing = self._canvas.spacing
        patchy = np.clip(self._grains(box, 22.0) * 0.5 + self._rng.uniform(0.1, 0.6), 0.05, 1.0)
        lobes, lobules = (self._grains(box, *size) for size in ((16.0, 9.0, 6.0), (9.0, 4.0, 5.0)))
        line = np.clip(1.1 - sheets(lobes, spacing) / 0.5, 0.0, 1.0) * patchy
        line = np.maximum(line, np.clip(0.9 - sheets(lobules, spacing) / 0.5, 0.0, 1.0) * patchy**2)
        # One fascia runs along the skin, halfway down the fat.
        scarpa = np.abs(skin + self._rng.uniform(0.3, 0.6) * self._fat_mm + 1.5 * self._grains(box, 40.0))
        line = np.maximum(line, 0.8 * np.clip(1 - scarpa / 0.8, 0.0, 1.0) * np.sqrt(patchy))
        line *= np.clip(0.25 * self._fine(self._under_fascia, box) + 0.5, 0.0, 1.0)
        self._canvas.values[0][box] *= 1 - 0.75 * line

    def _draw_muscles(self) -> None:
        """Erector spinae and multifidus with their fat, under the fascia."""
        course, rng, tissues = self._course, self._rng, self._tissues
        behind, foot = course.locate(self._y, self._z)

        def take(table: np.ndarray) -> np.ndarray:
            return table.astype(np.float32).take(foot, mode="clip")

        side = np.clip((np.abs(self._x) - 2.0) / 9.0, 0.0, 1.0)
        bulge = take(self._scale * course.profile(MUSCLE_BULGE_MM, 15.0) * rng.normal(1.0, 0.2))
        front = take(self._scale * course.profile(MUSCLE_FRONT_MM))
        ends = (course.index("S4") - take(course.level)) * 17.0
        muscle = np.maximum.reduce([self._under_fascia - bulge * side, front - behind, ends, self._skin + 3.5])
        box = self._columns(muscle < 3.0)
        if self._canvas.labels[box].size == 0:
            return
        fatty = take(course.profile(FATTY_LEVELS))
        deep = np.exp(-np.maximum(behind - front - 4, 0) / 12.0)
        threshold = 1.5 - 1.7 * self._fatness() * fatty - 0.7 * deep * (0.3 + fatty)
        cleft = np.abs(self._x) - rng.uniform(4.0, 8.0) - rng.uniform(0.3, 0.5) * (behind - front)
        # Behind L5 and S1, whose processes are short, lies fat.
        deep = np.maximum(deep, np.exp(-(((take(course.level) - course.index("S1") - 0.5) / 0.6) ** 2)))
        muscle, threshold, cleft, deep = (self._fine(field, box) for field in (muscle, threshold, cleft, deep))
        self._canvas.paint(muscle - 0.7, tissues.ligament, box, 0.8)
        self._canvas.paint(muscle, tissues.muscle, box)
        fibers = self._grains(box, 4.0, 22.0, 3.2)
        mix = 0.75 * fibers + 0.65 * self._grains(box, 8.0, 18.0, 7.0)
        streaks = np.clip(1.6 * (mix - threshold), 0.0, 0.92)
        streaks = np.maximum(
            streaks,
            np.clip(0.9 - np.abs(cleft + 1.5 * self._grains(box, 25.0)) / 0.9, 0.0, 0.75)
            * np.clip(0.6 + 0.5 * mix, 0.0, 1.0),
        )
        inside = coverage(muscle + 0.8)
        # Even lean muscle shows its bundles.
        bundles = 0.5 * mix + 0.8 * self._grains(box, 5.0, 9.0, 1.8)
        self._canvas.blend(inside * np.clip(0.06 + 0.1 * bundles, 0.0, 0.5), tissues.fat, box)
        self._canvas.blend(streaks * inside, tissues.fat, box)
        self._draw_interspinous(box, muscle, inside, mix, deep)

    def _fatness(self) -> float:
        """How fatty the low lumbar muscles are: 0 lean, 1 half fat; by age, more in women, and by chance."""
        patient = self._case.patient
        share = np.clip((patient.age_years - 25) / 55, 0.05, 1.0) * self._rng.uniform(0.5, 1.5)
        return float(share * (1.15 if patient.sex == "F" else 0.9))

    def _draw_interspinous(self, box: tuple, muscle, inside, mix, deep) -> None:
        """In the midline a fan of ligament and fat between the processes; over their tips the supraspinous ligament."""
        rng, tissues = self._rng, self._tissues
        near = np.flatnonzero((np.abs(self._canvas.x[box][:, ::8, ::8]) < 7.0).any((1, 2)))
        if len(near) == 0:
            return
        slices = slice(int(near[0]), int(near[-1]) + 1)
        box = (slices, *box[1:])
        muscle, inside, mix, deep = (field[slices] for field in (muscle, inside, mix, deep))
        beside = np.abs(self._canvas.x[box])
        sheet = np.clip(0.5 - (beside - 2.8) / 1.5, 0.0, 1.0) * inside
        fan = 0.7 * self._grains(box, 5.0, 4.0, 9.0) + 0.5 * mix
        fat = np.clip(rng.uniform(-0.12, 0.16) + 0.2 * fan + 0.2 * deep, 0.0, 0.9)
        fiber = tissues.muscle._replace(
            density=0.65, t1_ms=1.35 * tissues.muscle.t1_ms, t2_ms=rng.uniform(0.8, 1.2) * tissues.muscle.t2_ms
        )
        self._canvas.blend(sheet * 0.95, fiber, box)
        self._canvas.blend(sheet * fat, tissues.fat, box)
        over_tips = np.clip(0.5 - (np.abs(muscle + 1.0) - 1.0) / 0.8, 0.0, 1.0) * (beside < 4.0)
        self._canvas.blend(0.85 * over_tips, tissues.ligament, box)


def _by_height(points: np.ndarray) -> np.ndarray:
    """Points (y, z) from the lowest upwards."""
    return points[np.argsort(points[:, 1])]
