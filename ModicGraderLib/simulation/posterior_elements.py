"""Pedicles, articular processes, laminae and spinous processes; the back of the sacrum; the neural foramina."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .canvas import Canvas
from .case import Case
from .column import BackWall, Body
from .course import Course
from .fields import part_of
from .shapes import block, joined, rod
from .tissues import Tissues

REFERENCE_DEPTH_MM = 34.5
"""Depth of the body for which all sizes here are given; they grow with it."""

CORTEX_MM = 0.9
"""Thickness of the cortical bone of the arch."""


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
    "L5": Arch(18.5, 41.0, -9.0, -5.0, 14.0, 0.05, 3.2, 7.5, 17.0, (13.0, -20.0)),
    "L4": Arch(18.5, 49.0, -10.0, -5.0, 17.5, 0.22, 3.6, 6.5, 15.0, (17.0, -24.0)),
    "L3": Arch(18.0, 52.0, -11.0, -5.0, 19.0, 0.25, 3.6, 5.5, 14.0, (17.0, -25.0)),
    "L2": Arch(18.0, 51.0, -11.0, -5.5, 19.0, 0.25, 3.5, 4.8, 13.5, (17.0, -25.0)),
    "L1": Arch(18.0, 49.0, -12.0, -6.0, 17.5, 0.22, 3.2, 4.3, 13.0, (16.0, -24.0)),
    "T12": Arch(17.5, 46.0, -14.0, -6.5, 14.5, 0.15, 3.0, 4.2, 12.5, (15.0, -23.0)),
    "T11": Arch(17.5, 45.0, -19.0, -7.0, 11.0, 0.0, 2.8, 4.0, 12.0, (14.0, -21.0)),
    "T10": Arch(17.0, 45.0, -25.0, -8.0, 9.0, -0.1, 2.6, 3.8, 11.5, (14.0, -20.0)),
    "T9": Arch(17.0, 45.0, -29.0, -9.0, 8.0, -0.1, 2.5, 3.6, 11.5, (13.0, -19.0)),
}
"""Midsagittal sizes are medians over SPIDER's T2 SPACE masks of patients that are not held out, at a body depth of
34.5 mm; pedicles after Panjabi 1992; the articular processes by eye."""

SACRAL_CREST = {"S1": (17.0, 27.0, 6.0), "S2": (13.0, 20.0, 5.0), "S3": (9.0, 15.0, 4.5)}
"""Where the midline of the sacrum's back begins and ends behind the wall of its body, and half the height of it."""


def draw_posterior_elements(
    canvas: Canvas, column: list[Body], wall: BackWall, case: Case, tissues: Tissues, rng: np.random.Generator
) -> None:
    """Draw the arches of all vertebrae, the back and the end of the sacrum, and what fills the neural foramina.

    To be called after `draw_torso` and before `draw_canal`. It sets no labels: in this house's label volumes a
    vertebra is its body alone (`localization.network`).

    Parameters
    ----------
    column:
        Bodies from the sacrum upwards.
    """
    course = Course(column, wall)
    _draw_sacrum(canvas, column, course, tissues)
    for below, body in zip(column[:-1], column[1:], strict=True):
        if not body.name.startswith("S"):
            _draw_foramina(canvas, below, body, tissues)
    for body in column:
        if not body.name.startswith("S"):
            arch = ARCHES.get(body.name, ARCHES["T9"])
            _draw_arch(canvas, body, arch, case, tissues, rng)


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
    x, behind, up = _frame(canvas, box, body, scale)
    beside = np.abs(x)
    gap = np.maximum(np.abs(behind - 6.0) - 8.0, np.abs(up + 12.0) - 16.0)
    canvas.paint(np.maximum(gap, 9.0 - beside), tissues.fat, box)
    vessel = np.hypot(behind - 2.5, up + 13.0) - 1.3
    canvas.paint(np.maximum(vessel, 11.0 - beside), tissues.blood_slow, box, 0.7)
    root = rod((beside, behind, up), (8.0, 8.0, 2.0), (17.0, 5.5, -7.5), 1.6, 2.9)
    onwards = rod((beside, behind, up), (17.0, 5.5, -7.5), (34.0, -4.0, -24.0), 2.9, 2.0)
    canvas.paint(np.minimum(root, onwards), tissues.nerve, box)


