"""Graded discs of noise for tests of what is done with them: kept, dealt out, turned and learned from."""

from __future__ import annotations

import numpy as np

from ModicGraderLib.grading.disc_input import BORDER, SCALARS, SHAPE, DiscInput
from ModicGraderLib.grading.tasks import OUTPUTS
from ModicGraderLib.grid import Grid
from ModicGraderLib.training.graded_discs import GradedDisc

ROWS, COLUMNS = SHAPE[0] + 2 * BORDER, SHAPE[1] + 2 * BORDER

PIXEL_MM, SPACING_MM = 0.5, 4.0


def random_disc(
    seed: int,
    slices: int = 1,
    *,
    patient: str = "p",
    level: str = "L4/L5",
    targets: np.ndarray | None = None,
    changes: np.ndarray | None = None,
    anatomy: np.ndarray | None = None,
) -> GradedDisc:
    """A disc whose pictures, numbers and, unless given, targets (outputs,) in {0, 1} are drawn by lot."""
    random = np.random.default_rng(seed)
    masks = random.random((2, slices, ROWS, COLUMNS)) < 0.5
    region = np.concatenate([2 * random.random(masks.shape), masks]).astype(np.float32)
    grid = Grid(np.diag([SPACING_MM, -PIXEL_MM, PIXEL_MM, 1.0]), region.shape[1:])
    return GradedDisc(
        patient,
        DiscInput(level, region, random.normal(size=SCALARS).astype(np.float32), grid),
        (random.random(OUTPUTS) < 0.5).astype(np.float32) if targets is None else targets,
        int(random.integers(4)),
        int(random.integers(1, 6)),
        changes=changes,
        anatomy=anatomy,
        exposure=random.normal(size=2).astype(np.float32),
    )
