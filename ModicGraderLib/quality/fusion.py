"""Fused vertebrae: a body as tall as two."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ..anatomy import GRADED_DISCS, VERTEBRAE_UPWARDS
from ..report import QualityFinding
from .vertebral_bodies import VertebralBody

DOUBLE = 1.4
"""Height of a body over that of its neighbors from which it must be two, with the disc between them gone or missed."""


def check_fusion(bodies: Sequence[VertebralBody]) -> list[QualityFinding]:
    """Block vertebrae, born so or grown together after surgery; a missed disc looks alike."""
    there = {body.name: body for body in bodies}
    return [
        QualityFinding(
            "block_vertebra_suspected",
            "warning",
            f"The body of {body.name} is as tall as two: it may be a block vertebra, or a disc was missed and the"
            " levels above are miscounted.",
            next((disc for disc in GRADED_DISCS if disc.startswith(f"{body.name}/")), None),
        )
        for body in bodies
        if is_double(body, there)
    ]


def is_double(body: VertebralBody, there: Mapping[str, VertebralBody]) -> bool:
    """Whether a body is as tall as two of its neighbors' kind, in front, in the middle and behind."""
    at = VERTEBRAE_UPWARDS.index(body.name)
    names = VERTEBRAE_UPWARDS[max(at - 1, 0) : at] + VERTEBRAE_UPWARDS[at + 1 : at + 2]
    beside = [there[name] for name in names if name in there]
    # Against the taller neighbor: beside a fractured one, any body seems tall.
    return bool(beside) and all(
        height > DOUBLE * max(one.heights[zone] for one in beside) for zone, height in body.heights.items()
    )
