"""Pedicles, articular processes, laminae and spinous processes; the back of the sacrum; the neural foramina."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .canvas import Canvas
from .case import Case
from .column import Body
from .course import Course
from .fields import grains, part_of
from .shapes import block, joined, rod
from .tissues import Tissues

REFERENCE_DEPTH_MM = 34.5
"""Depth of the body for which all sizes here are given; they grow with it."""

CORTEX_MM = 0.9
"""Thickness of the cortical bone of the arch."""


ARCH_DENSITY = 0.88
"""Proton density of the marrow of the arches against that of the body: they hold more bone."""


@dataclass(frozen=True)
class Arch:
    """Sizes of a vertebral arch in mm, in the frame of its body: behind its posterior wall, and above its center.

    Attributes
    ----------
    lamina:
        How far behind the wall the lamina begins in the midline.
    tip, tip_up, root_up:
        How far back the spinous process reaches, and how high its tip and its root lie.
    height, bulb:
        Of the spinous process in its middle, and by what share it is taller at its tip.
    thickness:
        Half the thickness of the spinous process.
    pedicle, apart:
        Half the width of a pedicle, and its distance from the midline.
    reach:
        How far up and down the articular processes reach from the body's center.
    """

    lamina: float
    tip: float
    tip_up: float
    root_up: float
    height: float
    bulb: float
    thickness: float
    pedicle: float
    apart: float
    reach: tuple[float, float]


ARCHES = {
    "L5": Arch(18.5, 41.0, -9.0, -5.0, 13.0, 0.05, 3.0, 7.5, 21.5, (13.0, -20.0)),
    "L4": Arch(18.5, 49.0, -10.0, -5.0, 15.5, 0.14, 3.4, 6.5, 18.5, (17.0, -24.0)),
    "L3": Arch(18.0, 52.0, -11.0, -5.0, 17.0, 0.15, 3.4, 5.2, 17.0, (17.0, -25.0)),
    "L2": Arch(18.0, 51.0, -11.0, -5.5, 17.0, 0.15, 3.3, 4.5, 16.0, (17.0, -25.0)),
    "L1": Arch(18.0, 49.0, -12.0, -6.0, 16.0, 0.14, 3.0, 4.3, 15.5, (16.0, -24.0)),
    "T12": Arch(17.5, 46.0, -14.0, -6.5, 14.0, 0.1, 3.1, 4.2, 14.5, (15.0, -23.0)),
    "T11": Arch(17.5, 45.0, -19.0, -7.0, 11.0, 0.0, 3.1, 4.0, 13.5, (14.0, -21.0)),
    "T10": Arch(17.0, 45.0, -25.0, -8.0, 9.0, -0.1, 3.1, 3.8, 12.5, (14.0, -20.0)),
    "T9": Arch(17.0, 45.0, -29.0, -9.0, 8.0, -0.1, 3.1, 3.6, 12.5, (13.0, -19.0)),
}
"""Midsagittal sizes are medians over SPIDER's T2 SPACE masks of patients that are not held out, at a body depth of
34.5 mm; pedicles after Panjabi 1992; the articular processes by eye."""

SACRAL_CREST = {"S1": (17.0, 27.0, 6.0), "S2": (13.0, 20.0, 5.0), "S3": (9.0, 15.0, 4.5)}
"""Where the midline of the sacrum's back begins and ends behind the wall of its body, and half the height of it."""


SACRAL_LEVEL_MM = 22.0
"""Height of one level of the sacrum."""

SACRAL_END_MM = 17.0
"""The same below the column."""


def draw_posterior_elements(
    canvas: Canvas, column: list[Body], course: Course, case: Case, tissues: Tissues, rng: np.random.Generator
) -> None:
    """Draw the arches of all vertebrae, the back and the end of the sacrum, and what fills the neural foramina.

    To be called after `draw_torso` and before `draw_canal`. It sets no labels: in this house's label volumes a
    vertebra is its body alone (`localization.network`).

    Parameters
    ----------
    column:
        Bodies from the sacrum upwards.
    course:
        The course of the canal behind them.
    """
    _draw_sacrum(canvas, column, course, tissues, rng)
    for below, body in zip(column[:-1], column[1:], strict=True):
        if not body.name.startswith("S"):
            _draw_foramina(canvas, below, body, tissues)
    tips = process_tips(column)
    room = np.linalg.norm(np.diff(tips, axis=0), axis=1)
    for number, body in enumerate(column):
        if not body.name.startswith("S"):
            arch = ARCHES.get(body.name, ARCHES["T9"])
            # Where lordosis brings the tips together, the processes are lower; in the old they may touch.
            gap = rng.uniform(4.0, 10.0) - 4.0 * (case.patient.age_years > 60)
            tallest = (float(room[max(number - 1, 0) : number + 1].min()) - gap) / _scale(body)
            _draw_arch(canvas, body, arch, tallest, case, tissues, rng)


