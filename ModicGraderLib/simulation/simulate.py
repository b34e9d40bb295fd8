"""simulate(): one patient from case to pictures, with everything that is true of them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..anatomy import CORNERS, DISCS_UPWARDS
from ..grid import Grid, unit
from ..localization.spine import LocatedDisc
from ..report import StudyReport
from ..study import Volume
from .canal import draw_canal
from .canvas import Canvas, TissueMap
from .case import Case
from .column import BackWall, Body, build_column, sideways_curve
from .course import Course
from .discs import disc_corners
from .epidemiology import draw_case
from .posterior_elements import draw_posterior_elements
from .protocol import Protocol, draw_protocols, draw_scanner
from .scanner import scan
from .spine_drawing import draw_spine
from .tissues import draw_tissues
from .torso import draw_torso
from .truth import truth_report

CANVAS_MM = (2.0, 0.65, 0.65)
"""Spacing of the canvas along (slices, rows, columns)."""

LARGEST_CANVAS_MM = 330.0
"""Of larger fields of view the rest stays empty."""

MARGIN_MM = 7.0
"""By how much the canvas exceeds the slices on both sides, for patients who lie askew or move."""

LUMBAR_MIDDLE_ROW, COLUMN_COLUMN = (0.51, 0.05), (0.44, 0.05)
"""Mean and deviation of where L3/L4 lies, as a share of the picture's height and width (measured on SPIDER)."""

LEAN_MM = 6.0
"""Distance from the midline at which a disc's sideways tilt is read."""

_STREAMS = ("case", "protocol", "column", "placement", "tissues", "canvas", "torso", "canal", "spine", "t1", "t2")


@dataclass(frozen=True)
class SimulatedStudy:
    """A simulated patient.

    Attributes
    ----------
    t1, t2:
        Both contrasts.
    labels, lesions:
        (slices, rows, columns) uint8 on the grid of T2: spine labels of `anatomy`, and the number (from 1) in
        `case.lesions` of the change that lies there, 0 for none.
    discs:
        Where every disc in view really lies, head to foot.
    truth:
        What a reader would call, in the shape of a report.
    case:
        What was drawn.
    """

    t1: Volume
    t2: Volume
    labels: np.ndarray
    lesions: np.ndarray
    discs: tuple[LocatedDisc, ...]
    truth: StudyReport
    case: Case


def simulate(
    seed: int,
    case: Case | None = None,
    *,
    slices: int | None = None,
    eight_bit: bool | None = None,
    fat_suppressed: bool = False,
) -> SimulatedStudy:
    """The patient of a seed; the same seed (and case) gives the same patient to the byte.

    Parameters
    ----------
    case:
        The patient to draw; from the epidemiology if None.
    slices:
        Slices in each series; as many as a real examination has if None.
    eight_bit:
        Whether values are rescaled to 8 bits and clipped, as in published data sets; by lot if None.
    fat_suppressed:
        Whether T2 shows water alone: an inversion of the fat, or a Dixon sequence, by lot.
    """
    rngs = {name: _stream(seed, name) for name in _STREAMS}
    case = case or draw_case(rngs["case"])
    protocols = draw_protocols(rngs["protocol"], slices=slices, eight_bit=eight_bit, fat_suppressed=fat_suppressed)
    column = build_column(case, rngs["column"])
    canvas, tissue_map = _draw(case, column, protocols, rngs)
    t1, t2 = (scan(tissue_map, one, rngs[name]) for name, one in zip(("t1", "t2"), protocols, strict=True))
    labels, lesions = (t2.resample_labels(array) for array in (canvas.labels, canvas.lesions))
    discs = _located(canvas, column, t2.volume)
    noise = {"t1": t1.noise_sd, "t2": t2.noise_sd}
    truth = truth_report(case, discs, t1.volume, t2.volume, labels, lesions, noise)
    return SimulatedStudy(t1.volume, t2.volume, labels, lesions, discs, truth, case)


def scanner_of(seed: int) -> str:
    """Name of the scanner (`scanner_models.SCANNERS`) on which `simulate` examines the patient of a seed."""
    return draw_scanner(_stream(seed, "protocol")).name


def _stream(seed: int, name: str) -> np.random.Generator:
    # Each part draws from a stream of its own: a change of one leaves the others as they were.
    return np.random.default_rng([seed, _STREAMS.index(name)])


