"""How good a recipe's answers are where labels are known: per task, with bootstrap intervals over patients."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from ..evaluation.metrics import Estimate, auroc, balanced_accuracy, bootstrap, confusion, kappa, macro_f1
from ..evaluation.pages import table
from ..training.labelled_study import DiscLabels
from .recipe import Answer

Labels = Mapping[tuple[str, str], DiscLabels]
"""Of discs, by study and level."""


@dataclass(frozen=True)
class TaskMeasures:
    """Measures of one task over all discs whose label is known and among the answers that the recipe can give.

    Attributes
    ----------
    classes:
        In the order of the confusion matrix.
    discs, patients:
        How many were measured on.
    left_out:
        Labelled discs by their label, which the recipe cannot answer, as type III of a recipe that knows none.
    unanswered:
        Labelled discs by level that have no answer: they were not found, or the recipe cannot use them.
    confusion:
        Counts (classes, classes): the truth in rows, the answer in columns.
    measures:
        By name; each is undefined (NaN) where a class that it needs is absent.
    """

    task: str
    classes: Sequence[str]
    discs: int
    patients: int
    left_out: Mapping[str, int]
    unanswered: Mapping[str, int]
    confusion: Sequence[Sequence[int]]
    measures: Mapping[str, Estimate]


def truth_of(task: str, labels: DiscLabels) -> str | None:
    """The label of a task (`Answer.task`) as the text of an answer; None where it is not known."""
    if task == "any_change":
        value = None if labels.modic is None else labels.modic != "0"
    elif task == "any_endplate_lesion":
        value = _any_endplate_lesion(labels)
    else:
        value = getattr(labels, task)
    return None if value is None else str(value)


def _any_endplate_lesion(labels: DiscLabels) -> bool | None:
    if labels.endplate_lesion is not None:
        return labels.endplate_lesion != "normal"
    changes = (labels.upper_endplate_change, labels.lower_endplate_change)
    # One that is there is enough; that there is none must be known of both.
    return True if True in changes else None if None in changes else False


def on_one_scale(answers: Sequence[Answer], labels: Labels, narrowing_grades: int) -> tuple[list[Answer], Labels]:
    """Answers and labels with narrowing as 0 or 1, narrowed at all, where either of them does not tell its grade.

    Parameters
    ----------
    narrowing_grades:
        Of the labels, see `StudySource`.
    """
    if narrowing_grades == 2:
        return [_narrowed_or_not(one) for one in answers], dict(labels)
    if any(one.task == "narrowing" and len(one.probabilities) == 2 for one in answers):
        # What is not known stays so.
        labels = {place: replace(one, narrowing=one.narrowing and 1) for place, one in labels.items()}
    return list(answers), dict(labels)


def _narrowed_or_not(answer: Answer) -> Answer:
    if answer.task != "narrowing" or len(answer.probabilities) == 2:
        return answer
    none = answer.probabilities["0"]
    return replace(answer, probabilities={"0": none, "1": 1 - none}, answer=str(int(answer.answer != "0")))


def measure(answers: Sequence[Answer], labels: Labels) -> list[TaskMeasures]:
    """Measures of each task, in the order of the answers; tasks without a single label are left out.

    Parameters
    ----------
    labels:
        Of all discs that were answered, and of those that should have been.
    """
    by_task: dict[str, list[Answer]] = {}
    for answer in answers:
        by_task.setdefault(answer.task, []).append(answer)
    return [_measure(task, some, truths) for task, some in by_task.items() if (truths := _truths(task, labels))]


def _truths(task: str, labels: Labels) -> dict[tuple[str, str], str]:
    return {place: truth for place, one in labels.items() if (truth := truth_of(task, one)) is not None}


def _measure(task: str, answers: Sequence[Answer], labelled: Mapping[tuple[str, str], str]) -> TaskMeasures:
    classes = list(answers[0].probabilities)
    answered = {(one.study, one.level): one for one in answers}
    unanswered = Counter(level for _, level in labelled.keys() - answered.keys())
    rows = [(one, labelled[place]) for place, one in answered.items() if place in labelled]
    known = [(answer, truth) for answer, truth in rows if truth in classes]
    strange = [truth for _, truth in rows if truth not in classes]
    truths = np.array([classes.index(truth) for _, truth in known], int)
    called = np.array([classes.index(answer.answer) for answer, _ in known], int)
    chances = np.array([[answer.probabilities[name] for name in classes] for answer, _ in known])
    patients = [answer.patient for answer, _ in known]
    measures = {
        name: bootstrap(metric, patients)
        for name, metric in (_metrics(classes, truths, called, chances).items() if known else ())
    }
    return TaskMeasures(
        task=task,
        classes=classes,
        discs=len(known),
        patients=len(set(patients)),
        left_out={truth: strange.count(truth) for truth in sorted(set(strange))},
        unanswered=dict(sorted(unanswered.items())),
        confusion=confusion(truths, called, len(classes)).tolist(),
        measures=measures,
    )


def _metrics(
    classes: Sequence[str], truths: np.ndarray, called: np.ndarray, chances: np.ndarray
) -> dict[str, Callable[[np.ndarray], float]]:
    """Metrics of row numbers, by name."""

    def of_confusion(metric: Callable[[np.ndarray], float]) -> Callable[[np.ndarray], float]:
        return lambda rows: metric(confusion(truths[rows], called[rows], len(classes)))

    metrics = {
        "accuracy": lambda rows: float((truths[rows] == called[rows]).mean()),
        "balanced accuracy": of_confusion(balanced_accuracy),
        "macro F1": of_confusion(macro_f1),
        "kappa": of_confusion(kappa),
    }
    for number, name in enumerate(classes):
        metrics[f"sensitivity for {name}"] = of_confusion(lambda matrix, number=number: _recall(matrix, number))
        metrics[f"AUC of {name}"] = lambda rows, number=number: auroc(truths[rows] == number, chances[rows, number])
    return metrics


def _recall(matrix: np.ndarray, number: int) -> float:
    there = matrix[number].sum()
    return float(matrix[number, number] / there) if there else float("nan")


def measures_page(measured: Sequence[TaskMeasures], title: str, notes: Sequence[str]) -> str:
    """The measures as Markdown: of each task a table of measures and one of truths against answers."""
    parts = [f"# {title}", *notes]
    if not measured:
        parts.append("None of these studies has a label of a task that is answered, so that nothing was measured.")
    for one in measured:
        parts += [
            f"## {one.task}",
            f"{one.discs} discs of {one.patients} patients; 95 % intervals from a bootstrap over patients.",
        ]
        if one.left_out:
            told = ", ".join(f"{count} labelled {label}" for label, count in one.left_out.items())
            parts.append(f"Left out, since the recipe has no such answer: {told}.")
        if one.unanswered:
            told = ", ".join(f"{count} {level}" for level, count in one.unanswered.items())
            parts.append(
                f"{sum(one.unanswered.values())} labelled discs have no answer, since they were not found or the recipe"
                f" cannot use them: {told}."
            )
        parts.append(table(["measure", "value"], one.measures.items()))
        rows = [[f"**{name}**", *counts] for name, counts in zip(one.classes, one.confusion, strict=True)]
        parts.append(table(["truth \\ answer", *one.classes], rows))
    return "\n\n".join(parts) + "\n"
