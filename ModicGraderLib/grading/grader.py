"""grade_discs(): calibrated probabilities for every disc, from an ensemble of `DiscGrader`s."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import torch

from ..errors import ModelError
from ..models import load_weights
from .disc_input import BORDER, DiscInput
from .network import DiscGrader
from .tasks import BINARY_TASKS, PFIRRMANN, pfirrmann_probabilities

MODEL = "disc-grader"


@dataclass(frozen=True)
class DiscGrades:
    """Calibrated probabilities of one disc: of each of `tasks.BINARY_TASKS`, and (5,) of the Pfirrmann grades."""

    findings: dict[str, float]
    pfirrmann: np.ndarray


@dataclass(frozen=True)
class Ensemble:
    """Members whose logits are averaged, then calibrated per output: `sigmoid(scale * logit + offset)` (Platt)."""

    members: tuple[DiscGrader, ...]
    scale: np.ndarray
    offset: np.ndarray


@lru_cache(maxsize=2)
def load_ensemble(device: str = "cpu") -> Ensemble:
    """The shipped ensemble, ready to run on a device."""
    weights = load_weights(MODEL)
    members = []
    for prefix in sorted({name.split(".")[0] for name in weights if name.startswith("member")}):
        member = DiscGrader()
        own = {name.removeprefix(prefix + "."): tensor for name, tensor in weights.items() if name.startswith(prefix)}
        missing, unknown = member.load_state_dict(own, strict=False)
        if unknown or any("num_batches" not in name for name in missing):
            raise ModelError(f"{MODEL} does not fit this version of ModicGrader; install ModicGrader again")
        members.append(member.eval().to(torch.device(device)))
    return Ensemble(tuple(members), weights["calibration.scale"].numpy(), weights["calibration.offset"].numpy())


@torch.inference_mode()
def grade_discs(inputs: list[DiscInput], ensemble: Ensemble) -> list[DiscGrades]:
    """Grades of each disc, in the order given."""
    if not inputs:
        return []
    device = next(ensemble.members[0].parameters()).device
    region = torch.from_numpy(np.stack([one.region for one in inputs])).to(device)
    region = region[..., BORDER:-BORDER, BORDER:-BORDER]
    scalars = torch.from_numpy(np.stack([one.scalars for one in inputs])).to(device)
    logits = torch.stack([member(region, scalars) for member in ensemble.members]).mean(0).cpu().numpy()
    return [_grades(row) for row in calibrate(logits, ensemble.scale, ensemble.offset)]


def calibrate(logits: np.ndarray, scale: np.ndarray, offset: np.ndarray) -> np.ndarray:
    """Probabilities (..., outputs) from logits of that shape."""
    return 1 / (1 + np.exp(-(scale * logits + offset)))


def _grades(probabilities: np.ndarray) -> DiscGrades:
    findings = {name: float(chance) for name, chance in zip(BINARY_TASKS, probabilities, strict=False)}
    return DiscGrades(findings, pfirrmann_probabilities(probabilities[PFIRRMANN]))
