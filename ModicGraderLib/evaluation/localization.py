"""How well discs are found and named on patients that the localization network has not seen."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..anatomy import DISCS_UPWARDS
from ..errors import InputError
from ..localization.locate import locate_spine
from ..localization.network import SpineNetwork
from ..localization.spine import SpineLocation
from ..study import SpineStudy, Volume
from ..training.spine_slices import SpineSlice

RIGHT_PLACE_WIDTHS = 0.35
"""A disc counts as found if its center lies within this share of the disc's width; the next disc is a width away."""


@dataclass(frozen=True)
class DiscFound:
    """One true disc: whether it was found under its right name, or at least under any, and how far off its center is.

    `error` is that of the disc of its name, as a share of its width; infinite where there is none.
    """

    patient: str
    level: str
    found: bool
    found_under_any_name: bool
    error: float


def slice_study(one: SpineSlice) -> SpineStudy:
    """A study of one training slice, lying in the sagittal plane with its own pixel size."""
    affine = np.array([[4.0, 0, 0, 0], [0, 0, one.pixel_mm, 0], [0, -one.pixel_mm, 0, 0], [0, 0, 0, 1.0]])
    return SpineStudy.of(Volume(one.image[None], affine, one.contrast))


def true_centers(one: SpineSlice) -> dict[str, tuple[np.ndarray, float]]:
    """Per level with all four corners known: center (2,) in (row, column) mm, and width in mm."""
    centers = {}
    for number in np.unique(one.corners[:, 0]).astype(int):
        corners = one.corners[one.corners[:, 0] == number]
        if set(corners[:, 1].astype(int)) == {0, 1, 2, 3}:
            points = corners[np.argsort(corners[:, 1]), 2:] * one.pixel_mm
            width = (np.linalg.norm(points[0] - points[1]) + np.linalg.norm(points[2] - points[3])) / 2
            centers[DISCS_UPWARDS[number]] = (points.mean(0), float(width))
    return centers


def locate_or_nothing(study: SpineStudy, network: SpineNetwork) -> SpineLocation | None:
    """The spine of a study, or None where none is seen."""
    try:
        return locate_spine(study, network=network)[0]
    except InputError:
        return None


def score_slice(one: SpineSlice, network: SpineNetwork) -> list[DiscFound]:
    """Every true disc of a slice, found or not."""
    location = locate_or_nothing(slice_study(one), network)
    found = {disc.level: disc.center for disc in location.discs} if location else {}
    scores = []
    for level, (center, width) in true_centers(one).items():
        # LPS of the made-up study: rows run to the foot (-z), columns to the back (+y).
        errors = {name: float(np.hypot(-at[2] - center[0], at[1] - center[1])) / width for name, at in found.items()}
        error = errors.get(level, float("inf"))
        anywhere = min(errors.values(), default=float("inf")) < RIGHT_PLACE_WIDTHS
        scores.append(DiscFound(one.patient, level, error < RIGHT_PLACE_WIDTHS, anywhere, error))
    return scores
