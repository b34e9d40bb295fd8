"""SPIDER's T1 and T2 slices, which have no masks, labelled by a network trained on other data (self-training).

T1 and T2 are read apart. A patient whose two readings disagree about the levels teaches nothing and is left out. The
teacher has never been shown where the canal is, nor what lies above L1, so neither is taken from it.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ..anatomy import CANAL_LABEL, CORNERS, DISCS_UPWARDS, disc_label
from ..errors import InputError
from ..io import read_volume
from ..localization.locate import locate_spine
from ..localization.network import DISC, IDENTITIES, SACRUM, VERTEBRA, SpineNetwork
from ..localization.spine import SpineLocation
from ..study import SpineStudy, Volume
from .spine_slices import ABOVE_LABELS, NO_IDENTITY, NOT_CANAL_KNOWN, SpineSlice

SAME_LEVEL_MM = 24.0
"""Two readings agree on a level if their discs lie closer than this; the next disc is about 35 mm away."""


def read_self_labelled_slices(folder: Path, teacher: SpineNetwork) -> list[SpineSlice]:
    """T1 and T2 of each patient of `folder` (the data folder's `spider_midsagittal`) on whom both readings agree."""
    slices = []
    for path in sorted((folder / "volumes").glob("*_t1.nii.gz")):
        patient = path.name.split("_")[0]
        t1 = read_volume(path, "t1")
        t2 = read_volume(path.with_name(f"{patient}_t2.nii.gz"), "t2")
        try:
            readings = [
                locate_spine(SpineStudy(t1=t1, t2=None), network=teacher)[0],
                locate_spine(SpineStudy(t1=None, t2=t2), network=teacher)[0],
            ]
        except InputError:
            continue
        if agree(*readings):
            slices += [_slice(patient, volume, one) for volume, one in zip((t1, t2), readings, strict=True)]
    return slices


def agree(first: SpineLocation, second: SpineLocation) -> bool:
    """Whether two readings of one patient begin at L5/S1 and name at least four discs at the same places."""
    centers = {disc.level: disc.center for disc in second.discs}
    distances = [
        float(np.linalg.norm(disc.center - centers[disc.level])) for disc in first.discs if disc.level in centers
    ]
    lowest = {first.numbering.lowest_disc, second.numbering.lowest_disc}
    return lowest == {DISCS_UPWARDS[0]} and len(distances) >= 4 and max(distances) < SAME_LEVEL_MM


def _slice(patient: str, volume: Volume, location: SpineLocation) -> SpineSlice:
    labels = location.labels[0]
    highest = location.discs[0]
    index = np.stack([np.zeros(labels.shape), *np.indices(labels.shape)], axis=-1)
    known = (volume.to_patient(index) - highest.center) @ highest.normal < 0.5 * highest.height_mm
    structure = np.where(known, NOT_CANAL_KNOWN, ABOVE_LABELS).astype(np.uint8)
    identity = np.full(labels.shape, NO_IDENTITY, np.uint8)
    for label in np.unique(labels[(labels > 0) & (labels != CANAL_LABEL)]):
        here = (labels == label) & known
        is_disc = label >= disc_label(DISCS_UPWARDS[0])
        structure[here] = DISC if is_disc else SACRUM if label == 1 else VERTEBRA
        step = 2 * (int(label) - disc_label(DISCS_UPWARDS[0])) + 1 if is_disc else 2 * (int(label) - 1)
        identity[here] = min(step, IDENTITIES - 1)
    corners = [
        (DISCS_UPWARDS.index(disc.level), number, *volume.to_index(disc.corners[name])[1:])
        for disc in location.discs
        for number, name in enumerate(CORNERS)
    ]
    return SpineSlice(
        patient=f"spider-{patient}",
        source="spider",
        contrast=volume.contrast,
        image=volume.array[0],
        pixel_mm=float(volume.spacing[1:].mean()),
        structure=structure,
        identity=identity,
        corners=np.array(corners),
        corners_known=known,
    )
