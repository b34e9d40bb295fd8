"""Put the answers of the networks and of the signal rule together into what a report says of one disc."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from .anatomy import ENDPLATES, MODIC_GRADES, PFIRRMANN_GRADES
from .grading.grader import DiscGrades
from .grading.tasks import pfirrmann_grade
from .localization.spine import LocatedDisc, SpineLocation
from .mapping.signal_rule import EndplateSignal, total_excess, type_shares
from .report import DiscReport, EndplateReport, GradeReading, ModicReading, NarrowingReading

DECIDED = 0.5
"""Probabilities are calibrated, so a finding is given from one half upwards."""

TYPED_AREA_MM2 = 15.0
"""Least area of typed voxels beyond the normal on which a type is given."""

MIXED_SHARE = 0.35
"""A second type with at least this share makes a mixed grade."""

NO_TYPE = "A change is probable, but its signal on T1 and T2 does not show its type."
ONE_CONTRAST = "The type of a change needs T1 and T2 without fat suppression; only its probability is given."
NO_LESION_MODEL = "Endplate lesions are not yet graded in classes; see endplate_change of each endplate."


def read_disc(
    disc: LocatedDisc,
    grades: DiscGrades,
    signals: dict[str, EndplateSignal] | None,
    location: SpineLocation,
) -> DiscReport:
    """What the report says of a disc; `signals` is None where types cannot be told."""
    change = grades.findings["modic_change"]
    abstained = [{"grade": "endplate_lesion", "reason": NO_LESION_MODEL}]
    modic = _modic(change, signals.values() if signals else None)
    endplates = {name: _endplate(name, grades, signals, modic) for name in ENDPLATES}
    if modic.grade is None:
        abstained.append({"grade": "modic", "reason": ONE_CONTRAST if signals is None else NO_TYPE})
    else:
        untyped = [name for name, endplate in endplates.items() if endplate.modic.grade is None]
        abstained += [{"grade": f"{name}_endplate_modic", "reason": NO_TYPE} for name in untyped]
    narrowing = grades.findings["disc_narrowing"]
    return DiscReport(
        **disc_geometry(disc, location),
        modic=modic,
        pfirrmann=GradeReading(
            int(pfirrmann_grade(grades.pfirrmann)),
            {str(grade): float(p) for grade, p in zip(PFIRRMANN_GRADES, grades.pfirrmann, strict=True)},
        ),
        endplate_lesion=GradeReading(None),
        narrowing=NarrowingReading(narrowing, int(narrowing >= DECIDED)),
        herniation=grades.findings["disc_herniation"],
        bulging=grades.findings["disc_bulging"],
        spondylolisthesis=grades.findings["spondylolisthesis"],
        endplates=endplates,
        abstained=abstained,
    )


def _modic(change: float, signals: Collection[EndplateSignal] | None) -> ModicReading:
    """A type is given where a change is probable and the signal rule finds one; the grader has no say in the type."""
    shares = type_shares(signals or ())
    probabilities = {"0": 1 - change, **{name: change * share for name, share in shares.items()}}
    if change < DECIDED:
        return ModicReading("0", probabilities, change)
    if total_excess(signals or ()) < TYPED_AREA_MM2:
        return ModicReading(None, probabilities, change)
    return ModicReading(joint_type(shares), probabilities, change)


def joint_type(shares: dict[str, float]) -> str:
    """The type of a change that consists of several: the largest, or a mixed form if a second comes close.

    `shares` are those of "I", "II" and "III", and sum to 1.
    """
    first, second = sorted(shares, key=shares.__getitem__, reverse=True)[:2]
    mixed = "/".join(sorted((first, second), key=len))
    return mixed if shares[second] >= MIXED_SHARE and mixed in MODIC_GRADES else first


def _endplate(
    name: str, grades: DiscGrades, signals: dict[str, EndplateSignal] | None, whole: ModicReading
) -> EndplateReport:
    """The grader knows a change per disc only; the disc's probability is shared by where the signal rule sees it."""
    change = whole.any_change or 0.0
    if signals is None:
        return EndplateReport(_modic(change, None), grades.findings[f"{name}_endplate_change"], None)
    own_excess = total_excess([signals[name]])
    largest = max(total_excess([signal]) for signal in signals.values())
    own = change * (own_excess / largest if largest > 0 else 1.0)
    return EndplateReport(
        modic=_modic(own, [signals[name]]),
        endplate_change=grades.findings[f"{name}_endplate_change"],
        marrow_change=own,
    )


def disc_geometry(disc: LocatedDisc, location: SpineLocation) -> dict[str, Any]:
    """The fields of a `DiscReport` that say which disc it is, where it lies (LPS mm) and how large it is."""
    return {
        "level": disc.level,
        "confidence": disc.confidence,
        "center_lps_mm": disc.center.tolist(),
        "normal_lps": disc.normal.tolist(),
        "anterior_lps": disc.anterior.tolist(),
        "width_mm": disc.width_mm,
        "height_mm": disc.height_mm,
        "height_index": height_index(disc, location),
        "corners_lps_mm": {name: corner.tolist() for name, corner in disc.corners.items()},
    }


def height_index(disc: LocatedDisc, location: SpineLocation) -> float | None:
    """Disc height over the mean height of the bodies beside it; None where a neighbor disc is missing."""
    order = [other.level for other in location.discs]
    at = order.index(disc.level)
    bodies = []
    for other in (at - 1, at + 1):
        if 0 <= other < len(order):
            above, below = sorted((at, other))
            upper, lower = location.discs[above].corners, location.discs[below].corners
            bodies += [
                float(((upper[f"lower_{end}"] - lower[f"upper_{end}"]) ** 2).sum() ** 0.5)
                for end in ("anterior", "posterior")
            ]
    return disc.height_mm / (sum(bodies) / len(bodies)) if bodies else None
