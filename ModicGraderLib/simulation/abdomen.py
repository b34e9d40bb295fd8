"""What lies in front of the spine: great vessels, crura, psoas, bowel and its fat, the pelvis, the belly's wall."""

from __future__ import annotations

import numpy as np

from .canvas import Canvas
from .case import Case
from .column import Body
from .course import Course, fill, part_of, rod
from .tissues import Tissue, Tissues

BODY_DEPTH_MM = {"S5": 7.0, "S4": 9.0, "S3": 13.0, "S2": 19.0, "S1": 29.0}
"""How far the front of the sacrum lies before the curve behind it; of the vertebrae the column tells."""

BELLY_MM = {"F": 72.0, "M": 82.0}
"""Distance of the belly's skin from the front of L3 in a lean patient, and by how much it grows with the fat factor."""

BELLY_FAT_MM = 38.0


def draw_abdomen(
    canvas: Canvas,
    column: list[Body],
    course: Course,
    behind: np.ndarray,
    place: tuple[np.ndarray, ...],
    case: Case,
    tissues: Tissues,
    rng: np.random.Generator,
) -> None:
    """Draw everything in front of the column.

    Parameters
    ----------
    behind:
        (slices, rows, columns) mm behind the course.
    place:
        x, y, z, behind and foot at every `course.COARSE`-th row and column.
    """
    Abdomen(canvas, column, course, behind, place, case, tissues, rng).draw()


