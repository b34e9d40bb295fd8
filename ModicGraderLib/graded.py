"""GradedStudy: what the pipeline hands to `export`, `scene` and `cohort`."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from .localization.spine import SpineLocation
from .report import StudyReport
from .study import SpineStudy

MACHINE_MAP = "modic_map_machine"
"""The program's own map in `GradedStudy.maps`, where a reader edited `modic_map`."""


@dataclass(frozen=True)
class GradedStudy:
    """One study with everything found in it.

    `maps` holds (slices, rows, columns) arrays on the grid of `study.reference`, by the name of the file they become:
    `modic_map` (uint8, `anatomy.MODIC_MAP_LABELS`), `modic_probability` (float32 in [0, 1]), `evidence` (float32).
    A map that was not computed is absent. Where a reader edited `modic_map`, `MACHINE_MAP` is the program's own.
    """

    study: SpineStudy
    location: SpineLocation
    report: StudyReport
    maps: dict[str, np.ndarray] = field(default_factory=dict)
