"""What the disc reader learns from, kept in a folder: SPIDER's graded discs, and a cohort of simulated patients."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from ..localization.locate import load_network
from ..whole_files import whole_file
from .data_folder import data_folder
from .disc_store import DiscStore
from .graded_discs import GradedDisc, pack_discs, unpack_discs
from .simulated_cohort import (
    TRAINING_SEEDS,
    VALIDATION_SEEDS,
    draw_cohort,
    for_grader,
    grading_seeds,
    iterate_discs,
)
from .spider_discs import read_graded_discs


def draw(out: Path, patients: int, validation: int, processes: int) -> None:
    """Simulated patients to learn from, and some on which choices are made."""
    draw_cohort(out / "cohort", grading_seeds(VALIDATION_SEEDS, validation), for_grader, processes)
    draw_cohort(out / "cohort", grading_seeds(TRAINING_SEEDS, patients), for_grader, processes)


def simulated_store(out: Path, seeds: range) -> DiscStore:
    """The simulated discs of those `seeds` that are drawn."""
    return DiscStore.of(iterate_discs(out / "cohort", seeds))


def spider_store(out: Path) -> DiscStore:
    """SPIDER's graded discs."""
    return DiscStore.of(iterate_spider(out))


def iterate_spider(out: Path) -> Iterator[GradedDisc]:
    """SPIDER's graded discs, found by the shipped localizer; kept in `out`, since finding them takes minutes."""
    path = out / "spider.npz"
    if not path.exists():
        discs = read_graded_discs(data_folder() / "spider_midsagittal", load_network("cpu"))
        out.mkdir(parents=True, exist_ok=True)
        with whole_file(path) as unfinished:
            np.savez_compressed(unfinished, **pack_discs(discs))
    with np.load(path, allow_pickle=False) as file:
        yield from unpack_discs(dict(file))
