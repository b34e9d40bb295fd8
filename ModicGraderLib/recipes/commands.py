"""What `modicgrader train`, `evaluate` and `reproduce` do: open the studies, cut samples, run a recipe, write files."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from ..errors import Cancelled, InputError
from ..export.tables import write_table
from ..pipeline import choose_device
from ..terminal import shown_progress
from ..training import ranks
from ..training.data_folder import data_folder, write_json
from ..training.labelled_study import StudySource
from ..training.run_record import read_run_record, run_recorded
from ..training.samples import FOLDER as SAMPLES
from ..training.samples import Sample, cut_samples
from ..whole_files import whole_file, write_text
from .measures import measure, measures_page, truth_of
from .recipe import Answer, Plan, Recipe, Run
from .registry import RECIPES, load_recipe
from .tables import without_nan, write_tables

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
    run = _run(recipe, settings, settings.output, settings.variant or recipe.variants[0])
    source = open_source(settings.data, recipe, run.plan)
    studies = chosen_studies(source, run.plan)
    ranks.join(run.device)
    with _stoppable(), run_recorded(run, name, _title(source, studies), source.key):
        recipe.fit(_samples(recipe, source, studies, run.folder, settings.processes), run)
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
    if not written and refused:
        raise InputError(f"no recipe was reproduced; {RECIPES[0]}, for one: {refused[RECIPES[0]]}")
    if refused:
        _LOGGER.warning("%d of %d recipes were left out: %s", len(refused), len(RECIPES), ", ".join(refused))
    return written


def _reproduce(recipe: Recipe, settings: Settings) -> list[Path]:
    run = _run(recipe, settings, settings.output / recipe.name, settings.variant)
    source = open_source(settings.data, recipe, run.plan)
    studies = chosen_studies(source, run.plan)
    title = _title(source, studies)
    ranks.join(run.device)
    with _stoppable(), run_recorded(run, recipe.name, title, source.key):
        samples = _samples(recipe, source, studies, run.folder, settings.processes)
        tables = recipe.reproduce(samples, run, title)
        return write_tables(run.folder, tables) if ranks.is_first() else []


def evaluate(name: str, folder: Path, settings: Settings) -> list[Path]:
    """Apply what was trained in a folder: an answer for every disc, and measures where labels are known.

    Variant, seed and budget are those of the training; the budget limits simulated patients alone.
    """
    recipe, trained = load_recipe(name), read_run_record(folder)["configuration"]
    run = trained_run(folder, name, settings.device)
    source = open_source(settings.data, recipe, run.plan, measuring=True)
    samples = _samples(recipe, source, source.studies, settings.output, settings.processes)
    answers = recipe.answer(samples, run)
    notes = [f"Trained on {trained['source']['title']}, budget `{run.budget}`; applied to {source.title}."]
    if source.key == trained["source"]["key"]:
        notes.append("**These are the studies that it was trained on, so that the measures are far too good.**")
    return write_answers(settings.output, samples, answers, f"{name} {run.variant}".strip(), notes)


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


def write_answers(
    folder: Path, samples: Sequence[Sample], answers: Sequence[Answer], title: str, notes: Sequence[str]
) -> list[Path]:
    """Write `answers.csv` with a row a disc, `metrics.json` and `metrics.md`, each complete or not at all."""
    folder.mkdir(parents=True, exist_ok=True)
    labels = {(one.study, one.level): one.labels for one in samples}
    rows: dict[tuple[str, str], dict[str, object]] = {}
    for one in answers:
        row = rows.setdefault((one.study, one.level), {"study": one.study, "level": one.level})
        row[one.task] = one.answer
        row[f"{one.task}_truth"] = truth_of(one.task, labels[one.study, one.level])
        row |= {f"{one.task}_{value}": round(chance, 4) for value, chance in one.probabilities.items()}
    if not rows:
        raise InputError("the recipe has no answer for any of these discs; give studies with both T1 and T2")
    measured = measure((one, labels[one.study, one.level]) for one in answers)
    with whole_file(folder / "answers.csv") as unfinished:
        write_table(unfinished, list(rows.values()))
    write_json(folder / "metrics.json", without_nan([asdict(one) for one in measured]))
    write_text(folder / "metrics.md", measures_page(measured, title, notes))
    return [folder / name for name in ("answers.csv", "metrics.json", "metrics.md")]


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


def _title(source: StudySource, studies: Sequence[str]) -> str:
    """What tables call these studies of a source."""
    return source.title if len(studies) == len(source.studies) else f"{len(studies)} of {source.title}"


def device_of(name: str) -> str:
    """A device that is there; "auto" becomes the best one.

    Raises
    ------
    InputError
        It is not there.
    """
    kind, colon, number = name.partition(":")
    return choose_device(kind) + colon + number


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
    if not ranks.is_first():
        ranks.wait()
        return cut_samples(source, recipe.cut, store, studies)
    with shown_progress() as progress:
        samples = cut_samples(source, recipe.cut, store, studies, processes, progress)
    ranks.wait()
    if not samples:
        raise InputError(f"{recipe.name} can use no disc of {source.title}; give studies with sagittal T1 and T2")
    return samples
