"""A small simulated study for tests of what is done with one: a spine of boxes instead of a drawn and scanned one."""

from __future__ import annotations

import numpy as np
from painted_spine import painted_volume, sagittal_grid, spine_boxes, true_discs, true_labels

from ModicGraderLib.anatomy import vertebra_label
from ModicGraderLib.simulation.case import Case
from ModicGraderLib.simulation.epidemiology import draw_case
from ModicGraderLib.simulation.simulate import SimulatedStudy
from ModicGraderLib.simulation.truth import truth_report

BOXES = spine_boxes()


def small_study(seed: int, case: Case | None = None) -> SimulatedStudy:
    """Takes `simulate`'s place; every change of the case is a row of voxels in L5, 3 voxels each."""
    case = case or draw_case(np.random.default_rng(seed))
    grid = sagittal_grid(2, (4.0, 1.5), (170, 110))
    labels = true_labels(BOXES, grid)
    t1, t2 = (painted_volume(BOXES, grid, contrast) for contrast in ("t1", "t2"))
    lesions = np.zeros(grid.shape, np.uint8)
    for number, place in enumerate(np.argwhere(labels == vertebra_label("L5"))[::3][: len(case.lesions)], 1):
        lesions[tuple(place)] = number
    discs = tuple(reversed(true_discs(BOXES)))
    truth = truth_report(case, discs, t1, t2, labels, lesions, {"t1": 1.0, "t2": 1.0})
    return SimulatedStudy(t1, t2, labels, lesions, discs, truth, case)
