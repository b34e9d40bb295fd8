"""A straight spine of boxes that leans forward, with changes of known size painted into its bodies."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from painted_spine import grid_points, sagittal_grid, spine_boxes, true_discs, true_labels, turned

from ModicGraderLib.anatomy import ENDPLATES, vertebra_label, vertebrae_of
from ModicGraderLib.measurement.endplate_change import ChangeExtent, measure_change
from ModicGraderLib.study import Volume

PIXEL_MM, SLICE_MM, WIDTH_MM = 1.0, 4.0, 36.0


@dataclass
class Spine:
    """A spine of boxes that leans forward by an angle, and its labels on a grid."""

    tilt_degrees: float

    def __post_init__(self):
        cosine, sine = np.cos(np.radians(self.tilt_degrees)), np.sin(np.radians(self.tilt_degrees))
        turn = np.array([[1, 0, 0], [0, cosine, -sine], [0, sine, cosine]])
        boxes = turned(spine_boxes(width=WIDTH_MM, lordosis=0.0), turn)
        grid = sagittal_grid(15, (SLICE_MM, PIXEL_MM), (300, 176))
        self.points, self.labels = grid_points(grid), true_labels(boxes, grid)
        self.discs = {disc.level: disc for disc in true_discs(boxes)}
        self.reference = Volume(np.zeros(grid.shape, np.float32), grid.affine, "t2")

    def body(self, level: str, endplate: str) -> np.ndarray:
        return self.labels == vertebra_label(vertebrae_of(level)[ENDPLATES.index(endplate)])

    def cuboid(self, level, endplate, depth_mm, ahead_mm, left_mm) -> np.ndarray:
        """From the endplate so deep into the body, between two mm to the front and two to the left of its middle."""
        disc = self.discs[level]
        inward = disc.normal if endplate == "upper" else -disc.normal
        offset = self.points - (disc.corners[f"{endplate}_anterior"] + disc.corners[f"{endplate}_posterior"]) / 2
        ahead, left = offset @ disc.anterior, offset @ disc.left
        within = (ahead > ahead_mm[0]) & (ahead < ahead_mm[1]) & (left > left_mm[0]) & (left < left_mm[1])
        return within & (offset @ inward < depth_mm) & self.body(level, endplate)

    def measure(self, level, endplate, change) -> ChangeExtent:
        return measure_change(self.discs[level], endplate, change, self.body(level, endplate), self.reference)


SPINES = [Spine(tilt) for tilt in (-17, 0, 9)]
