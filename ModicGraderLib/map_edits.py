"""The Modic map as a reader edited it: whose endplate each voxel is, how far each change reaches, what was changed.

The reader's map is taken at its word: all that is drawn is a change, and what stays uncertain of its extents are
slices, pixels and outlines. Voxels beside the bodies belong to the nearest one.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import asdict, replace

import numpy as np
from scipy import ndimage

from .anatomy import ENDPLATES, MODIC_MAP_LABELS, VERTEBRAE_UPWARDS, vertebra_label, vertebrae_of
from .corrections import MODIC_MAP, correct_map, machine_report, map_reading
from .graded import MACHINE_MAP, GradedStudy
from .localization.spine import LocatedDisc
from .mapping.change_map import CONTACT_SHARE, TOUCH_MM, EndplateChange
from .mapping.endplate_depth import endplate_depths
from .measurement.extent import measure_extent
from .regions import part_of
from .report import EndplateReport, ModicReading
from .study import Volume

NEEDS_ENDPLATE = ("height_percent", "anteroposterior_percent", "area_percent")
"""Extents that are measured from the endplate."""


def record_edits(graded: GradedStudy, reader: str, when: str | None = None) -> GradedStudy:
    """The graded study with a correction of the map at each disc where it is no longer the program's.

    `graded.maps` holds the map as it is now and, under `MACHINE_MAP`, the program's own; without the latter nothing
    was edited. What was recorded before and still holds is left as it is, what no longer holds is taken out.
    """
    maps, report, reference = graded.maps, graded.report, graded.study.reference
    edited = MACHINE_MAP in maps
    if not edited and all(one.field != MODIC_MAP for one in report.corrections):
        return graded
    machine_map = maps[MACHINE_MAP] if edited else maps["modic_map"]
    before, now = (EndplateMap(one, graded.location.labels, reference) for one in (machine_map, maps["modic_map"]))
    located = {disc.level: disc for disc in graded.location.discs}
    for named, said in zip(graded.report.discs, machine_report(graded.report).discs, strict=True):
        disc = located[named.level]
        own, drawn = before.at(disc), now.at(disc)
        machine = {name: map_reading(said.endplates[name], before.voxels(change)) for name, change in own.items()}
        value = dict(machine)
        for name, change in drawn.items():
            if not np.array_equal(before.part(own[name]), now.part(change)):
                value[name] = map_reading(_extent(disc, name, change, reference), now.voxels(change))
        report = correct_map(report, named.level, machine, value, reader, when)
    return replace(graded, report=report)


def take_back(graded: GradedStudy, levels: Collection[str]) -> np.ndarray:
    """The map (slices, rows, columns) uint8 with what the program mapped at some discs, and the reader's elsewhere."""
    machine_map, edited = graded.maps.get(MACHINE_MAP, graded.maps["modic_map"]), graded.maps["modic_map"].copy()
    before, now = (EndplateMap(one, graded.location.labels, graded.study.reference) for one in (machine_map, edited))
    for disc in graded.location.discs:
        if disc.level in levels:
            own, drawn = before.at(disc), now.at(disc)
            for name in drawn:
                edited[now.part(drawn[name]) > 0] = 0
                machine = before.part(own[name])
                edited[machine > 0] = machine[machine > 0]
    return edited


class EndplateMap:
    """A Modic map with every voxel at its endplate, as `mapping.change_map` gives them to the endplates of discs.

    Parameters
    ----------
    modic_map, labels:
        (slices, rows, columns) uint8 on the grid of `reference`: the map, and the spine's labels.
    """

    def __init__(self, modic_map: np.ndarray, labels: np.ndarray, reference: Volume):
        self._map, self._grid = modic_map, reference.grid
        self._owners = _owners(modic_map, labels, reference)
        self._boxes = ndimage.find_objects(self._owners, len(VERTEBRAE_UPWARDS))

    def at(self, disc: LocatedDisc) -> dict[str, EndplateChange]:
        """What is drawn at the endplates of a disc, by "upper" and "lower"; one not in view is absent."""
        found = {}
        for name, vertebra in zip(ENDPLATES, vertebrae_of(disc.level), strict=True):
            label = vertebra_label(vertebra)
            if (box := self._boxes[label - 1]) is not None:
                body, types = self._owners[box] == label, self._map[box]
                change = body & (types > 0)
                if change.any():
                    change = _at_endplate(change, *endplate_depths(disc, name, body, part_of(self._grid, box)))
                posterior = np.stack([~change, *(change & (types == one) for one in MODIC_MAP_LABELS.values())])
                found[name] = EndplateChange(box, body, posterior.astype(np.float32), change)
        return found

    def part(self, change: EndplateChange) -> np.ndarray:
        """The map (slices, rows, columns) of one endplate alone."""
        alone = np.zeros_like(self._map)
        alone[change.box] = np.where(change.change, self._map[change.box], 0)
        return alone

    def voxels(self, change: EndplateChange) -> dict[str, int]:
        """Count of voxels of each type in a change."""
        types = self._map[change.box][change.change]
        return {name: int((types == label).sum()) for name, label in MODIC_MAP_LABELS.items()}


def _extent(disc: LocatedDisc, endplate: str, change: EndplateChange, reference: Volume) -> EndplateReport:
    """The extents of a drawn change; None, but for the volume, where it lies where the endplate is not seen."""
    extent = asdict(measure_extent(disc, endplate, change, reference))
    extent["location"] = list(extent["location"])
    if extent["volume_mm3"] and extent["height_class"] is None:
        extent |= dict.fromkeys(NEEDS_ENDPLATE)
    return EndplateReport(ModicReading(None), **extent)


def _owners(modic_map: np.ndarray, labels: np.ndarray, reference: Volume) -> np.ndarray:
    """Label (slices, rows, columns) of the vertebra each voxel of a body belongs to, and of that nearest to each
    changed voxel beside them; 0 elsewhere."""
    bodies = np.where(labels <= len(VERTEBRAE_UPWARDS), labels, 0)
    beside = (modic_map > 0) & (bodies == 0)
    if beside.any() and bodies.any():
        nearest = ndimage.distance_transform_edt(
            bodies == 0, reference.spacing, return_distances=False, return_indices=True
        )
        bodies[beside] = bodies[tuple(nearest[:, beside])]
    return bodies


def _at_endplate(changed: np.ndarray, near: np.ndarray, far: np.ndarray) -> np.ndarray:
    """Those of the changed voxels of a body that belong to an endplate, from their depths below it and the opposite.

    A piece belongs to the endplate that it touches, one that touches both, or neither, to each as far as it is nearer.
    """
    pieces, count = ndimage.label(changed, np.ones((3, 3, 3)))
    contact, opposite = (np.bincount(pieces[depth <= TOUCH_MM], minlength=count + 1) for depth in (near, far))
    here, there = contact > CONTACT_SHARE * opposite, opposite > CONTACT_SHARE * contact
    divided = here == there
    return changed & np.where(divided[pieces], near <= far, here[pieces])
