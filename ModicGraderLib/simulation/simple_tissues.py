"""Tissues as a mixture of water and fat, and the spin-echo signal they give.

    signal = PD * ((1 - FF) * S(T1 water, T2 water) + FF * S(T1 fat, T2 fat)),  S = (1 - exp(-TR/T1)) * exp(-TE/T2)

One map of tissues gives both contrasts, so T1 and T2 keep the relation that defines the Modic types. Times are for
1.5 T; the T2 of fat is the long one that a train of refocusing pulses shows.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

FAT_T1_MS = 310.0
FAT_T2_MS = 135.0


class Tissue(NamedTuple):
    """Proton density (water = 1), fat fraction, and relaxation times of the water in ms."""

    density: float
    fat: float
    t1_ms: float
    t2_ms: float


@dataclass(frozen=True)
class Sequence:
    """Repetition and (effective) echo time of a spin-echo sequence."""

    repetition_time_ms: float
    echo_time_ms: float


T1_SEQUENCE = Sequence(510.0, 9.8)
T2_SEQUENCE = Sequence(3500.0, 106.0)

AIR = Tissue(0.0, 0.0, 1000.0, 50.0)
FAT = Tissue(0.97, 1.0, 850.0, 45.0)
MUSCLE = Tissue(0.8, 0.10, 930.0, 38.0)
BOWEL = Tissue(0.8, 0.15, 1000.0, 55.0)
LIGAMENT = Tissue(0.25, 0.05, 500.0, 8.0)
CORTEX = Tissue(0.10, 0.05, 200.0, 5.0)
MARROW = Tissue(0.85, 0.45, 850.0, 45.0)
BLOOD = Tissue(0.10, 0.0, 1441.0, 280.0)
CSF = Tissue(1.0, 0.0, 4300.0, 2000.0)
NERVE = Tissue(0.78, 0.0, 745.0, 76.0)
ANNULUS = Tissue(0.50, 0.0, 800.0, 45.0)
NUCLEUS = {
    1: Tissue(0.95, 0.0, 1250.0, 210.0),
    2: Tissue(0.90, 0.0, 1150.0, 135.0),
    3: Tissue(0.85, 0.0, 1000.0, 84.0),
    4: Tissue(0.75, 0.0, 850.0, 51.0),
    5: Tissue(0.65, 0.0, 700.0, 38.0),
}
"""Nucleus pulposus by Pfirrmann grade."""

LESION = {"I": Tissue(0.95, 0.12, 1200.0, 90.0), "II": Tissue(0.88, 0.85, 850.0, 45.0)}
"""Marrow changed in the manner of a Modic type: oedema, or fat."""


def spin_echo(tissue: np.ndarray, sequence: Sequence) -> np.ndarray:
    """Signal (...) of a map of tissues (4, ...) with the fields of `Tissue` along its first axis."""
    density, fat, t1_ms, t2_ms = tissue
    return density * ((1 - fat) * _signal(t1_ms, t2_ms, sequence) + fat * _signal(FAT_T1_MS, FAT_T2_MS, sequence))


def _signal(t1_ms: np.ndarray | float, t2_ms: np.ndarray | float, sequence: Sequence) -> np.ndarray | float:
    return (1 - np.exp(-sequence.repetition_time_ms / t1_ms)) * np.exp(-sequence.echo_time_ms / t2_ms)
