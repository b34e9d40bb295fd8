"""The Modic map of Gao 2022: bodies and changes as the networks segment them, brought to discs, endplates and types."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from ..anatomy import DISCS_UPWARDS, MODIC_MAP_LABELS, VERTEBRAE_UPWARDS, vertebra_label
from ..grading.disc_grades import DiscGrades
from ..grid import Grid
from ..localization.spine import LocatedDisc
from ..mapping.change_map import EndplateChange, map_changes
from ..mapping.marrow import EDGE_MM, eroded, fit_study
from ..mapping.voxel_types import Typing
from ..study import SpineStudy, Volume

DECIDED = 0.5
"""A voxel belongs to a body from this probability upwards; changes are decided alike (`mapping.change_map`)."""

CLEARER = 0.34
"""Share of a voxel's most probable type, from which it is told: above that of three which are equally probable."""

SPECK_SHARE = 0.25
"""A piece smaller than so much of the largest one that goes by the same name is no body, however near to the disc."""


def named_vertebrae(bodies: np.ndarray, discs: Sequence[LocatedDisc], grid: Grid) -> np.ndarray:
    """Spine labels (slices, rows, columns) uint8 of segmented bodies, named by the nearest disc as above or below it.

    Of each vertebra only the piece next to its disc is kept. Farther ones are bodies beside which no disc is given, or
    no bodies: posterior elements are not, for neither our simulator's labels nor those of our localizer, from which the
    first network learns, hold them. S1 counts as a body.
    """
    labels, distances = np.zeros(bodies.shape, np.uint8), np.full(bodies.shape, np.inf)
    points = np.argwhere(bodies)
    offsets = grid.to_patient(points)[:, None] - [disc.center for disc in discs]
    nearest = np.linalg.norm(offsets, axis=2).argmin(1)
    own = offsets[np.arange(len(points)), nearest]
    above = (own * np.array([disc.normal for disc in discs])[nearest]).sum(1) > 0
    numbers = np.array([DISCS_UPWARDS.index(disc.level) for disc in discs])[nearest] + above
    labels[tuple(points.T)] = np.array([vertebra_label(name) for name in VERTEBRAE_UPWARDS])[numbers]
    distances[tuple(points.T)] = np.linalg.norm(own, axis=1)
    for label, box in enumerate(ndimage.find_objects(labels), start=1):
        if box is not None:
            pieces, count = ndimage.label(labels[box] == label)
            sizes = np.bincount(pieces.ravel())[1:]
            far = ndimage.minimum(distances[box], pieces, range(1, count + 1))
            kept = 1 + np.where(sizes >= SPECK_SHARE * sizes.max(), far, np.inf).argmin()
            labels[box][(labels[box] == label) & (pieces != kept)] = 0
    return labels


@dataclass(frozen=True)
class ModicMap:
    """What both networks and the typing say of a study; arrays (slices, rows, columns) lie on the sample's grid.

    Attributes
    ----------
    bodies, changed:
        bool. All segmented bodies, also those beside which no disc is given; changed marrow is in the others alone.
    types:
        uint8 with `anatomy.MODIC_MAP_LABELS`, 0 where nothing is changed or the rule leaves the type open.
    changes:
        By level and endplate; endplates whose body was not found are absent.
    shares:
        By level, as `type_shares` has them.
    """

    bodies: np.ndarray
    changed: np.ndarray
    types: np.ndarray
    changes: Mapping[str, Mapping[str, EndplateChange]]
    shares: Mapping[str, Mapping[str, float] | None]


