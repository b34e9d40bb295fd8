"""A recipe that only counts, and studies that are drawn in a moment.

Run by itself as one of several processes, `torchrun ... counting_recipe.py FOLDER`, it evaluates what was trained there
in `run`, and then reproduces three recipes, of which the first process cannot use the data of one.
"""

from __future__ import annotations

import sys
from pathlib import Path
from unittest import mock

import numpy as np

from ModicGraderLib import cli
from ModicGraderLib.errors import InputError
from ModicGraderLib.recipes import commands
from ModicGraderLib.recipes.recipe import Answer, Cell, CohortWish, Plan, Table
from ModicGraderLib.training.labelled_study import DiscLabels, LabelledStudy
from ModicGraderLib.training.samples import Sample

LABELS = {
    "L5/S1": DiscLabels(modic="I", pfirrmann=4),
    "L4/L5": DiscLabels(modic="0", pfirrmann=2),
    "L3/L4": DiscLabels(modic="III"),
}


class Source:
    """Four patients; the last cannot be read."""

    title, key, narrowing_grades = "4 drawn patients", "drawn-1", 2
    studies = ("a", "b", "c", "broken")

    def read(self, study: str) -> LabelledStudy:
        if study == "broken":
            raise InputError("no spine is seen on it")
        return LabelledStudy(study, f"patient-{study}", None, (), np.zeros((1, 1, 1), np.uint8), labels=LABELS)


class Recipe:
    """Answers type I for every disc."""

    name, title, doi = "damopoulos2019", "Counting", "10.0/0"
    cohort = CohortWish(7, "modic", {"0": 0.5, "I": 0.5})
    plans = {"smoke": Plan(2, 1, 1), "small": Plan(3, 1, 1), "full": Plan(None, None, 9)}  # noqa: RUF012
    variants = ("first", "second")
    tasks = ("modic", "any_change", "pfirrmann")

    def cut(self, study):
        discs = [*study.labels, "L2/L3"]
        return [Sample(study.name, study.patient, level, study.labels.get(level, DiscLabels()), {}) for level in discs]

    def fit(self, samples, run):
        (run.folder / f"{run.variant}.txt").write_text(f"{len(samples)} {run.plan.epochs} {run.seed}")

    def answer(self, samples, run):
        assert (run.folder / f"{run.variant}.txt").exists()
        said = {
            "modic": ({"0": 0.3, "I": 0.6, "II": 0.1}, "I"),
            "any_change": ({"False": 0.3, "True": 0.7}, "True"),
            "pfirrmann": ({str(grade): 0.2 for grade in range(1, 6)}, "4"),
        }
        return [
            Answer(one.study, one.patient, one.level, task, *answer) for one in samples for task, answer in said.items()
        ]

    def reproduce(self, samples, run, source):
        return [Table("Table 1", ["discs"], {"all": [Cell(552, len(samples))]}, source, run.budget)]


class Unreadable(Source):
    """All of whose studies are refused."""

    studies = ("broken",)


NAMED = {}
"""Recipes by name, of which the second gets no study that can be read."""
for _name in ("damopoulos2019", "cina2023", "gao2022"):
    NAMED[_name] = type("Named", (Recipe,), {"name": _name})


def main(folder: Path) -> None:
    """Both commands, which all processes must end well."""

    def open_source(data: str, recipe: Recipe, plan: Plan, **more: bool) -> Source:
        return Unreadable() if recipe.name == "cina2023" else Source()

    with mock.patch.multiple(
        commands, RECIPES=tuple(NAMED), load_recipe=lambda name: NAMED[name](), open_source=open_source
    ):
        evaluation = ("evaluate", "damopoulos2019", "--run", str(folder / "run"), "-o", str(folder / "out"))
        reproduction = ("reproduce", "all", "-o", str(folder / "reproduced"))
        codes = [cli.main([*call, "--data", "drawn", "--device", "cpu"]) for call in (evaluation, reproduction)]
    sys.exit(0 if codes == [0, 0] else f"codes are {codes}")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
