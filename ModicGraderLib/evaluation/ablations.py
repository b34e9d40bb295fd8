"""`python -m ModicGraderLib.evaluation.ablations`: what each part of the disc grader is good for.

What can be asked of the trained networks is asked of them; the rest is trained anew with small equal budgets, so that
only arms of one question compare. Nothing here is chosen on, or measured on, the patients of the simulated test.
Results go to `ablations.json` in the folder of the training, from which `make evaluate` takes its table.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from scipy.special import expit
from skimage.exposure import equalize_adapthist

from ..anatomy import ENDPLATES, PFIRRMANN_GRADES
from ..grading.network import DiscReader
from ..grading.tasks import MARROW_CHANGE, MODIC_CHANGE, MODIC_TYPE, PFIRRMANN, pfirrmann_grade, pfirrmann_probabilities
from ..training import grader
from ..training.data_folder import write_json
from ..training.disc_augmentation import without_border
from ..training.disc_store import DiscStore
from ..training.graded_discs import SIGNAL_STEPS
from ..training.grading_data import simulated_store, spider_store
from ..training.simulated_cohort import TRAINING_SEEDS, VALIDATION_SEEDS
from .ablation_table import RESULTS
from .metrics import auroc, bootstrap, confusion, kappa

STEPS, SLICES = 200, 24
"""Batches, and slices in one, of an arm that is trained anew."""

Row = dict[str, str | float]


class Table:
    """Rows of results; those of a question that is there already are not asked for again."""

    def __init__(self, path: Path, rows: list[Row]):
        self.path, self.rows = path, rows

    def add(self, question: str, arm: str, metric: str, score: Callable[[np.ndarray], float], patients, note: str = ""):
        """A score of row numbers, with its interval over patients."""
        found = bootstrap(score, patients, repeats=1000)
        self.rows.append({
            "question": question, "arm": arm, "metric": metric, "note": note,
            "value": found.value, "low": found.low, "high": found.high,
        })  # fmt: skip
        print(f"{question} | {arm} | {metric} | {found}", flush=True)
        write_json(self.path, self.rows)


def changed_endplates(store: DiscStore) -> tuple[np.ndarray, np.ndarray]:
    """Of all endplates, upper ones first: whether marrow is changed (2N,), NaN where that has no true answer, and the
    type's number, -1 unless pure."""
    targets = store.targets.numpy()
    shares = np.concatenate([targets[:, MODIC_TYPE[name]] for name in ENDPLATES])
    pure = np.nan_to_num(shares).max(1) > 0.99
    return np.concatenate([targets[:, index] for index in MARROW_CHANGE]), np.where(pure, shares.argmax(1), -1)


def add_simulated(table: Table, question: str, arm: str, store: DiscStore, logits: np.ndarray, note: str = "") -> None:
    """Any change and its type, per endplate, on simulated patients; `logits` (N, outputs)."""
    changed, types = changed_endplates(store)
    patients = 2 * list(store.patients)
    score = np.concatenate([logits[:, index] for index in MARROW_CHANGE])
    add_change(table, question, arm, changed, score, patients, note)
    called = np.concatenate([logits[:, MODIC_TYPE[name]] for name in ENDPLATES]).argmax(1)
    add_types(table, question, arm, types, called, patients, note)


def add_change(table: Table, question: str, arm: str, changed, score, patients, note: str = "") -> None:
    """How well changed endplates are told from others."""
    known = np.flatnonzero(~np.isnan(changed))
    changed, score = changed[known] > 0.5, score[known]
    metric = "change at an endplate, AUROC"
    own = [patients[index] for index in known]
    table.add(question, arm, metric, lambda rows: auroc(changed[rows], score[rows]), own, note)


def add_types(table: Table, question: str, arm: str, types, called, patients, note: str = "") -> None:
    """Mean sensitivity for the types I, II and III of changed endplates."""

    def sensitivity(rows: np.ndarray) -> float:
        shares = [np.mean(called[rows][types[rows] == one] == one) for one in range(3) if (types[rows] == one).any()]
        return float(np.mean(shares)) if len(shares) == 3 else float("nan")

    table.add(question, arm, "type of a changed endplate, mean sensitivity", sensitivity, patients, note)


