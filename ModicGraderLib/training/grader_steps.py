"""The steps that make the disc grader, and those that ask what each of its parts is good for."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file, save_file

from . import grader
from .calibration import fit_calibration
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
    validation = simulated_store(out, VALIDATION_SEEDS)
    readers = [grader.load_reader(path) for path in paths]
    rows = np.arange(len(validation))
    seen = np.mean([grader.predict(reader, validation, rows) for reader in readers], axis=0)
    scale, offset = fit_calibration(logits, real.targets.numpy(), seen, validation.targets.numpy())
    assemble(paths, scale, offset, out / WEIGHTS)


def assemble(members: list[Path], scale: np.ndarray, offset: np.ndarray, path: Path) -> None:
    """One file of all members, with `calibration.scale` and `calibration.offset` (outputs,)."""
    tensors = {
        f"member{number:02}.{name}": tensor
        for number, member in enumerate(members)
        for name, tensor in load_file(member).items()
    }
    tensors["calibration.scale"] = torch.tensor(scale, dtype=torch.float32)
    tensors["calibration.offset"] = torch.tensor(offset, dtype=torch.float32)
    partial = path.with_suffix(".partial")
    save_file(tensors, partial)
    partial.replace(path)


def write_json(path: Path, content: object) -> None:
    """A JSON file, complete or not at all."""
    partial = path.with_suffix(".partial")
    partial.write_text(json.dumps(content, indent=1))
    partial.replace(path)