def _draw(case: Case, column: list[Body], protocols: tuple[Protocol, Protocol], rngs: dict) -> tuple[Canvas, TissueMap]:
    """The patient on a canvas that both protocols fit into."""
    tissues = draw_tissues(case.patient, protocols[0].field_t, rngs["tissues"])
    sideways = sideways_curve(case, column)
    grid = _canvas_grid(column, sideways, protocols, rngs["placement"])
    canvas = Canvas(grid, rngs["canvas"], sideways=sideways)
    course = Course(column, BackWall(column))
    draw_torso(canvas, column, course, case, tissues, rngs["torso"])
    draw_posterior_elements(canvas, column, course, case, tissues, rngs["torso"])
    draw_canal(canvas, column, course, case, tissues, rngs["canal"])
    draw_spine(canvas, column, case, tissues, rngs["spine"])
    return canvas, TissueMap(canvas.values, grid, tissues.fat_t1_ms, tissues.fat_t2_ms)


def _canvas_grid(
    column: list[Body], sideways: np.ndarray, protocols: tuple[Protocol, Protocol], rng: np.random.Generator
) -> Grid:
    """A straight sagittal grid about the point on which the examination is centered."""
    across = max(protocol.slices * protocol.spacing_mm for protocol in protocols) + 2 * MARGIN_MM
    field = (max(p.rows * p.pixel_mm for p in protocols), max(p.columns * p.pixel_mm for p in protocols))
    extent = (across, *(min(mm + 2 * MARGIN_MM, LARGEST_CANVAS_MM) for mm in field))
    shape = tuple(int(np.ceil(mm / step)) for mm, step in zip(extent, CANVAS_MM, strict=True))
    affine = np.zeros((4, 4))
    affine[0, 0], affine[2, 1], affine[1, 2], affine[3, 3] = CANVAS_MM[0], -CANVAS_MM[1], CANVAS_MM[2], 1.0
    affine[:3, 3] = _center(column, sideways, field, rng) - affine[:3, :3] @ ((np.array(shape) - 1) / 2)
    return Grid(affine, shape)


def _center(
    column: list[Body], sideways: np.ndarray, field: tuple[float, float], rng: np.random.Generator
) -> np.ndarray:
    """Point (x, y, z) on which an examination with a field of view (rows, columns) in mm is centered.

    Technologists take care that the lumbar discs are in view, from T12/L1 to L5/S1, wherever the field allows it, and
    that the middle slice shows most of a crooked canal.
    """
    bodies = {body.name: body.center for body in column}
    middle = (bodies["L3"] + bodies["L4"]) / 2
    down, across = (rng.normal(*share) for share in (LUMBAR_MIDDLE_ROW, COLUMN_COLUMN))
    row = middle[1] + (down - 0.5) * field[0]
    top, bottom = bodies["T12"][1], bodies["S1"][1]
    row = float(
        np.clip(row, min(top - field[0] / 2, (top + bottom) / 2), max(bottom + field[0] / 2, (top + bottom) / 2))
    )
    lumbar = (sideways[:, 0] > bottom) & (sideways[:, 0] < bodies["L1"][1])
    return np.array([sideways[lumbar, 1].mean(), middle[0] + (0.5 - across) * field[1], row])


def _located(canvas: Canvas, column: list[Body], volume: Volume) -> tuple[LocatedDisc, ...]:
    """Every named disc whose center lies within the picture, head to foot."""
    pairs = [(above, below) for below, above in zip(column[:-1], column[1:], strict=True)]
    named = [pair for pair in pairs if f"{pair[0].name}/{pair[1].name}" in DISCS_UPWARDS]
    discs = [_locate(canvas, above, below) for above, below in reversed(named)]
    return tuple(disc for disc in discs if _in_picture(disc.center, volume))


def _in_picture(point: np.ndarray, volume: Volume) -> bool:
    row, column = volume.to_index(point)[1:]
    return 0 < row < volume.array.shape[1] - 1 and 0 < column < volume.array.shape[2] - 1


def _locate(canvas: Canvas, above: Body, below: Body) -> LocatedDisc:
    plan = disc_corners(above, below)
    corners = {name: canvas.to_patient(np.array([0.0, *point])) for name, point in plan.items()}
    middle = np.mean(list(plan.values()), axis=0)
    right, left = (canvas.to_patient(np.array([x, *middle])) for x in (-LEAN_MM, LEAN_MM))
    (ua, up, la, lp) = (corners[name] for name in CORNERS)
    anterior = unit(ua + la - up - lp)
    normal = unit(np.cross(anterior, left - right))
    return LocatedDisc(
        level=f"{above.name}/{below.name}",
        center=np.mean(list(corners.values()), axis=0),
        normal=normal,
        anterior=anterior,
        width_mm=float(np.linalg.norm(ua - up) + np.linalg.norm(la - lp)) / 2,
        height_mm=float((ua + up - la - lp) @ normal) / 2,
        corners=corners,
        confidence=1.0,
    )
