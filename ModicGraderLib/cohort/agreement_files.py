"""`agreement.json` for programs and `agreement.md` for people."""

from __future__ import annotations

import json
from math import isfinite

from ..evaluation.metrics import Estimate
from ..evaluation.pages import table
from ..wording import NOTHING
from .agreement import Agreement, Measured, TaskAgreement
from .overview_shares import ENOUGH_PATIENTS

SCHEMA = "modicgrader-agreement-1"
AGREEMENT_FILES = ("agreement.json", "agreement.md")


def write_agreement(agreement: Agreement) -> dict[str, str]:
    """The text of each of `AGREEMENT_FILES`."""
    return dict(zip(AGREEMENT_FILES, (agreement_json(agreement), agreement_page(agreement)), strict=True))


def agreement_json(agreement: Agreement) -> str:
    """Counts, confusions (labels in rows) and measures with their 95 % intervals; null where one cannot be told."""
    tasks = [
        {
            "task": one.task.id,
            "title": one.task.title,
            "unit": one.task.unit,
            "classes": one.task.classes,
            "labelled": one.labelled,
            "found": one.called.count,
            "given": one.given.count,
            "patients": one.patients,
            "all_as_called": _measures(one.called),
            "given_alone": _measures(one.given),
        }
        for one in agreement.tasks
    ]
    head = {"schema": SCHEMA, "labelled_studies": agreement.labelled_studies, "done_studies": agreement.done_studies}
    return json.dumps({**head, "tasks": tasks}, indent=2, allow_nan=False)


def _measures(measured: Measured) -> dict:
    return {
        "confusion": measured.answers.matrix().tolist(),
        "measures": {name: _values(estimate) for name, estimate in measured.measures.items()},
    }


def _values(estimate: Estimate) -> dict[str, float | None]:
    return {name: value if isfinite(value) else None for name, value in vars(estimate).items()}


def agreement_page(agreement: Agreement) -> str:
    """Markdown: of each task how much was answered, its measures, and labels against answers."""
    parts = [
        "# Agreement with the given labels",
        f"{agreement.done_studies} of {agreement.labelled_studies} labelled studies are done. Brackets are 95 %"
        f" intervals from a bootstrap over patients, if there are {ENOUGH_PATIENTS}. *All, as called* counts every disc"
        " that was found, with what the probabilities make the program call where it withholds the grade; *given alone*"
        " those whose grade it gives.",
    ]
    if not agreement.tasks:
        parts.append("No labelled disc is graded yet.")
    for one in agreement.tasks:
        parts += _section(one)
    return "\n\n".join(parts) + "\n"


def _section(one: TaskAgreement) -> list[str]:
    counts = (
        f"Labelled {one.task.unit}s of done studies: {one.labelled}. Found: {one.called.count}, patients:"
        f" {one.patients}. Grade given: {one.given.count}, coverage: {one.coverage:.1%}."
    )
    given = one.given.measures
    rows = [(name, estimate, given.get(name, NOTHING)) for name, estimate in one.called.measures.items()]
    parts = [f"## {one.task.title}", counts]
    if rows:
        parts.append(table(("measure", "all, as called", "given alone"), rows))
        parts.append(_confusion(one))
    return parts


def _confusion(one: TaskAgreement) -> str:
    """Labels in rows and answers in columns, of all as called; classes that do not occur are left out."""
    matrix = one.called.answers.matrix()
    names = [
        (number, name)
        for number, name in enumerate(one.task.classes)
        if matrix[number].any() or matrix[:, number].any()
    ]
    rows = [
        (f"**{name}**", *(matrix[number, other] for other, _ in names), matrix[number].sum()) for number, name in names
    ]
    return table(("label \\ answer", *(name for _, name in names), "all"), rows)
