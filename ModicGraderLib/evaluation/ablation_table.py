"""What the ablations of the disc grader found, as Markdown (`evaluation --only ablations`)."""

from __future__ import annotations

import json
from itertools import groupby
from pathlib import Path

from ..errors import InputError
from .metrics import Estimate
from .pages import table

RESULTS = "ablations.json"
"""Where `evaluation.ablations` leaves what it found."""


def ablation_section(runs: Path) -> str:
    """One table for each question in the results of `evaluation.ablations`, which lie in the folder `runs`.

    Raises
    ------
    InputError
        There are no results.
    """
    path = runs / RESULTS
    if not path.exists():
        raise InputError(f"{path} is not there; make it with `python -m ModicGraderLib.evaluation.ablations`.")
    rows = json.loads(path.read_text(encoding="utf-8"))
    parts = []
    for question, own in groupby(rows, key=lambda row: row["question"]):
        parts += [f"### {question}", _table(list(own))]
    return "\n\n".join(parts)


def _table(rows: list[dict]) -> str:
    """Arms down, metrics across."""
    metrics, arms, notes = ({row[key]: None for row in rows} for key in ("metric", "arm", "note"))
    found = {(row["arm"], row["metric"]): Estimate(row["value"], row["low"], row["high"]) for row in rows}
    body = [(arm, *(found.get((arm, metric), "") for metric in metrics)) for arm in arms]
    said = [note for note in notes if note]
    shown = table(("arm", *metrics), body)
    return f"{'. '.join(said)}.\n\n{shown}" if said else shown
