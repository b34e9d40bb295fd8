"""Where a disc lies and how large it is, and how the column stands: lengths and angles between endplate corners.

All lengths are mm and all angles degrees, measured in the plane of the slices. Discs come head to foot.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..anatomy import CORNERS, vertebrae_of
from ..grid import unit
from ..localization.spine import LocatedDisc, SpineLocation
from ..study import Volume
from .corner_error import ACROSS_MM, NORMAL_95, ROUNDING, half_widths

LORDOSIS_DISCS = ("T12/L1", "L5/S1")
"""Lumbar lordosis is the angle between the endplates below these discs: the upper ones of L1 and S1 (Cobb)."""

ENDS = ("anterior", "posterior")

MEASURES = ("width_mm", "height_mm", "anterior_height_mm", "posterior_height_mm", "angle_deg", "listhesis_mm")
"""What is measured between the four corners of a disc; fields of `DiscReport`."""

DISC_MEASURES = (*MEASURES, "height_index")
"""All that is measured of a disc."""


def disc_geometry(disc: LocatedDisc, location: SpineLocation, reference: Volume | None = None) -> dict[str, Any]:
    """The fields of a `DiscReport` that say which disc it is, where it lies (LPS mm) and how large it is.

    Parameters
    ----------
    reference:
        The volume the disc was found on, which gives its measures an uncertainty; None for corners known exactly.
    """
    corners = corners_in_plane(disc)
    fields = {
        "level": disc.level,
        "confidence": disc.confidence,
        "center_lps_mm": disc.center.tolist(),
        "normal_lps": disc.normal.tolist(),
        "anterior_lps": disc.anterior.tolist(),
        "height_index": height_index(disc, location),
        "corners_lps_mm": {name: corner.tolist() for name, corner in disc.corners.items()},
        **dict(zip(MEASURES, measure_corners(corners).tolist(), strict=True)),
        "width_mm": disc.width_mm,
        "height_mm": disc.height_mm,
    }
    return fields if reference is None else {**fields, "uncertainty": _uncertainty(disc, location, reference)}


def spine_geometry(location: SpineLocation, reference: Volume | None = None) -> dict[str, Any]:
    """The fields of a `StudyReport` that say how the column stands; `reference` as for `disc_geometry`."""
    angle = lordosis(location)
    if angle is None or reference is None:
        return {"lordosis_deg": angle}
    across = np.hypot(ACROSS_MM, ROUNDING * _pixel_mm(reference))
    tilts = [np.sqrt(2) * across / disc.width_mm for disc in _lordosis_discs(location)]
    return {"lordosis_deg": angle, "uncertainty": {"lordosis_deg": NORMAL_95 * float(np.degrees(np.hypot(*tilts)))}}


def corners_in_plane(disc: LocatedDisc) -> np.ndarray:
    """(4, 2) mm to the (front, head) from the disc's center, in the order of `anatomy.CORNERS`."""
    offsets = np.array([disc.corners[name] for name in CORNERS]) - disc.center
    return offsets @ np.stack([disc.anterior, disc.normal], axis=1)


def measure_corners(corners: np.ndarray) -> np.ndarray:
    """`MEASURES` of `corners` (4, 2), mm to the (front, head) in the order of `anatomy.CORNERS`.

    Heights are distances at right angles to the disc, 0 where the endplates cross. The angle is positive where the
    disc opens to the front. Listhesis is the way from the lower to the upper posterior corner along the endplate below,
    positive to the front; in healthy columns it is not 0 but -1 to -2 mm.
    """
    upper_front, upper_back, lower_front, lower_back = corners
    upper, lower = upper_front - upper_back, lower_front - lower_back
    forward = unit(upper + lower)
    up = np.array([-forward[1], forward[0]])
    front, back = (upper_front - lower_front) @ up, (upper_back - lower_back) @ up
    width = (np.linalg.norm(upper) + np.linalg.norm(lower)) / 2
    slip = (upper_back - lower_back) @ unit(lower)
    return np.array([width, (front + back) / 2, max(front, 0.0), max(back, 0.0), _turn(lower, upper), slip])


def height_index(disc: LocatedDisc, location: SpineLocation) -> float | None:
    """Disc height over the mean height of the bodies beside it; None where a neighbor disc is missing."""
    heights = _body_heights(disc, location)
    return disc.height_mm / float(np.mean(heights)) if heights else None


def lordosis(location: SpineLocation) -> float | None:
    """Angle in degrees between the upper endplates of L1 and S1, lordotic positive; None where one is not in view."""
    ends = _lordosis_discs(location)
    if len(ends) < len(LORDOSIS_DISCS):
        return None
    # One plane for both, about the axis to the left that they share.
    left = unit(sum(disc.left for disc in ends))
    up = unit(np.cross(ends[-1].anterior, left))
    plane = np.stack([np.cross(left, up), up], axis=1)
    first, sacral = ((disc.corners["lower_anterior"] - disc.corners["lower_posterior"]) @ plane for disc in ends)
    return _turn(sacral, first)


def _lordosis_discs(location: SpineLocation) -> list[LocatedDisc]:
    return [disc for level in LORDOSIS_DISCS for disc in location.discs if disc.level == level]


def _body_heights(disc: LocatedDisc, location: SpineLocation) -> list[float]:
    """Anterior and posterior height in mm of each body beside a disc whose other disc was found too: none to four."""
    roofs = {vertebrae_of(other.level)[1]: other.corners for other in location.discs}
    floors = {vertebrae_of(other.level)[0]: other.corners for other in location.discs}
    return [
        float(np.linalg.norm(roofs[body][f"lower_{end}"] - floors[body][f"upper_{end}"]))
        for body in vertebrae_of(disc.level)
        if body in roofs and body in floors
        for end in ENDS
    ]


def _uncertainty(disc: LocatedDisc, location: SpineLocation, reference: Volume) -> dict[str, float]:
    pixel_mm = _pixel_mm(reference)
    widths = half_widths(measure_corners, corners_in_plane(disc), pixel_mm)
    found = dict(zip(MEASURES, widths.tolist(), strict=True))
    bodies = _body_heights(disc, location)
    if bodies:
        one_body = NORMAL_95 * np.hypot(ACROSS_MM, ROUNDING * pixel_mm) * np.sqrt(2 / len(bodies))
        index = disc.height_mm / np.mean(bodies)
        found["height_index"] = float(np.hypot(found["height_mm"], index * one_body) / np.mean(bodies))
    return found


def _pixel_mm(reference: Volume) -> float:
    return float(reference.spacing[1:].max())


def _turn(start: np.ndarray, end: np.ndarray) -> float:
    """Degrees by which `end` is turned against `start`, both (front, head); positive if towards the head."""
    cross = start[0] * end[1] - start[1] * end[0]
    return float(np.degrees(np.arctan2(cross, start @ end)))
