"""The discs of simulated studies as the disc reader's training data: found by the pipeline, graded by the truth.

They go the way of SPIDER's discs (`spider_discs`): the shipped localizer finds and outlines them, with the errors it
makes, and the marrow is fitted to its outlines. The true grades are those of the true disc at the same place.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..anatomy import CANAL_LABEL, ENDPLATES, MODIC_GRADES
from ..errors import InputError
from ..grading.network import ANATOMY
from ..grading.tasks import CHANGE_TYPES, ENDPLATE_LESION, LESIONS, MODIC_TYPE
from ..grid import Grid
from ..localization.network import SpineNetwork
from ..localization.spine import LocatedDisc
from ..regions import resample
from ..report import DiscReport
from ..simulation.case import LESION_TYPES, Case
from ..simulation.simulate import SimulatedStudy
from ..study import SpineStudy
from .graded_discs import HIDDEN, LOWER_ENDPLATE, OTHER_ENDPLATE, GradedDisc, grade_targets
from .spider_discs import disc_inputs_of

SAME_PLACE_WIDTHS = 0.35
"""A disc is the true one whose center lies within this share of its width."""


def simulated_discs(drawn: SimulatedStudy, network: SpineNetwork, patient: str) -> list[GradedDisc]:
    """The true discs of a study that the pipeline finds, whatever it calls them; none where it sees no spine."""
    try:
        found, inputs, exposures = disc_inputs_of(SpineStudy(drawn.t1, drawn.t2), network)
    except InputError:
        return []
    graded = []
    for disc in drawn.truth.discs:
        number = nearest(np.array(disc.center_lps_mm), disc.width_mm, found)
        if number is not None:
            one = inputs[number]
            modic = MODIC_GRADES.index(disc.modic.grade) if disc.modic.grade is not None else -1
            graded.append(
                GradedDisc(
                    patient,
                    one,
                    true_targets(disc, drawn.case),
                    modic,
                    int(disc.pfirrmann.grade),
                    changes=changes_of(disc.level, drawn, one.grid),
                    anatomy=anatomy_of(drawn, one.grid),
                    exposure=exposures[number],
                )
            )
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


def true_targets(disc: DiscReport, case: Case) -> np.ndarray:
    """Targets (outputs,) of a true disc; NaN where the truth withholds a grade, or where there is none to have."""
    answers = {
        "modic_change": None if disc.modic.grade is None else float(disc.modic.grade != "0"),
        "disc_narrowing": disc.narrowing.grade,
        "disc_herniation": disc.herniation,
        "disc_bulging": disc.bulging,
        "spondylolisthesis": disc.spondylolisthesis,
    }
    for name, endplate in disc.endplates.items():
        answers[f"{name}_endplate_change"] = endplate.endplate_change
        answers[f"{name}_marrow_change"] = endplate.marrow_change
    targets = grade_targets(answers, int(disc.pfirrmann.grade))
    for name, endplate in disc.endplates.items():
        if endplate.modic.grade not in (None, "0"):
            targets[MODIC_TYPE[name]] = [endplate.modic.probabilities[type_] for type_ in CHANGE_TYPES]
        lesion = getattr(case.disc(disc.level), name).lesion
        if lesion in LESIONS:
            targets[ENDPLATE_LESION[name]] = [float(lesion == one) for one in LESIONS]
    return targets


def anatomy_of(drawn: SimulatedStudy, grid: Grid) -> np.ndarray:
    """True anatomy (slices, rows, columns), indices in `network.ANATOMY`, on a region."""
    labels = resample(drawn.labels, drawn.t2.grid, grid, order=0, outside=0)
    anatomy = np.zeros(labels.shape, np.uint8)
    anatomy[labels > CANAL_LABEL] = ANATOMY.index("disc")
    anatomy[(labels > 0) & (labels < CANAL_LABEL)] = ANATOMY.index("vertebra")
    anatomy[labels == CANAL_LABEL] = ANATOMY.index("canal")
    return anatomy


def changes_of(level: str, drawn: SimulatedStudy, grid: Grid) -> np.ndarray:
    """Codes of `GradedDisc.changes` (slices, rows, columns) on the region of the disc `level`.

    What a reader would not call is `HIDDEN`: it is there, but no one shall be blamed for not seeing it.
    """
    codes = np.zeros(256, np.uint8)
    called = {
        (disc.level, name): disc.endplates[name].modic.grade not in (None, "0")
        for disc in drawn.truth.discs
        for name in ENDPLATES
    }
    for number, (where, endplate, lesion) in enumerate(drawn.case.lesions, 1):
        own = LOWER_ENDPLATE * ENDPLATES.index(endplate) if where == level else OTHER_ENDPLATE
        # Of the discs above T12/L1 the truth says nothing.
        seen = called.get((where, endplate), False)
        codes[number] = 1 + LESION_TYPES.index(lesion.type) + own + (0 if seen else HIDDEN)
    return codes[resample(drawn.lesions, drawn.t2.grid, grid, order=0, outside=0)]
