"""How well SPIDER's discs are graded by ensemble members that have not seen their patients, as Markdown with a picture
(`evaluation --only grading`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from ..anatomy import ENDPLATES, MODIC_TYPES, PFIRRMANN_GRADES
from ..grading.decisions import CHANGE_CALLED, DECIDED
from ..grading.grader import Ensemble, load_ensemble
from ..grading.tasks import (
    BINARY_TASKS,
    MODIC_CHANGE,
    OUTPUTS,
    PFIRRMANN,
    pfirrmann_grade,
    pfirrmann_probabilities,
)
from ..io import read_study
from ..localization.locate import load_network
from ..pipeline import Models, grade_study
from ..report import DiscReport
from ..training.calibration import calibrate_across_folds, fold_calibrations
from ..training.data_folder import FOLDS, data_folder, fold_of
from ..training.disc_store import DiscStore
from ..training.graded_discs import GradedDisc
from ..training.grader import predict_together
from ..training.grading_data import iterate_spider
from .answers import FINDING, GRADE, Answers, Score, finding, score_table, scores
from .grading_pictures import draw_answers
from .measured_studies import WANTED
from .pages import table
from .peers import peers_table

GRADED_IN_SPIDER = 847
"""Discs with grades in the data folder, up to T9/T10."""

BOTH_ENDPLATES = "endplate change"
"""Task that puts the upper and the lower endplates together."""

FINDINGS = {
    "modic_change": "any Modic change",
    "upper_endplate_change": "upper endplate change",
    "lower_endplate_change": "lower endplate change",
    "disc_narrowing": "narrowing",
    "disc_herniation": "herniation",
    "disc_bulging": "bulging",
    "spondylolisthesis": "spondylolisthesis",
}
"""Outputs of which SPIDER has grades, and what we call them."""

FLOORS = {
    "any Modic change": {"AUROC": 0.88},
    "Pfirrmann": {"quadratic kappa": 0.82, "within one": 0.97},
    "narrowing": {"AUROC": 0.93},
    BOTH_ENDPLATES: {"AUROC": 0.82},
}
"""Least values asked."""

RARE = {1: "I", 3: "III"}
"""Types of which SPIDER has too few discs for any figure."""

INTRO = """Each disc is graded by the members that never saw its patient, with a calibration of yes-or-no answers and
grades that was fitted on the other folds. {patients} patients, {found} discs found of {graded}; their grades were given
on the whole volume, of which one slice is here. The localizer that cut the discs out may have seen their pictures, not
their grades."""

RARE_INTRO = """All discs that the reader graded type I or III, and what the whole pipeline says of them with the
members that never saw the patient. So few say nothing about how well types are told: that rests on simulation.
(Third-party networks trained on SPIDER's four classes reach a macro F1 of 0.36 to 0.37, and find none of these.)"""


def spider_section(runs: Path, picture: Path) -> str:
    """The section as Markdown; draws `picture`. What was found on SPIDER's slices is kept in the folder `runs`."""
    discs = list(iterate_spider(runs))
    ensemble = load_ensemble("cpu")
    logits = fold_logits(discs, ensemble)
    calibrations = _calibrations(discs, ensemble, logits)
    answers = spider_answers(discs, calibrate_across_folds(_patients(discs), logits, calibrations))
    draw_answers(list(answers.values()), picture)
    found = spider_scores(answers)
    intro = INTRO.format(patients=len({one.patient for one in discs}), found=len(discs), graded=GRADED_IN_SPIDER)
    return "\n\n".join([
        intro.replace("\n", " "),
        score_table(found),
        f"![Confusion and reliability of every task on SPIDER]({picture.name})",
        RARE_INTRO.replace("\n", " "),
        rare_table(discs, fold_ensembles(ensemble, calibrations)),
        peers_table(found),
    ])  # fmt: skip


def out_of_fold(discs: Sequence[GradedDisc], ensemble: Ensemble) -> np.ndarray:
    """Calibrated outputs (discs, outputs), each from members and a calibration that never saw its patient.

    Member k of the ensemble was trained without the patients of fold k % FOLDS. Types and classes, of which SPIDER has
    no grades, keep the ensemble's own calibration, which was fitted on simulated patients.
    """
    logits = fold_logits(discs, ensemble)
    return calibrate_across_folds(_patients(discs), logits, _calibrations(discs, ensemble, logits))


def fold_logits(discs: Sequence[GradedDisc], ensemble: Ensemble) -> np.ndarray:
    """Logits (discs, outputs), each from the members trained without its patient."""
    store, folds = DiscStore.of(discs), np.array([fold_of(patient, FOLDS) for patient in _patients(discs)])
    logits = np.zeros((len(discs), OUTPUTS))
    for fold in np.unique(folds):
        held = np.flatnonzero(folds == fold)
        logits[held] = predict_together(ensemble.members[fold::FOLDS], ensemble.base, store, held)
    return logits


def unseen_ensembles(discs: Sequence[GradedDisc], ensemble: Ensemble) -> list[Ensemble]:
    """For each fold of SPIDER's patients the ensemble that has not seen them, from all of its graded discs."""
    return fold_ensembles(ensemble, _calibrations(discs, ensemble, fold_logits(discs, ensemble)))


def fold_ensembles(ensemble: Ensemble, calibrations: Sequence[tuple[np.ndarray, np.ndarray]]) -> list[Ensemble]:
    """For each fold the members that have not seen its patients, with the calibration that has not either."""
    return [
        replace(ensemble, members=ensemble.members[fold::FOLDS], scale=scale, offset=offset)
        for fold, (scale, offset) in enumerate(calibrations)
    ]


def _calibrations(
    discs: Sequence[GradedDisc], ensemble: Ensemble, logits: np.ndarray
) -> list[tuple[np.ndarray, np.ndarray]]:
    targets = np.stack([one.targets for one in discs])
    return fold_calibrations(_patients(discs), logits, targets, ensemble.scale, ensemble.offset)


def _patients(discs: Sequence[GradedDisc]) -> list[str]:
    return [one.patient for one in discs]


def spider_answers(discs: Sequence[GradedDisc], probabilities: np.ndarray) -> dict[str, Answers]:
    """Every task that SPIDER has grades of, by name, from calibrated outputs (discs, outputs)."""
    patients = _patients(discs)
    targets = np.stack([one.targets for one in discs])
    found = {}
    for name, task in FINDINGS.items():
        output = BINARY_TASKS.index(name)
        unit = "endplate" if "endplate" in task else "disc"
        least = CHANGE_CALLED if output == MODIC_CHANGE else DECIDED
        found[task] = finding(task, unit, patients, targets[:, output], probabilities[:, output], least)
    found[BOTH_ENDPLATES] = _together(BOTH_ENDPLATES, found["upper endplate change"], found["lower endplate change"])
    chances = pfirrmann_probabilities(probabilities[:, PFIRRMANN])
    found["Pfirrmann"] = Answers(
        task="Pfirrmann",
        unit="disc",
        classes=tuple(map(str, PFIRRMANN_GRADES)),
        patients=np.array(patients),
        truth=np.array([one.pfirrmann for one in discs]) - PFIRRMANN_GRADES[0],
        called=pfirrmann_grade(chances) - PFIRRMANN_GRADES[0],
        chances=chances,
    )
    return found


def _together(task: str, first: Answers, second: Answers) -> Answers:
    parts = ("patients", "truth", "called", "chances")
    joined = {name: np.concatenate([getattr(one, name) for one in (first, second)]) for name in parts}
    return replace(first, task=task, **joined)


def spider_scores(answers: dict[str, Answers]) -> list[Score]:
    """The metrics of every task."""
    return [
        score
        for task, one in answers.items()
        for score in scores(one, GRADE if task == "Pfirrmann" else FINDING, FLOORS.get(task))
    ]


def rare_table(discs: Sequence[GradedDisc], ensembles: Sequence[Ensemble]) -> str:
    """Every disc of a rare type, and what `grade_study` says of it with the ensemble of its fold."""
    rare = [one for one in discs if one.modic_type in RARE]
    patients = sorted({one.patient for one in rare})
    reports = {patient: _graded(patient, ensembles[fold_of(patient, FOLDS)]) for patient in patients}
    rows = [
        (one.patient, one.disc.level, RARE[one.modic_type], *_said(reports[one.patient][one.disc.level]))
        for one in rare
    ]
    head = ("patient", "level", "reader", "our grade", "any change", "I, II, III given a change", "upper", "lower")
    return table(head, rows)


def _graded(patient: str, ensemble: Ensemble) -> dict[str, DiscReport]:
    volumes, number = data_folder() / "spider_midsagittal" / "volumes", patient.removeprefix("spider-")
    study = read_study(volumes / f"{number}_t1.nii.gz", volumes / f"{number}_t2.nii.gz")
    graded = grade_study(study, models=Models(load_network("cpu"), ensemble), only=WANTED)
    return {disc.level: disc for disc in graded.report.discs}


def _said(disc: DiscReport) -> tuple[str, ...]:
    modic = disc.modic
    change = max(modic.any_change, 1e-9)
    types = ", ".join(f"{modic.probabilities[name] / change:.2f}" for name in MODIC_TYPES[1:])
    grades = [disc.modic.grade, *(disc.endplates[name].modic.grade for name in ENDPLATES)]
    own, upper, lower = (grade or "withheld" for grade in grades)
    return own, f"{modic.any_change:.2f}", types, upper, lower
