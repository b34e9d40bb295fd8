"""What of the lumbar spine the pictures show at all."""

from __future__ import annotations

import numpy as np

from ..anatomy import GRADED_DISCS
from ..io.checks import inside
from ..localization.spine import LocatedDisc, SpineLocation
from ..report import QualityFinding
from ..study import SpineStudy, Volume

EDGE_MM = 3.0
"""A disc with a corner this close to the edge of the picture is cut off: its endplates and their marrow lie outside."""

FEW_SLICES_MM = 12.0
"""Fewer slices than reach over so much leave most of the endplates unseen; a body is 40 to 50 mm wide."""


def check_view(study: SpineStudy, location: SpineLocation) -> list[QualityFinding]:
    """Discs that are missing, cut off or on one contrast only, and examinations of few slices."""
    discs = {disc.level: disc for disc in location.discs}
    findings = []
    for level in GRADED_DISCS:
        if level not in discs:
            text = f"The disc {level} was not found and is not graded."
            findings.append(QualityFinding("level_not_in_view", "info", text, level))
            continue
        findings += _of_disc(discs[level], study)
    shape, spacing = study.reference.array.shape, study.reference.spacing
    if shape[0] > 1 and shape[0] * spacing[0] < FEW_SLICES_MM:
        text = f"The {shape[0]} slices reach over {shape[0] * spacing[0]:.0f} mm only: what lies beside is not seen."
        findings.append(QualityFinding("few_slices", "warning", text))
    return findings


def _of_disc(disc: LocatedDisc, study: SpineStudy) -> list[QualityFinding]:
    findings = []
    for volume in study.volumes:
        name = volume.contrast.upper()[:2]
        if not bool(inside(volume, disc.center)):
            text = f"The disc {disc.level} lies outside the picture on {name}: it is graded without that contrast."
            findings.append(QualityFinding("level_outside_contrast", "warning", text, disc.level))
        elif _is_cut_off(disc, volume):
            text = f"The disc {disc.level} reaches the edge of the picture on {name}: what is cut off is not graded."
            findings.append(QualityFinding("level_cut_off", "warning", text, disc.level))
    return findings


def _is_cut_off(disc: LocatedDisc, volume: Volume) -> bool:
    corners = volume.to_index(np.array(list(disc.corners.values())))[:, 1:]
    margin = EDGE_MM / volume.spacing[1:]
    return bool((corners < margin).any() or (corners > np.array(volume.array.shape[1:]) - 1 - margin).any())
