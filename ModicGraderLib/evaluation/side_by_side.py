"""The five recipes and our own default on the same discs, as Markdown (`evaluation --side-by-side DIR`).

The recipes are those that `modicgrader train RECIPE --data simulated -o DIR/RECIPE` left. All but Cina's, which has its
own detector, are given the discs' places; our own default finds them by itself.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from ..anatomy import ENDPLATE_LESIONS, ENDPLATES, MODIC_TYPES, PFIRRMANN_GRADES
from ..errors import InputError
from ..grading.decisions import CHANGE_CALLED, DECIDED
from ..grading.grader import load_ensemble
from ..grading.tasks import either
from ..localization.locate import load_network
from ..models import describe
from ..pipeline import Models, grade_study
from ..recipes.commands import MEASURING_SEEDS, SIMULATED, chosen_studies, trained_run
from ..recipes.measures import truth_of
from ..recipes.recipe import Answer, CohortWish, Plan, Recipe, Run
from ..recipes.registry import RECIPES, load_recipe
from ..report import DiscReport
from ..training.data_folder import FOLDS, data_folder, fold_of, write_json
from ..training.grading_data import iterate_spider
from ..training.labelled_study import DiscLabels, LabelledStudy, StudySource
from ..training.run_record import NAME, read_run_record
from ..training.simulated_discs import nearest
from ..training.simulated_studies import SimulatedStudies
from ..training.spider_studies import SpiderStudies
from .grading import unseen_ensembles
from .measured_studies import WANTED
from .metrics import auroc, balanced_accuracy, bootstrap, confusion, kappa
from .pages import table
from .simulated_answers import modic_type

OURS = "our default"

COHORT = CohortWish(60, "modic", {"0": 0.777, "I": 0.071, "II": 0.152})
"""Simulated patients with the mix of Damopoulos 2019, whose types all recipes know that tell types."""

System = Callable[[LabelledStudy], list[Answer]]
"""What answers for the discs of a study."""


@dataclass(frozen=True)
class Measure:
    """A column: a metric of a task, over discs whose label is one of `classes`; the first of these is the negative."""

    title: str
    task: str
    metric: str
    classes: tuple[str, ...]


NO_YES = ("False", "True")
GRADES = tuple(map(str, PFIRRMANN_GRADES))

MEASURES = (
    Measure("any Modic change, AUROC", "any_change", "AUROC", NO_YES),
    Measure("any Modic change, balanced accuracy", "any_change", "balanced accuracy", NO_YES),
    Measure("Modic 0, I, II, balanced accuracy", "modic", "balanced accuracy", MODIC_TYPES[:3]),
    Measure("Pfirrmann, quadratic kappa", "pfirrmann", "quadratic kappa", GRADES),
    Measure("narrowing, AUROC", "narrowing", "AUROC", ("0", "1", "2", "3")),
    Measure("endplate lesion, balanced accuracy", "endplate_lesion", "balanced accuracy", ENDPLATE_LESIONS),
    Measure("any endplate lesion, AUROC", "any_endplate_lesion", "AUROC", NO_YES),
)

INTRO = """{source}: {discs} discs of {patients} patients, those for which every system has an answer; how many of them
have the label stands in the first row. 95 % intervals come from a bootstrap over patients. The recipes were trained on
simulated patients, none of whom is here, with these budgets: {budgets}. All but Cina's, which has its own detector, are
given the discs' places; our default finds them by itself{unseen}. SpineNet grades single endplates; a disc is as
probably changed as the likelier of its two. Narrowing of any grade counts as narrowing."""


@dataclass(frozen=True)
class Trained:
    """A `System`: a recipe with the weights of a run."""

    recipe: Recipe
    run: Run

    def __call__(self, study: LabelledStudy) -> list[Answer]:
        samples = self.recipe.cut(study)
        return with_combined(self.recipe.answer(samples, self.run)) if samples else []


@dataclass(frozen=True)
class Ours:
    """A `System`: the whole pipeline, with models that may depend on the patient."""

    models: Callable[[str], Models]

    def __call__(self, study: LabelledStudy) -> list[Answer]:
        report = grade_study(study.study, models=self.models(study.patient), only=WANTED).report
        answers = []
        for disc in report.discs:
            there = nearest(np.array(disc.center_lps_mm), disc.width_mm, study.discs)
            # A disc that was named wrongly is not the disc of that name.
            if there is not None and study.discs[there].level == disc.level:
                answers += own_answers(study, disc)
        return answers


def own_answers(study: LabelledStudy, disc: DiscReport) -> list[Answer]:
    """What our report says of a disc, with withheld grades as what they would have been."""
    called, chances = modic_type(disc.modic)
    said = {"modic": (dict(zip(MODIC_TYPES, chances, strict=True)), called)}
    for name, reading in (("pfirrmann", disc.pfirrmann), ("endplate_lesion", disc.endplate_lesion)):
        said[name] = (reading.probabilities, max(reading.probabilities, key=reading.probabilities.get))
    lesion = either(*(disc.endplates[name].endplate_change for name in ENDPLATES))
    said["any_change"] = _yes_or_no(disc.modic.any_change, CHANGE_CALLED)
    said["any_endplate_lesion"] = _yes_or_no(lesion, DECIDED)
    narrowed = disc.narrowing.present
    said["narrowing"] = ({"0": 1 - narrowed, "1": narrowed}, str(int(narrowed >= DECIDED)))
    return [Answer(study.name, study.patient, disc.level, task, *answer) for task, answer in said.items()]


def with_combined(answers: Sequence[Answer]) -> list[Answer]:
    """Answers, and those of whole discs where only both endplates were answered: as probable as the more probable.

    Marrow changes mostly come on both sides of a disc, so that the two are not independent.
    """
    by_place = {(one.study, one.level, one.task): one for one in answers}
    combined = []
    for whole, part in (("any_change", "marrow_change"), ("any_endplate_lesion", "endplate_change")):
        for one in answers:
            other = by_place.get((one.study, one.level, f"lower_{part}"))
            if one.task == f"upper_{part}" and other and (one.study, one.level, whole) not in by_place:
                chance = max(one.probabilities["True"], other.probabilities["True"])
                combined.append(Answer(one.study, one.patient, one.level, whole, *_yes_or_no(chance, DECIDED)))
    return [*answers, *combined]


def _yes_or_no(chance: float, least: float) -> tuple[dict[str, float], str]:
    """Probabilities, and the answer, which is yes from `least` upwards."""
    return {"False": 1 - chance, "True": chance}, str(bool(chance >= least))


def side_by_side(folder: Path, grading_runs: Path, studies: int, device: str) -> dict[str, str]:
    """Both blocks of the page. Answers are kept in `folder`, so that what was stopped goes on.

    One is kept as long as the weights it is from are the same: a recipe that is trained anew answers anew, alone.

    Parameters
    ----------
    folder:
        With a run of each recipe that takes part.
    grading_runs:
        Where the training of our own grader is, whose members have each not seen some of SPIDER's patients.
    studies:
        How many of each source.

    Raises
    ------
    InputError
        There is no run of a recipe, or one that learned from others than simulated patients: from those, perhaps, who
        are measured.
    """
    there = [name for name in RECIPES if (folder / name / NAME).exists()]
    if not there:
        raise InputError(
            f"{folder} has no trained recipe; train one with `modicgrader train RECIPE -o {folder}/RECIPE`."
        )
    asked = {name: read_run_record(folder / name)["configuration"] for name in there}
    for name in there:
        learned = asked[name]["source"]
        if not learned["key"].startswith(SIMULATED):
            raise InputError(
                f"{folder / name} was trained on {learned['title']}; train it with `modicgrader train {name}"
                f" --data {SIMULATED} -o DIR/{name}`, in another DIR."
            )
    trained = {name: Trained(load_recipe(name), trained_run(folder / name, name, device)) for name in there}
    folders = {OURS: folder / "side-by-side" / f"ours-{_digest_of_models()}"}
    folders |= {name: folder / "side-by-side" / f"{name}-{_digest_of_run(folder / name)}" for name in there}
    section = partial(_section, studies=studies, folders=folders, budgets=", ".join(map(_budget, asked.values())))
    shipped = Models.shipped(device)
    simulated = SimulatedStudies(COHORT, studies, MEASURING_SEEDS)
    blocks = {"simulated": section(simulated, {OURS: Ours(lambda _: shipped), **trained})}
    ensembles = unseen_ensembles(list(iterate_spider(grading_runs)), load_ensemble("cpu"))
    localizer = load_network("cpu")
    ours = Ours(lambda patient: Models(localizer, ensembles[fold_of(patient, FOLDS)]))
    spider = SpiderStudies(data_folder() / "spider_midsagittal")
    blocks["spider"] = section(spider, {OURS: ours, **trained}, unseen=", by members that never saw the patient")
    return {f"side by side {name}": block for name, block in blocks.items()}


def _budget(asked: Mapping[str, Any]) -> str:
    """Recipe and budget of a run's configuration, and the weights that it started from, if any."""
    start = asked["pretrained"]
    return f"{asked['recipe']} {asked['budget']}" + (f" (from {start['file']})" if start else "")


