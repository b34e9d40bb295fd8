"""grade_discs(): calibrated probabilities for every disc and a map of its marrow, from an ensemble of `DiscReader`s."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import torch

from ..anatomy import ENDPLATES
from ..errors import ModelError
from ..grid import Grid
from ..models import load_weights
from ..regions import part_of
from .disc_input import BORDER, DiscInput
from .network import DiscReader
from .tasks import (
    BINARY_TASKS,
    ENDPLATE_CHANGE,
    ENDPLATE_LESION,
    MARROW_CHANGE,
    MODIC_CHANGE,
    MODIC_TYPE,
    PFIRRMANN,
    either,
    lesion_probabilities,
    pfirrmann_probabilities,
    softmax,
)

MODEL = "disc-grader"


@dataclass(frozen=True)
class DiscGrades:
    """What the networks say of one disc; all probabilities are calibrated, but for those of single pixels.

    Attributes
    ----------
    findings:
        Probability of each of `tasks.BINARY_TASKS`.
    pfirrmann:
        (5,) of the Pfirrmann grades.
    modic_types:
        By endplate (3,) of the types I, II and III, given that there is a change.
    endplate_lesion:
        (4,) of `anatomy.ENDPLATE_LESIONS`, of the worse endplate.
    pixels:
        (4, slices, rows, columns) float32: probability of no change and of each type, on `grid`.
    grid:
        The region of the disc, without its border.
    """

    findings: dict[str, float]
    pfirrmann: np.ndarray
    modic_types: dict[str, np.ndarray]
    endplate_lesion: np.ndarray
    pixels: np.ndarray
    grid: Grid


@dataclass(frozen=True)
class Ensemble:
    """Members whose logits are averaged, then calibrated per output: `scale * logit + offset` (Platt)."""

    members: tuple[DiscReader, ...]
    scale: np.ndarray
    offset: np.ndarray

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
    return Ensemble(tuple(members), weights["calibration.scale"].numpy(), weights["calibration.offset"].numpy())


@torch.inference_mode()
def grade_discs(inputs: Sequence[DiscInput], ensemble: Ensemble) -> list[DiscGrades]:
    """Grades of each disc, in the order given."""
    return [_grade(one, ensemble) for one in inputs]


def _grade(one: DiscInput, ensemble: Ensemble) -> DiscGrades:
    region = one.region[..., BORDER:-BORDER, BORDER:-BORDER]
    slices = torch.from_numpy(np.ascontiguousarray(region.swapaxes(0, 1))).to(ensemble.device)
    scalars = torch.from_numpy(one.scalars)[None].to(ensemble.device)
    answers = [member(slices, scalars, [len(slices)]) for member in ensemble.members]
    logits = torch.stack([disc for disc, _ in answers]).mean(0)[0].cpu().numpy()
    pixels = torch.stack([pixels.softmax(1) for _, pixels in answers]).mean(0).cpu().numpy().swapaxes(0, 1)
    inner = [slice(BORDER, size - BORDER) for size in one.grid.shape[1:]]
    grid = part_of(one.grid, (slice(0, one.grid.shape[0]), *inner))
    return grades_of(calibrate(logits, ensemble.scale, ensemble.offset), pixels, grid)


def calibrate(logits: np.ndarray, scale: np.ndarray, offset: np.ndarray) -> np.ndarray:
    """Probabilities (..., outputs) from logits of that shape; those of a group of classes sum to 1."""
    scaled = scale * logits + offset
    chances = 1 / (1 + np.exp(-scaled))
    chances[..., MODIC_CHANGE] = either(*(chances[..., index] for index in MARROW_CHANGE))
    for group in (*MODIC_TYPE.values(), *ENDPLATE_LESION.values()):
        chances[..., group] = softmax(scaled[..., group])
    return chances


def lesions_of(probabilities: np.ndarray) -> np.ndarray:
    """Probabilities (..., 4) of `anatomy.ENDPLATE_LESIONS` from calibrated outputs (..., outputs)."""
    classes = np.stack([probabilities[..., ENDPLATE_LESION[name]] for name in ENDPLATES], axis=-2)
    return lesion_probabilities(probabilities[..., ENDPLATE_CHANGE], classes)


def grades_of(probabilities: np.ndarray, pixels: np.ndarray, grid: Grid) -> DiscGrades:
    """Grades from calibrated outputs (outputs,); `pixels` and `grid` as in `DiscGrades`."""
    return DiscGrades(
        findings={name: float(chance) for name, chance in zip(BINARY_TASKS, probabilities, strict=False)},
        pfirrmann=pfirrmann_probabilities(probabilities[PFIRRMANN]),
        modic_types={name: probabilities[MODIC_TYPE[name]] for name in ENDPLATES},
        endplate_lesion=lesions_of(probabilities),
        pixels=pixels,
        grid=grid,
    )
