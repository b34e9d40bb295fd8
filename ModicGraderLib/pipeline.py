"""grade_study(): the one way through the house, stage by stage."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import metadata

import numpy as np
import torch

from . import __version__
from .anatomy import GRADED_DISCS
from .errors import InputError
from .evidence.explain import explain_discs, report_entry, study_map
from .graded import GradedStudy
from .grading.disc_grades import DiscGrades
from .grading.disc_input import DiscInput, disc_inputs
from .grading.grader import MODEL as GRADER
from .grading.grader import Ensemble, grade_discs, load_ensemble
from .localization.agreement import agree_on_discs
from .localization.locate import MODEL as LOCALIZER
from .localization.locate import load_network, locate_spine
from .localization.network import SpineNetwork
from .localization.spine import LocatedDisc, SpineLocation
from .mapping.change_map import EndplateChange, map_changes, merge_maps
from .mapping.marrow import Marrow, fit_study
from .measurement.disc_geometry import spine_geometry
from .models import describe
from .progress import Progress
from .quality import check_grades, check_study
from .reading import called, read_disc
from .report import DiscReport, StudyReport
from .study import SpineStudy

OUTPUTS = ("report", "map", "evidence")
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
        raise InputError(f"Only {', '.join(OUTPUTS[:-1])} and {OUTPUTS[-1]} can be asked for.")
    progress.step(0.0, "Loading the models")
    models = models or Models.shipped(choose_device(device))
    study, agreement = agree_on_discs(study, models.localizer, progress.part(0.02, 0.15))
    location, findings = locate_spine(
        study, network=models.localizer, lowest_disc=lowest_disc, progress=progress.part(0.15, 0.5)
    )
    progress.step(0.5, "Reading the patient's own marrow")
    marrow = fit_study(study, location.labels)
    findings = [*study.quality, *agreement, *findings, *check_study(study, location, marrow)]

    discs = [disc for disc in location.discs if disc.level in GRADED_DISCS]
    there = {one.level: one for one in disc_inputs(study, location, marrow)}
    inputs = [there[disc.level] for disc in discs]
    grades = grade_discs(inputs, models.grader, progress.part(0.55, 0.75))
    changes = _changes(study, location, discs, grades, marrow, progress.part(0.75, 0.85))
    reports = [
        read_disc(disc, grade, changes.get(disc.level), location, study.reference, models.grader.thresholds)
        for disc, grade in zip(discs, grades, strict=True)
    ]
    shown = _maps(changes, grades, discs, study) if changes else {}
    maps = shown if "map" in wanted else {}
    if "evidence" in wanted:
        heat = _evidence(inputs, grades, reports, study, shown.get("modic_map"), models, progress.part(0.85, 0.98))
        maps = {**maps, "evidence": heat}
    report = StudyReport(
        software=_software(),
        input={name: dict(volume.source) for name, volume in (("t1", study.t1), ("t2", study.t2)) if volume},
        quality=[*findings, *check_grades(reports)],
        numbering=location.numbering,
        discs=reports,
        **spine_geometry(location, study.reference),
    )
    return GradedStudy(study, location, report, maps)


def _changes(
    study: SpineStudy,
    location: SpineLocation,
    discs: list[LocatedDisc],
    grades: list[DiscGrades],
    marrow: dict[str, Marrow],
    progress: Progress,
) -> dict[str, dict[str, EndplateChange]]:
    """The map at each disc by level and endplate; empty without T1 and T2, which tell the types."""
    fat_suppressed = any(volume.contrast == "t2_fat_suppressed" for volume in study.volumes)
    if set(marrow) != {"t1", "t2"} or fat_suppressed:
        return {}
    changes = {}
    for number, (disc, grade) in enumerate(zip(discs, grades, strict=True)):
        progress.step(number / len(discs), f"Mapping the marrow at {disc.level}")
        changes[disc.level] = map_changes(disc, grade, location.labels, study, marrow)
    return changes


def _maps(
    changes: dict[str, dict[str, EndplateChange]], grades: list[DiscGrades], discs: list[LocatedDisc], study: SpineStudy
) -> dict[str, np.ndarray]:
    """The study's maps; what is changed pixel by pixel is shown where the grades call a change, so that both agree."""
    shown = []
    for disc, grade in zip(discs, grades, strict=True):
        for name, change in changes[disc.level].items():
            shown.append(change if name in called(grade) else change.without_decision())
    return merge_maps(shown, study.reference.array.shape)


def _evidence(
    inputs: list[DiscInput],
    grades: list[DiscGrades],
    reports: list[DiscReport],
    study: SpineStudy,
    modic_map: np.ndarray | None,
    models: Models,
    progress: Progress,
) -> np.ndarray:
    """The heatmap of the study; what it says of each disc goes into `reports`."""
    found = explain_discs(inputs, grades, models.grader, progress=progress)
    changed = None if modic_map is None else modic_map > 0
    for one, report in zip(inputs, reports, strict=True):
        if report.level in found:
            report.evidence = report_entry(found[report.level], one, study.reference, changed)
    return study_map(found, study.reference)


def _software() -> dict:
    return {
        "name": "ModicGrader",
        "version": __version__,
        "models": [entry for entry in describe() if entry["name"] in (LOCALIZER, GRADER)],
        "torch": metadata.version("torch"),
    }
