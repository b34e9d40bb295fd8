"""What SpineNet sees of a disc and learns of it: disc volumes of the T2 slices, and six labels.

Jamaludin 2016, "Disc volume extraction" (section 4) and Table 1. Volumes are (slices, rows, columns): right to left,
head to foot, front to back.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch.utils.data import Dataset

from ..anatomy import GRADED_DISCS, vertebra_label, vertebrae_of
from ..localization.spine import LocatedDisc
from ..regions import disc_grid, part_of, resample
from ..study import Volume
from ..training.labelled_study import DiscLabels, LabelledStudy
from ..training.samples import Sample
from .spinenet2016_views import INNER, SHAPE, SOURCE_SHAPE

TASKS = {
    "pfirrmann": 5,
    "narrowing": 4,
    "upper_endplate_change": 2,
    "lower_endplate_change": 2,
    "upper_marrow_change": 2,
    "lower_marrow_change": 2,
}
"""Fields of `DiscLabels` and their classes (Table 1); narrowing has 2 where no disc has a higher grade than 1."""

LOWEST = {"pfirrmann": 1}
"""First grade of a task, where that is not 0."""

REGION_WIDTHS = 1.85
"""Width of a region over that of the disc; at half that height "roughly 40%" of each vertebra is in it (section 4).

A disc of 35 mm is some 10 mm high, its vertebrae 28: 10 + 2 x 0.4 x 28 = 32 mm. Its height does not enter, lest a
narrowed disc look like any other.
"""

SLICE_MM = 4.0
"""Median distance of slices (section 5); of series with far thinner ones every second, third, ... is taken."""

BODY_MEDIAN = 0.5
"""What the median of the two vertebral bodies becomes in each slice (section 4)."""

BODY_PIXELS = 200
"""A slice that shows less of the bodies is scaled as the nearest that shows more."""


def cut(study: LabelledStudy) -> list[Sample]:
    """Disc volumes of the T2 series ("Disc volume extraction", section 4); none where there is no T2.

    Arrays of a sample: `volume` (*SOURCE_SHAPE) uint8, 255 for a signal of 1, slices beyond the series 0, but a single
    slice in place of all; where a change of marrow is known to lie in it, `changes` (*SHAPE) uint8 on its middle, 1 in
    the body above the disc, 2 in the one below.
    """
    t2 = study.study.t2
    if t2 is None:
        return []
    return [sample for disc in study.discs if disc.level in GRADED_DISCS if (sample := _cut_disc(study, t2, disc))]


def _cut_disc(study: LabelledStudy, t2: Volume, disc: LocatedDisc) -> Sample | None:
    # Slices of 1 mm may be a rounding error thicker in an oblique series.
    stride = max(1, int(SLICE_MM / t2.spacing[0] + 1e-3))
    slices, *shape = SOURCE_SHAPE
    pixel_mm = REGION_WIDTHS * disc.width_mm / SHAPE[2]
    grid = disc_grid(disc, t2, shape=tuple(shape), pixel_mm=pixel_mm, slices=slices, stride=stride)
    spine = resample(study.spine, study.study.reference.grid, grid, order=0, outside=0)
    above, below = (spine == vertebra_label(name) for name in vertebrae_of(disc.level))
    # Arches and spinous processes lie behind the bodies.
    bodies = above | below
    bodies[..., abs(np.arange(shape[1]) - (shape[1] - 1) / 2) > disc.width_mm / pixel_mm / 2] = False
    volume = normalized(resample(t2.array, t2.grid, grid, outside=0.0), bodies)
    if volume is None:
        return None
    arrays = {"volume": _repeated(np.round(255 * volume).astype(np.uint8), t2)}
    if study.changes is not None:
        changed = resample(study.changes, study.study.reference.grid, part_of(grid, INNER), order=0, outside=0) > 0
        changes = (changed & above[INNER]) + 2 * (changed & below[INNER]).astype(np.uint8)
        if changes.any():
            arrays["changes"] = _repeated(changes, t2)
    return Sample.of_disc(study, disc.level, arrays)


def _repeated(slices: np.ndarray, t2: Volume) -> np.ndarray:
    """Slices about a disc; of a single slice, that one in place of each (our choice).

    A network that has learned series makes nothing of one slice among eight of zeros.
    """
    return slices if len(t2.array) > 1 else np.repeat(slices[len(slices) // 2][None], len(slices), axis=0)


def normalized(volume: np.ndarray, bodies: np.ndarray) -> np.ndarray | None:
    """Slices so scaled that the median of both vertebral bodies is 0.5, clipped to [0, 1] (section 4).

    Parameters
    ----------
    volume, bodies:
        (slices, rows, columns) signal and, bool, what of it is a vertebral body.

    Returns
    -------
    np.ndarray | None
        Of the same shape; None where no slice shows bodies with any signal.
    """
    shown = np.flatnonzero(bodies.sum((1, 2)) >= BODY_PIXELS)
    medians = np.array([np.median(volume[number][bodies[number]]) for number in shown])
    shown, medians = shown[medians > 0], medians[medians > 0]
    if not len(shown):
        return None
    nearest = abs(np.arange(len(volume))[:, None] - shown).argmin(1)
    return np.clip(BODY_MEDIAN * volume / medians[nearest][:, None, None], 0, 1)


def target_of(labels: DiscLabels, task: str) -> int:
    """Class number of a disc; -1 where it is not known."""
    value = getattr(labels, task)
    return -1 if value is None else int(value) - LOWEST.get(task, 0)


def classes_of(samples: Sequence[Sample]) -> dict[str, int]:
    """Number of classes by task that a network needs for these labels."""
    graded = any((one.labels.narrowing or 0) > 1 for one in samples)
    return TASKS | {"narrowing": 4 if graded else 2}


def grade_of(task: str, number: int) -> str:
    """The value of the label, as text, that a class number stands for."""
    grade = number + LOWEST.get(task, 0)
    return str(bool(grade)) if task.endswith("_change") else str(grade)


def pixels_of(sample: Sample, device: torch.device | str) -> torch.Tensor:
    """A sample's volume (*SOURCE_SHAPE) in [0, 1] on a device."""
    return torch.from_numpy(sample.arrays["volume"]).to(device).float() / 255


class DiscVolumes(Dataset):
    """Disc volumes (uint8, *SOURCE_SHAPE) and targets (tasks,) of samples, for the loop."""

    def __init__(self, samples: Sequence[Sample]) -> None:
        self.samples = samples
        self.targets = torch.tensor([[target_of(one.labels, task) for task in TASKS] for one in samples])

    def __len__(self) -> int:
        return len(self.samples)

    def __getitem__(self, number: int) -> dict[str, torch.Tensor]:
        volume = torch.from_numpy(self.samples[number].arrays["volume"])
        return {"volume": volume, "targets": self.targets[number]}
