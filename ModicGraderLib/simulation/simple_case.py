"""What is drawn by lot for one simulated patient, and the report that is true of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from .. import __version__
from ..anatomy import CORNERS, ENDPLATES, GRADED_DISCS, MODIC_TYPES, PFIRRMANN_GRADES
from ..report import DiscReport, EndplateReport, GradeReading, ModicReading, NarrowingReading, Numbering, StudyReport
from .simple_spine import DISC_HEIGHTS_MM, Slab

NARROWED_FROM = 4
"""Pfirrmann grade from which a disc of this simulation has lost enough height to be called narrowed."""


@dataclass(frozen=True)
class Lesion:
    """Changed marrow at one endplate: Modic type, share of the body's height, middle and half width along the depth."""

    type: str
    height: float
    middle: float
    half_width: float


@dataclass(frozen=True)
class Case:
    """What is drawn by lot for one patient; everything else follows from it."""

    scale: float
    upper_tilt: float
    pfirrmann: dict[str, int]
    lesions: dict[tuple[str, str], Lesion]

    @classmethod
    def draw(cls, rng: np.random.Generator) -> Case:
        """A patient with a type II lesion below the worst disc and a type I lesion above the next one."""
        odds = np.linspace(0.15, 0.75, len(DISC_HEIGHTS_MM))
        lots = dict(zip(reversed(DISC_HEIGHTS_MM), odds, strict=True))
        grades = {disc: int(1 + rng.binomial(3, lots[disc])) for disc in DISC_HEIGHTS_MM}
        worst, next_worst = (str(disc) for disc in rng.permutation(["L5/S1", "L4/L5", "L3/L4"])[:2])
        grades[worst], grades[next_worst] = 5, 4
        lesions = {
            (worst, "lower"): Lesion("II", rng.uniform(0.3, 0.45), rng.uniform(-0.2, 0.2), rng.uniform(0.8, 1.1)),
            (next_worst, "upper"): Lesion("I", rng.uniform(0.3, 0.45), rng.uniform(0.0, 0.4), rng.uniform(0.7, 1.0)),
        }
        return cls(rng.uniform(0.95, 1.08), np.radians(rng.uniform(-13, -7)), grades, lesions)


def truth_report(case: Case, slabs: list[Slab], to_patient: Callable[[np.ndarray], np.ndarray]) -> StudyReport:
    """The true report of a case.

    Parameters
    ----------
    slabs:
        The bodies and discs of the case.
    to_patient:
        LPS mm (3,) of a point (y, z) of the slabs' plane.
    """
    named = {slab.name: slab for slab in slabs}
    return StudyReport(
        software={"version": __version__, "models": []},
        input={"simulated": {"pfirrmann": case.pfirrmann, "scale": case.scale}},
        quality=[],
        numbering=Numbering("L5/S1", "model", 1.0),
        discs=[_true_disc(case, named[level], to_patient) for level in GRADED_DISCS],
    )


def _true_disc(case: Case, slab: Slab, to_patient: Callable[[np.ndarray], np.ndarray]) -> DiscReport:
    level, grade = slab.name, case.pfirrmann[slab.name]
    sides = {"upper": 1, "lower": -1, "anterior": 1, "posterior": -1}
    corners = {
        name: to_patient(slab.corner(side=sides[name.split("_")[1]], end=sides[name.split("_")[0]])) for name in CORNERS
    }
    front, back = (corners[f"upper_{end}"] + corners[f"lower_{end}"] for end in ("anterior", "posterior"))
    upper, lower = (corners[f"{side}_anterior"] + corners[f"{side}_posterior"] for side in ENDPLATES)
    anterior = (front - back) / np.linalg.norm(front - back)
    normal = upper - lower - (upper - lower) @ anterior * anterior
    types = {endplate: lesion.type for (disc, endplate), lesion in case.lesions.items() if disc == level}
    narrowed = int(grade >= NARROWED_FROM)
    return DiscReport(
        level=level,
        confidence=1.0,
        center_lps_mm=to_patient(slab.center).tolist(),
        normal_lps=(normal / np.linalg.norm(normal)).tolist(),
        anterior_lps=anterior.tolist(),
        width_mm=float(np.linalg.norm(front - back) / 2),
        height_mm=float(np.linalg.norm(upper - lower) / 2),
        height_index=None,
        corners_lps_mm={name: corner.tolist() for name, corner in corners.items()},
        modic=_true_modic(max(types.values(), default="0")),
        pfirrmann=GradeReading(grade, {str(g): float(g == grade) for g in PFIRRMANN_GRADES}),
        endplate_lesion=GradeReading("normal", {"normal": 1.0}),
        narrowing=NarrowingReading(float(narrowed), narrowed),
        herniation=0.0,
        bulging=0.0,
        spondylolisthesis=0.0,
        endplates={end: EndplateReport(_true_modic(types.get(end, "0")), endplate_change=0.0) for end in ENDPLATES},
    )


def _true_modic(grade: str) -> ModicReading:
    return ModicReading(grade, {type_: float(type_ == grade) for type_ in MODIC_TYPES}, float(grade != "0"))