def _draw_arch(canvas: Canvas, body: Body, arch: Arch, case: Case, tissues: Tissues, rng: np.random.Generator) -> None:
    scale = _scale(body)
    size = rng.normal(1.0, 0.07)
    box = part_of(canvas, _corners(body, (-6.0, arch.tip + 6), (min(arch.tip_up, arch.reach[1]) - 14, 22.0)))
    if canvas.x[box].size == 0:
        return
    point = _frame(canvas, box, body, scale)
    # A wide canal has its laminae farther back.
    lamina = arch.lamina + 12.0 * (case.canal_factor - 1.0) * 0.6 + rng.normal(0.0, 0.5)
    bone = joined(_process(point, arch, lamina, size, rng), _lamina(point, arch, lamina), 5.0)
    bone = joined(bone, _sides(point, arch, lamina), 4.0) * scale
    canvas.paint(bone - 0.1, tissues.cortex, box)
    canvas.paint(bone + CORTEX_MM, tissues.marrow[body.name], box)
    _draw_joint(canvas, box, point, arch, lamina, tissues)


def _process(point: tuple, arch: Arch, lamina: float, size: float, rng: np.random.Generator) -> np.ndarray:
    """Signed distance to the spinous process: a plate whose height and droop vary from one to the next."""
    x, behind, up = point
    tip = arch.tip * rng.normal(1.0, 0.03)
    middle, half = (lamina + tip) / 2 + 1.0, (tip - lamina) / 2
    along = np.clip((behind - middle) / half, -1.2, 1.2)
    drop = (arch.tip_up - arch.root_up) / 2 + rng.normal(0.0, 1.0)
    axis = (arch.tip_up + arch.root_up) / 2 + rng.normal(0.0, 0.8) + drop * along - rng.uniform(0.0, 1.5) * along**2
    tall = arch.height / 2 * size * (1 + arch.bulb * along + rng.uniform(0.0, 0.12) * (along**2 - 0.3))
    thick = arch.thickness * (1 + 0.25 * along) * (1 + 0.25 * np.clip((axis - up) / tall, -1, 1))
    lean = rng.normal(0.0, 1.0) * (along + 1)
    rounding = min(3.0, arch.thickness)
    return block((x - lean, thick), (behind - middle, half), (up - axis, tall), radius=rounding)


def _lamina(point: tuple, arch: Arch, lamina: float) -> np.ndarray:
    """Signed distance to the laminae: two plates that lean back below and meet in the midline."""
    x, behind, up = point
    beside = np.abs(x)
    middle = arch.root_up - 1.0
    front = lamina - 0.28 * (up - middle) - 0.22 * np.maximum(beside - 2, 0.0)
    tall = 8.5 + 0.1 * beside
    return block(
        (behind - front - 2.2, 2.8), (up - middle + 0.15 * beside, tall), (np.maximum(beside - 10, 0), 4.0), radius=2.0
    )


def _sides(point: tuple, arch: Arch, lamina: float) -> np.ndarray:
    """Signed distance to pedicles, articular and transverse processes of both sides."""
    x, behind, up = point
    mirrored = (np.abs(x), behind, up)
    high, low = arch.reach
    apart = arch.apart
    pedicle = block(
        (mirrored[0] - apart, arch.pedicle), (behind - 4.0, 10.0), (up - 4.5, 7.0), radius=min(arch.pedicle, 4.5)
    )
    upper = rod(mirrored, (apart + 0.5, 13.0, 2.0), (apart + 3.0, 13.5, high), 5.5, 3.2)
    lower = rod(mirrored, (apart + 0.0, 16.0, 0.0), (apart - 1.0, lamina + 2.5, low + 4), 4.8, 3.4)
    transverse = rod(mirrored, (apart + 3, 12.0, 2.0), (apart + 24, 17.0, 4.0), 4.5, 3.2)
    return joined(joined(pedicle, joined(upper, lower, 3.0), 4.0), transverse, 3.0)


