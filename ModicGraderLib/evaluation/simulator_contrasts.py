"""What tissues and Modic changes measure against marrow: by the signal equation, and in simulated pictures."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from ..anatomy import CANAL_LABEL
from ..regions import resample
from ..simulation.simulate import SimulatedStudy, simulate
from ..simulation.tissues import FAT_T1_MS, FAT_T2_MS, TYPICAL, Sequence, spin_echo
from ..whole_files import write_text

PROTOCOLS = {
    1.5: (Sequence(510.0, 9.8), Sequence(3500.0, 106.0)),
    3.0: (Sequence(697.0, 13.8), Sequence(3750.0, 120.0)),
}
"""T1 and T2 at a field strength in tesla: medians of SPIDER's series."""

SHOWN = ("lesion I", "lesion II", "lesion III", "csf", "fat", "muscle", *(f"nucleus {grade}" for grade in range(1, 6)))

FULL_BLOWN = 0.7
"""Strength from which a change in a picture is shown in the comparison of types."""

LEAST_VOXELS = 12

Contrast = tuple[str, float, float]
"""Type of a change, and its signal on T1 and on T2 as a share of the marrow's."""


def closed_form() -> list[tuple[str, list[float]]]:
    """Signal against normal marrow of each tissue: (name, [T1 and T2 at 1.5 T, T1 and T2 at 3 T])."""
    return [(name, [_ratio(name, field, one) for field, pair in PROTOCOLS.items() for one in pair]) for name in SHOWN]


def _ratio(name: str, field_t: float, sequence: Sequence) -> float:
    fat = [float(np.interp(field_t, tuple(PROTOCOLS), times)) for times in (FAT_T1_MS, FAT_T2_MS)]
    signal, marrow = (spin_echo(np.array(TYPICAL[one].at(field_t)), sequence, *fat) for one in (name, "marrow"))
    return float(signal / marrow)


def measured_contrasts(count: int, cache: Path) -> list[Contrast]:
    """`lesion_contrasts` of the first `count` seeds, every type shown often; measured once for each cache folder."""
    path = cache / f"contrasts-{count}.json"
    if not path.exists():
        found = [one for seed in range(count) for one in lesion_contrasts(simulate(seed, slices=1, eight_bit=False))]
        path.parent.mkdir(parents=True, exist_ok=True)
        write_text(path, json.dumps(found))
    return [tuple(one) for one in json.loads(path.read_text(encoding="utf-8"))]


def lesion_contrasts(study: SimulatedStudy) -> list[Contrast]:
    """Each full-blown change in view by its median signal against the same vertebrae's unchanged marrow."""
    t2 = study.t2.array
    t1 = resample(study.t1.array, study.t1.grid, study.t2.grid, outside=0.0)
    bodies = (study.labels > 0) & (study.labels < CANAL_LABEL)
    found = []
    for number, (_, _, lesion) in enumerate(study.case.lesions, start=1):
        changed = study.lesions == number
        if lesion.strength < FULL_BLOWN or changed.sum() < LEAST_VOXELS:
            continue
        around = bodies & (study.lesions == 0) & np.isin(study.labels, np.unique(study.labels[changed]))
        if around.sum() >= LEAST_VOXELS and all(np.median(x[around]) > 0 for x in (t1, t2)):
            found.append((lesion.type, *(float(np.median(x[changed]) / np.median(x[around])) for x in (t1, t2))))
    return found
