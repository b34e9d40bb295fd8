"""The steps that make the disc grader, and those that ask what each of its parts is good for."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file

from ..grading.abstention import Judged, fit_thresholds, judge
from ..grading.disc_grades import calibrate
from ..grading.grader import BASE, joined
from ..models import write_weights
from . import grader
from .calibration import calibrate_across_folds, fit_calibration, fold_calibrations
from .disc_store import DiscStore
from .grading_data import simulated_store, spider_store
from .simulated_cohort import TRAINING_SEEDS, VALIDATION_SEEDS

WEIGHTS = "disc-grader.safetensors"


def pretrain(out: Path, steps: int) -> None:
    """A reader that has seen simulated patients alone."""
    grader.pretrain(simulated_store(out, TRAINING_SEEDS), out, steps=steps)


def fine_tune(out: Path, steps: int, repeats: int) -> None:
    """The members of the ensemble, each without a fold of SPIDER's patients, and their calibration."""
    real, simulated = spider_store(out), simulated_store(out, TRAINING_SEEDS)
    start = out / "pretrained.safetensors"
    logits = grader.cross_validate(real, simulated, out / "members", start=start, steps=steps, repeats=repeats)
    paths = [out / "members" / f"member{number}.safetensors" for number in range(grader.FOLDS * repeats)]
    finish(out, paths, start, logits)


def finish(out: Path, paths: list[Path], base_path: Path, logits: np.ndarray) -> None:
    """Calibrate members and base, decide from which confidence on they give a grade, and put all into one file.

    `logits` (discs, outputs) are those of SPIDER's discs, each from members that have not seen its patient. The base
    has seen none of them.
    """
    real, validation = spider_store(out), simulated_store(out, VALIDATION_SEEDS)
    readers, base = [grader.load_reader(path) for path in paths], grader.load_reader(base_path)
    seen = grader.predict_together(readers, base, validation, np.arange(len(validation)))
    logits = joined(logits, grader.predict(base, real, np.arange(len(real))))
    scale, offset = fit_calibration(logits, real.targets.numpy(), seen, validation.targets.numpy())
    # Real discs say how far a grade can be trusted, where they have it; simulated ones say it of the others.
    calibrations = fold_calibrations(real.patients, logits, real.targets.numpy(), scale, offset)
    trusted = _judged(real, calibrate_across_folds(real.patients, logits, calibrations))
    thresholds = fit_thresholds(_judged(validation, calibrate(seen, scale, offset)) | trusted)
    tensors = {
        "calibration.scale": scale,
        "calibration.offset": offset,
        "abstention.threshold": thresholds.to_array(),
    }
    assemble(paths, base_path, tensors, out / WEIGHTS)


def _judged(store: DiscStore, probabilities: np.ndarray) -> dict[str, Judged]:
    return judge(probabilities, store.targets.numpy(), store.modic, store.pfirrmann, store.patients)


def assemble(members: list[Path], base: Path, rest: dict[str, np.ndarray], path: Path) -> None:
    """One file of all members, their base, and what else belongs to the ensemble."""
    readers = {f"member{number:02}": member for number, member in enumerate(members)} | {BASE: base}
    tensors = {
        f"{prefix}.{name}": tensor for prefix, reader in readers.items() for name, tensor in load_file(reader).items()
    }
    tensors |= {name: torch.tensor(values, dtype=torch.float32) for name, values in rest.items()}
    write_weights(path, tensors)
