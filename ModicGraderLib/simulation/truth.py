"""What a reader would call on a simulated study, in the shape of a report, measured on its labels."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass

import numpy as np
from scipy import ndimage

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
from ..grid import Grid
from ..localization.spine import LocatedDisc, SpineLocation
from ..mapping.marrow import Marrow, fit_marrow
from ..measurement.endplate_change import measure_change
from ..reading import height_index, joint_type
from ..regions import part_of, resample
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

SLICES_TO_GRADE = 2
"""A change must be seen on so many slices to be called one (on a study of one slice, on that one)."""

SEEN_MM2 = 5.0
"""Area on a slice from which a change is seen there."""

CONTRAST_TO_NOISE = 1.0
"""A change must differ from the patient's own marrow by so many times the noise, in one contrast at least.

Difference and noise are those of the signal's logarithm; noise is the scanner's or the marrow's own unevenness,
whichever is larger. The signal rule's dead band is as wide (`mapping.signal_rule.DEAD_BAND`).
"""

NARROWED_BELOW = 0.8
"""A disc that has kept less of its healthy height is narrowed."""

BULGING_MM, HERNIATION_MM, SLIP_MM = 1.2, 2.0, 3.0
"""From how much a disc is called bulging or herniated, and a vertebra slipped."""


@dataclass(frozen=True)
class _Change:
    """One lesion of a case: its number in the lesion volume, its type, volume in voxels, and why it is not graded."""

    number: int
    type: str
    voxels: int
    hidden: str | None


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
        `input["simulated"]` holds the case.
    """
    changes = _changes(case, t1, t2, labels, lesions, noise_sd)
    graded = [disc for disc in discs if disc.level in GRADED_DISCS]
    numbering = Numbering(discs[-1].level, "model", 1.0, case.transitional != "none")
    location = SpineLocation(tuple(discs), numbering, labels)
    drawn = json.loads(json.dumps(asdict(case)))
    return StudyReport(
        software={"name": "ModicGrader", "version": __version__, "models": []},
        input={"t1": dict(t1.source), "t2": dict(t2.source), "simulated": drawn},
        quality=[*_hidden(changes, graded), *_out_of_view(graded)],
        numbering=numbering,
        discs=[_disc(case.disc(disc.level), disc, location, changes, lesions, t2) for disc in graded],
    )


def _disc(
    state: DiscState,
    disc: LocatedDisc,
    location: SpineLocation,
    changes: dict[tuple[str, str], list[_Change]],
    lesions: np.ndarray,
    t2: Volume,
) -> DiscReport:
    seen = {
        name: [change for change in changes.get((disc.level, name), []) if change.hidden is None] for name in ENDPLATES
    }
    classes = [getattr(state, name).lesion for name in ENDPLATES]
    worst = max(classes, key=ENDPLATE_LESIONS.index)
    narrowed = int(state.height_factor < NARROWED_BELOW)
    return DiscReport(
        level=disc.level,
        confidence=disc.confidence,
        center_lps_mm=disc.center.tolist(),
        normal_lps=disc.normal.tolist(),
        anterior_lps=disc.anterior.tolist(),
        width_mm=disc.width_mm,
        height_mm=disc.height_mm,
        height_index=height_index(disc, location),
        corners_lps_mm={name: corner.tolist() for name, corner in disc.corners.items()},
        modic=_modic(seen["upper"] + seen["lower"]),
        pfirrmann=GradeReading(state.pfirrmann, {str(g): float(g == state.pfirrmann) for g in PFIRRMANN_GRADES}),
        endplate_lesion=GradeReading(worst, {name: float(name == worst) for name in ENDPLATE_LESIONS}),
        narrowing=NarrowingReading(float(narrowed), narrowed),
        herniation=float(state.herniation_mm >= HERNIATION_MM),
        bulging=float(state.bulge_mm >= BULGING_MM),
        spondylolisthesis=float(abs(state.slip_mm) >= SLIP_MM),
        endplates={
            name: _endplate(disc, name, class_, seen[name], location.labels, lesions, t2)
            for name, class_ in zip(ENDPLATES, classes, strict=True)
        },
    )


def _endplate(
    disc: LocatedDisc,
    name: str,
    class_: str,
    seen: list[_Change],
    labels: np.ndarray,
    lesions: np.ndarray,
    t2: Volume,
) -> EndplateReport:
    body = labels == vertebra_label(vertebrae_of(disc.level)[ENDPLATES.index(name)])
    extent = measure_change(disc, name, np.isin(lesions, [change.number for change in seen]), body, t2)
    return EndplateReport(
        modic=_modic(seen),
        endplate_change=float(class_ != "normal"),
        marrow_change=float(bool(seen)),
        **{**asdict(extent), "location": list(extent.location)},
    )


def _modic(seen: list[_Change]) -> ModicReading:
    """What several changes make together, by their volumes; a mixed one counts half for either of its types."""
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
    unchanged = np.where(lesions > 0, 0, labels)
    volumes = {"t1": t1, "t2": t2}
    marrow = {name: fit_marrow(volume, unchanged, t2.grid) for name, volume in volumes.items()}
    boxes = ndimage.find_objects(lesions, len(case.lesions))
    changes: dict[tuple[str, str], list[_Change]] = {}
    for number, ((level, endplate, lesion), box) in enumerate(zip(case.lesions, boxes, strict=True), 1):
        hidden, voxels = "does not reach the picture", 0
        if box is not None:
            mask, grid = lesions[box] == number, part_of(t2.grid, box)
            voxels = int(mask.sum())
            hidden = _too_few_slices(mask, t2) or _too_faint(mask, grid, volumes, marrow, noise_sd)
        changes.setdefault((level, endplate), []).append(_Change(number, lesion.type, voxels, hidden))
    return changes


def _too_few_slices(mask: np.ndarray, t2: Volume) -> str | None:
    seen = int((mask.sum((1, 2)) * float(np.prod(t2.spacing[1:])) >= SEEN_MM2).sum())
    needed = min(SLICES_TO_GRADE, len(t2.array))
    return None if seen >= needed else f"is seen on {seen} of the {needed} slices that it takes"


def _too_faint(
    mask: np.ndarray,
    grid: Grid,
    volumes: dict[str, Volume],
    marrow: dict[str, Marrow | None],
    noise_sd: dict[str, float],
) -> str | None:
    ratios = [
        contrast_to_noise(mask, grid, volume, reference, noise_sd[name])
        for name, volume in volumes.items()
        if (reference := marrow[name]) is not None
    ]
    return None if max(ratios, default=0.0) >= CONTRAST_TO_NOISE else "hardly differs from the marrow about it"


def contrast_to_noise(mask: np.ndarray, grid: Grid, volume: Volume, marrow: Marrow, noise_sd: float) -> float:
    """By how many times the noise the voxels of a mask on a grid differ from normal marrow; see `CONTRAST_TO_NOISE`."""
    signal = resample(volume.array, volume.grid, grid)
    known = mask & np.isfinite(signal)
    if not known.any():
        return 0.0
    normal = marrow.log_signal(grid)[known]
    difference = float(np.mean(np.log(np.maximum(signal[known], 1e-3)) - normal))
    noise = max(marrow.spread, noise_sd / float(np.exp(normal.mean())))
    return abs(difference) / noise


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
