"""The graded discs of `spider_midsagittal`: located by our own network, cut out, and given their grades."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from ..anatomy import PFIRRMANN_GRADES
from ..grading.disc_input import DiscInput, disc_inputs
from ..grading.tasks import BINARY_TASKS, OUTPUTS
from ..io import read_study
from ..localization.agreement import agree_on_discs
from ..localization.locate import locate_spine
from ..localization.network import SpineNetwork
from ..localization.spine import LocatedDisc
from ..mapping.marrow import fit_marrow
from ..study import SpineStudy


@dataclass(frozen=True)
class GradedDisc:
    """One disc with its targets (outputs,) in {0, 1}; NaN where a grade is missing.

    `modic_type` is the index in `anatomy.MODIC_GRADES`, -1 where no grade was given; SPIDER knows no mixed types.
    """

    patient: str
    disc: DiscInput
    targets: np.ndarray
    modic_type: int
    pfirrmann: int


def read_graded_discs(folder: Path, network: SpineNetwork) -> list[GradedDisc]:
    """All graded discs of `folder` that are found, patient by patient."""
    grades = pd.read_csv(folder / "gradings.csv", dtype={"patient": str})
    found = []
    for patient, rows in grades.groupby("patient"):
        volumes = folder / "volumes"
        study = read_study(volumes / f"{patient}_t1.nii.gz", volumes / f"{patient}_t2.nii.gz")
        inputs = {one.level: one for one in disc_inputs_of(study, network)[1]}
        for row in rows.to_dict("records"):
            if row["level"] in inputs:
                found.append(_graded(f"spider-{patient}", inputs[row["level"]], row))
    return found


def disc_inputs_of(study: SpineStudy, network: SpineNetwork) -> tuple[tuple[LocatedDisc, ...], list[DiscInput]]:
    """The discs found on a study, and the input that the pipeline makes of each.

    Raises
    ------
    InputError
        No spine is seen.
    """
    study, _ = agree_on_discs(study, network)
    location, _ = locate_spine(study, network=network)
    marrow = {
        name: reference
        for name, volume in (("t1", study.t1), ("t2", study.t2))
        if volume is not None and (reference := fit_marrow(volume, location.labels, study.reference.grid)) is not None
    }
    return location.discs, disc_inputs(study, location, marrow)


def grade_targets(answers: Mapping[str, float | None], pfirrmann: int) -> np.ndarray:
    """The grader's targets (outputs,) in {0, 1}.

    Parameters
    ----------
    answers:
        Each of `tasks.BINARY_TASKS` as a number that says yes above one half; None, and NaN, where it is not known.
    """
    targets = np.full(OUTPUTS, np.nan, np.float32)
    for index, task in enumerate(BINARY_TASKS):
        if answers[task] is not None and not np.isnan(answers[task]):
            targets[index] = float(answers[task] > 0.5)
    for index, grade in enumerate(PFIRRMANN_GRADES[:-1]):
        targets[len(BINARY_TASKS) + index] = float(pfirrmann > grade)
    return targets


def _graded(patient: str, disc: DiscInput, row: dict) -> GradedDisc:
    targets = grade_targets({**row, "modic_change": row["modic_type"] > 0}, row["pfirrmann_grade"])
    return GradedDisc(patient, disc, targets, int(row["modic_type"]), int(row["pfirrmann_grade"]))
