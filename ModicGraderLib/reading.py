"""Put the answers of the networks and the map of the marrow together into what a report says of one disc."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict

import numpy as np

from .anatomy import ENDPLATE_LESIONS, ENDPLATES, PFIRRMANN_GRADES
from .grading.abstention import Thresholds, withheld
from .grading.decisions import CHANGE_CALLED, DECIDED, joint_type
from .grading.disc_grades import DiscGrades
from .grading.tasks import CHANGE_TYPES, pfirrmann_grade
from .localization.spine import LocatedDisc, SpineLocation
from .mapping.change_map import EndplateChange, type_shares
from .measurement.disc_geometry import disc_geometry
from .measurement.extent import measure_extent
from .report import DiscReport, EndplateReport, GradeReading, ModicReading, NarrowingReading
from .study import Volume

ONE_CONTRAST = "The type of a change needs T1 and T2 without fat suppression; only its probability is given."

NOT_MAPPED = 1.0
"""Voxels that a change counts for where it is called but not mapped, against the mapped one of the other endplate."""


def read_disc(
    disc: LocatedDisc,
    grades: DiscGrades,
    changes: Mapping[str, EndplateChange] | None,
    location: SpineLocation,
    reference: Volume,
    thresholds: Thresholds,
) -> DiscReport:
    """What the report says of a disc.

    Parameters
    ----------
    changes:
        The map at its endplates; None where types cannot be told.
    reference:
        The volume on whose grid the map lies.
    thresholds:
        From which confidence on a grade is given.
    """
    doubts = withheld(grades, thresholds)
    if changes is None:
        doubts |= dict.fromkeys(("modic", *(f"{name}_endplate_modic" for name in ENDPLATES)), ONE_CONTRAST)
    shares = {name: _shares(name, grades, changes) for name in ENDPLATES}
    sizes = {name: _size(name, changes) for name in ENDPLATES}
    lesion = dict(zip(ENDPLATE_LESIONS, grades.endplate_lesion.tolist(), strict=True))
    narrowing = grades.findings["disc_narrowing"]
    report = DiscReport(
        **disc_geometry(disc, location, reference),
        modic=_disc_modic(grades, shares, sizes),
        pfirrmann=GradeReading(
            int(pfirrmann_grade(grades.pfirrmann)),
            {str(grade): float(p) for grade, p in zip(PFIRRMANN_GRADES, grades.pfirrmann, strict=True)},
        ),
        endplate_lesion=GradeReading(max(lesion, key=lesion.__getitem__), lesion),
        narrowing=NarrowingReading(narrowing, int(narrowing >= DECIDED)),
        herniation=grades.findings["disc_herniation"],
        bulging=grades.findings["disc_bulging"],
        spondylolisthesis=grades.findings["spondylolisthesis"],
        endplates={name: _endplate(name, disc, grades, shares[name], changes, reference) for name in ENDPLATES},
    )
    _withhold(report, doubts)
    return report


def called(grades: DiscGrades) -> tuple[str, ...]:
    """Endplates at which a change is called: all that are likely, or the likelier one if a change of the disc is."""
    chance = {name: grades.findings[f"{name}_marrow_change"] for name in ENDPLATES}
    likely = tuple(name for name in ENDPLATES if chance[name] >= CHANGE_CALLED)
    if likely or grades.findings["modic_change"] < CHANGE_CALLED:
        return likely
    return (max(ENDPLATES, key=chance.__getitem__),)


def _shares(name: str, grades: DiscGrades, changes: Mapping[str, EndplateChange] | None) -> dict[str, float]:
    """Shares of the types in a change: as mapped, and where nothing is mapped as the networks suppose."""
    mapped = type_shares(changes[name]) if changes and name in changes else None
    return mapped or dict(zip(CHANGE_TYPES, grades.modic_types[name].tolist(), strict=True))


def _size(name: str, changes: Mapping[str, EndplateChange] | None) -> float:
    return max(float(changes[name].change.sum()), NOT_MAPPED) if changes and name in changes else NOT_MAPPED


def _disc_modic(grades: DiscGrades, shares: dict[str, dict[str, float]], sizes: dict[str, float]) -> ModicReading:
    chance = grades.findings["modic_change"]
    where = called(grades) or ENDPLATES
    weight = np.array([sizes[name] for name in where])
    together = weight @ np.array([[shares[name][type_] for type_ in CHANGE_TYPES] for name in where]) / weight.sum()
    return _modic(chance, dict(zip(CHANGE_TYPES, together.tolist(), strict=True)), called=bool(called(grades)))


def _modic(chance: float, shares: dict[str, float], *, called: bool) -> ModicReading:
    probabilities = {"0": 1 - chance, **{name: chance * share for name, share in shares.items()}}
    return ModicReading(joint_type(shares) if called else "0", probabilities, chance)


def _endplate(
    name: str,
    disc: LocatedDisc,
    grades: DiscGrades,
    shares: dict[str, float],
    changes: Mapping[str, EndplateChange] | None,
    reference: Volume,
) -> EndplateReport:
    chance, here = grades.findings[f"{name}_marrow_change"], name in called(grades)
    report = EndplateReport(
        modic=_modic(chance, shares, called=here),
        endplate_change=grades.findings[f"{name}_endplate_change"],
        marrow_change=chance,
    )
    if here and changes and name in changes:
        for field, value in asdict(measure_extent(disc, name, changes[name], reference)).items():
            setattr(report, field, list(value) if isinstance(value, tuple) else value)
    return report


def _withhold(report: DiscReport, doubts: Mapping[str, str]) -> None:
    """Take back the grades that are in doubt, and say why; their probabilities stay."""
    for name, reason in doubts.items():
        report.readings[name].grade = None
        report.abstained.append({"grade": name, "reason": reason})
