"""The slices of a study that show its spine, both contrasts in units of the patient's own marrow."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from ..grid import Grid
from ..localization.spine import SpineLocation
from ..mapping.marrow import Marrow
from ..regions import resample
from ..study import SpineStudy

MOST_SLICES = 9
"""More are not looked at: what the checks look for is larger than the gap between every other slice."""


@dataclass(frozen=True)
class SpineSlices:
    """Slices of the reference grid.

    Attributes
    ----------
    labels:
        (slices, rows, columns) uint8, as `SpineLocation.labels`.
    signal:
        By contrast ("t1", "t2") (slices, rows, columns): 1 is normal marrow at this place, NaN lies outside the volume.
    raw:
        The same in the volume's own units.
    spacing:
        Size (rows, columns) of a pixel in mm.
    """

    labels: np.ndarray
    signal: dict[str, np.ndarray]
    raw: dict[str, np.ndarray]
    spacing: np.ndarray


def spine_slices(study: SpineStudy, location: SpineLocation, marrow: Mapping[str, Marrow]) -> SpineSlices:
    """Up to `MOST_SLICES` slices that show vertebrae, evenly spaced; only contrasts that have a marrow reference."""
    reference = study.reference
    shown = np.flatnonzero(location.labels.any(axis=(1, 2)))
    first, last = (int(shown[0]), int(shown[-1])) if len(shown) else (0, 0)
    step = -(-(last - first + 1) // MOST_SLICES)
    numbers = np.arange(first, last + 1, step)
    affine = reference.affine.copy()
    affine[:3, 3] = reference.to_patient([first, 0, 0])
    affine[:3, 0] *= step
    grid = Grid(affine, (len(numbers), *reference.array.shape[1:]))
    volumes = {
        name: volume for name, volume in (("t1", study.t1), ("t2", study.t2)) if volume is not None and name in marrow
    }
    raw = {name: resample(volume.array, volume.grid, grid) for name, volume in volumes.items()}
    signal = {name: raw[name] * np.exp(-marrow[name].log_signal(grid)) for name in volumes}
    return SpineSlices(location.labels[numbers], signal, raw, reference.spacing[1:])
