"""Where a disc lies and how large it is, and how the column stands: lengths and angles between endplate corners.

All lengths are mm and all angles degrees, measured in the plane of the slices. Discs come head to foot.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ..anatomy import CORNERS, vertebrae_of
from ..grid import unit
from ..localization.spine import LocatedDisc, SpineLocation

LORDOSIS_DISCS = ("T12/L1", "L5/S1")
"""Lumbar lordosis is the angle between the endplates below these discs: the upper ones of L1 and S1 (Cobb)."""

ENDS = ("anterior", "posterior")


@dataclass(frozen=True)
class DiscMeasures:
    """Lengths and angles between the four corners of a disc.

    Attributes
    ----------
    anterior_height_mm, posterior_height_mm:
        Distance of the endplates at either end, at right angles to the disc; 0 where they cross.
    angle_deg:
        Between the endplates, positive where the disc opens to the front.
    listhesis_mm:
        From the lower to the upper posterior corner, along the endplate below and positive to the front. Healthy
        vertebrae are not at 0: their corner lies 1 to 2 mm behind the one below.
    """

    anterior_height_mm: float
    posterior_height_mm: float
    angle_deg: float
    listhesis_mm: float

    @classmethod
    def between(cls, corners: np.ndarray) -> DiscMeasures:
        """Measures of `corners` (4, 2): mm to the (front, head), in the order of `anatomy.CORNERS`."""
        upper_front, upper_back, lower_front, lower_back = corners
        upper, lower = upper_front - upper_back, lower_front - lower_back
        forward = unit(upper + lower)
        up = np.array([-forward[1], forward[0]])
        return cls(
            anterior_height_mm=max(float((upper_front - lower_front) @ up), 0.0),
            posterior_height_mm=max(float((upper_back - lower_back) @ up), 0.0),
            angle_deg=_turn(lower, upper),
            listhesis_mm=float((upper_back - lower_back) @ unit(lower)),
        )


def disc_geometry(disc: LocatedDisc, location: SpineLocation) -> dict[str, Any]:
    """The fields of a `DiscReport` that say which disc it is, where it lies (LPS mm) and how large it is."""
    measures = DiscMeasures.between(corners_in_plane(disc))
    return {
        "level": disc.level,
        "confidence": disc.confidence,
        "center_lps_mm": disc.center.tolist(),
        "normal_lps": disc.normal.tolist(),
        "anterior_lps": disc.anterior.tolist(),
        "width_mm": disc.width_mm,
        "height_mm": disc.height_mm,
        "height_index": height_index(disc, location),
        "corners_lps_mm": {name: corner.tolist() for name, corner in disc.corners.items()},
        **vars(measures),
    }


def spine_geometry(location: SpineLocation) -> dict[str, Any]:
    """The fields of a `StudyReport` that say how the column stands."""
    return {"lordosis_deg": lordosis(location)}


def corners_in_plane(disc: LocatedDisc) -> np.ndarray:
    """(4, 2) mm to the (front, head) from the disc's center, in the order of `anatomy.CORNERS`."""
    offsets = np.array([disc.corners[name] for name in CORNERS]) - disc.center
    return offsets @ np.stack([disc.anterior, disc.normal], axis=1)


def body_heights(disc: LocatedDisc, location: SpineLocation) -> list[float]:
    """Anterior and posterior height in mm of each body beside a disc whose other disc was found too: none to four."""
    upper_of = {vertebrae_of(other.level)[1]: other.corners for other in location.discs}
    lower_of = {vertebrae_of(other.level)[0]: other.corners for other in location.discs}
    return [
        float(np.linalg.norm(upper_of[body][f"lower_{end}"] - lower_of[body][f"upper_{end}"]))
        for body in vertebrae_of(disc.level)
        if body in upper_of and body in lower_of
        for end in ENDS
    ]


def height_index(disc: LocatedDisc, location: SpineLocation) -> float | None:
    """Disc height over the mean height of the bodies beside it; None where a neighbor disc is missing."""
    heights = body_heights(disc, location)
    return disc.height_mm / float(np.mean(heights)) if heights else None


def lordosis(location: SpineLocation) -> float | None:
    """Angle in degrees between the upper endplates of L1 and S1, lordotic positive; None where one is not in view."""
    ends = [disc for level in LORDOSIS_DISCS for disc in location.discs if disc.level == level]
    if len(ends) < len(LORDOSIS_DISCS):
        return None
    # One plane for both: that of the lower disc, about the axis to the left that they share.
    left = unit(sum(disc.left for disc in ends))
    up = unit(np.cross(ends[-1].anterior, left))
    plane = np.stack([np.cross(left, up), up], axis=1)
    first, sacral = ((disc.corners["lower_anterior"] - disc.corners["lower_posterior"]) @ plane for disc in ends)
    return _turn(sacral, first)


def _turn(start: np.ndarray, end: np.ndarray) -> float:
    """Degrees by which `end` is turned against `start`, both (front, head); positive if towards the head."""
    cross = start[0] * end[1] - start[1] * end[0]
    return float(np.degrees(np.arctan2(cross, start @ end)))
