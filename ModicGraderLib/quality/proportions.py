"""Whether vertebral bodies have their usual size and shape; if not, the pixels may not have the size told."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..report import QualityFinding
from .vertebral_bodies import VertebralBody

HEIGHT_TO_DEPTH = (0.50, 1.10)
"""Height of a body over its depth; 0.72 on average (Panjabi 1992), with a spread of about a tenth of it."""

DEPTH_MM = (23.0, 50.0)
"""Depth of the bodies of adults, 34 to 36 mm on average (Panjabi 1992)."""

MIN_BODIES = 3


def check_proportions(bodies: Sequence[VertebralBody]) -> list[QualityFinding]:
    """Stretched pictures, and pictures of a wrong size, by the median of all bodies."""
    if len(bodies) < MIN_BODIES:
        return []
    ratio = float(np.median([body.height / body.depth for body in bodies]))
    depth = float(np.median([body.depth for body in bodies]))
    findings = []
    if not HEIGHT_TO_DEPTH[0] <= ratio <= HEIGHT_TO_DEPTH[1]:
        text = (
            f"The vertebral bodies are {ratio:.2f} times as tall as deep, where 0.7 is usual: the pixels may not be of"
            " the size told, and then heights, angles and extents are wrong."
        )
        findings.append(QualityFinding("picture_stretched", "warning", text))
    if not DEPTH_MM[0] <= depth <= DEPTH_MM[1]:
        text = (
            f"The vertebral bodies measure {depth:.0f} mm from front to back, which is unusual for an adult: check the"
            " pixel size before using lengths, areas or volumes."
        )
        findings.append(QualityFinding("size_unusual", "warning", text))
    return findings
