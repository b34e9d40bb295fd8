"""Type marrow by signal: T1 and T2 against the patient's own marrow (Gao 2022; reconstruction in its ISMRM abstract).

    I    T1 down, T2 up          (oedema)
    II   T1 up,   T2 up or iso   (fat)
    III  T1 down, T2 down        (sclerosis)

Inside a dead band about normal marrow no type is given. Types I and III have hardly any labels in public data: they
rest on this definition alone.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from ..anatomy import ENDPLATES, MODIC_MAP_LABELS, vertebra_label, vertebrae_of
from ..grid import Grid
from ..localization.spine import LocatedDisc
from ..regions import part_of, resample
from ..study import SpineStudy
from .marrow import Marrow, eroded

DEAD_BAND = 1.0
"""In robust standard deviations of the patient's marrow; the default of the reconstruction of Gao 2022."""

REACH_MM = 14.0
"""Depth below an endplate that is searched; a change must touch the endplate, but seldom passes half the body."""

TOUCH_MM = 5.0
"""A change begins within this distance of the endplate, a concave one measured from the line between its corners."""

EDGE_MM = 1.5
"""Rim of a body that is not typed: its cortical bone is dark on T1 and T2 and would pass for sclerosis."""

SMOOTHING_MM = 0.6
"""In-plane smoothing before typing, against noise."""

MIN_AREA_MM2 = 15.0
"""Smallest cross-section of a change; less is noise, vessels or a partial volume of the endplate itself."""


def type_voxels(t1: np.ndarray, t2: np.ndarray, dead_band: float = DEAD_BAND) -> np.ndarray:
    """Modic type of each voxel from its z-scores in both contrasts: 0 (none), 1, 2 or 3, uint8 of the same shape."""
    types = np.zeros(np.shape(t1), np.uint8)
    types[(t1 < -dead_band) & (t2 > dead_band / 2)] = MODIC_MAP_LABELS["I"]
    types[(t1 > dead_band) & (t2 > -dead_band / 2)] = MODIC_MAP_LABELS["II"]
    types[(t1 < -dead_band) & (t2 < -dead_band)] = MODIC_MAP_LABELS["III"]
    return types


BACKGROUND_MM2 = {"I": 1.5, "II": 15.0, "III": 54.0}
"""Area the rule finds at an endplate that readers call normal (mean over the 516 SPIDER discs without a change, half of
the disc's): vessels, uneven marrow, and bone beside the endplate that is dark on both contrasts."""

PRIOR_MM2 = {"I": 10.0, "II": 40.0, "III": 3.0}
"""Weight of what is known before looking, as area: type II is by far the most frequent, type III the least."""


@dataclass(frozen=True)
class EndplateSignal:
    """What the signal rule finds under one endplate: area in mm2 of each type on the slice that shows most of it."""

    areas_mm2: dict[str, float]

    @property
    def excess_mm2(self) -> dict[str, float]:
        """The areas beyond what a normal endplate shows."""
        return {name: max(self.areas_mm2.get(name, 0.0) - normal, 0.0) for name, normal in BACKGROUND_MM2.items()}


def total_excess(signals: Iterable[EndplateSignal]) -> float:
    """Area in mm2 of all types beyond the normal, over some endplates."""
    return sum(sum(signal.excess_mm2.values()) for signal in signals)


def type_shares(signals: Collection[EndplateSignal]) -> dict[str, float]:
    """Share of each type in a change that these endplates show; no type is ever excluded."""
    weight = {name: prior + sum(signal.excess_mm2[name] for signal in signals) for name, prior in PRIOR_MM2.items()}
    return {name: value / sum(weight.values()) for name, value in weight.items()}


def marrow_scores(study: SpineStudy, marrow: dict[str, Marrow], grid: Grid) -> dict[str, np.ndarray]:
    """Per contrast ("t1", "t2") the z-scores against normal marrow, (slices, rows, columns) on `grid`."""
    scores = {}
    for name, volume in (("t1", study.t1), ("t2", study.t2)):
        if volume is None or name not in marrow:
            continue
        signal = np.log(np.maximum(resample(volume.array, volume.grid, grid, outside=0.0), 1e-3))
        smooth = ndimage.gaussian_filter(signal, (0, *(SMOOTHING_MM / study.reference.spacing[1:])))
        scores[name] = (smooth - marrow[name].log_signal(grid)) / marrow[name].spread
    return scores


def read_endplates(
    disc: LocatedDisc, labels: np.ndarray, study: SpineStudy, marrow: dict[str, Marrow]
) -> tuple[dict[str, EndplateSignal], np.ndarray]:
    """Typed changes at the two endplates of a disc; needs the marrow of both contrasts.

    Returns
    -------
    The finding per endplate, and the map (slices, rows, columns) uint8 of the typed voxels on the reference grid.
    """
    found, typed = {}, np.zeros(labels.shape, np.uint8)
    pixel_area = float(np.prod(study.reference.spacing[1:]))
    for endplate, vertebra in zip(ENDPLATES, vertebrae_of(disc.level), strict=True):
        found[endplate] = EndplateSignal({})
        box = next(iter(ndimage.find_objects((labels == vertebra_label(vertebra)).astype(np.uint8))), None)
        if box is None:
            continue
        grid = part_of(study.reference.grid, box)
        scores = marrow_scores(study, marrow, grid)
        types = type_voxels(scores["t1"], scores["t2"])
        zone = eroded(labels[box] == vertebra_label(vertebra), EDGE_MM, study.reference.spacing)
        depth = _depth(disc, endplate, zone, grid)
        for name, label in MODIC_MAP_LABELS.items():
            kept = _touching((types == label) & (depth < REACH_MM), depth, MIN_AREA_MM2 / pixel_area)
            typed[box][kept] = label
            found[endplate].areas_mm2[name] = float(kept.sum((1, 2)).max()) * pixel_area
    return found, typed


def _depth(disc: LocatedDisc, endplate: str, zone: np.ndarray, grid: Grid) -> np.ndarray:
    """Distance in mm of the zone's voxels from the endplate's line, infinite elsewhere."""
    depth = np.full(zone.shape, np.inf, np.float32)
    points = np.argwhere(zone)
    if len(points):
        ends = [disc.corners[f"{endplate}_anterior"], disc.corners[f"{endplate}_posterior"]]
        sign = 1.0 if endplate == "upper" else -1.0
        along = ends[0] - ends[1]
        normal = sign * np.cross(along, disc.left)
        normal /= np.linalg.norm(normal)
        depth[tuple(points.T)] = np.maximum((grid.to_patient(points) - np.mean(ends, axis=0)) @ normal, 0)
    return depth


def _touching(mask: np.ndarray, depth: np.ndarray, min_pixels: float) -> np.ndarray:
    # Per slice: components that begin at the endplate and are large enough.
    kept = np.zeros_like(mask)
    for number in np.flatnonzero(mask.any((1, 2))):
        pieces, count = ndimage.label(mask[number])
        if not count:
            continue
        sizes = np.bincount(pieces.ravel(), minlength=count + 1)
        touching = np.unique(pieces[(depth[number] < TOUCH_MM) & mask[number]])
        good = [piece for piece in touching if piece and sizes[piece] >= min_pixels]
        kept[number] = np.isin(pieces, good)
    return kept
