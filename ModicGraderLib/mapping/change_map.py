"""Changed marrow, voxel by voxel, in patient space: what belongs to each endplate of a disc, and the study's map.

The network maps regions that are aligned with a disc and show half of either neighbor. Here its pixels come back to
the patient, and become changes: connected pieces of marrow that touch an endplate and are seen on two slices, as
readers demand of a Modic change.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np
from scipy import ndimage

from ..anatomy import ENDPLATES, MODIC_MAP_LABELS, VERTEBRAE_UPWARDS, vertebra_label, vertebrae_of
from ..grading.disc_grades import DiscGrades
from ..grid import Grid
from ..localization.spine import LocatedDisc
from ..regions import part_of, resample
from ..study import SpineStudy
from .endplate_depth import endplate_depths
from .marrow import Marrow
from .voxel_types import Typing, type_chances

DECIDED = 0.5
"""Marrow is changed from this probability upwards. On simulated validation patients the Dice of the map is the same,
within 0.02, from 0.3 to 0.6."""

TOUCH_MM = 3.0
"""A change touches an endplate if it begins so close to it: cortical bone and partial volume lie between."""

CONTACT_SHARE = 0.25
"""A piece of changed marrow that spans a body is two changes if it takes so much of the one endplate, compared with the
other, and else belongs to the endplate of which it takes more."""

MIN_AREA_MM2 = 8.0
"""Smallest cross-section of a change, on the slice that shows most of it."""

SLICES_TO_SEE = 2
"""A change shows on so many slices, where the body does. On simulated validation patients this takes away 12 false
changes of endplates and 6 true ones, of 284 endplates."""

NEIGHBORS_MM = 6.0
"""Of slices farther apart one is enough: a change may well lie between them."""

FRINGE_MM = 3.0
"""What surrounds a piece of changed marrow this closely shares its fate: its soft edge and no change of its own."""


@dataclass(frozen=True)
class EndplateChange:
    """Changed marrow below one endplate.

    Attributes
    ----------
    box:
        Part of the reference grid: bounding box of the vertebral body. All arrays below are on it.
    body:
        (slices, rows, columns) bool: the vertebral body.
    posterior:
        (4, slices, rows, columns) float32: probability of no change and of the types I, II and III, as far as it
        belongs to this endplate; elsewhere it is (1, 0, 0, 0).
    change:
        (slices, rows, columns) bool: marrow decided to be changed.
    """

    box: tuple[slice, slice, slice]
    body: np.ndarray
    posterior: np.ndarray
    change: np.ndarray

    def without_decision(self) -> EndplateChange:
        """The same marrow with nothing decided to be changed: where the grades call no change, the map shows none."""
        return replace(self, change=np.zeros_like(self.change))


def map_changes(
    disc: LocatedDisc,
    grades: DiscGrades,
    labels: np.ndarray,
    study: SpineStudy,
    marrow: dict[str, Marrow],
    *,
    typing: Typing = "network",
) -> dict[str, EndplateChange]:
    """The changes at the endplates of a disc, by "upper" and "lower"; one whose vertebra is not in view is absent.

    Parameters
    ----------
    grades:
        What the networks say of the disc; `pixels` may be on every second or third slice only.
    labels:
        (slices, rows, columns) uint8, the spine's labels on the grid of `study.reference`.
    marrow:
        The reference of each contrast ("t1", "t2") that has one.
    typing:
        By what changed voxels are typed, see `voxel_types.type_chances`. Without both contrasts, or with a
        fat-suppressed T2, it is always the network.
    """
    boxes = ndimage.find_objects(labels, len(VERTEBRAE_UPWARDS))
    changes = {}
    for endplate, vertebra in zip(ENDPLATES, vertebrae_of(disc.level), strict=True):
        box = boxes[vertebra_label(vertebra) - 1]
        if box is not None:
            grid = part_of(study.reference.grid, box)
            body = labels[box] == vertebra_label(vertebra)
            pixels = _in_patient(grades, body, grid)
            change, own = _decide(pixels[1:].sum(0), endplate_depths(disc, endplate, body, grid), grid)
            types = type_chances(pixels, study, marrow, grid, typing)
            posterior = np.where(own, types, np.float32([1, 0, 0, 0])[:, None, None, None])
            changes[endplate] = EndplateChange(box, body, posterior, change)
    return changes


def type_shares(change: EndplateChange) -> dict[str, float] | None:
    """Shares of the types I, II and III in the changed marrow, by probability; None where none is changed."""
    if not change.change.any():
        return None
    volumes = change.posterior[1:, change.change].sum(1, dtype=float)
    return {name: float(share) for name, share in zip(MODIC_MAP_LABELS, volumes / volumes.sum(), strict=True)}


def merge_maps(changes: Iterable[EndplateChange], shape: tuple[int, int, int]) -> dict[str, np.ndarray]:
    """The study's maps (slices, rows, columns) on the reference grid, of its changes: by the names of their files.

    `modic_map` is uint8 with the values of `anatomy.MODIC_MAP_LABELS`, the most probable type of decided changes;
    `modic_probability` is float32, that of any change. Where two discs claim the same marrow of the body between them,
    the more probable change is taken.
    """
    modic_map, probability, decided = np.zeros(shape, np.uint8), *np.zeros((2, *shape), np.float32)
    for one in changes:
        chance = one.posterior[1:].sum(0)
        np.maximum(probability[one.box], chance, out=probability[one.box])
        stronger = one.change & (chance > decided[one.box])
        decided[one.box][stronger] = chance[stronger]
        modic_map[one.box][stronger] = 1 + one.posterior[1:, stronger].argmax(0)
    return {"modic_map": modic_map, "modic_probability": probability}


def _in_patient(grades: DiscGrades, body: np.ndarray, grid: Grid) -> np.ndarray:
    """Probabilities (4, slices, rows, columns) of a body's voxels on `grid`; beyond the region nothing is changed."""
    types = np.stack([resample(one, grades.grid, grid, outside=0.0) for one in grades.pixels[1:]])
    types *= body
    return np.concatenate([1 - types.sum(0, keepdims=True), types])