def add_real(table: Table, question: str, arm: str, real: DiscStore, logits: np.ndarray, note: str = "") -> None:
    """Any change and Pfirrmann grades on SPIDER; `logits` (N, outputs) of networks that have not seen the patient."""
    changed = real.targets.numpy()[:, MODIC_CHANGE] > 0.5
    score = logits[:, MODIC_CHANGE]
    metric = "SPIDER, any change, AUROC"
    table.add(question, arm, metric, lambda rows: auroc(changed[rows], score[rows]), real.patients, note)
    truth = 1 + real.targets.numpy()[:, PFIRRMANN].sum(1)
    grade = pfirrmann_grade(pfirrmann_probabilities(expit(logits[:, PFIRRMANN])))

    def agreement(rows: np.ndarray) -> float:
        return kappa(confusion(truth[rows] - 1, grade[rows] - 1, len(PFIRRMANN_GRADES)), power=2)

    table.add(question, arm, "SPIDER, Pfirrmann, quadratic kappa", agreement, real.patients, note)


def ask_pooling(table: Table, store: DiscStore, members: list[DiscReader]) -> None:
    """All slices by attention, against the middle slices alone, and against the mean of answers slice by slice."""
    question, rows = "Pooling of slices", np.arange(len(store))
    for arm, slices in (("all slices, attention", None), ("middle three, attention", 3), ("middle slice alone", 1)):
        some = store if slices is None else middle_of(store, slices)
        add_simulated(table, question, arm, store, mean_logits(members, some, rows))
    single = np.repeat(rows, store.count)
    apart = replace(
        store,
        first=np.arange(len(single)),
        count=np.ones(len(single), int),
        scalars=store.scalars[single],
        targets=store.targets[single],
    )
    logits = mean_logits(members, apart, np.arange(len(single)))
    mean = np.stack([logits[single == row].mean(0) for row in rows])
    add_simulated(table, question, "all slices, mean of their answers", store, mean)