def _draw_joint(canvas: Canvas, box: tuple, point: tuple, arch: Arch, lamina: float, tissues: Tissues) -> None:
    """Cartilage and fluid of the facet joint, in front of the inferior articular process."""
    x, behind, up = point
    beside = np.abs(x)
    cleft = np.abs(behind - lamina - 2.5 + 3.9 + 0.12 * (up - arch.reach[1] - 8)) - 0.5
    patch = np.maximum(np.abs(up - arch.reach[1] - 9.0) - 6.0, np.abs(beside - arch.apart - 1.5) - 6.0)
    canvas.paint(np.maximum(cleft, patch), tissues.cartilage, box, 0.8)


def _draw_sacrum(canvas: Canvas, column: list[Body], course: Course, tissues: Tissues) -> None:
    """The back of the sacrum with its crest and foramina, and what of it lies below the column."""
    start, stop = course.index("S5") - 2.5, course.index("S1") + 0.25
    corners = [course.point(level, b) for level in np.linspace(start, stop, 7) for b in (-16.0, 32.0)]
    box = part_of(canvas, np.array(corners))
    if canvas.x[box].size == 0:
        return
    behind, foot = course.locate(canvas.y[box], canvas.z[box])
    scale = _scale(next(body for body in column if body.name == "L5"))
    front = scale * course.profile({"S5": 5.0, "S4": 7.0, "S3": 9.0, "S2": 13.0, "S1": 17.0}, 3.0).take(
        foot, mode="clip"
    )
    level = course.level.astype(np.float32).take(foot, mode="clip")
    beside = np.abs(canvas.x[box])
    ends = SACRAL_ENDS_MM * np.maximum(level - stop, (start + 2.4) - level)
    plate = np.maximum(np.abs(behind - front - 2.6) - 2.6 - 0.12 * beside, beside - 26.0)
    mass = np.maximum(np.abs(behind - front / 2 + 2) - front / 2 - 6, np.abs(beside - 25.0) - 14.0)
    bone = np.maximum(np.minimum(plate, mass), ends)
    for index, name in enumerate(("S1", "S2", "S3")):
        begin, end, half = (scale * value for value in SACRAL_CREST[name])
        height = SACRAL_ENDS_MM * (level - course.index(name) + 0.12)
        crest = block((canvas.x[box], 3.5), (behind - (begin + end) / 2, (end - begin) / 2), (height, half), radius=2.5)
        bone = joined(bone, crest, 4.0)
        hole = np.hypot(SACRAL_ENDS_MM * (level - course.index(name) + 0.55), beside - 17.0 + 1.5 * index) - 4.5
        bone = np.maximum(bone, -hole)
    canvas.paint(bone - 0.1, tissues.cortex, box)
    canvas.paint(bone + CORTEX_MM, tissues.marrow["S2"], box)
    _draw_sacral_end(canvas, box, behind, level, course, tissues)


SACRAL_ENDS_MM = 22.0
"""Height of one sacral level."""


def _draw_sacral_end(canvas: Canvas, box: tuple, behind, level, course: Course, tissues: Tissues) -> None:
    """The bodies of S4, S5 and the coccyx, which the column leaves out."""
    beside = np.abs(canvas.x[box])
    for number in range(4):
        middle = course.index("S4") - number * 0.95 - 0.1
        depth = 4.8 - 0.7 * number
        body = block(
            (behind + depth, depth),
            (17.0 * (level - middle), 7.6 - 0.4 * number),
            (beside, 18 - 4.0 * number),
            radius=2.0,
        )
        canvas.paint(body - 0.1, tissues.cortex, box)
        canvas.paint(body + 0.8, tissues.marrow["S3"], box)
