"""What `modicgrader train`, `evaluate` and `reproduce` do: open the studies, cut samples, run a recipe, write files."""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from ..errors import Cancelled, InputError
from ..pipeline import choose_device
from ..terminal import shown_progress
from ..training import ranks
from ..training.data_folder import data_folder
from ..training.labelled_study import StudySource
from ..training.run_record import NAME as RUN
from ..training.run_record import read_run_record, record_patients, run_of, run_recorded, seen_patients
from ..training.samples import FOLDER as SAMPLES
from ..training.samples import Sample, cut_samples, kept_labels, kept_samples
from .answers import write_answers
from .recipe import Plan, Recipe, Run
from .registry import RECIPES, load_recipe
from .tables import write_tables

_LOGGER = logging.getLogger(__name__)

SIMULATED, SPIDER = "simulated", "spider"
"""Sources by name; any other is a manifest."""

MEASURING_SEEDS = range(450_000, 500_000)
"""Simulated patients that `evaluate` measures on; the largest cohort, SpineNet's, ends before them."""

ALL = "all"


@dataclass(frozen=True)
class Settings:
    """What a command is told besides the recipe.

    Attributes
    ----------
    data:
        "simulated", "spider" or the path of a manifest.
    output:
        Folder for what is written.
    budget, seed, variant, pretrained:
        As in `Run`; the variant "" is the recipe's first for training, and all for reproducing.
    device:
        As in `Run`, or "auto".
    processes:
        How many cut samples.
    """

    data: str
    output: Path
    budget: str = "small"
    variant: str = ""
    pretrained: Path | None = None
    seed: int = 0
    device: str = "auto"
    processes: int = 1


def train(name: str, settings: Settings) -> Path:
    """Train a recipe on all studies; return the folder of the run, with its weights and `run.json`."""
    recipe = load_recipe(name)
    run = _joined(_run(recipe, settings, settings.output, settings.variant or recipe.variants[0]))
    source = open_source(settings.data, recipe, run.plan)
    studies = chosen_studies(source, run.plan)
    with _stoppable(), run_recorded(run, name, _title(source, studies), source.key):
        samples = _samples(recipe, source, studies, run.folder, settings.processes)
        record_patients(run, _title(source, _studies(samples)), _patients(samples))
        recipe.fit(samples, run)
    return run.folder


def reproduce(name: str, settings: Settings) -> list[Path]:
    """Run the protocols of one recipe, or of all, and leave `tables.json` and `tables.md` in a folder for each.

    Raises
    ------
    InputError
        As of any command. Of all recipes, those that cannot be reproduced are left out with a warning, unless none can.
    """
    if name != ALL:
        return _reproduce(load_recipe(name), settings)
    written, refused = [], {}
    for one in RECIPES:
        try:
            written += _reproduce(load_recipe(one), settings)
        except InputError as error:
            _LOGGER.warning("%s is left out: %s", one, error)
            refused[one] = error
    if len(refused) == len(RECIPES):
        raise InputError(f"no recipe was reproduced; {RECIPES[0]}, for one: {refused[RECIPES[0]]}")
    if refused:
        _LOGGER.warning("%d of %d recipes were left out: %s", len(refused), len(RECIPES), ", ".join(refused))
    return written


def _reproduce(recipe: Recipe, settings: Settings) -> list[Path]:
    run = _joined(_run(recipe, settings, settings.output / recipe.name, settings.variant))
    source = open_source(settings.data, recipe, run.plan)
    studies = chosen_studies(source, run.plan)
    with _stoppable(), run_recorded(run, recipe.name, _title(source, studies), source.key):
        samples = _samples(recipe, source, studies, run.folder, settings.processes)
        title = _title(source, _studies(samples))
        record_patients(run, title, _patients(samples))
        tables = recipe.reproduce(samples, run, title)
        if not ranks.is_first():
            return []
        if run.pretrained and (before := run_of(run.pretrained)):
            notes = _seen_notes(before, samples, source, run.pretrained.name)
            tables = [replace(one, notes=[*one.notes, *notes]) for one in tables]
        return write_tables(run.folder, tables)


def evaluate(name: str, folder: Path, settings: Settings) -> list[Path]:
    """Apply what was trained in a folder: an answer for every disc, and measures where labels are known.

    Variant, seed and budget are those of the training; the budget limits simulated patients alone. Of several processes
    the first answers.
    """
    recipe, record = load_recipe(name), read_run_record(folder)
    run = _joined(trained_run(folder, name, settings.device))
    source = open_source(settings.data, recipe, run.plan, measuring=True)
    samples = _samples(recipe, source, source.studies, settings.output, settings.processes)
    if not ranks.is_first():
        return []
    answers = recipe.answer(samples, run)
    trained, applied = record["configuration"]["source"]["title"], _title(source, _studies(samples))
    notes = [f"Trained on {trained}, budget `{run.budget}`; applied to {applied}."]
    notes += _seen_notes(record, samples, source, name)
    labels = {(one.study, one.level): one.labels for one in samples}
    kept = kept_labels(source, settings.output / SAMPLES, source.studies)
    if kept is None:
        notes.append(f"Labelled discs that were not found are not counted; delete the older {SAMPLES} to count them.")
    title = f"{name} {run.variant}".strip()
    return write_answers(settings.output, answers, labels | (kept or {}), source.narrowing_grades, title, notes)


