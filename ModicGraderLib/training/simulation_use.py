"""What simulated patients give the localizer: the same network with the same budget, on simulated and on real slices.

Each arm gets the same number of batches of the same size; only what the batches are drawn from differs. The arms are
measured by `python -m ModicGraderLib.evaluation --use`. What they give the grader is one of its ablations.
"""

from __future__ import annotations

import json
from pathlib import Path

from . import localizer
from .data_folder import data_folder
from .mask_source import read_mask_slices
from .polygon_source import read_polygon_slices
from .simulated_cohort import TEST_SEEDS, TRAINING_SEEDS, draw_cohort, for_localizer, read_slices
from .splits import training_part

LOCALIZER_SHARES = {"real": (0.0, 0.6, 0.4), "simulation": (1.0, 0.0, 0.0), "both": (0.4, 0.35, 0.25)}
"""Shares of simulated slices, T1 polygons and SPIDER T2 masks in each arm. SPIDER's self-labelled slices are left out:
they presuppose a network that is trained already."""

BUDGET = "budget.json"
"""Beside the arms' folders: how long each was trained."""

AGAIN = "again"
"""Folder of a localizer's second cycle, beside its first."""


def draw(out: Path, patients: int, measured: int, processes: int) -> None:
    """`patients` simulated ones for training, and `measured` for the test."""
    for seeds, count in ((TEST_SEEDS, measured), (TRAINING_SEEDS, patients)):
        draw_cohort(out / "cohort", seeds[:count], for_localizer, processes)


def train_localizers(out: Path, steps: int) -> None:
    """One localizer an arm, from random weights: `steps` batches, then a second cycle of two thirds as many."""
    data = data_folder()
    sources = [
        lambda: read_slices(out / "cohort", TRAINING_SEEDS),
        lambda: training_part(read_polygon_slices(data / "t1_vertebra_polygons")),
        lambda: training_part(read_mask_slices(data / "spider_t2_space_masks")),
    ]
    more = round(2 / 3 * steps)
    folder = out / "localizer"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / BUDGET).write_text(json.dumps({"steps": [steps, more]}), encoding="utf-8")
    for arm, shares in LOCALIZER_SHARES.items():
        used = [(source(), share) for source, share in zip(sources, shares, strict=True) if share]
        drawn_from = tuple(zip(*used, strict=True))
        first = localizer.train(*drawn_from, folder / arm, steps=steps, bfloat16=True)
        localizer.train(
            *drawn_from, folder / arm / AGAIN, steps=more, learning_rate=1.2e-3, start=first, seed=1, bfloat16=True
        )
