"""What training on simulated patients gives: the same networks with the same budgets, on simulated and real data.

Each arm gets the same number of batches of the same size; only what the batches are drawn from differs. The arms are
measured by `python -m ModicGraderLib.evaluation --use`.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from ..localization.locate import load_network
from . import grader, localizer
from .data_folder import data_folder
from .mask_source import read_mask_slices
from .polygon_source import read_polygon_slices
from .simulated_cohort import (
    TEST_SEEDS,
    TRAINING_SEEDS,
    VALIDATION_SEEDS,
    draw_cohort,
    pack_discs,
    read_discs,
    read_slices,
    unpack_discs,
)
from .spider_discs import GradedDisc, read_graded_discs
from .splits import training_part

LOCALIZER_SHARES = {"real": (0.0, 0.6, 0.4), "simulation": (1.0, 0.0, 0.0), "both": (0.4, 0.35, 0.25)}
"""Shares of simulated slices, T1 polygons and SPIDER T2 masks in each arm. SPIDER's self-labelled slices are left out:
they presuppose a network that is trained already."""

GRADER_SHARES = {"real": 0.0, "simulation": 1.0, "both, a quarter simulated": 0.25, "both, half simulated": 0.5}
"""Share of simulated discs in each arm."""


BUDGET = "budget.json"
"""Beside the arms' folders: how long each was trained."""


AGAIN = "again"
"""Folder of a localizer's second cycle, beside its first."""


def folder_of(arm: str) -> str:
    """Name of an arm's folder."""
    return arm.replace(",", "").replace(" ", "-")


def draw(out: Path, patients: int, measured: int, processes: int) -> None:
    """`patients` simulated ones for training, and `measured` each for validation and test."""
    for seeds, count in ((VALIDATION_SEEDS, measured), (TEST_SEEDS, measured), (TRAINING_SEEDS, patients)):
        draw_cohort(out / "cohort", seeds[:count], processes)


def train_localizers(out: Path, steps: int) -> None:
    """One localizer an arm, from random weights: `steps` batches, then a second cycle of two thirds as many."""
    data = data_folder()
    sources = [
        lambda: read_slices(out / "cohort", TRAINING_SEEDS),
        lambda: training_part(read_polygon_slices(data / "t1_vertebra_polygons")),
        lambda: training_part(read_mask_slices(data / "spider_t2_space_masks")),
    ]
    more = round(2 / 3 * steps)
    _note(out / "localizer", steps=[steps, more])
    for arm, shares in LOCALIZER_SHARES.items():
        used = [(source(), share) for source, share in zip(sources, shares, strict=True) if share]
        drawn_from = tuple(zip(*used, strict=True))
        folder = out / "localizer" / folder_of(arm)
        first = localizer.train(*drawn_from, folder, steps=steps, bfloat16=True)
        localizer.train(
            *drawn_from, folder / AGAIN, steps=more, learning_rate=1.2e-3, start=first, seed=1, bfloat16=True
        )


def train_graders(out: Path, epochs: int) -> None:
    """One cross-validated grader an arm. Real discs are those that the shipped localizer finds."""
    real = spider_discs(out)
    simulated = read_discs(out / "cohort", TRAINING_SEEDS)
    _note(out / "grader", epochs=epochs)
    for arm, share in GRADER_SHARES.items():
        extra = simulated if share else []
        grader.cross_validate(real, out / "grader" / folder_of(arm), epochs=epochs, extra=extra, share=share)


def _note(folder: Path, **budget: int | list[int]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / BUDGET).write_text(json.dumps(budget), encoding="utf-8")


def spider_discs(out: Path) -> list[GradedDisc]:
    """SPIDER's graded discs, found by the shipped localizer; kept in `out`, since finding them takes minutes."""
    path = out / "spider_discs.npz"
    if not path.exists():
        discs = read_graded_discs(data_folder() / "spider_midsagittal", load_network("cpu"))
        out.mkdir(parents=True, exist_ok=True)
        partial = path.with_suffix(".partial")
        with partial.open("wb") as file:
            np.savez_compressed(file, **pack_discs(discs))
        partial.replace(path)
    with np.load(path, allow_pickle=False) as file:
        return unpack_discs(dict(file))