def modic_map(
    segmented: np.ndarray, t1: Volume, t2: Volume, discs: Sequence[LocatedDisc], typing: Typing = "rule"
) -> ModicMap:
    """The changes of a study by disc and endplate, typed voxel by voxel.

    A change is a connected piece that touches an endplate, of 8 mm2 or more, seen on two slices where there are two
    (`mapping.change_map`). Its voxels are typed by their robust z-scores against the patient's own marrow, as
    `mapping.marrow` fits it and removes the coil's shading: T1 down and T2 up is I, T1 up and T2 up or equal II, both
    down III; inside the dead band a type stays open (`mapping.signal_rule`). The abstract states none of this but that
    it is a rule on the signal; the numbers are our choice, those of our own map.

    Parameters
    ----------
    segmented:
        (2, slices, rows, columns) probabilities of vertebral bodies and of Modic changes.
    t1, t2:
        Both contrasts on one grid, that of `segmented`.
    discs:
        All that are known, also those that are not graded: they tell the bodies apart. Bodies beside them are mapped.
    typing:
        "rule", or "gaussian" for the posteriors of three normal distributions (Waldenberg, ISMRM 2024, 5035).
    """
    study, grid = SpineStudy(t1, t2), t1.grid
    bodies = segmented[0] >= DECIDED
    labels = named_vertebrae(bodies, discs, grid)
    chance = segmented[1] * (labels > 0)
    # Before typing all types are equally likely; a voxel that the rule leaves open stays so and decides nothing.
    pixels = np.stack([1 - chance, *(3 * [chance / 3])])
    # Of a disc's grades only the pixels are read where changes are mapped.
    grades = DiscGrades({}, np.zeros(5), {}, np.zeros(4), pixels, grid)
    marrow = fit_study(study, labels)
    changes = {disc.level: map_changes(disc, grades, labels, study, marrow, typing=typing) for disc in discs}
    changed, types = np.zeros(grid.shape, bool), np.zeros(grid.shape, np.uint8)
    for one in (one for of_disc in changes.values() for one in of_disc.values()):
        chances = one.posterior[1:]
        told = one.change & (chances.max(0) > CLEARER * chances.sum(0))
        changed[one.box] |= one.change
        types[one.box][told] = 1 + chances[:, told].argmax(0)
    # The rim is one and a half pixels of a sample: last digits shall not decide how that is rounded.
    spacing = np.round(t1.spacing, 6)
    shares = {level: type_shares(of_disc, spacing) for level, of_disc in changes.items()}
    return ModicMap(bodies, changed, types, changes, shares)


def change_chance(changes: Mapping[str, EndplateChange]) -> float:
    """How probable any change of a disc is, uncalibrated: from one half where one was mapped, below where none was.

    The mean over the voxels of the clearer change; without one half of the highest chance of a voxel.
    """
    mapped = [float((1 - one.posterior[0])[one.change].mean()) for one in changes.values() if one.change.any()]
    seen = [float((1 - one.posterior[0]).max()) / 2 for one in changes.values()]
    return max(mapped or seen, default=0.0)


def type_shares(changes: Mapping[str, EndplateChange], spacing: np.ndarray) -> dict[str, float] | None:
    """Shares of the types I, II and III in a disc's changed marrow, at both endplates; None where none is changed.

    The rim of a body is cortical bone, dark as type III whatever the marrow: it counts only where nothing else is
    changed. `spacing` (3,) is the distance of slices, rows and columns in mm.
    """
    inner = [one.posterior[1:, one.change & eroded(one.body, EDGE_MM, spacing)] for one in changes.values()]
    whole = [one.posterior[1:, one.change] for one in changes.values()]
    for votes in (inner, whole):
        volumes = sum(of_endplate.sum(1, dtype=float) for of_endplate in votes)
        if np.any(volumes):
            return dict(zip(MODIC_MAP_LABELS, (volumes / volumes.sum()).tolist(), strict=True))
    return None


def disc_type(shares: Mapping[str, float] | None) -> str:
    """The type that most of the changed marrow of a disc has; "0" where none is changed, or none can be told.

    None can where all of it looks as normal marrow to the rule, which leaves it open, or where there is too little
    marrow to compare with.
    """
    if shares is None:
        return "0"
    first, second, _ = sorted(shares, key=shares.__getitem__, reverse=True)
    return first if shares[first] > shares[second] else "0"
