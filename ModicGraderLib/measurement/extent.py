"""How far a change reaches at an endplate, as the map shows it, and how sure that is.

Four things blur an extent: where the map draws the edge of the change, which its probabilities tell; slices, between
which it may end anywhere; pixels; and where the endplate and the body were found. They are independent, so their
squares add up.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from scipy.stats import norm

from ..anatomy import ENDPLATES, vertebrae_of
from ..grid import Grid
from ..localization.spine import LocatedDisc
from ..mapping.change_map import EndplateChange
from ..regions import part_of
from ..study import Volume
from .corner_error import ALONG_MM, NORMAL_95, ROUNDING
from .endplate_change import (
    BESIDE_MM,
    CLASS_ENDS,
    EXTENTS,
    PIXEL_MM,
    ChangeExtent,
    Columns,
    endplate_frame,
    measure_change,
)

QUARTILES = (0.25, 0.75)
"""Probabilities at which the change is measured again: if they are right, the true extent lies between the two in half
of all cases."""

QUARTILES_TO_95 = NORMAL_95 / float(norm.ppf(QUARTILES[1]) - norm.ppf(QUARTILES[0]))
"""Half width of a normal distribution's 95 % interval over the distance of its quartiles."""

OUTLINE_MM = 1.5
"""Standard deviation of the endplates that are found against the true ones, at right angles to them (source as for
`corner_error.ALONG_MM`, as that of the next)."""

BREADTH_SHARE = 0.15
"""Standard deviation of the breadth of the bodies found, as a share of it: their sides leave the slices slowly."""

HALF_BREADTH, SACRAL_HALF_BREADTH = 0.65, 0.85
"""Half the breadth of a body over its depth (Panjabi 1992: 45 mm by 35 mm); the sacrum's alae belong to it. The
localizer learned from slices near the midline and takes pedicles for body beyond it."""


def measure_extent(disc: LocatedDisc, endplate: str, change: EndplateChange, reference: Volume) -> ChangeExtent:
    """Measure the decided change at one endplate of a disc, with half widths of 95 % intervals.

    Parameters
    ----------
    endplate:
        "upper" or "lower".
    change:
        What the map shows there, in a box of the grid of `reference`.

    Returns
    -------
    ChangeExtent
        Without uncertainty, and all 0, where no change was decided; without uncertainty and with the volume alone where
        it shows on no slice on which the endplate does. Shares are those of the body as far as the slices
        show it.
    """
    if not change.change.any():
        return ChangeExtent()
    grid = part_of(reference.grid, change.box)
    part = Volume(reference.array[change.box], grid.affine, reference.contrast)
    body = _without_pedicles(disc, endplate, change.body, grid)

    def measured(mask: np.ndarray) -> ChangeExtent:
        return measure_change(disc, endplate, mask, body | mask, part)

    extent = measured(change.change)
    if extent.height_class is None:
        return extent
    chance = 1 - change.posterior[0]
    larger = measured(change.change | (chance >= QUARTILES[0]))
    smaller = measured(change.change & (chance >= QUARTILES[1]))
    blur = _blur(extent, Columns.of(disc, endplate, change.change, body | change.change, part), part)
    spread = {name: QUARTILES_TO_95 * (getattr(larger, name) - getattr(smaller, name)) for name in EXTENTS}
    uncertainty = {name: float(np.hypot(spread[name], NORMAL_95 * blur[name])) for name in EXTENTS}
    chances = class_chances(extent.height_percent, uncertainty["height_percent"])
    return replace(extent, height_class_probabilities=chances, uncertainty=uncertainty)


def class_chances(height_percent: float, half_width: float) -> dict[str, float]:
    """Probabilities of the height classes A, B and C, from a height and the half width of its 95 % interval."""
    below = norm.cdf(CLASS_ENDS, height_percent, max(half_width / NORMAL_95, 1e-6)).tolist()
    return {"A": below[0], "B": below[1] - below[0], "C": 1 - below[1]}


def _without_pedicles(disc: LocatedDisc, endplate: str, body: np.ndarray, grid: Grid) -> np.ndarray:
    """The part of a body (slices, rows, columns) on `grid` that is no wider and no deeper than bodies are."""
    frame = endplate_frame(disc, endplate)
    sacral = vertebrae_of(disc.level)[ENDPLATES.index(endplate)] == "S1"
    breadth = SACRAL_HALF_BREADTH if sacral else HALF_BREADTH
    where = np.argwhere(body)
    offset = grid.to_patient(where) - frame.center
    inside = np.abs(offset @ frame.left) <= breadth * disc.width_mm
    inside &= np.abs(offset @ frame.anterior) <= frame.width_mm / 2 + BESIDE_MM
    kept = np.zeros_like(body)
    kept[tuple(where[inside].T)] = True
    return kept


def _blur(extent: ChangeExtent, columns: Columns, part: Volume) -> dict[str, float]:
    """Standard deviations of the extents by all but the map: slices, pixels, and the outline of the body."""
    edge_mm = ROUNDING * float(part.spacing[1:].max())
    per_slice = columns.changed.sum(1)
    first, last = per_slice[np.flatnonzero(per_slice)[[0, -1]]]
    ends = ROUNDING * np.hypot(first, last) / per_slice.sum()
    depth_mm = float(columns.depth[columns.changed].mean()) * PIXEL_MM
    layer = np.hypot(OUTLINE_MM, edge_mm) / max(depth_mm, PIXEL_MM)
    width = np.sqrt(2) * np.hypot(ALONG_MM, edge_mm) * columns.step / PIXEL_MM
    return {
        "height_percent": 100 * float(np.hypot(OUTLINE_MM, edge_mm)) / columns.body_height_mm,
        "anteroposterior_percent": extent.anteroposterior_percent * float(width),
        "area_percent": extent.area_percent * float(np.linalg.norm([ends, width, BREADTH_SHARE])),
        "volume_mm3": extent.volume_mm3 * float(np.hypot(ends, layer)),
        "volume_percent": extent.volume_percent * float(np.linalg.norm([ends, layer, width, BREADTH_SHARE])),
    }
