"""How tall and deep each vertebral body between two discs is, measured on its outline."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..anatomy import vertebra_label, vertebrae_of
from ..grid import unit
from ..localization.spine import LocatedDisc, SpineLocation
from ..study import Volume

ZONES = {"posterior": (0.08, 0.30), "middle": (0.38, 0.62), "anterior": (0.70, 0.92)}
"""Parts of a body's depth, from its back wall, over which its height is averaged; the rims bear osteophytes."""

MIN_PIXELS = 20


@dataclass(frozen=True)
class VertebralBody:
    """A body with the mean height (mm) of each of `ZONES` and its depth (mm) from front to back."""

    name: str
    heights: dict[str, float]
    depth: float

    @property
    def height(self) -> float:
        """Mean of the zones, mm."""
        return float(np.mean(list(self.heights.values())))


def measure_bodies(reference: Volume, location: SpineLocation) -> list[VertebralBody]:
    """The bodies with a located disc on either side and an outline between them, head to foot."""
    pairs = zip(location.discs[:-1], location.discs[1:], strict=True)
    bodies = [
        _measure(above, below, reference, location.labels)
        for above, below in pairs
        if vertebrae_of(above.level)[1] == vertebrae_of(below.level)[0]
    ]
    return [body for body in bodies if body is not None]


def _measure(above: LocatedDisc, below: LocatedDisc, reference: Volume, labels: np.ndarray) -> VertebralBody | None:
    name = vertebrae_of(above.level)[1]
    front = (above.corners["lower_anterior"], below.corners["upper_anterior"])
    back = (above.corners["lower_posterior"], below.corners["upper_posterior"])
    center = (sum(front) + sum(back)) / 4
    forwards = sum(front) - sum(back)
    depth = float(np.linalg.norm(forwards)) / 2
    number = int(np.clip(np.round(reference.to_index(center)[0]), 0, len(labels) - 1))
    pixels = np.argwhere(labels[number] == vertebra_label(name))
    if len(pixels) < MIN_PIXELS:
        return None
    points = reference.to_patient(np.column_stack([np.full(len(pixels), number), pixels]))
    place = (points - center) @ unit(forwards) / depth + 0.5
    area = float(np.prod(reference.spacing[1:]))
    heights = {
        zone: float(((place >= start) & (place < end)).sum()) * area / ((end - start) * depth)
        for zone, (start, end) in ZONES.items()
    }
    return VertebralBody(name, heights, depth) if min(heights.values()) > 0 else None
