"""grade_discs(): calibrated probabilities for every disc and a map of its marrow, from an ensemble of `DiscReader`s."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import torch

from ..errors import ModelError
from ..models import load_weights
from ..progress import Progress
from .abstention import GIVE_ALL, Thresholds
from .disc_grades import DiscGrades, calibrate, grades_of
from .disc_input import INNER, DiscInput
from .network import DiscReader

MODEL = "disc-grader"


@dataclass(frozen=True)
class Ensemble:
    """Members whose logits are averaged, then calibrated per output: `scale * logit + offset` (Platt).

    `thresholds` say from which confidence on a grade is given.
    """

    members: tuple[DiscReader, ...]
    scale: np.ndarray
    offset: np.ndarray
    thresholds: Thresholds = GIVE_ALL

    @property
    def device(self) -> torch.device:
        """Where the members are."""
        return next(self.members[0].parameters()).device


@lru_cache(maxsize=2)
def load_ensemble(device: str = "cpu") -> Ensemble:
    """The shipped ensemble, ready to run on a device."""
    weights = load_weights(MODEL)
    members = []
    for prefix in sorted({name.split(".")[0] for name in weights if name.startswith("member")}):
        member = DiscReader()
        own = {
            name.removeprefix(prefix + "."): tensor.float()
            for name, tensor in weights.items()
            if name.startswith(prefix + ".")
        }
        missing, unknown = member.load_state_dict(own, strict=False)
        if unknown or any("num_batches" not in name for name in missing):
            raise ModelError(f"{MODEL} does not fit this version of ModicGrader; install ModicGrader again")
        members.append(member.eval().to(torch.device(device), memory_format=torch.channels_last))
    thresholds = Thresholds.from_array(weights["abstention.threshold"].numpy())
    return Ensemble(
        tuple(members), weights["calibration.scale"].numpy(), weights["calibration.offset"].numpy(), thresholds
    )


@torch.inference_mode()
def grade_discs(inputs: Sequence[DiscInput], ensemble: Ensemble, progress: Progress | None = None) -> list[DiscGrades]:
    """Grades of each disc, in the order given.

    Raises
    ------
    Cancelled
        The user asked to stop.
    """
    progress = progress or Progress()
    grades = []
    for number, one in enumerate(inputs):
        progress.step(number / len(inputs), f"Grading {one.level}")
        grades.append(_grade(one, ensemble))
    return grades


def _grade(one: DiscInput, ensemble: Ensemble) -> DiscGrades:
    region = one.region[..., *INNER]
    slices = torch.from_numpy(np.ascontiguousarray(region.swapaxes(0, 1))).to(ensemble.device)
    scalars = torch.from_numpy(one.scalars)[None].to(ensemble.device)
    answers = [member(slices, scalars, [len(slices)]) for member in ensemble.members]
    logits = torch.stack([disc for disc, _ in answers]).mean(0)[0].cpu().numpy()
    pixels = torch.stack([pixels.softmax(1) for _, pixels in answers]).mean(0).cpu().numpy().swapaxes(0, 1)
    return grades_of(calibrate(logits, ensemble.scale, ensemble.offset), pixels, one.inner_grid)