def process_tips(column: list[Body]) -> np.ndarray:
    """(n, 2) points (y, z) of the plan where the processes of a column end, from S3 (or the lowest) upwards."""
    tips = []
    for body in column:
        crest, arch = SACRAL_CREST.get(body.name), ARCHES.get(body.name, ARCHES["T9"])
        tip, up = (crest[1], 0.0) if crest else (arch.tip, arch.tip_up)
        tips.append(body.to_plan(np.array([-tip * _scale(body) - body.depth / 2, up * _scale(body)])))
    return np.array(tips)


def _frame(canvas: Canvas, box: tuple, body: Body, scale: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Of the voxels in a box: mm beside the midline, behind the body's wall, above its center, at reference size."""
    forward, up = body.local(canvas.y[box], canvas.z[box])
    return canvas.x[box] / scale, (-forward - body.depth / 2) / scale, up / scale


def _scale(body: Body) -> float:
    return float(body.depth) / REFERENCE_DEPTH_MM


def _corners(body: Body, behind: tuple[float, float], up: tuple[float, float]) -> np.ndarray:
    """(4, 2) points of the plan around a rectangle behind a body, given in mm at reference size."""
    scale = _scale(body)
    local = [(-b * scale - body.depth / 2, u * scale) for b in behind for u in up]
    return body.to_plan(np.array(local))


def _draw_foramina(canvas: Canvas, below: Body, body: Body, tissues: Tissues) -> None:
    """Fat between two pedicles, with the root that leaves below the upper one and its vessels."""
    scale = _scale(body)
    box = part_of(canvas, _corners(body, (-4.0, 20.0), (-34.0, 8.0)))
    if canvas.labels[box].size == 0:
        return
    x, behind, up = _frame(canvas, box, body, scale)
    beside = np.abs(x)
    gap = np.maximum(np.abs(behind - 6.0) - 8.0, np.abs(up + 12.0) - 16.0)
    canvas.paint(np.maximum(gap, 9.0 - beside), tissues.fat, box)
    vessel = np.hypot(behind - 2.5, up + 13.0) - 1.3
    canvas.paint(np.maximum(vessel, 11.0 - beside), tissues.blood_slow, box, 0.7)
    root = rod((beside, behind, up), (8.0, 8.0, 2.0), (17.0, 5.5, -7.5), 1.6, 2.9)
    onwards = rod((beside, behind, up), (17.0, 5.5, -7.5), (34.0, -4.0, -24.0), 2.9, 2.0)
    canvas.paint(np.minimum(root, onwards), tissues.nerve, box)


def _draw_arch(
    canvas: Canvas, body: Body, arch: Arch, tallest: float, case: Case, tissues: Tissues, rng: np.random.Generator
) -> None:
    scale = _scale(body)
    lowest = min(arch.tip_up - arch.height / 2, arch.reach[1]) - 5
    box = part_of(canvas, _corners(body, (-6.0, arch.tip + 5), (lowest, arch.reach[0] + 4)), arch.apart * scale + 22)
    if canvas.labels[box].size == 0:
        return
    x, behind, up = _frame(canvas, box, body, scale)
    # A wide canal has its laminae farther back.
    lamina = arch.lamina + 8.0 * (float(case.canal_factor) - 1.0) + rng.normal(0.0, 0.5)
    bone = _sides((np.abs(x), behind, up), arch, lamina)
    near = np.flatnonzero((np.abs(x[:, ::8, ::8]) < 18).any((1, 2)))
    if len(near):
        middle = slice(int(near[0]), int(near[-1]) + 1)
        point = x[middle], behind[middle], up[middle]
        center = joined(_process(point, arch, tallest, lamina, rng), _lamina(point, arch, lamina), 5.0)
        bone[middle] = joined(bone[middle], center, 4.0)
    grain, uneven = (grains(bone.shape, canvas.spacing, size, rng) for size in (5.0, 9.0))
    bone = bone * scale + 0.45 * grain + 0.5 * uneven
    canvas.paint(bone - 0.1, tissues.cortex, box)
    marrow = tissues.marrow[body.name]
    marrow = marrow._replace(fat=min(marrow.fat * rng.uniform(0.8, 1.1), 0.95), density=ARCH_DENSITY * marrow.density)
    canvas.paint(bone + CORTEX_MM * np.clip(1 + 0.6 * uneven, 0.2, 2.0), marrow, box)
    mottled = 0.15 * grain + 0.22 * grains(bone.shape, canvas.spacing, 3.0, rng)
    canvas.values[1][box] *= np.clip(1 + mottled * (bone < -CORTEX_MM), 0.4, 1.4)
    _draw_joint(canvas, box, (np.abs(x), behind, up), arch, lamina, tissues)


def _process(point: tuple, arch: Arch, tallest: float, lamina: float, rng: np.random.Generator) -> np.ndarray:
    """Signed distance to the spinous process: a plate whose height and droop vary from one to the next."""
    x, behind, up = point
    tip = arch.tip * rng.normal(1.0, 0.03)
    middle, half = (lamina + tip) / 2 + 1.0, (tip - lamina) / 2
    along = np.clip((behind - middle) / half, -1.2, 1.2)
    droop = (arch.tip_up - arch.root_up) / 2 + rng.normal(0.0, 1.5)
    axis = (arch.tip_up + arch.root_up) / 2 + rng.normal(0.0, 1.0) + droop * along - rng.uniform(0.0, 1.5) * along**2
    # Hollow above and below, club-shaped at the end.
    waist = rng.uniform(0.1, 0.25)
    tall = arch.height / 2 * rng.normal(1.0, 0.08) * (1 + arch.bulb * along + waist * (along**2 - 0.5))
    tall = np.minimum(tall, max(tallest / 2, 3.0) + np.maximum(-4.0 * along, 0.0))
    side = block((behind - middle, half), (up - axis, tall), radius=min(5.0, 0.35 * arch.height))
    thick = arch.thickness * (1.15 + 0.25 * along)
    lean = rng.normal(0.0, 0.7) * (along + 1)
    far = 50.0
    return block((x - lean, thick), (side + far, far), radius=1.5)


def _lamina(point: tuple, arch: Arch, lamina: float) -> np.ndarray:
    """Signed distance to the laminae: two plates that lean back below and meet in the midline."""
    x, behind, up = point
    beside = np.abs(x)
    middle = arch.root_up - 1.0
    front = lamina - 0.28 * (up - middle) - 0.22 * np.maximum(beside - 2, 0.0)
    tall = 8.5 + 0.1 * beside
    return block(
        (behind - front - 2.4, 3.0), (up - middle + 0.15 * beside, tall), (np.maximum(beside - 12, 0), 4.0), radius=2.0
    )


def _sides(point: tuple, arch: Arch, lamina: float) -> np.ndarray:
    """Signed distance to pedicle, articular and transverse process of a side; the first coordinate is |x|."""
    beside, behind, up = point
    high, low = arch.reach
    apart = arch.apart
    pedicle = block(
        (beside - apart, arch.pedicle), (behind - 4.0, 10.0), (up - 4.5, 7.0), radius=min(arch.pedicle, 4.5)
    )
    upper = rod(point, (apart, 13.0, 2.0), (apart + 1.5, 12.5, high), 5.8, 4.0)
    lower = rod(point, (apart - 1.0, 16.0, 1.0), (apart - 3.0, lamina + 1.5, low + 4), 5.2, 4.2)
    transverse = rod(point, (apart + 3, 13.0, 2.0), (apart + 20, 18.0, 4.0), 4.5, 3.2)
    return joined(joined(pedicle, joined(upper, lower, 3.0), 4.0), transverse, 3.0)


def _draw_joint(canvas: Canvas, box: tuple, point: tuple, arch: Arch, lamina: float, tissues: Tissues) -> None:
    """Cartilage and fluid of the facet joint, in front of the inferior articular process."""
    beside, behind, up = point
    cleft = np.abs(behind - lamina + 2.9 + 0.12 * (up - arch.reach[1] - 8)) - 0.5
    patch = np.maximum(np.abs(up - arch.reach[1] - 9.0) - 6.0, np.abs(beside - arch.apart + 2.0) - 6.0)
    canvas.paint(np.maximum(cleft, patch), tissues.cartilage, box, 0.8)


def _draw_sacrum(
    canvas: Canvas, column: list[Body], course: Course, tissues: Tissues, rng: np.random.Generator
) -> None:
    """The back of the sacrum with its crest and foramina, and what of it lies below the column."""
    start, stop = course.index("S5") - 2.5, course.index("S1") + 0.25
    corners = [course.point(level, b) for level in np.linspace(start, stop, 7) for b in (-16.0, 32.0)]
    box = part_of(canvas, np.array(corners))
    if canvas.labels[box].size == 0:
        return
    behind, foot = course.locate(canvas.y[box], canvas.z[box])
    scale = _scale(next(body for body in column if body.name == "L5"))
    front = course.profile({"S5": 5.0, "S4": 7.0, "S3": 9.0, "S2": 13.0, "S1": 17.0}, 3.0)
    front = (scale * front).take(foot, mode="clip")
    level = course.level.astype(np.float32).take(foot, mode="clip")
    beside = np.abs(canvas.x[box])
    plate = np.maximum(np.abs(behind - front - 2.0) - 2.0 - 0.14 * beside, beside - 26.0)
    mass = np.maximum(np.abs(behind - front / 2 + 2) - front / 2 - 6, np.abs(beside - 25.0) - 12.0)
    ends = SACRAL_LEVEL_MM * np.maximum(level - stop + 0.012 * beside, (start + 2.4) - level)
    bone = np.maximum(joined(plate, mass, 4.0), ends)
    for name, (begin, end, half) in SACRAL_CREST.items():
        height = SACRAL_LEVEL_MM * (level - course.index(name) + 0.12)
        middle, deep = scale * (begin + end) / 2, scale * (end - begin) / 2
        crest = block((canvas.x[box], 3.5), (behind - middle, deep), (height, scale * half), radius=2.5)
        bone = joined(bone, crest, 4.0)
    bone += 0.4 * grains(bone.shape, canvas.spacing, 7.0, rng)
    canvas.paint(bone - 0.1, tissues.cortex, box)
    fatty = tissues.marrow["S2"]._replace(fat=min(1.3 * tissues.marrow["S2"].fat, 0.9))
    canvas.paint(bone + CORTEX_MM, fatty, box)
    for number, name in enumerate(SACRAL_CREST):
        _draw_foramen(canvas, course.point(course.index(name) - 0.5, 6.0 - number), 17.0 - 1.5 * number, tissues)
    _draw_sacral_end(canvas, course, tissues)


def _draw_foramen(canvas: Canvas, place: np.ndarray, beside_mm: float, tissues: Tissues) -> None:
    """A foramen of the sacrum on both sides, about a point (y, z), with fat and the root in it."""
    box = part_of(canvas, place[None], beside_mm + 7.0, margin=13.0)
    y, z = place.tolist()
    hole = np.sqrt((np.abs(canvas.x[box]) - beside_mm) ** 2 + (canvas.y[box] - y) ** 2 + (canvas.z[box] - z) ** 2) - 6.0
    canvas.paint(hole - CORTEX_MM, tissues.cortex, box)
    canvas.paint(hole, tissues.fat, box)
    canvas.paint(hole + 3.3, tissues.nerve, box)


def _draw_sacral_end(canvas: Canvas, course: Course, tissues: Tissues) -> None:
    """The bodies of S4, S5 and the coccyx, which the column leaves out."""
    levels = course.index("S4") - 0.1 - 0.95 * np.arange(4)
    points = np.array([course.point(level, behind) for level in (*levels + 0.5, *levels - 0.5) for behind in (-11, 1)])
    box = part_of(canvas, points, 18.0)
    if canvas.labels[box].size == 0:
        return
    behind, foot = course.locate(canvas.y[box], canvas.z[box])
    level = course.level.astype(np.float32).take(foot, mode="clip")
    beside = np.abs(canvas.x[box])
    for number, middle in enumerate(levels.tolist()):
        depth, half = 4.8 - 0.7 * number, 7.6 - 0.4 * number
        height = (SACRAL_END_MM * (level - middle), half)
        body = block((behind + depth, depth), height, (beside, 18.0 - 4.0 * number), radius=2.0)
        canvas.paint(body - 0.1, tissues.cortex, box)
        canvas.paint(body + 0.8, tissues.marrow["S3"], box)
