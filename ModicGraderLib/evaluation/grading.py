"""How well discs are graded by ensemble members that have not seen their patients."""

from __future__ import annotations

import numpy as np

from ..grading.grader import Ensemble, calibrate
from ..grading.tasks import BINARY_TASKS, OUTPUTS, PFIRRMANN, pfirrmann_grade, pfirrmann_probabilities
from ..training.data_folder import fold_of
from ..training.grader import FOLDS, fit_calibration, predict, stack
from ..training.spider_discs import GradedDisc
from .metrics import Estimate, auroc, balanced_accuracy, bootstrap, calibration_error, quadratic_kappa


def out_of_fold(discs: list[GradedDisc], ensemble: Ensemble) -> np.ndarray:
    """Probabilities (discs, outputs), each from the members trained without its patient.

    The calibration applied to a fold is fitted on the other folds' out-of-fold scores.
    """
    tensors = stack(discs)
    folds = np.array([fold_of(disc.patient, FOLDS) for disc in discs])
    logits = np.zeros((len(discs), OUTPUTS))
    for fold in range(FOLDS):
        held = np.flatnonzero(folds == fold)
        logits[held] = np.mean([predict(member, tensors, held) for member in ensemble.members[fold::FOLDS]], axis=0)
    probabilities = np.zeros_like(logits)
    for fold in range(FOLDS):
        held = folds == fold
        scale, offset = fit_calibration(logits[~held], tensors[2].numpy()[~held])
        probabilities[held] = calibrate(logits[held], scale, offset)
    return probabilities


def grading_rows(discs: list[GradedDisc], probabilities: np.ndarray) -> list[tuple[str, str, Estimate]]:
    """(task, metric, estimate) for every task."""
    patients = [disc.patient for disc in discs]
    targets = np.stack([disc.targets for disc in discs])
    rows = []
    for index, task in enumerate(BINARY_TASKS):
        truth, chance = targets[:, index] > 0.5, probabilities[:, index]
        for name, metric in (
            ("AUROC", lambda rows, t=truth, p=chance: auroc(t[rows], p[rows])),
            ("balanced accuracy", lambda rows, t=truth, p=chance: balanced_accuracy(t[rows], p[rows] >= 0.5)),
            ("calibration error", lambda rows, t=truth, p=chance: calibration_error(t[rows], p[rows])),
        ):
            rows.append((task, name, bootstrap(metric, patients)))
    pooled = np.concatenate([targets[:, 2], targets[:, 3]]) > 0.5
    chance = np.concatenate([probabilities[:, 2], probabilities[:, 3]])
    rows.append((
        "endplate change, both", "AUROC", bootstrap(lambda rows: auroc(pooled[rows], chance[rows]), 2 * patients)
    ))  # fmt: skip
    truth = np.array([disc.pfirrmann for disc in discs])
    grade = pfirrmann_grade(pfirrmann_probabilities(probabilities[:, PFIRRMANN]))
    rows += [
        ("Pfirrmann", "quadratic kappa", bootstrap(lambda rows: quadratic_kappa(truth[rows], grade[rows]), patients)),
        ("Pfirrmann", "within one", bootstrap(lambda rows: (abs(truth - grade)[rows] <= 1).mean(), patients)),
        ("Pfirrmann", "exact", bootstrap(lambda rows: (truth == grade)[rows].mean(), patients)),
    ]
    return rows
