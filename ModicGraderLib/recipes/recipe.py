"""What a recipe is: the interface between a paper's system and the commands that train, apply and reproduce it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from ..evaluation.metrics import Estimate
from ..training.labelled_study import LabelledStudy
from ..training.samples import Sample

BUDGETS = ("smoke", "small", "full")
"""How much of a protocol is run: enough to see that it runs, what two processor cores do in an hour, and all of it."""


@dataclass(frozen=True)
class Plan:
    """What a budget allows.

    Attributes
    ----------
    studies:
        Of the simulated cohort, or at most so many of a given one; None for as many as the paper had.
    folds:
        How many folds of the paper's cross-validation are run; None for all. Folds are cut for all of them.
    epochs:
        Passes over the training data; where the paper has several numbers, a share of each is taken.
    """

    studies: int | None
    folds: int | None
    epochs: float


@dataclass(frozen=True)
class CohortWish:
    """The cohort of a paper, for the simulator to make one like it.

    Attributes
    ----------
    patients:
        How many.
    label:
        Field of `DiscLabels` whose mix the cohort copies.
    mix:
        Share of discs for each value of that label.
    """

    patients: int
    label: str
    mix: Mapping[str, float]


@dataclass(frozen=True)
class Answer:
    """What a trained recipe says of one task at one disc.

    Attributes
    ----------
    task:
        Field of `DiscLabels`; "any_change" for the presence of any Modic change.
    probabilities:
        By the value that the field can have, as text; they sum to 1.
    answer:
        The value that is answered, as text. Aggregation rules may make it another than the most probable.
    """

    study: str
    patient: str
    level: str
    task: str
    probabilities: Mapping[str, float]
    answer: str


@dataclass(frozen=True)
class Cell:
    """The paper's figure and ours, in the paper's own unit (percent or share); None where there is none."""

    paper: float | None = None
    ours: Estimate | float | None = None
    paper_text: str = ""


@dataclass(frozen=True)
class Table:
    """A table of a paper with our row beside each of its rows.

    Attributes
    ----------
    title:
        With the paper's own number, for example "Table 1: accuracies of four variants".
    columns:
        Headings.
    rows:
        Cells by row heading, one a column.
    source, budget:
        What ours was measured on, and with which budget; printed with the table.
    notes:
        What the difference means, contradictions of the paper and how they were resolved.
    """

    title: str
    columns: Sequence[str]
    rows: Mapping[str, Sequence[Cell]]
    source: str
    budget: str
    notes: Sequence[str] = field(default_factory=tuple)


@dataclass(frozen=True)
class Run:
    """How and where training runs.

    Attributes
    ----------
    folder:
        Gets checkpoints, weights, logs and `run.json`.
    plan, budget:
        What is run, and its name in `BUDGETS`.
    seed:
        Of everything random.
    device:
        "cpu", "cuda", "cuda:1" or "mps".
    variant:
        One of the recipe's.
    pretrained:
        File of weights to start from, None to start from chance.
    """

    folder: Path
    plan: Plan
    budget: str
    seed: int = 0
    device: str = "cpu"
    variant: str = ""
    pretrained: Path | None = None


class Recipe(Protocol):
    """One paper's system. Every recipe module has one as `RECIPE`.

    Attributes
    ----------
    name, title, doi:
        For example "damopoulos2019", the paper's title, its DOI.
    cohort:
        What a simulated cohort for it looks like.
    plans:
        By budget.
    variants:
        Names of the systems that the paper compares, the one it recommends first.
    tasks:
        What it answers, see `Answer.task`.
    """

    name: str
    title: str
    doi: str
    cohort: CohortWish
    plans: Mapping[str, Plan]
    variants: Sequence[str]
    tasks: Sequence[str]

    def cut(self, study: LabelledStudy) -> list[Sample]:
        """What the networks see of a study; [] where it shows nothing that the recipe can use."""
        ...

    def fit(self, samples: Sequence[Sample], run: Run) -> None:
        """Train on all samples and leave the weights in `run.folder`; goes on where it was stopped."""
        ...

    def answer(self, samples: Sequence[Sample], run: Run) -> list[Answer]:
        """What the weights in `run.folder` say of samples."""
        ...

    def reproduce(self, samples: Sequence[Sample], run: Run, source: str) -> list[Table]:
        """Run the paper's protocol, as far as the budget goes, and set its tables beside ours."""
        ...