def _digest_of_run(run: Path) -> str:
    """Short hash of the record and the weights of a run: its answers are kept while neither changes."""
    files = [run / NAME, *sorted(run.rglob("*.safetensors"))]
    return _short_hash(b"".join(hashlib.sha256(path.read_bytes()).digest() for path in files))


def _digest_of_models() -> str:
    """Short hash of the models that are shipped, with which our default answers."""
    return _short_hash(json.dumps(describe()).encode())


def _short_hash(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:10]


def _section(
    source: StudySource,
    systems: Mapping[str, System],
    studies: int,
    folders: Mapping[str, Path],
    budgets: str,
    unseen: str = "",
) -> str:
    """A block of the page; `folders` keep the answers of each system, so that a new one does not ask the others."""
    answers: dict[str, list[Answer]] = {name: [] for name in systems}
    labels: dict[tuple[str, str], DiscLabels] = {}
    for study in chosen_studies(source, Plan(studies, None, 0)):
        files = {name: folders[name] / source.key / f"{study}.json" for name in systems}
        if missing := [name for name, file in files.items() if not file.exists()]:
            read = source.read(study)
            for name in missing:
                _keep(read, systems[name](read), files[name])
        for name, file in files.items():
            kept = json.loads(file.read_text(encoding="utf-8"))
            labels |= {(study, level): DiscLabels(**one) for level, one in kept["labels"].items()}
            answers[name] += [Answer(**one) for one in kept["answers"]]
    text, discs = compare(answers, labels)
    patients = len({study for study, _ in discs})
    about = {"source": source.title, "discs": len(discs), "patients": patients, "budgets": budgets, "unseen": unseen}
    return f"{INTRO.format(**about)}\n\n{text}"


