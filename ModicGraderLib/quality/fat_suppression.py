"""Fat suppression that no header tells of: fat, bright on T1, is dark on T2."""

from __future__ import annotations

import numpy as np

from ..report import QualityFinding
from ..study import SpineStudy
from .metal import behind_front
from .spine_slices import SpineSlices

FAT_ON_T1 = 1.4
"""Signal over that of marrow from which a pixel about the spine is fat on T1."""

SUPPRESSED = 0.95
"""Of fat, a quarter has at least this signal over that of marrow on T2 unless it is suppressed."""

BEHIND_MM = 30.0
LEAST_MM2 = 50.0
"""Where to look for fat, and how much of it must be there."""


def check_fat_suppression(study: SpineStudy, slices: SpineSlices) -> list[QualityFinding]:
    """T2 that shows no fat although its header does not say so."""
    if set(slices.signal) != {"t1", "t2"} or study.t2 is None or study.t2.contrast == "t2_fat_suppressed":
        return []
    t1, t2 = slices.signal["t1"], slices.signal["t2"]
    fat = behind_front(slices, BEHIND_MM) & (t1 > FAT_ON_T1) & np.isfinite(t2)
    if fat.sum() * float(np.prod(slices.spacing)) < LEAST_MM2 or np.percentile(t2[fat], 75) >= SUPPRESSED:
        return []
    text = (
        "Fat is bright on T1 but dark on T2: T2 seems to be fat-suppressed although nothing says so, and then Modic"
        " types cannot be told from it."
    )
    return [QualityFinding("fat_suppression_suspected", "warning", text)]
