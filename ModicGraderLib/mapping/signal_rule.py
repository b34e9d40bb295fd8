"""Type marrow by signal: T1 and T2 against the patient's own marrow (Gao 2022; reconstruction in its ISMRM abstract).

    I    T1 down, T2 up          (oedema)
    II   T1 up,   T2 up or iso   (fat)
    III  T1 down, T2 down        (sclerosis)

Inside a dead band about normal marrow no type is given.
"""

from __future__ import annotations

import numpy as np

from ..anatomy import MODIC_MAP_LABELS

DEAD_BAND = 1.0
"""In robust standard deviations of the patient's marrow; the default of the reconstruction of Gao 2022."""


def type_voxels(t1: np.ndarray, t2: np.ndarray, dead_band: float = DEAD_BAND) -> np.ndarray:
    """Modic type of each voxel from its z-scores in both contrasts: 0 (none), 1, 2 or 3, uint8 of the same shape."""
    types = np.zeros(np.shape(t1), np.uint8)
    types[(t1 < -dead_band) & (t2 > dead_band / 2)] = MODIC_MAP_LABELS["I"]
    types[(t1 > dead_band) & (t2 > -dead_band / 2)] = MODIC_MAP_LABELS["II"]
    types[(t1 < -dead_band) & (t2 < -dead_band)] = MODIC_MAP_LABELS["III"]
    return types