def _decide(chance: np.ndarray, depths: tuple[np.ndarray, np.ndarray], grid: Grid) -> tuple[np.ndarray, np.ndarray]:
    """Changed voxels, and those whose probability belongs to the endplate, from the probability of any change.

    All arrays are (slices, rows, columns) on `grid`; `depths` are those of `endplate_depths`.
    """
    near, far = depths
    spacing = np.linalg.norm(grid.affine[:3, :3], axis=0)
    candidate = chance >= DECIDED
    change, own = np.zeros(chance.shape, bool), near <= far
    if candidate.any():
        pieces, count = ndimage.label(candidate, np.ones((3, 3, 3)))
        visible = int(np.isfinite(near).any((1, 2)).sum())
        needed = min(SLICES_TO_SEE, visible) if spacing[0] <= NEIGHBORS_MM else 1
        seen = _seen(pieces, count, float(spacing[1] * spacing[2]), needed)
        contact, opposite = (np.bincount(pieces[depth <= TOUCH_MM], minlength=count + 1) for depth in depths)
        touching = seen & (contact > 0) & (contact >= CONTACT_SHARE * opposite)
        shared = touching & (opposite > 0) & (opposite >= CONTACT_SHARE * contact)
        change = candidate & touching[pieces] & (~shared[pieces] | own)
        distance, nearest = ndimage.distance_transform_edt(~candidate, spacing, return_indices=True)
        own = np.where(distance <= FRINGE_MM, change[tuple(nearest)], own)
    return change, own & np.isfinite(near)


def _seen(pieces: np.ndarray, count: int, pixel_mm2: float, slices: int) -> np.ndarray:
    """Which of the pieces 0 ... `count` (0 is none) are large enough, and on enough slices: (count + 1,) bool."""
    areas = np.stack([np.bincount(one.ravel(), minlength=count + 1) for one in pieces], axis=1) * pixel_mm2
    large = (areas.max(1) >= MIN_AREA_MM2) & ((areas > 0).sum(1) >= slices)
    large[0] = False
    return large
