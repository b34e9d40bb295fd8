"""check_study() and check_grades(): all checks of a study, one after the other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ..localization.spine import SpineLocation
from ..mapping.marrow import Marrow
from ..report import DiscReport, QualityFinding
from ..study import SpineStudy
from .exposure import check_exposure
from .fat_suppression import check_fat_suppression
from .fracture import check_fractures
from .fusion import check_fusion
from .infection import check_infection
from .metal import check_metal
from .outlines import check_outlines
from .proportions import check_proportions
from .spine_slices import spine_slices
from .vertebral_bodies import measure_bodies
from .view import check_view


def check_study(study: SpineStudy, location: SpineLocation, marrow: Mapping[str, Marrow]) -> list[QualityFinding]:
    """What is unusual about the pictures and the spine in them, whatever its grades.

    Parameters
    ----------
    marrow:
        The reference of each contrast ("t1", "t2") that has one.
    """
    slices = spine_slices(study, location, marrow)
    bodies = measure_bodies(study.reference, location)
    return [
        *check_view(study, location),
        *check_outlines(study, marrow),
        *check_exposure(slices),
        *check_proportions(bodies),
        *check_fractures(bodies),
        *check_fusion(bodies),
        *check_metal(slices),
        *check_fat_suppression(study, slices),
    ]


def check_grades(reports: Sequence[DiscReport]) -> list[QualityFinding]:
    """What the grades, taken together, should make a reader think of."""
    return check_infection(reports)
