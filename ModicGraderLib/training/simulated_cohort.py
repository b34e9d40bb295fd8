"""Cohorts of simulated patients, drawn once and kept: what a network needs of each, one file a seed.

Drawing goes on where it was stopped; seeds that are there are not drawn again. Delete the folder after a change of the
simulator.
"""

from __future__ import annotations

import multiprocessing
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from itertools import islice
from pathlib import Path

import numpy as np
import torch

from ..errors import InputError
from ..localization.locate import load_network
from ..localization.network import PIXEL_MM
from ..simulation.simulate import scanner_of, simulate
from ..whole_files import whole_file
from .graded_discs import GradedDisc, pack_discs, unpack_discs
from .simulated_discs import simulated_discs
from .simulated_source import simulated_slices
from .spine_slices import SpineSlice

TRAINING_SEEDS = range(100_000, 200_000)
"""Simulated patients that networks may learn from."""

VALIDATION_SEEDS = range(200_000, 210_000)
"""Those on which choices may be made."""

TEST_SEEDS = range(300_000, 310_000)
"""Those that only measure."""

UNSEEN_SCANNERS = ("1.5 T, older", "1.5 T, newer", "1.5 T that evens out its coil")
"""Scanners whose patients are kept for validation and test: no grader learns from them."""

SEVERAL_SLICES_EVERY = 4
"""For the localizer each fourth patient has three slices; the others one, like SPIDER's and the T1 polygons'."""

WHOLE_EVERY = 3
"""For the grader each third patient has as many slices as real ones have; the others, drawn faster, have `FEW`."""

FEW_SLICES = 5

Arrays = dict[str, np.ndarray]


def grading_seeds(seeds: range, count: int) -> list[int]:
    """The first `count` of `seeds` whose scanners suit: training has none of `UNSEEN_SCANNERS`, the test no others.

    Validation has both kinds.
    """
    wanted = {TRAINING_SEEDS: (False,), VALIDATION_SEEDS: (False, True), TEST_SEEDS: (True,)}[seeds]
    return list(islice((seed for seed in seeds if (scanner_of(seed) in UNSEEN_SCANNERS) in wanted), count))


def draw_cohort(folder: Path, seeds: Sequence[int], draw: Callable[[int], Arrays], processes: int = 2) -> None:
    """Draw the patients of `seeds` that are not in `folder` yet; `draw` makes the arrays of a seed.

    Raises
    ------
    RuntimeError
        Some seed could not be drawn; all others are there.
    """
    folder.mkdir(parents=True, exist_ok=True)
    missing = [seed for seed in seeds if not _path(folder, seed).exists()]
    failed, began = [], time.time()
    with ProcessPoolExecutor(processes, multiprocessing.get_context("spawn"), _one_thread) as pool:
        tasks = {pool.submit(_write, folder, seed, draw): seed for seed in missing}
        for done, task in enumerate(as_completed(tasks), start=1):
            if task.exception():
                failed.append(tasks[task])
                print(f"seed {tasks[task]}: {task.exception()!r}", file=sys.stderr, flush=True)
            if done % 20 == 0:
                print(f"{done} of {len(missing)} patients, {time.time() - began:.0f} s", flush=True)
    if failed:
        raise RuntimeError(f"could not draw the seeds {sorted(failed)}")


def _write(folder: Path, seed: int, draw: Callable[[int], Arrays]) -> None:
    arrays = draw(seed)
    with whole_file(_path(folder, seed), several_writers=True) as unfinished:
        np.savez_compressed(unfinished, **arrays)


def for_localizer(seed: int) -> Arrays:
    """The slices of a patient."""
    drawn = simulate(seed, slices=3 if seed % SEVERAL_SLICES_EVERY == 0 else 1, eight_bit=True)
    slices = simulated_slices((drawn.t1, drawn.t2), drawn.labels, drawn.t2.grid, drawn.discs, _name(seed))
    return pack_slices(slices)


def for_grader(seed: int) -> Arrays:
    """The discs of a patient, and how many there are to be found."""
    drawn = simulate(seed, slices=None if seed % WHOLE_EVERY == 0 else FEW_SLICES)
    discs = simulated_discs(drawn, load_network("cpu"), _name(seed))
    return {"graded_of": np.array(len(drawn.truth.discs)), **pack_discs(discs)}


def _name(seed: int) -> str:
    return f"simulated-{seed}"


def _one_thread() -> None:
    torch.set_num_threads(1)


def _path(folder: Path, seed: int) -> Path:
    return folder / f"{seed}.npz"


def read_slices(folder: Path, seeds: range) -> list[SpineSlice]:
    """The slices of those `seeds` that are in `folder`."""
    return [one for seed, file in _files(folder, seeds) for one in unpack_slices(file, _name(seed))]


def iterate_discs(folder: Path, seeds: range) -> Iterator[GradedDisc]:
    """The discs of those `seeds` that are in `folder`, one patient after the other."""
    for _, file in _files(folder, seeds):
        yield from unpack_discs(file)


def found_share(folder: Path, seeds: range) -> float:
    """Share of the true graded discs of `seeds` in `folder` that the shipped localizer found."""
    counts = [(len(file["pfirrmann"]), int(file["graded_of"])) for _, file in _files(folder, seeds)]
    found, there = np.sum(counts, axis=0)
    return float(found / there)


def _files(folder: Path, seeds: range) -> Iterator[tuple[int, dict[str, np.ndarray]]]:
    there = [seed for seed in sorted(int(path.stem) for path in folder.glob("[0-9]*.npz")) if seed in seeds]
    if not there:
        raise InputError(f"No simulated patients are in {folder}; draw them with the training step `cohort`.")
    for seed in there:
        with np.load(_path(folder, seed), allow_pickle=False) as file:
            yield seed, dict(file)


def pack_slices(slices: Sequence[SpineSlice]) -> dict[str, np.ndarray]:
    """Arrays that hold slices at the network's pixel size; images in half precision, their brightest pixel 1."""
    arrays = {"contrasts": np.array([one.contrast for one in slices], "U32")}
    for number, one in enumerate(slices):
        for field in ("structure", "identity", "corners", "corners_known"):
            arrays[f"slice{number}_{field}"] = getattr(one, field)
        arrays[f"slice{number}_image"] = (one.image / max(float(one.image.max()), 1e-6)).astype(np.float16)
    return arrays


def unpack_slices(arrays: dict[str, np.ndarray], patient: str) -> list[SpineSlice]:
    """The slices that `pack_slices` packed."""
    return [
        SpineSlice(
            patient=patient,
            source="simulated",
            contrast=str(contrast),
            pixel_mm=PIXEL_MM,
            image=arrays[f"slice{number}_image"].astype(np.float32),
            **{key: arrays[f"slice{number}_{key}"] for key in ("structure", "identity", "corners", "corners_known")},
        )
        for number, contrast in enumerate(arrays["contrasts"])
    ]
