"""The spinal canal: epidural fat and veins, ligaments, the thecal sac with its fluid, the cord and the cauda equina."""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from ..anatomy import CANAL_LABEL
from .canvas import Canvas, coverage
from .case import Case
from .column import Body
from .course import STEP_MM, Course
from .fields import part_of
from .tissues import Tissue, Tissues

SAC_DEPTH_MM = {
    "T9": 12.5,
    "T11": 13.0,
    "T12": 14.0,
    "L1": 15.3,
    "L2": 15.0,
    "L3": 13.7,
    "L4": 13.8,
    "L5": 15.5,
    "S1": 12.0,
}
"""Anteroposterior diameter of the thecal sac beside the bodies, chosen so that its median over drawn patients is near
that of the canal in SPIDER's T2 SPACE masks of patients that are not held out: from T12 to L5 12.1, 14.0, 13.6, 12.3,
12.3 and 14.5 mm beside the middle of the bodies, measured along the rows at a body depth of 35 mm."""

NARROWER_AT_DISCS = 0.13
"""By what share the sac is less deep beside a lumbar disc; with bulging discs 10.9 mm are left there in SPIDER."""

SAC_WIDTH_MM = {"T9": 8.0, "T12": 9.5, "L1": 10.0, "L3": 9.5, "L4": 9.5, "L5": 9.5, "S1": 8.0}
"""Half its width."""

FRONT_GAP_MM = {"T9": 1.2, "L1": 1.3, "L4": 1.4, "L5": 1.9, "S1": 5.0, "S2": 5.0, "S4": 3.0}
"""Distance of the sac from the posterior wall of the bodies."""

CANAL_DEPTH_MM = {"T9": 15.5, "T12": 16.5, "L4": 17.5, "L5": 18.0, "S1": 16.5, "S2": 12.5, "S3": 8.5, "S5": 4.5}
"""Distance of the laminae from the bodies."""

CANAL_WIDTH_MM = {"T9": 9.5, "T12": 10.5, "L2": 11.0, "L4": 12.0, "L5": 13.5, "S1": 13.0, "S2": 9.0, "S4": 5.0}
"""Half the distance of the pedicles (Panjabi 1992)."""

CORD_MM = {"T9": 3.6, "T11": 3.8, "T12": 4.2}
"""Half the anteroposterior diameter of the cord, which is widest where the roots of the legs arise."""

CORNER_MM = 11.0
"""Over how long a way the sac rounds off the corners of the canal."""

CAUDA_SHARE = {"T11": 0.1, "T12": 0.3, "L1": 0.5, "L2": 0.6, "L3": 0.55, "L4": 0.48, "L5": 0.4, "S1": 0.32, "S2": 0.2}
"""Share of the sac's depth, from its back, over which the roots lie in a patient on their back."""

CAUDA_PACKING = {"T11": 0.0, "T12": 1.2, "L2": 2.3, "L3": 2.1, "L5": 2.1, "S2": 1.6}
"""How closely they are packed at the very back, in standard deviations of `Canal._strands`; 0 is half filled."""

STRAND_MM = (3.5, 22.0, 0.55)
"""Grain of the strands across, along and in the depth of the sac; thick slices do not show what is finer across."""


def draw_canal(
    canvas: Canvas, column: list[Body], course: Course, case: Case, tissues: Tissues, rng: np.random.Generator
) -> None:
    """Draw the spinal canal with everything in it and label the thecal sac.

    To be called after `draw_posterior_elements` and before bodies and discs, which may overlap its front. Where the
    case has discs that bulge or are herniated, the sac gives way to them.

    Parameters
    ----------
    column:
        Bodies from the sacrum upwards.
    course:
        The course of the canal behind them.
    """
    ends = (course.index("S5"), len(column) + 1.0)
    rows = [course.point(level, b) for level in np.arange(*ends, 0.5) for b in (-4.0, 26.0)]
    box = part_of(canvas, np.array(rows), half_width=16.0)
    if canvas.x[box].size == 0:
        return
    Canal(canvas, box, course, column, case, tissues, rng).draw()


