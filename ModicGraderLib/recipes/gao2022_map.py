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
from ..mapping.change_map import EndplateChange, map_changes, type_shares
from ..mapping.marrow import fit_study
from ..mapping.voxel_types import Typing
from ..study import SpineStudy, Volume

DECIDED = 0.5
"""A voxel belongs to a body from this probability upwards; changes are decided alike (`mapping.change_map`)."""

CLEARER = 0.34
"""Share of a voxel's most probable type, from which it is told: above that of three which are equally probable."""


def named_vertebrae(bodies: np.ndarray, discs: Sequence[LocatedDisc], grid: Grid) -> np.ndarray:
    """Spine labels (slices, rows, columns) uint8 of segmented bodies: a body lies above as many discs as are below it.

    Of each vertebra only the largest piece is kept. Posterior elements are no bodies: neither our simulator's labels
    nor those of our localizer, from which the first network learns, hold them. S1 counts as a body.
    """
    labels = np.zeros(bodies.shape, np.uint8)
    points = np.argwhere(bodies)
    upwards = sorted(discs, key=lambda disc: DISCS_UPWARDS.index(disc.level))
    below = sum(((grid.to_patient(points) - disc.center) @ disc.normal > 0).astype(int) for disc in upwards)
    numbers = np.array([DISCS_UPWARDS.index(upwards[0].level), *(DISCS_UPWARDS.index(d.level) + 1 for d in upwards)])
    labels[tuple(points.T)] = np.array([vertebra_label(name) for name in VERTEBRAE_UPWARDS])[numbers[below]]
    for label, box in enumerate(ndimage.find_objects(labels), start=1):
        if box is not None:
            pieces, _ = ndimage.label(labels[box] == label)
            sizes = np.bincount(pieces.ravel())
            largest = 1 + sizes[1:].argmax()
            labels[box][(labels[box] == label) & (pieces != largest)] = 0
    return labels


@dataclass(frozen=True)
class ModicMap:
    """What both networks and the typing say of a study; arrays (slices, rows, columns) lie on the sample's grid.

    Attributes
    ----------
    bodies, changed:
        bool.
    types:
        uint8 with `anatomy.MODIC_MAP_LABELS`, 0 where nothing is changed or the rule leaves the type open.
    changes:
        By level and endplate; endplates whose body was not found are absent.
    """

    bodies: np.ndarray
    changed: np.ndarray
    types: np.ndarray
    changes: Mapping[str, Mapping[str, EndplateChange]]


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
        All that are in view, also those that are not graded: they tell the bodies apart.
    typing:
        "rule", or "gaussian" for the posteriors of three normal distributions (Waldenberg, ISMRM 2024, 5035).
    """
    study, grid = SpineStudy(t1, t2), t1.grid
    labels = named_vertebrae(segmented[0] >= DECIDED, discs, grid)
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
    return ModicMap(labels > 0, changed, types, changes)


def change_chance(changes: Mapping[str, EndplateChange]) -> float:
    """How probable any change of a disc is, uncalibrated: from one half where one was mapped, below where none was.

    The mean over the voxels of the clearer change; without one half of the highest chance of a voxel.
    """
    mapped = [float((1 - one.posterior[0])[one.change].mean()) for one in changes.values() if one.change.any()]
    seen = [float((1 - one.posterior[0]).max()) / 2 for one in changes.values()]
    return max(mapped or seen, default=0.0)


def type_shares_of(changes: Mapping[str, EndplateChange]) -> dict[str, float] | None:
    """Shares of the types I, II and III in a disc's changed marrow, at both endplates; None where none is changed."""
    found = [(int(one.change.sum()), type_shares(one)) for one in changes.values() if one.change.any()]
    if not found:
        return None
    total = sum(voxels for voxels, _ in found)
    return {name: sum(voxels * shares[name] for voxels, shares in found) / total for name in MODIC_MAP_LABELS}


def disc_type(changes: Mapping[str, EndplateChange]) -> str:
    """The type that most of the changed marrow of a disc has, "0" where none is changed."""
    shares = type_shares_of(changes)
    return max(shares, key=shares.__getitem__) if shares else "0"
