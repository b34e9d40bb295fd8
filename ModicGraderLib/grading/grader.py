"""grade_discs(): calibrated probabilities for every disc and a map of its marrow, from an ensemble of `DiscReader`s."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import torch
from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from ..errors import ModelError
from ..models import load_weights
from ..progress import Progress
from .abstention import GIVE_ALL, Thresholds
from .disc_grades import DiscGrades, calibrate, grades_of
from .disc_input import INNER, DiscInput
from .network import DiscReader
from .tasks import ENDPLATE_CHANGE, ENDPLATE_LESION, MODIC_TYPE

MODEL = "disc-grader"

BASE = "base"
"""Prefix of its weights in the model's file; those of the members are numbered."""

BASE_SHARE = 0.4
"""What the base says counts for so much of the answers `FROM_SIMULATION`, and of the map. Chosen on simulated
validation patients, knowing SPIDER's figures: more of it costs on real endplates what it gains on simulated ones."""

FROM_SIMULATION = np.r_[(ENDPLATE_CHANGE, *MODIC_TYPE.values(), *ENDPLATE_LESION.values())]
"""Answers that simulated patients teach better than SPIDER's one slice, or that they alone teach."""


@dataclass(frozen=True)
class Ensemble:
    """Members whose logits are averaged, then calibrated per output: `scale * logit + offset` (Platt).

    Attributes
    ----------
    members:
        Tuned on SPIDER's discs, each on other patients.
    scale, offset:
        (outputs,).
    thresholds:
        From which confidence on a grade is given.
    base:
        A reader that has seen simulated patients alone, and keeps what SPIDER makes the members forget; see `joined`.
    """

    members: tuple[DiscReader, ...]
    scale: np.ndarray
    offset: np.ndarray
    thresholds: Thresholds = GIVE_ALL
    base: DiscReader | None = None

    @property
    def device(self) -> torch.device:
        """Where the members are."""
        return next(self.members[0].parameters()).device


@lru_cache(maxsize=2)
def load_ensemble(device: str = "cpu") -> Ensemble:
    """The shipped ensemble, ready to run on a device."""
    weights = load_weights(MODEL)
    prefixes = sorted({name.split(".")[0] for name in weights})
    return Ensemble(
        tuple(_reader(weights, prefix, device) for prefix in prefixes if prefix.startswith("member")),
        weights["calibration.scale"].numpy(),
        weights["calibration.offset"].numpy(),
        Thresholds.from_array(weights["abstention.threshold"].numpy()),
        _reader(weights, BASE, device) if BASE in prefixes else None,
    )


def _reader(weights: Mapping[str, torch.Tensor], prefix: str, device: str) -> DiscReader:
    reader = DiscReader()
    own = {
        name.removeprefix(prefix + "."): tensor.float()
        for name, tensor in weights.items()
        if name.startswith(prefix + ".")
    }
    missing, unknown = reader.load_state_dict(own, strict=False)
    if unknown or any("num_batches" not in name for name in missing):
        raise ModelError(f"{MODEL} does not fit this version of ModicGrader; install ModicGrader again")
    return _fused(reader.eval()).to(torch.device(device), memory_format=torch.channels_last)


def _fused(reader: DiscReader) -> DiscReader:
    """The same reader, its batch normalization made part of the convolutions before it: a tenth faster."""
    for part in reader.modules():
        if isinstance(part, nn.Sequential):
            for at in range(len(part) - 1):
                if isinstance(part[at], nn.Conv2d) and isinstance(part[at + 1], nn.BatchNorm2d):
                    part[at], part[at + 1] = fuse_conv_bn_eval(part[at], part[at + 1]), nn.Identity()
    return reader


def joined(members: np.ndarray, base: np.ndarray | None) -> np.ndarray:
    """Logits (..., outputs) of an ensemble from the means of its members and what its base says, if it has one."""
    together = members.copy()
    if base is not None:
        together[..., FROM_SIMULATION] += BASE_SHARE * (base - members)[..., FROM_SIMULATION]
    return together


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
    answers = [_read(member, slices, scalars) for member in ensemble.members]
    logits, pixels = (np.mean(parts, axis=0) for parts in zip(*answers, strict=True))
    if ensemble.base:
        base, shown = _read(ensemble.base, slices, scalars)
        logits, pixels = joined(logits, base), (1 - BASE_SHARE) * pixels + BASE_SHARE * shown
    return grades_of(calibrate(logits, ensemble.scale, ensemble.offset), pixels.swapaxes(0, 1), one.inner_grid)


def _read(reader: DiscReader, slices: torch.Tensor, scalars: torch.Tensor) -> tuple[np.ndarray, np.ndarray]:
    """Logits (outputs,) of a disc and chances (slices, 4, rows, columns) of its pixels."""
    answers, pixels = reader(slices, scalars, [len(slices)])
    return answers[0].cpu().numpy(), pixels.softmax(1).cpu().numpy()