class Canal:
    """The canal of one patient, seen from the voxels of the box around it."""

    def __init__(
        self,
        canvas: Canvas,
        box: tuple,
        course: Course,
        column: list[Body],
        case: Case,
        tissues: Tissues,
        rng: np.random.Generator,
    ):
        self._canvas, self._box, self._course, self._case = canvas, box, course, case
        self._tissues, self._rng = tissues, rng
        self._x = canvas.x[box]
        self._behind, self._foot = course.locate(canvas.y[box], canvas.z[box])
        self._scale = next(body for body in column if body.name == "L3").depth / 34.5
        self._plan(column)

    def draw(self) -> None:
        """Draw it from the outside inwards."""
        depth, beside = self._behind, np.abs(self._x)
        back, width = self._take(self._canal_back), self._take(self._canal_width)
        tube = np.maximum.reduce([-depth - 0.5, depth - back + 0.25 * beside, beside - width, self._below_end()])
        self._paint(tube, self._tissues.fat)
        self._draw_veins()
        self._draw_flavum(back)
        sac = self._sac()
        self._paint(sac - 0.9, self._tissues.ligament, 0.85)
        fluid = coverage(sac + 0.15)
        self._mix(fluid, self._tissues.csf)
        self._draw_cauda(sac)
        self._draw_cord(sac)
        self._canvas.labels[self._box][sac < 0] = CANAL_LABEL

    def _plan(self, column: list[Body]) -> None:
        """Tables by foot, in mm: the sac's front and back, its half width, and the back of the canal."""
        course, rng, factor = self._course, self._rng, self._case.canal_factor
        level, scale = course.level, self._scale
        wobble = [1 + 0.05 * self._waves(35.0) for _ in range(3)]
        # 1 beside a disc, 0 beside the middle of a body.
        at_disc = 0.5 - 0.5 * np.cos(2 * np.pi * np.clip(level, course.index("S1"), None))
        veins = np.interp(level, [course.index("S1"), course.index("L5"), course.index("L1")], [0.0, 0.9, 0.9])
        sac_end = course.index("S2") + rng.normal(0.0, 0.3)
        self._sac_end = sac_end
        taper = np.sqrt(np.clip((level - sac_end) / (course.index("S1") - sac_end + 0.35), 0.0, 1.0))
        depth = scale * factor * course.profile(SAC_DEPTH_MM) * wobble[0] * (0.25 + 0.75 * taper)
        lumbar = np.clip((course.index("T12") - level) / 1.5, 0.0, 1.0)
        depth *= 1 - NARROWER_AT_DISCS * at_disc * lumbar
        front = scale * course.profile(FRONT_GAP_MM, 10.0) * wobble[1] + veins * (1 - at_disc) - 0.6 * at_disc
        # The sac does not follow the canal into its corner at the promontory, which fat fills.
        corner = ndimage.gaussian_filter1d(course.y, CORNER_MM / STEP_MM) - course.y
        front += np.maximum(corner, 0.0) / np.hypot(1.0, course.slope)
        pressed, thickened = self._pressed(column)
        self._front = front + pressed
        self._back = np.maximum(front + depth - thickened, self._front + 1.5 + 2.5 * taper)
        self._sac_width = scale * (0.4 + 0.6 * factor) * course.profile(SAC_WIDTH_MM) * wobble[2] * (0.3 + 0.7 * taper)
        self._sac_width = np.maximum(self._sac_width - 0.5 * (pressed + thickened), 2.0)
        pad = np.maximum(rng.uniform(1.5, 4.5) + 1.2 * self._waves(35.0), 0.0) * at_disc**1.5 * (0.35 + 0.65 * lumbar)
        pad *= level > course.index("S1") - 0.1
        canal = scale * (1 + 0.7 * (factor - 1)) * course.profile(CANAL_DEPTH_MM)
        self._canal_back = np.maximum(canal, np.where(level > sac_end, self._back + 0.8 + pad, 0.0))
        self._canal_width = scale * course.profile(CANAL_WIDTH_MM)
        self._flavum = scale * at_disc * (1.9 + 0.6 * thickened)

    def _pressed(self, column: list[Body]) -> tuple[np.ndarray, np.ndarray]:
        """Tables of the mm by which discs press the sac from the front, and thick ligaments from behind."""
        pressed, thickened = np.zeros((2, len(self._course.level)))
        for index, (below, above) in enumerate(zip(column[:-1], column[1:], strict=True)):
            disc = self._case.disc(f"{above.name}/{below.name}")
            away = STEP_MM * (np.arange(len(pressed)) - np.argmin(np.abs(self._course.level - index - 0.5)))
            bump = np.exp(-((away / 5.5) ** 2))
            pressed += np.maximum(disc.bulge_mm + disc.herniation_mm - 0.4, 0.0) * bump
            old = np.clip((self._case.patient.age_years - 30) / 40, 0, 1) * np.clip(disc.pfirrmann - 2, 0, 3) / 3
            thickened += old * self._rng.uniform(0.0, 3.0) * bump
        return pressed, thickened

    def _waves(self, size_mm: float) -> np.ndarray:
        """Smooth noise of unit variance along the course."""
        coarse = self._rng.standard_normal(int(len(self._course.z) * STEP_MM / size_mm) + 4)
        at = np.linspace(1, len(coarse) - 2, len(self._course.z))
        return np.interp(at, np.arange(len(coarse)), coarse)

    def _take(self, table: np.ndarray) -> np.ndarray:
        """A table's values at the voxels of the box."""
        return table.astype(np.float32).take(self._foot, mode="clip")

    def _paint(self, distance: np.ndarray, tissue: Tissue, opacity: float = 1.0) -> None:
        self._canvas.paint(distance, tissue, self._box, opacity)

    def _mix(self, weight: np.ndarray, tissue: Tissue) -> None:
        """Mix a tissue in by its rates of relaxation: by the times, a little fluid would make anything shine."""
        for number, (value, target) in enumerate(zip(self._canvas.values, tissue, strict=True)):
            here = value[self._box]
            if number < 2:
                here += weight * (target - here)
            else:
                here[:] = 1 / ((1 - weight) / np.maximum(here, 1e-3) + weight / target)

    def _below_end(self) -> np.ndarray:
        """mm below the sacral hiatus."""
        return (self._course.index("S4") - self._take(self._course.level)) * np.float32(18.0)

    def _sac(self) -> np.ndarray:
        """About the signed distance in mm to the thecal sac, whose cross-section is an oval."""
        half = (self._take(self._back) - self._take(self._front)) / 2
        offset = (self._behind - self._take(self._front)) / half - 1
        across = self._x / self._take(self._sac_width)
        radius = np.sqrt(offset**2 + across**2)
        end = (self._sac_end - self._take(self._course.level)) * np.float32(20.0)
        return np.maximum((radius - 1) * half, end)

    def _draw_veins(self) -> None:
        """The epidural veins behind the bodies, in fat, under the posterior longitudinal ligament."""
        level = self._take(self._course.level)
        behind_body = np.cos(2 * np.pi * level) * (level > self._course.index("S1") + 0.5)
        lens = np.maximum(self._behind - self._take(self._front) + 0.3, 0.3 - behind_body)
        lens = np.maximum.reduce([lens, -self._behind - 0.5, np.abs(self._x) - 7.0])
        self._paint(lens, self._tissues.blood_slow, 0.75)

    def _draw_flavum(self, back: np.ndarray) -> None:
        """The yellow ligaments between the laminae, with a cleft in the midline."""
        thick = self._take(self._flavum)
        beside = np.abs(self._x)
        band = np.abs(self._behind - back + 0.25 * beside - thick / 2) - thick / 2
        band = np.maximum(np.maximum(band, beside - 13.0), 0.4 - thick)
        yellow = self._tissues.ligament._replace(density=0.45, t2_ms=18.0)
        self._paint(band, yellow, 0.85)

    def _draw_cord(self, sac: np.ndarray) -> None:
        """The cord down to its conus, and the filum."""
        course, rng = self._course, self._rng
        conus = course.index("L1") + rng.normal(-0.35, 0.45)
        swell = np.clip((course.level - conus) / 0.9, 0.0, 1.0) ** 0.7
        radius = self._take(self._scale * course.profile(CORD_MM) * swell)
        lie = 0.55 + 0.06 * self._waves(60.0) + 0.1 * (1 - swell)
        middle = self._take(self._front + lie * (self._back - self._front))
        cord = np.hypot(self._behind - middle, 0.82 * self._x) - radius
        weight = np.clip(0.5 - cord / 0.8, 0.0, 1.0) * (radius > 0.2) * (sac < -0.6)
        self._mix(weight, self._tissues.nerve)

    def _draw_cauda(self, sac: np.ndarray) -> None:
        """The cauda equina: strands that settle at the back of the sac, fewer and fewer of them downwards."""
        course, rng = self._course, self._rng
        inside = np.flatnonzero((sac < -0.2).ravel())
        foot = np.clip(self._foot.ravel()[inside], 0, len(course.z) - 1)
        share = course.profile(CAUDA_SHARE) * rng.lognormal(0.0, 0.2) * (1 + 0.12 * self._waves(40.0))
        depth = (self._back.take(foot) - self._behind.ravel()[inside]).astype(np.float32)
        layer = depth / np.maximum(share * (self._back - self._front), 0.5).take(foot)
        strands = self._strands(self._x.ravel()[inside], foot, depth)
        filled = course.profile(CAUDA_PACKING).take(foot) - 2.6 * layer + strands
        field = np.zeros(sac.size, np.float32)
        field[inside] = np.clip(0.5 + filled, 0.0, 1.0)
        self._mix(field.reshape(sac.shape), self._tissues.nerve)

    def _strands(self, x: np.ndarray, foot: np.ndarray, depth: np.ndarray) -> np.ndarray:
        """Noise of unit variance at places of the sac (mm beside the midline, foot, mm before its back), with long
        grains that run along it."""
        step = np.array(STRAND_MM) / 1.5
        nodes = np.ceil(np.array([40.0, len(self._course.z) * STEP_MM, 40.0]) / step).astype(int) + 2
        noise = ndimage.gaussian_filter(self._rng.standard_normal(nodes, dtype=np.float32), 0.8)
        where = np.stack([(x + 20.0) / step[0], foot * STEP_MM / step[1], (depth + 5.0) / step[2]])
        return ndimage.map_coordinates(noise / noise.std(), where, order=1, mode="nearest")
