"""What a reader would call on a simulated study, in the shape of a report, measured on its labels."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass

import numpy as np

from .. import __version__
from ..anatomy import (
    ENDPLATE_LESIONS,
    ENDPLATES,
    GRADED_DISCS,
    MODIC_TYPES,
    PFIRRMANN_GRADES,
    vertebra_label,
    vertebrae_of,
)
from ..grading.decisions import joint_type
from ..localization.spine import LocatedDisc, SpineLocation
from ..measurement.disc_geometry import disc_geometry, spine_geometry
from ..measurement.endplate_change import measure_change
from ..report import (
    DiscReport,
    EndplateReport,
    GradeReading,
    ModicReading,
    NarrowingReading,
    Numbering,
    QualityFinding,
    StudyReport,
)
from ..study import Volume
from .case import Case, DiscState
from .visibility import SLICES_TO_GRADE, Seen, Visibility

NARROWED_BELOW = 0.8
"""A disc that has kept less of its healthy height is narrowed."""

BULGING_MM, HERNIATION_MM, SLIP_MM = 1.2, 2.0, 3.0
"""From how much a disc is called bulging or herniated, and a vertebra slipped."""


@dataclass(frozen=True)
class _Change:
    """One lesion of a case: its number in the lesion volume, its type, its volume in voxels, and how it is seen."""

    number: int
    type: str
    voxels: int
    seen: Seen

    @property
    def hidden(self) -> str | None:
        """Why it is not graded; None where it is."""
        return self.seen.why_hidden()


def truth_report(
    case: Case,
    discs: Sequence[LocatedDisc],
    t1: Volume,
    t2: Volume,
    labels: np.ndarray,
    lesions: np.ndarray,
    noise_sd: dict[str, float],
) -> StudyReport:
    """The true report of a simulated study.

    A change on too few slices, or one that hardly differs from the patient's unchanged marrow in both contrasts, has
    grade 0 and a quality finding `change_not_gradable`: the truth is what a reader would call, not what was drawn.

    Parameters
    ----------
    discs:
        Every disc in view, head to foot, with its true corners.
    labels, lesions:
        (slices, rows, columns) uint8 on the grid of `t2`: spine labels, and the number from 1 in `case.lesions`.
    noise_sd:
        Standard deviation of the scanner's noise in "t1" and "t2", in units of their arrays.

    Returns
    -------
    StudyReport
        Discs of `anatomy.GRADED_DISCS` in view; probabilities are 0 and 1, those of a mixed type its shares.
        `input["simulated"]` holds the case, `input["simulated_changes"]` how well each change can be seen.
    """
    changes = _changes(case, t1, t2, labels, lesions, noise_sd)
    graded = [disc for disc in discs if disc.level in GRADED_DISCS]
    numbering = Numbering(discs[-1].level, "model", 1.0, case.transitional != "none")
    location = SpineLocation(tuple(discs), numbering, labels)
    drawn = json.loads(json.dumps(asdict(case)))
    return StudyReport(
        software={"name": "ModicGrader", "version": __version__, "models": []},
        input={
            "t1": dict(t1.source),
            "t2": dict(t2.source),
            "simulated": drawn,
            "simulated_changes": _described(changes),
        },
        quality=[*_hidden(changes, graded), *_out_of_view(graded)],
        numbering=numbering,
        discs=[_disc(case.disc(disc.level), disc, location, changes, lesions, t2) for disc in graded],
        **spine_geometry(location),
    )


def _disc(
    state: DiscState,
    disc: LocatedDisc,
    location: SpineLocation,
    changes: dict[tuple[str, str], list[_Change]],
    lesions: np.ndarray,
    t2: Volume,
) -> DiscReport:
    own = {name: changes.get((disc.level, name), []) for name in ENDPLATES}
    classes = [getattr(state, name).lesion for name in ENDPLATES]
    worst = max(classes, key=ENDPLATE_LESIONS.index)
    narrowed = int(state.height_factor < NARROWED_BELOW)
    return DiscReport(
        **disc_geometry(disc, location),
        modic=_modic(own["upper"] + own["lower"]),
        pfirrmann=GradeReading(state.pfirrmann, {str(g): float(g == state.pfirrmann) for g in PFIRRMANN_GRADES}),
        endplate_lesion=GradeReading(worst, {name: float(name == worst) for name in ENDPLATE_LESIONS}),
        narrowing=NarrowingReading(float(narrowed), narrowed),
        herniation=float(state.herniation_mm >= HERNIATION_MM),
        bulging=float(state.bulge_mm >= BULGING_MM),
        spondylolisthesis=float(abs(state.slip_mm) >= SLIP_MM),
        endplates={
            name: _endplate(disc, name, class_, own[name], location.labels, lesions, t2)
            for name, class_ in zip(ENDPLATES, classes, strict=True)
        },
    )


def _endplate(
    disc: LocatedDisc,
    name: str,
    class_: str,
    changes: list[_Change],
    labels: np.ndarray,
    lesions: np.ndarray,
    t2: Volume,
) -> EndplateReport:
    modic, lesion = _modic(changes), float(class_ != "normal")
    if modic.grade is None:
        return EndplateReport(modic, endplate_change=lesion)
    seen = _called(changes)
    body = labels == vertebra_label(vertebrae_of(disc.level)[ENDPLATES.index(name)])
    extent = measure_change(disc, name, np.isin(lesions, [change.number for change in seen]), body, t2)
    return EndplateReport(
        modic=modic,
        endplate_change=lesion,
        marrow_change=float(bool(seen)),
        **{**asdict(extent), "location": list(extent.location)},
    )


def _called(changes: list[_Change]) -> list[_Change]:
    """Those that a reader would call."""
    return [change for change in changes if change.hidden is None]


def _modic(changes: list[_Change]) -> ModicReading:
    """What several changes make together, by their volumes; a mixed one counts half for either of its types.

    Where all are hidden no grade is given: marrow that was changed is not normal, and no reader would call it changed.
    """
    seen = _called(changes)
    if changes and not seen:
        return ModicReading(None)
    if not seen:
        return ModicReading("0", {type_: float(type_ == "0") for type_ in MODIC_TYPES}, 0.0)
    volumes = dict.fromkeys(MODIC_TYPES, 0.0)
    for change in seen:
        parts = change.type.split("/")
        for part in parts:
            volumes[part] += change.voxels / len(parts)
    shares = {type_: volume / sum(volumes.values()) for type_, volume in volumes.items()}
    return ModicReading(joint_type({type_: shares[type_] for type_ in MODIC_TYPES[1:]}), shares, 1.0)


def _changes(
    case: Case, t1: Volume, t2: Volume, labels: np.ndarray, lesions: np.ndarray, noise_sd: dict[str, float]
) -> dict[tuple[str, str], list[_Change]]:
    """The changes by (level, endplate)."""
    if not case.lesions:
        return {}
    visibility = Visibility({"t1": t1, "t2": t2}, labels, lesions, noise_sd)
    voxels = np.bincount(lesions.ravel(), minlength=len(case.lesions) + 1)
    changes: dict[tuple[str, str], list[_Change]] = {}
    for number, (level, endplate, lesion) in enumerate(case.lesions, 1):
        seen = visibility.measure(number, vertebrae_of(level)[ENDPLATES.index(endplate)])
        changes.setdefault((level, endplate), []).append(_Change(number, lesion.type, int(voxels[number]), seen))
    return changes


def _described(changes: dict[tuple[str, str], list[_Change]]) -> list[dict[str, object]]:
    """What was drawn, and how well it can be seen; for those who want another rule of what a reader would call."""
    return [
        {
            "number": one.number,
            "level": level,
            "endplate": endplate,
            "type": one.type,
            "contrast_to_noise": round(one.seen.contrast_to_noise, 3),
            "largest_areas_mm2": [
                round(area, 1) for area in sorted(one.seen.areas_mm2, reverse=True)[:SLICES_TO_GRADE]
            ],
            "called": one.hidden is None,
        }
        for (level, endplate), some in changes.items()
        for one in some
    ]


def _hidden(changes: dict[tuple[str, str], list[_Change]], discs: Sequence[LocatedDisc]) -> list[QualityFinding]:
    return [
        QualityFinding(
            "change_not_gradable",
            "info",
            f"The type {change.type} change at the {endplate} endplate of {disc.level} {change.hidden}; "
            "it is not graded.",
            disc.level,
        )
        for disc in discs
        for endplate in ENDPLATES
        for change in changes.get((disc.level, endplate), [])
        if change.hidden is not None
    ]


def _out_of_view(discs: Sequence[LocatedDisc]) -> list[QualityFinding]:
    there = {disc.level for disc in discs}
    return [
        QualityFinding("level_not_in_view", "info", f"The disc {level} is not in the picture.", level)
        for level in GRADED_DISCS
        if level not in there
    ]
