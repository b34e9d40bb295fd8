"""GradedDisc: one disc with what is known of it, as the disc reader learns from it; and how it is kept on disk."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from ..anatomy import PFIRRMANN_GRADES
from ..grading.disc_input import DiscInput
from ..grading.tasks import BINARY_TASKS, OUTPUTS
from ..grid import Grid

UNKNOWN = 255
"""Stands in `GradedDisc.changes` for pixels of which nothing is known."""

HIDDEN = 100
"""Added to the code of a change that no reader would call: of its pixels nothing is asked."""

OTHER_ENDPLATE = 20
"""Added to the code of a change that rests on an endplate of a neighboring disc; 10 on the lower one of this disc."""

LOWER_ENDPLATE = 10


@dataclass(frozen=True)
class GradedDisc:
    """One disc with its targets.

    Attributes
    ----------
    targets:
        (outputs,) of `tasks`, in [0, 1]; NaN where a grade is missing. Those of types and classes are shares.
    modic_type:
        Index in `anatomy.MODIC_GRADES`, -1 where no grade was given; SPIDER knows no mixed types.
    changes:
        (slices, rows, columns) uint8 on the region with its border: 0 unchanged, 1 + index in `case.LESION_TYPES` where
        marrow is changed (plus 10 or 20, see above), `UNKNOWN`. None where no pixel is known.
    anatomy:
        (slices, rows, columns) uint8 likewise: index in `network.ANATOMY`, `UNKNOWN`; None where it is not known.
    exposure:
        (2,) natural logarithm of normal marrow's signal, in T1 and T2, over the brightest signal of the picture: with
        it the pictures' own scale is got back.
    """

    patient: str
    disc: DiscInput
    targets: np.ndarray
    modic_type: int
    pfirrmann: int
    changes: np.ndarray | None = None
    anatomy: np.ndarray | None = None
    exposure: np.ndarray | None = None


def grade_targets(answers: Mapping[str, float | None], pfirrmann: int) -> np.ndarray:
    """Targets (outputs,) in {0, 1}; those of types and classes stay NaN.

    Parameters
    ----------
    answers:
        `tasks.BINARY_TASKS` as numbers that say yes above one half; None, NaN or absent where one is not known.
    """
    targets = np.full(OUTPUTS, np.nan, np.float32)
    for index, task in enumerate(BINARY_TASKS):
        answer = answers.get(task)
        if answer is not None and not np.isnan(answer):
            targets[index] = float(answer > 0.5)
    for index, grade in enumerate(PFIRRMANN_GRADES[:-1]):
        targets[len(BINARY_TASKS) + index] = float(pfirrmann > grade)
    return targets


OPTIONAL = ("changes", "anatomy", "exposure")
"""Fields that may be None."""

SIGNAL_STEPS = 127.5
"""Regions are kept in 8 bits; their signal reaches from 0 to 2."""


def pack_discs(discs: Sequence[GradedDisc]) -> dict[str, np.ndarray]:
    """Arrays that hold discs; `unpack_discs` gives them back, their signal in steps of 1 / 127.5."""
    arrays = {
        "patients": np.array([one.patient for one in discs], "U64"),
        "levels": np.array([one.disc.level for one in discs], "U16"),
        "scalars": np.array([one.disc.scalars for one in discs], np.float32),
        "affines": np.array([one.disc.grid.affine for one in discs]),
        "targets": np.array([one.targets for one in discs], np.float32),
        "modic": np.array([one.modic_type for one in discs], np.int8),
        "pfirrmann": np.array([one.pfirrmann for one in discs], np.int8),
    }
    for number, one in enumerate(discs):
        region = one.disc.region
        arrays[f"signal{number}"] = np.round(region[:2] * SIGNAL_STEPS).astype(np.uint8)
        arrays[f"masks{number}"] = np.packbits(region[2:] > 0, axis=-1)
        for name in OPTIONAL:
            if getattr(one, name) is not None:
                arrays[f"{name}{number}"] = getattr(one, name)
    return arrays


def unpack_discs(arrays: Mapping[str, np.ndarray]) -> list[GradedDisc]:
    """The discs that `pack_discs` packed."""
    discs = []
    names = ("patients", "levels", "scalars", "affines", "targets", "modic", "pfirrmann")
    for number, (patient, level, scalars, affine, targets, modic, pfirrmann) in enumerate(
        zip(*(arrays[name] for name in names), strict=True)
    ):
        signal = arrays[f"signal{number}"].astype(np.float32) / SIGNAL_STEPS
        masks = np.unpackbits(arrays[f"masks{number}"], axis=-1, count=signal.shape[-1]).astype(np.float32)
        disc = DiscInput(str(level), np.concatenate([signal, masks]), scalars, Grid(affine, signal.shape[1:]))
        optional = {name: arrays.get(f"{name}{number}") for name in OPTIONAL}
        discs.append(GradedDisc(str(patient), disc, targets, int(modic), int(pfirrmann), **optional))
    return discs
