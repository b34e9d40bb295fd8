"""grade_study(): the one way through the house, stage by stage."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import metadata

import numpy as np
import torch

from . import __version__
from .anatomy import GRADED_DISCS
from .errors import InputError
from .graded import GradedStudy
from .grading.disc_input import disc_inputs
from .grading.grader import MODEL as GRADER
from .grading.grader import Ensemble, grade_discs, load_ensemble
from .localization.agreement import agree_on_discs
from .localization.locate import MODEL as LOCALIZER
from .localization.locate import load_network, locate_spine
from .localization.network import SpineNetwork
from .localization.spine import LocatedDisc, SpineLocation
from .mapping.marrow import Marrow, fit_marrow
from .mapping.signal_rule import EndplateSignal, read_endplates
from .models import describe
from .progress import Progress
from .reading import read_disc
from .report import DiscReport, QualityFinding, StudyReport
from .study import SpineStudy

OUTPUTS = ("report", "map")
"""What `only` may name."""


@dataclass(frozen=True)
class Models:
    """The networks a run uses; those shipped unless others are given."""

    localizer: SpineNetwork
    grader: Ensemble

    @classmethod
    def shipped(cls, device: str) -> Models:
        """The models of `Resources/Models` on a torch device."""
        return cls(load_network(device), load_ensemble(device))


def choose_device(device: str) -> str:
    """`auto` becomes the best device there is; one asked for that is not there raises InputError."""
    there = {"cpu": True, "cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}
    if device == "auto":
        return next(name for name in ("cuda", "mps", "cpu") if there[name])
    if device not in there or not there[device]:
        known = ", ".join(name for name, present in there.items() if present)
        raise InputError(f"The device {device!r} is not available here; use auto or one of: {known}.")
    return device


def grade_study(
    study: SpineStudy,
    *,
    lowest_disc: str | None = None,
    device: str = "auto",
    only: frozenset[str] | None = None,
    models: Models | None = None,
    progress: Progress | None = None,
) -> GradedStudy:
    """Find, name and grade the discs of a study.

    Parameters
    ----------
    lowest_disc:
        Name of the lowest disc in view, to override the model's numbering.
    only:
        Subset of `OUTPUTS` to compute; None computes all.

    Raises
    ------
    InputError
        No lumbar spine is seen, or the call is wrong.
    Cancelled
        The user asked to stop.
    """
    progress = progress or Progress()
    wanted = frozenset(OUTPUTS) if only is None else only
    if not wanted <= set(OUTPUTS):
        raise InputError(f"Only {' and '.join(OUTPUTS)} can be asked for; evidence heatmaps are not made yet.")
    progress.step(0.0, "Loading the models")
    models = models or Models.shipped(choose_device(device))
    study, agreement = agree_on_discs(study, models.localizer, progress.part(0.02, 0.15))
    location, findings = locate_spine(
        study, network=models.localizer, lowest_disc=lowest_disc, progress=progress.part(0.15, 0.6)
    )
    progress.step(0.6, "Reading the patient's own marrow")
    marrow = _marrow(study, location)
    discs = [disc for disc in location.discs if disc.level in GRADED_DISCS]
    findings = [*study.quality, *agreement, *findings, *_missing(discs), *_unreadable(study, marrow)]

    progress.step(0.7, "Grading the discs")
    inputs = {one.level: one for one in disc_inputs(study, location, marrow)}
    grades = grade_discs([inputs[disc.level] for disc in discs], models.grader)
    signals, typed = _signals(study, location, discs, marrow, progress.part(0.75, 0.95))

    progress.step(0.95, "Writing the report")
    reports = [
        read_disc(disc, grade, signals.get(disc.level), location) for disc, grade in zip(discs, grades, strict=True)
    ]
    report = StudyReport(
        software=_software(),
        input={name: dict(volume.source) for name, volume in (("t1", study.t1), ("t2", study.t2)) if volume},
        quality=findings,
        numbering=location.numbering,
        discs=reports,
    )
    maps = _maps(typed, reports, discs) if "map" in wanted and typed else {}
    return GradedStudy(study, location, report, maps)


def _marrow(study: SpineStudy, location: SpineLocation) -> dict[str, Marrow]:
    grid = study.reference.grid
    fitted = {
        name: fit_marrow(volume, location.labels, grid)
        for name, volume in (("t1", study.t1), ("t2", study.t2))
        if volume is not None
    }
    return {name: marrow for name, marrow in fitted.items() if marrow is not None}


def _missing(discs: list[LocatedDisc]) -> list[QualityFinding]:
    there = {disc.level for disc in discs}
    missing = [level for level in GRADED_DISCS if level not in there]
    return [
        QualityFinding("level_not_in_view", "info", f"The disc {level} was not found and is not graded.", level)
        for level in missing
    ]


def _unreadable(study: SpineStudy, marrow: dict[str, Marrow]) -> list[QualityFinding]:
    return [
        QualityFinding(
            "marrow_unreadable",
            "warning",
            f"The vertebral marrow could not be read on {volume.contrast.upper()[:2]}; that series was not graded.",
        )
        for name, volume in (("t1", study.t1), ("t2", study.t2))
        if volume is not None and name not in marrow
    ]


def _signals(
    study: SpineStudy,
    location: SpineLocation,
    discs: list[LocatedDisc],
    marrow: dict[str, Marrow],
    progress: Progress,
) -> tuple[dict[str, dict[str, EndplateSignal]], dict[str, np.ndarray]]:
    """The signal rule's finding per disc and endplate, and its map per disc; both empty without T1 and T2."""
    fat_suppressed = any(volume.contrast == "t2_fat_suppressed" for volume in study.volumes)
    if set(marrow) != {"t1", "t2"} or fat_suppressed:
        return {}, {}
    signals, typed = {}, {}
    for number, disc in enumerate(discs):
        progress.step(number / len(discs), f"Typing the marrow at {disc.level}")
        signals[disc.level], typed[disc.level] = read_endplates(disc, location.labels, study, marrow)
    return signals, typed


def _maps(typed: dict[str, np.ndarray], reports: list[DiscReport], discs: list[LocatedDisc]) -> dict[str, np.ndarray]:
    # The rule alone sees change everywhere that marrow is uneven; the grader decides at which discs it is believed.
    shape = next(iter(typed.values())).shape
    modic_map, probability = np.zeros(shape, np.uint8), np.zeros(shape, np.float32)
    for disc, report in zip(discs, reports, strict=True):
        change = report.modic.any_change or 0.0
        inside = typed[disc.level] > 0
        probability[inside] = np.maximum(probability[inside], change)
        if report.modic.grade not in (None, "0"):
            modic_map[inside] = typed[disc.level][inside]
    return {"modic_map": modic_map, "modic_probability": probability}


def _software() -> dict:
    return {
        "name": "ModicGrader",
        "version": __version__,
        "models": [entry for entry in describe() if entry["name"] in (LOCALIZER, GRADER)],
        "torch": metadata.version("torch"),
    }