def middle_of(store: DiscStore, slices: int) -> DiscStore:
    """The same discs with their middle slices alone."""
    count = np.minimum(store.count, slices)
    return replace(store, first=store.first + np.clip(store.middle - count // 2, 0, store.count - count), count=count)


def mean_logits(members: list[DiscReader], store: DiscStore, rows: np.ndarray) -> np.ndarray:
    """Logits (rows, outputs), averaged over members."""
    return np.mean([grader.predict(member, store, rows) for member in members], axis=0)


def ask_ensemble(table: Table, store: DiscStore, members: list[DiscReader]) -> None:
    """How many members it takes."""
    rows = np.arange(len(store))
    logits = [grader.predict(member, store, rows) for member in members]
    for size in range(1, len(members) + 1, 2):
        add_simulated(table, "Size of the ensemble", f"{size}", store, np.mean(logits[:size], axis=0))


@torch.inference_mode()
def ask_stages(table: Table, store: DiscStore, members: list[DiscReader]) -> None:
    """One network for map and grade, against a grade that follows from the area of the map alone."""
    question, rows = "One network or two stages", np.arange(len(store))
    changed, types = changed_endplates(store)
    patients = 2 * list(store.patients)
    add_simulated(table, question, "the network's answer", store, mean_logits(members, store, rows))
    volumes = np.zeros((2, len(store), 3))
    for row in rows:
        bags = without_border(store.whole([row]))
        chance = torch.stack([member(bags.region, bags.scalars, bags.slices)[1].softmax(1) for member in members]).mean(
            0
        )
        inside = chance[:, 1:] * (chance[:, :1] < 0.5) * bags.region[:, 3:4]
        volumes[:, row] = inside.unflatten(2, (2, -1)).sum((0, 3, 4)).T.numpy() * store.pixel_mm2[row]
    volumes = volumes.reshape(-1, 3)
    area = volumes.sum(1)
    add_change(table, question, "area of the map", changed, area, patients)
    add_types(table, question, "area of the map", types, volumes.argmax(1), patients)


def ask_simulation(table: Table, out: Path, real: DiscStore, simulated: DiscStore) -> None:
    """Real discs, simulated ones, or both; from random weights, or from those of simulated patients."""
    question, pretrained = "Simulated patients", out / "pretrained.safetensors"
    note = f"Where real discs are learned from, {STEPS} batches of {SLICES} slices for each fold"
    alone = grader.predict(grader.load_reader(pretrained), real, np.arange(len(real)))
    add_real(table, question, "simulated patients alone", real, alone, note)
    arms = {
        "real discs alone, from random weights": (None, 0.0),
        "pretrained, then real discs alone": (pretrained, 0.0),
        "pretrained, then both": (pretrained, 0.5),
    }
    for number, (arm, (start, share)) in enumerate(arms.items()):
        folder = out / "ablations" / f"simulation{number}"
        logits = grader.cross_validate(real, simulated, folder, start=start, steps=STEPS, share=share, slices=SLICES)
        add_real(table, question, arm, real, logits, note)


NORMALIZATIONS = ("marrow", "none", "standardization", "CLAHE", "gamma")
"""Marrow as 0.5, ours, and the four of Cina 2023."""

GAMMA = 0.7

KERNEL = (28, 32)
"""Pixels over which CLAHE equalizes: a quarter of the region."""


def ask_normalization(table: Table, out: Path, simulated: DiscStore, validation: DiscStore) -> None:
    """How signal is scaled before it is read."""
    note = f"{2 * STEPS} batches of {SLICES} slices, simulated patients alone"
    for arm in NORMALIZATIONS:
        source = grader.Source(normalized(simulated, arm), np.arange(len(simulated)), 1.0, 0.0)
        path = out / "ablations" / f"normalization-{arm}.safetensors"
        grader.train([source], path, steps=2 * STEPS, learning_rate=3e-3, seed=0, slices=SLICES)
        logits = mean_logits([grader.load_reader(path)], normalized(validation, arm), np.arange(len(validation)))
        add_simulated(table, "Normalization", arm, validation, logits, note)


def normalized(store: DiscStore, way: str) -> DiscStore:
    """The same discs with their signal scaled in another way, 8 bits for [0, 2]."""
    if way == "marrow":
        return store
    pictures = store.pictures.clone()
    for first, count, exposure in zip(store.first, store.count, store.exposure, strict=True):
        for contrast in (0, 1):
            marrow_units = pictures[first : first + count, contrast].float().numpy() / SIGNAL_STEPS
            picture = np.clip(2 * marrow_units * np.exp(exposure[contrast]), 0, 1)
            signal = torch.from_numpy(_scaled(picture, way) * SIGNAL_STEPS)
            pictures[first : first + count, contrast] = signal.round().clamp(0, 255).to(torch.uint8)
    return replace(store, pictures=pictures)


def _scaled(picture: np.ndarray, way: str) -> np.ndarray:
    """Slices (S, rows, columns) in [0, 1] of their series' white, scaled to about the range of the marrow's units."""
    if way == "standardization":
        return 0.5 + 0.25 * (picture - picture.mean()) / max(picture.std(), 1e-6)
    if way == "CLAHE":
        return np.stack([equalize_adapthist(one, kernel_size=KERNEL) for one in picture]).astype(np.float32)
    return picture**GAMMA if way == "gamma" else picture


def main() -> None:
    """Ask all questions, or those named."""
    parser = argparse.ArgumentParser(prog="python -m ModicGraderLib.evaluation.ablations", description=__doc__)
    parser.add_argument("--folder", type=Path, default=Path("runs/grading"), help="where the training put its results")
    parser.add_argument("--only", nargs="*", default=["pooling", "ensemble", "stages", "simulation", "normalization"])
    call = parser.parse_args()
    out = call.folder
    table = Table(out / RESULTS, [])
    validation = simulated_store(out, VALIDATION_SEEDS)
    members = [grader.load_reader(path) for path in sorted((out / "members").glob("member*.safetensors"))]
    if "pooling" in call.only:
        ask_pooling(table, validation, members)
    if "ensemble" in call.only:
        ask_ensemble(table, validation, members)
    if "stages" in call.only:
        ask_stages(table, validation, members)
    if {"simulation", "normalization"} & set(call.only):
        simulated = simulated_store(out, TRAINING_SEEDS)
        if "simulation" in call.only:
            ask_simulation(table, out, spider_store(out), simulated)
        if "normalization" in call.only:
            ask_normalization(table, out, simulated, validation)


if __name__ == "__main__":
    main()
