"""A patient without warp on a small canvas, for the tests of what is drawn around the column."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ModicGraderLib.grid import Grid
from ModicGraderLib.simulation.canvas import Canvas
from ModicGraderLib.simulation.case import Case, Patient
from ModicGraderLib.simulation.column import BackWall, Body, build_column
from ModicGraderLib.simulation.course import Course
from ModicGraderLib.simulation.tissues import Tissues, draw_tissues

PATIENT = Patient("F", 50.0, 165.0)


@dataclass(frozen=True)
class Surroundings:
    """What the drawing functions are given, and the course of the canal."""

    canvas: Canvas
    column: list[Body]
    case: Case
    tissues: Tissues
    course: Course

    def drawn_with(self) -> tuple:
        """The arguments that all drawing functions share, before the random generator."""
        return self.canvas, self.column, self.course, self.case, self.tissues

    def values_at(self, y: float, z: float, x: float = 0.0) -> np.ndarray:
        """(4,) tissue at a point of the plan."""
        return self.canvas.values[(slice(None), *self.index(y, z, x))]

    def index(self, y: float, z: float, x: float = 0.0) -> tuple[int, ...]:
        """Voxel that shows a point of the plan."""
        return tuple(np.round(self.canvas.grid.to_index(np.array([x, y, z]))).astype(int))


def surroundings(case: Case | None = None, seed: int = 3) -> Surroundings:
    """A patient on an empty canvas of 3 x 1 x 1 mm."""
    case = case or Case(PATIENT)
    affine = np.zeros((4, 4))
    affine[0, 0], affine[2, 1], affine[1, 2], affine[3, 3] = 3.0, -1.0, 1.0, 1.0
    column = build_column(case, np.random.default_rng(seed))
    shape = (11, 420, 340)
    middle = np.array([0.0, *next(body.center for body in column if body.name == "L3")])
    affine[:3, 3] = middle - affine[:3, :3] @ ((np.array(shape) - 1) // 2)
    canvas = Canvas(Grid(affine, shape), np.random.default_rng(seed), warp_mm=0.0)
    tissues = draw_tissues(case.patient, 1.5, np.random.default_rng(seed))
    return Surroundings(canvas, column, case, tissues, Course(column, BackWall(column)))