def _keep(study: LabelledStudy, answers: Sequence[Answer], file: Path) -> None:
    """Write what a system answers on a study, with the study's labels."""
    file.parent.mkdir(parents=True, exist_ok=True)
    labels = {level: asdict(one) for level, one in study.labels.items()}
    write_json(file, {"labels": labels, "answers": [asdict(one) for one in answers]})


def compare(
    answers: Mapping[str, Sequence[Answer]], labels: Mapping[tuple[str, str], DiscLabels]
) -> tuple[str, set[tuple[str, str]]]:
    """A row a system and a column a measure, over the labelled discs that all systems answered; and these discs."""
    discs = set(labels).intersection(*({(one.study, one.level) for one in some} for some in answers.values()))
    head = ["", *(measure.title for measure in MEASURES)]
    counts = ["discs", *(sum(truth_of(one.task, labels[disc]) in one.classes for disc in discs) for one in MEASURES)]
    rows = [[name, *(_cell(one, some, labels, discs) for one in MEASURES)] for name, some in answers.items()]
    return table(head, [counts, *rows]), discs


def _cell(
    measure: Measure,
    answers: Sequence[Answer],
    labels: Mapping[tuple[str, str], DiscLabels],
    discs: set[tuple[str, str]],
) -> str:
    asked = [one for one in answers if one.task == measure.task and (one.study, one.level) in discs]
    truths = [truth_of(one.task, labels[one.study, one.level]) for one in asked]
    rows = [(one, truth) for one, truth in zip(asked, truths, strict=True) if truth in measure.classes]
    if not rows:
        return "–"
    number, other = {name: at for at, name in enumerate(measure.classes)}, len(measure.classes)
    truth = np.array([number[truth] for _, truth in rows])
    score = np.array([1 - one.probabilities[measure.classes[0]] for one, _ in rows])
    # An answer that is no class of the truth, as type III, is wrong whatever the truth.
    called = np.array([number.get(one.answer, other) for one, _ in rows])

    def metric(some: np.ndarray) -> float:
        if measure.metric == "AUROC":
            return auroc(truth[some] > 0, score[some])
        counts = confusion(truth[some], called[some], other + 1)
        return balanced_accuracy(counts[:other]) if measure.metric == "balanced accuracy" else kappa(counts, 2)

    return str(bootstrap(metric, [one.patient for one, _ in rows]))
