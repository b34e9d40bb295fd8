"""Heat back in patient space, and what the report says of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from ..grading.disc_input import INNER, DiscInput
from ..grid import Grid
from ..regions import part_of, resample
from ..study import Volume


def evidence_map(heats: Mapping[str, tuple[np.ndarray, Grid]], reference: Volume) -> np.ndarray:
    """Heat of all discs (slices, rows, columns) float32 on the grid of `reference`, the greatest where regions overlap.

    Parameters
    ----------
    heats:
        By level the heat (slices, rows, columns) and the grid it lies on.
    """
    whole = np.zeros(reference.array.shape, np.float32)
    for heat, grid in heats.values():
        box = _box_around(grid, reference)
        there = part_of(reference.grid, box)
        if min(there.shape) > 0:
            whole[box] = np.maximum(whole[box], resample(heat, grid, there, outside=0.0))
    return whole


def _box_around(grid: Grid, reference: Volume) -> tuple[slice, slice, slice]:
    ends = np.array(list(np.ndindex(2, 2, 2))) * np.array(grid.shape) - 0.5
    index = reference.to_index(grid.to_patient(ends))
    limit = np.array(reference.array.shape)
    low = np.clip(np.floor(index.min(0)), 0, limit).astype(int)
    high = np.clip(np.ceil(index.max(0)) + 1, low, limit).astype(int)
    return tuple(slice(int(a), int(b)) for a, b in zip(low, high, strict=True))


def describe_heat(
    heat: np.ndarray, grid: Grid, one: DiscInput, reference: Volume, changed: np.ndarray | None = None
) -> dict[str, Any] | None:
    """What the report says of a disc's heat; None where nothing is hot.

    Parameters
    ----------
    heat, grid:
        (slices, rows, columns) of the disc `one`, without its border.
    changed:
        Marrow that is called changed, (slices, rows, columns) bool on the grid of `reference`; None where no map is.

    Returns
    -------
    `peak_lps_mm`, the place of the hottest pixel; `peak_slice`, the number of the reference's slice it lies in, counted
    from 1 at the patient's right; `share_in_vertebrae` and `share_in_change`, of the whole heat (the latter only with
    `changed`).
    """
    total = float(heat.sum())
    if total <= 0:
        return None
    peak = grid.to_patient(np.unravel_index(int(heat.argmax()), heat.shape))
    number = int(np.clip(np.round(reference.to_index(peak)[0]), 0, reference.array.shape[0] - 1))
    vertebrae = one.region[3][:, *INNER] > 0
    said = {
        "peak_lps_mm": [round(float(value), 2) for value in peak],
        "peak_slice": number + 1,
        "share_in_vertebrae": round(float(heat[vertebrae].sum()) / total, 3),
    }
    if changed is not None:
        here = resample(changed.astype(np.uint8), reference.grid, grid, order=0, outside=0) > 0
        said["share_in_change"] = round(float(heat[here].sum()) / total, 3)
    return said
