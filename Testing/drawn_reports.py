"""Reports with grades drawn at random, which stand for the truth of patients, and readings that err on purpose."""

from __future__ import annotations

from copy import deepcopy

import numpy as np
from graded_example import example_graded_study

from ModicGraderLib.anatomy import ENDPLATE_LESIONS, ENDPLATES, MODIC_GRADES, MODIC_TYPES, PFIRRMANN_GRADES
from ModicGraderLib.measurement.endplate_change import height_class
from ModicGraderLib.report import DiscReport, EndplateReport, GradeReading, ModicReading, NarrowingReading, StudyReport

_EXAMPLE = example_graded_study().report


def drawn_report(rng: np.random.Generator) -> StudyReport:
    """The example's discs with certain grades that are drawn evenly, as a simulated truth has them."""
    report = deepcopy(_EXAMPLE)
    for disc in report.discs:
        _draw_disc(disc, rng)
    report.lordosis_deg = float(rng.uniform(30, 60))
    return report


def _draw_disc(disc: DiscReport, rng: np.random.Generator) -> None:
    disc.modic = certain_modic(str(rng.choice(MODIC_GRADES)))
    disc.pfirrmann = _certain(int(rng.choice(PFIRRMANN_GRADES)), PFIRRMANN_GRADES)
    disc.endplate_lesion = _certain(str(rng.choice(ENDPLATE_LESIONS)), ENDPLATE_LESIONS)
    narrowed = int(rng.integers(2))
    disc.narrowing = NarrowingReading(float(narrowed), narrowed)
    disc.herniation, disc.bulging, disc.spondylolisthesis = (float(yes) for yes in rng.integers(2, size=3))
    disc.endplates = {name: _endplate(rng) for name in ENDPLATES}
    disc.abstained = []


def _endplate(rng: np.random.Generator) -> EndplateReport:
    modic = certain_modic(str(rng.choice(MODIC_GRADES)))
    changed = modic.grade != "0"
    height = float(rng.uniform(5, 80)) if changed else 0.0
    return EndplateReport(
        modic,
        endplate_change=float(rng.integers(2)),
        marrow_change=float(changed),
        height_percent=height,
        height_class=height_class(height) if changed else None,
        anteroposterior_percent=2 * height / 3,
        area_percent=height / 2,
        volume_mm3=50 * height,
        volume_percent=height / 3,
        height_class_probabilities={height_class(height): 1.0} if changed else {},
    )


def certain_modic(grade: str) -> ModicReading:
    """A Modic reading without doubt; a mixed grade is half of each of its types."""
    parts = grade.split("/")
    return ModicReading(grade, {type_: (type_ in parts) / len(parts) for type_ in MODIC_TYPES}, float(grade != "0"))


def _certain(grade: int | str, grades: tuple) -> GradeReading:
    return GradeReading(grade, {str(one): float(one == grade) for one in grades})