def trained_run(folder: Path, name: str, device: str) -> Run:
    """The run of a recipe that `train` left in a folder, to answer on a device.

    Raises
    ------
    InputError
        There is none in it, or one of another recipe.
    """
    trained = read_run_record(folder)["configuration"]
    if trained["recipe"] != name:
        raise InputError(f"{folder} holds a run of {trained['recipe']}, not of {name}; name its own folder")
    return Run(
        folder=folder,
        plan=Plan(**trained["plan"]),
        budget=trained["budget"],
        seed=trained["seed"],
        device=device_of(device),
        variant=trained["variant"],
    )


def open_source(data: str, recipe: Recipe, plan: Plan, *, measuring: bool = False) -> StudySource:
    """The studies that `--data` names; for measuring, simulated patients whom no training has seen.

    Raises
    ------
    InputError
        There is no such source, or something is wrong with it.
    """
    if data == SIMULATED:
        from ..training.simulated_studies import RECIPE_SEEDS, SimulatedStudies

        seeds = MEASURING_SEEDS if measuring else range(RECIPE_SEEDS.start, MEASURING_SEEDS.start)
        return SimulatedStudies(recipe.cohort, plan.studies or recipe.cohort.patients, seeds)
    if data == SPIDER:
        from ..training.spider_studies import SpiderStudies

        return SpiderStudies(data_folder() / "spider_midsagittal")
    if not Path(data).is_file():
        raise InputError(f"{data!r} is no data; give {SIMULATED}, {SPIDER} or the CSV file of a manifest")
    from ..training.manifest import read_manifest

    return read_manifest(Path(data))


def chosen_studies(source: StudySource, plan: Plan) -> list[str]:
    """At most as many studies as the plan allows, in the source's order.

    A choice by lot, the same each time: the first of a list are often those of one hospital or year.
    """
    names = list(source.studies)
    if plan.studies is None or plan.studies >= len(names):
        return names
    drawn = np.random.default_rng(0).permutation(len(names))[: plan.studies]
    return [names[number] for number in sorted(drawn)]


def _title(source: StudySource, studies: Collection[str]) -> str:
    """What tables call these studies of a source."""
    return source.title if len(studies) == len(source.studies) else f"{len(studies)} of {source.title}"


def _studies(samples: Sequence[Sample]) -> set[str]:
    return {one.study for one in samples}


def _patients(samples: Sequence[Sample]) -> set[str]:
    return {one.patient for one in samples}


def _seen_notes(record: Mapping[str, Any], samples: Sequence[Sample], source: StudySource, what: str) -> list[str]:
    """What is to be said, and is logged, where a training of this record has seen patients who are measured."""
    patients = _patients(samples)
    seen = seen_patients(record, patients)
    if seen == 0:
        return []
    far_too_good = "so that these figures are far too good"
    if seen:
        note = f"{what} learned from {seen} of these {len(patients)} patients, as far as names tell, {far_too_good}."
    elif source.key == record["configuration"]["source"]["key"]:
        note = f"{what} learned from these studies, {far_too_good}."
    else:
        note = f"Whether {what} learned from some of these patients is not known; its {RUN} is of an older version."
    _LOGGER.warning(note)
    return [f"**{note}**"]


def device_of(name: str) -> str:
    """A device that is there; "auto" becomes the best one.

    Raises
    ------
    InputError
        It is not there.
    """
    kind, colon, _ = name.partition(":")
    chosen = choose_device(kind)
    if not colon:
        return chosen
    there = [f"cuda:{number}" for number in range(torch.cuda.device_count())]
    if name not in there:
        raise InputError(
            f"The device {name!r} is not available here; use auto or one of: {', '.join([chosen, *there])}."
        )
    return name


def _joined(run: Run) -> Run:
    """A run on the device of its own that each of several processes has."""
    return replace(run, device=str(ranks.join(run.device)))


@contextmanager
def _stoppable() -> Iterator[None]:
    try:
        yield
    except KeyboardInterrupt:
        raise Cancelled("stopped; the same call goes on from here") from None


def _run(recipe: Recipe, settings: Settings, folder: Path, variant: str) -> Run:
    if variant and variant not in recipe.variants:
        raise InputError(f"{recipe.name} has no variant {variant!r}; take one of {', '.join(recipe.variants)}")
    return Run(
        folder=folder,
        plan=recipe.plans[settings.budget],
        budget=settings.budget,
        seed=settings.seed,
        device=device_of(settings.device),
        variant=variant,
        pretrained=settings.pretrained,
    )


def _samples(recipe: Recipe, source: StudySource, studies: Sequence[str], folder: Path, processes: int) -> list[Sample]:
    """Samples of some studies, kept in `folder/samples`; one process cuts them for all that train."""
    store = folder / SAMPLES

    def cut() -> list[Sample]:
        with shown_progress() as progress:
            return cut_samples(source, recipe.cut, store, studies, processes, progress)

    samples = ranks.first_alone(cut)
    if samples is None:
        samples = kept_samples(source, store, studies)
    if not samples:
        raise InputError(f"{recipe.name} can use no disc of {source.title}; give studies with sagittal T1 and T2")
    return samples
