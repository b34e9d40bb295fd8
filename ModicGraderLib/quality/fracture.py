"""Vertebral fractures by the height of a body against those beside it (Genant 1993)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..anatomy import GRADED_DISCS, VERTEBRAE_UPWARDS
from ..report import QualityFinding
from .fusion import is_double
from .vertebral_bodies import ZONES, VertebralBody

LOSS = 0.25
"""Share of its height that a body must have lost: where Genant's mild deformities end and the moderate ones begin."""


def check_fractures(bodies: Sequence[VertebralBody]) -> list[QualityFinding]:
    """Bodies that are low in front, in the middle or behind against the mean of both neighbors."""
    there = {body.name: body for body in bodies}
    findings = []
    for body in bodies:
        beside = [there[name] for name in _neighbors(body.name) if name in there]
        # Of a body at the end of the row it is not known how tall it should be.
        if len(beside) < 2 or any(is_double(one, there) for one in beside):
            continue
        zone, loss = max(height_losses(body, beside).items(), key=lambda item: item[1])
        if loss >= LOSS:
            text = (
                f"The body of {body.name} is {loss:.0%} lower at its {zone} part than its neighbors: a fracture is"
                " possible, and its edema or sclerosis may be taken for a Modic change."
            )
            findings.append(QualityFinding("fracture_suspected", "warning", text, _disc_below(body.name)))
    return findings


def height_losses(body: VertebralBody, beside: Sequence[VertebralBody]) -> dict[str, float]:
    """Share by which each zone of a body is lower than the mean of its neighbors."""
    return {zone: 1 - body.heights[zone] / float(np.mean([one.heights[zone] for one in beside])) for zone in ZONES}


def _neighbors(name: str) -> tuple[str, ...]:
    at = VERTEBRAE_UPWARDS.index(name)
    return VERTEBRAE_UPWARDS[max(at - 1, 0) : at] + VERTEBRAE_UPWARDS[at + 1 : at + 2]


def _disc_below(vertebra: str) -> str | None:
    return next((disc for disc in GRADED_DISCS if disc.startswith(f"{vertebra}/")), None)