class Abdomen:
    """The abdomen of one patient on the front part of a canvas."""

    def __init__(self, canvas, column, course, behind, place, case, tissues, rng):
        self._canvas, self._course, self._case, self._tissues, self._rng = canvas, course, case, tissues, rng
        self._column = {body.name: body for body in column}
        x, y, z, behind_coarse, foot = place
        self._scale = self._column["L3"].depth / 34.5
        depths = {name: self._scale * mm for name, mm in BODY_DEPTH_MM.items()}
        depths |= {body.name: body.depth for body in column if body.name not in ("S2", "S3")}
        self._front = course.profile(depths, 4.0)
        shape = canvas.labels.shape
        columns = np.flatnonzero((behind[:, ::8, ::4] < -8.0).any((0, 1))) * 4
        self._box = (slice(None), slice(None), slice(0, int(columns[-1]) + 4 if len(columns) else 0))
        ahead = -behind_coarse - self._front.take(foot, mode="clip")
        self._ahead = fill(ahead, shape)[self._box]
        self._level = fill(course.level.astype(np.float32).take(foot, mode="clip"), shape)[self._box]
        self._x = canvas.x[self._box]
        self._y, self._z = canvas.y[self._box], canvas.z[self._box]

    def draw(self) -> None:
        """Draw it from the inside to the belly's skin, then the vessels."""
        if self._x.size == 0:
            return
        self._draw_bowel()
        self._draw_liver()
        self._draw_pelvis()
        self._draw_psoas()
        self._draw_prevertebral()
        self._draw_vessels()
        self._draw_belly()

    def _paint(self, distance: np.ndarray, tissue: Tissue, opacity: float = 1.0) -> None:
        self._canvas.paint(distance, tissue, self._box, opacity)

    def _blend(self, weight: np.ndarray, tissue: Tissue) -> None:
        self._canvas.blend(weight, tissue, self._box)

    def _noise(self, *size_mm: float) -> np.ndarray:
        return self._canvas.noise(np.array(size_mm) if len(size_mm) > 1 else size_mm[0])[self._box]

    def _draw_bowel(self) -> None:
        """Loops of bowel in the fat of the mesentery: walls, mixed contents, gas; vessels in the fat."""
        rng = self._rng
        loops = self._noise(26.0, 20.0, 17.0) + 0.35 * self._noise(8.0)
        stuff, food = self._noise(30.0), self._noise(4.0)
        lean = np.clip(1.1 - 0.35 * self._case.fat_factor, 0.3, 0.9)
        threshold = 0.9 - 1.3 * lean + 0.9 * np.clip((22.0 - self._ahead) / 14.0, 0.0, 1.5)
        above = loops - threshold + np.clip((self._level - self._course.index("L5")) * 0.12, -0.5, 0.4)
        loop = np.clip(0.5 + above / 0.25, 0.0, 1.0)
        content = self._tissues.bowel
        self._blend(loop, self._tissues.muscle)
        self._blend(np.clip(above / 0.25 - 0.6, 0.0, 1.0), content)
        watery = content._replace(density=0.95, fat=0.0, t1_ms=2200.0, t2_ms=180.0)
        self._blend(np.clip(stuff * 1.5 - 0.9, 0.0, 0.9) * np.clip(above / 0.2 - 0.8, 0.0, 1.0), watery)
        fatty = np.clip(-stuff * 1.2 - 0.6 + 0.5 * food, 0.0, 0.8) * np.clip(above / 0.2 - 0.5, 0.0, 1.0)
        self._blend(fatty, self._tissues.fat)
        gas = np.clip(1.5 * (self._noise(14.0) + 0.3 * food - rng.uniform(1.2, 1.9)), 0.0, 1.0)
        self._blend(gas * np.clip(above / 0.2 - 0.8, 0.0, 1.0), self._tissues.air)
        strands = np.clip(1 - np.abs(self._noise(18.0, 26.0, 7.0)) / 0.1, 0.0, 1.0) * (1 - loop)
        self._blend(strands * np.clip(food * 0.4 + 0.3, 0.0, 0.7), self._tissues.blood_slow)

    def _draw_liver(self) -> None:
        """Liver or stomach at the upper front; pancreas and duodenum before the upper lumbar vessels."""
        course, rng = self._course, self._rng
        liver = self._tissues.muscle._replace(fat=0.05, t1_ms=600.0, t2_ms=48.0, density=0.78)
        edge = course.point(course.index("L1") + rng.normal(0.3, 0.5), -self._column["L3"].depth - 55.0)
        tilt = rng.uniform(0.3, 0.8)
        below = edge[1] - self._z + tilt * (edge[0] - self._y) + 4.0 * self._noise(30.0)
        self._paint(np.maximum(below, 40.0 - self._ahead + 2.0 * self._noise(25.0)), liver)
        gland = np.hypot((self._level - course.index("L1") + 0.4) * 30.0 / 16.0, (self._ahead - 42.0) / 10.0) - 1
        self._paint((gland + 0.3 * self._noise(7.0)) * 10.0, liver._replace(fat=0.25), 0.8)

    def _draw_pelvis(self) -> None:
        """Fat before the sacrum, rectum, bladder, and in women the uterus."""
        course, rng, tissues = self._course, self._rng, self._tissues
        low = course.index("S2") + 0.6 - self._level
        presacral = np.maximum(self._ahead - 12.0 - 5.0 * self._noise(30.0), -low * 15.0)
        self._paint(np.maximum(presacral, -self._ahead - 4.0), tissues.fat)
        wobble = self._noise(13.0)
        rectum = np.hypot(self._ahead - rng.uniform(22, 30), 0.6 * (self._x - rng.normal(0, 8))) - rng.uniform(9, 15)
        rectum = np.maximum(rectum - 3.0 * wobble, (self._level - course.index("S2") + rng.uniform(-0.3, 0.6)) * 18.0)
        self._paint(rectum, tissues.muscle)
        self._paint(rectum + 3.5, tissues.bowel)
        if rng.random() < 0.5:
            self._paint(rectum + 6.0 + 2.0 * wobble, tissues.air, 0.9)
        urine = tissues.csf._replace(t1_ms=3200.0, t2_ms=700.0)
        full = rng.uniform(0.5, 1.3)
        sacrum = course.point(course.index("S2"), -19.0)
        bladder = self._ball(
            sacrum + [-85.0, -38.0 + 14.0 * full], (35.0 * full, 38.0 * full, 26.0 * full), 3.0 * wobble
        )
        self._paint(bladder - 3.5, tissues.muscle)
        self._paint(bladder, urine)
        if self._case.patient.sex == "F":
            womb = self._ball(sacrum + [-52.0, -12.0 + 10.0 * rng.standard_normal()], (24.0, 30.0, 17.0), 2.5 * wobble)
            self._paint(womb, tissues.muscle._replace(t1_ms=1000.0, t2_ms=65.0))
            self._paint(womb + 13.0, tissues.muscle._replace(t1_ms=1300.0, t2_ms=130.0))

    def _ball(self, center: np.ndarray, radii: tuple[float, float, float], rough: np.ndarray) -> np.ndarray:
        """About the signed distance (mm) to an ellipsoid at (y, z) in the midline; radii along x, y, z."""
        offsets = (self._x, self._y - np.float32(center[0]), self._z - np.float32(center[1]))
        square = sum((offset / np.float32(radius)) ** 2 for offset, radius in zip(offsets, radii, strict=True))
        return (np.sqrt(square) - 1) * min(radii) + rough

    def _draw_psoas(self) -> None:
        """The psoas beside the column, thicker the lower; the diaphragm's crura before the uppermost bodies."""
        course, rng = self._course, self._rng
        names = {"T12": 0.0, "L1": 0.25, "L2": 0.5, "L4": 0.9, "L5": 1.0, "S1": 1.0, "S3": 0.9}
        grown = np.interp(
            self._level, sorted(course.index(n) for n in names), [names[n] for n in sorted(names, key=course.index)]
        )
        grown = grown.astype(np.float32)
        width, depth = self._scale * (4 + 15 * grown), self._scale * (6 + 16 * grown)
        away = (
            np.hypot(
                (np.abs(self._x) - 21.0 * self._scale - width) / width, (self._ahead + 14.0 - 12.0 * grown) / depth
            )
            - 1
        )
        self._paint(away * width, self._tissues.muscle)
        thick = np.clip((self._level - course.index("L3")) * 3.2, 0.0, 7.0) * rng.uniform(0.7, 1.2)
        crus = np.maximum(np.abs(self._ahead - 3.0 - thick / 2) - thick / 2, np.abs(self._x) - 14.0)
        self._paint(np.maximum(crus, 0.8 - thick), self._tissues.muscle)

    def _draw_prevertebral(self) -> None:
        """The anterior longitudinal ligament, fat before it, and the lumbar vessels in the middle of each body."""
        cover = np.maximum(self._ahead - 5.0, np.abs(self._x) - 20.0)
        self._paint(np.maximum(cover, -self._ahead - 6.0), self._tissues.fat, 0.85)
        self._paint(np.maximum(np.abs(self._ahead - 0.3) - 0.8, np.abs(self._x) - 16.0), self._tissues.ligament)
        middle = self._level - np.round(self._level)
        vessel = np.hypot(middle * 32.0, self._ahead - 2.5) - 1.3
        self._paint(np.maximum(vessel, np.abs(self._x) - 20.0), self._tissues.blood_flowing, 0.8)

    def _draw_vessels(self) -> None:
        """Aorta and vena cava down to L4, the common iliac vessels below, and arteries that leave in front."""
        course, rng, tissues, scale = self._course, self._rng, self._tissues, self._scale
        place, level = (self._x, self._ahead), self._level
        fork = course.index("L4") + rng.normal(-0.2, 0.25)
        spread = np.clip((fork - level) * 22.0, 0.0, 60.0)
        shift = rng.normal(4.0, 4.0)
        calm = tissues.blood_flowing
        radius = scale * rng.uniform(7.5, 10.0)
        trunk = np.hypot(place[0] - 4.0 - shift, place[1] - radius - 4.0 - 2.0 * (level > course.index("L1"))) - radius
        self._paint(np.maximum(trunk, (fork - level) * 25.0) - 1.0, tissues.ligament, 0.5)
        self._paint(np.maximum(trunk, (fork - level) * 25.0), calm)
        cava_end = fork - 0.45
        cava = np.hypot((place[0] + 17.0 - shift / 2) / 1.2, place[1] - 9.0) - scale * rng.uniform(6.5, 9.0)
        self._paint(np.maximum(cava, (cava_end - level) * 25.0), tissues.blood_flowing)
        for side in (-1, 1):
            low = np.maximum(level - fork, (course.index("S1") - 0.2 - level)) * 25.0
            artery = np.hypot(place[0] - shift - side * (4.0 + 0.7 * spread), place[1] - 10.0 + 0.1 * spread) - 5.0
            self._paint(np.maximum(artery, low), calm)
            start = -17.0 + shift / 2
            vein_x = start + (side * 32.0 - start) * np.clip((cava_end + 0.15 - level) / 1.3, 0.0, 1.0)
            vein = np.hypot((place[0] - vein_x) / 1.6, place[1] - 5.5) - 5.0
            low = np.maximum(level - cava_end - 0.2, course.index("S1") - 0.5 - level) * 25.0
            self._paint(np.maximum(vein, low), tissues.blood_flowing)
        start = course.index("L1") + rng.normal(0.2, 0.3)
        along = (start - level) * 34.0
        mesenteric = rod(
            (place[0], place[1], along), (shift + 4, 2 * radius, 0.0), (shift, 2 * radius + 34, 75.0), 3.6, 2.5
        )
        self._paint(mesenteric - 4.5, tissues.fat, 0.9)
        self._paint(mesenteric, calm)
        renal = np.maximum(
            np.hypot(level * 34.0 - (start - 0.35) * 34.0, place[1] - 2 * radius - 6) - 2.6, -12.0 - place[0]
        )
        self._paint(renal, calm)

    def _draw_belly(self) -> None:
        """The wall of the belly, its fat and skin, and the air before it."""
        rng, case, tissues = self._rng, self._case, self._tissues
        reach = BELLY_MM[case.patient.sex] + BELLY_FAT_MM * np.clip(case.fat_factor, 0.3, 2.5) ** 0.8 + rng.normal(0, 8)
        body = self._column["L3"]
        center = body.to_plan(np.array([body.depth / 2, 0.0]))
        height = self._z - np.float32(center[1])
        bend = np.float32(rng.uniform(0.0004, 0.0012)) * (height + np.float32(rng.uniform(0, 40))) ** 2
        front = np.float32(center[0] - reach) + bend - self._y + self._x**2 / 700
        fat = np.clip(18.0 * case.fat_factor * np.exp(rng.normal(0, 0.25)), 5.0, 60.0)
        wavy = 1.5 * self._noise(40.0)
        self._paint(-front - fat - 11.0 + wavy, tissues.muscle)
        linea = np.abs(self._x) - 4.0
        self._paint(np.maximum(-front - fat - 11.0 + wavy, linea), tissues.ligament, 0.5)
        self._paint(-front - fat + wavy, tissues.fat)
        self._paint(-front - 1.8, tissues.skin)
        self._paint(-front, tissues.air)
