"""The discs of simulated studies as the grader's training data: found by the pipeline, graded by the truth.

They go the way of SPIDER's discs (`spider_discs`): the shipped localizer finds and outlines them, with the errors it
makes, and the marrow is fitted to its outlines. The true grades are those of the true disc at the same place.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..anatomy import MODIC_GRADES
from ..errors import InputError
from ..grading.disc_input import DiscInput
from ..localization.network import SpineNetwork
from ..localization.spine import LocatedDisc
from ..report import DiscReport, StudyReport
from ..study import SpineStudy
from .spider_discs import GradedDisc, disc_inputs_of, grade_targets

SAME_PLACE_WIDTHS = 0.35
"""A disc is the true one whose center lies within this share of its width."""


def simulated_discs(study: SpineStudy, truth: StudyReport, network: SpineNetwork, patient: str) -> list[GradedDisc]:
    """The true discs of a study that the pipeline finds, whatever it calls them; none where it sees no spine.

    Of several slices only the middle one is kept, since the real discs have one. Where the reader would give no Modic
    grade, it is left unknown.
    """
    try:
        found, inputs = disc_inputs_of(study, network)
    except InputError:
        return []
    graded = []
    for disc in truth.discs:
        number = nearest(np.array(disc.center_lps_mm), disc.width_mm, found)
        if number is not None:
            one = inputs[number]
            middle = one.region.shape[1] // 2
            one = DiscInput(one.level, one.region[:, middle : middle + 1], one.scalars)
            modic = MODIC_GRADES.index(disc.modic.grade) if disc.modic.grade is not None else -1
            graded.append(GradedDisc(patient, one, true_targets(disc), modic, int(disc.pfirrmann.grade)))
    return graded


def nearest(center: np.ndarray, width_mm: float, found: Sequence[LocatedDisc]) -> int | None:
    """Which disc of `found` lies at a true disc's place: `center` (3,) LPS mm; None where there is none.

    Sideways distance does not count: discs are found on slices, and a crooked spine leaves a lone slice.
    """
    apart = [disc.center - center for disc in found]
    distances = [
        float(np.linalg.norm(gap - (gap @ one.left) * one.left)) for gap, one in zip(apart, found, strict=True)
    ]
    best = int(np.argmin(distances)) if distances else 0
    return best if distances and distances[best] < SAME_PLACE_WIDTHS * width_mm else None


def true_targets(disc: DiscReport) -> np.ndarray:
    """The grader's targets (outputs,) in {0, 1} of a true disc; NaN where the truth withholds a grade."""
    upper, lower = (disc.endplates[name].endplate_change for name in ("upper", "lower"))
    answers = {
        "modic_change": None if disc.modic.grade is None else float(disc.modic.grade != "0"),
        "disc_narrowing": disc.narrowing.grade,
        "upper_endplate_change": upper,
        "lower_endplate_change": lower,
        "disc_herniation": disc.herniation,
        "disc_bulging": disc.bulging,
        "spondylolisthesis": disc.spondylolisthesis,
    }
    return grade_targets(answers, int(disc.pfirrmann.grade))
