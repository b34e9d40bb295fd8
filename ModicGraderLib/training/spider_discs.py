"""The graded discs of `spider_midsagittal`: located by our own network, cut out, and given their grades."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd

from ..grading.disc_input import DiscInput, disc_inputs
from ..grid import Grid
from ..io import read_study
from ..localization.network import SpineNetwork
from ..localization.spine import LocatedDisc
from ..mapping.marrow import Marrow, fit_study
from ..study import SpineStudy
from .graded_discs import GradedDisc, grade_targets
from .located_study import located_study


def read_graded_discs(folder: Path, network: SpineNetwork) -> list[GradedDisc]:
    """All graded discs of `folder` that are found, patient by patient."""
    grades = pd.read_csv(folder / "gradings.csv", dtype={"patient": str})
    found = []
    for patient, rows in grades.groupby("patient"):
        volumes = folder / "volumes"
        study = read_study(volumes / f"{patient}_t1.nii.gz", volumes / f"{patient}_t2.nii.gz")
        _, inputs, exposures = disc_inputs_of(study, network)
        seen = {one.level: (one, exposure) for one, exposure in zip(inputs, exposures, strict=True)}
        for row in rows.to_dict("records"):
            if row["level"] in seen:
                found.append(_graded(f"spider-{patient}", *seen[row["level"]], row))
    return found


def disc_inputs_of(
    study: SpineStudy, network: SpineNetwork
) -> tuple[tuple[LocatedDisc, ...], list[DiscInput], list[np.ndarray]]:
    """The discs found on a study, the input that the pipeline makes of each, and `GradedDisc.exposure`.

    Raises
    ------
    InputError
        No spine is seen.
    """
    study, location = located_study(study, network=network)
    marrow = fit_study(study, location.labels)
    exposures = [_exposure(study, marrow, disc) for disc in location.discs]
    return location.discs, disc_inputs(study, location, marrow), exposures


def _exposure(study: SpineStudy, marrow: Mapping[str, Marrow], disc: LocatedDisc) -> np.ndarray:
    """Logarithm of normal marrow's signal at a disc over the brightest; (2,), NaN where there is none."""
    point = Grid(np.block([[np.eye(3), disc.center[:, None]], [np.zeros(3), 1]]), (1, 1, 1))
    exposure = np.full(2, np.nan, np.float32)
    for number, (name, volume) in enumerate((("t1", study.t1), ("t2", study.t2))):
        if volume is not None and name in marrow:
            white = max(float(np.percentile(volume.array, 99.5)), 1e-6)
            exposure[number] = float(marrow[name].log_signal(point).item()) - np.log(white)
    return exposure


def _graded(patient: str, disc: DiscInput, exposure: np.ndarray, row: dict) -> GradedDisc:
    changed = row["modic_type"] > 0
    answers = {**row, "modic_change": changed}
    if not changed:
        # The grade is one of the whole disc: of a change it does not say which endplate bears it.
        answers |= {"upper_marrow_change": 0.0, "lower_marrow_change": 0.0}
    targets = grade_targets(answers, row["pfirrmann_grade"])
    return GradedDisc(patient, disc, targets, int(row["modic_type"]), int(row["pfirrmann_grade"]), exposure=exposure)
