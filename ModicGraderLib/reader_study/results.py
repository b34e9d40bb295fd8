"""What a reading study found, as Markdown and JSON, beside what Gao 2022 found."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Sequence
from dataclasses import asdict
from math import isfinite
from pathlib import Path
from typing import Any

from ..evaluation.metrics import BOOTSTRAPS, Estimate
from ..evaluation.pages import table, wrapped
from ..wording import NOTHING, listed
from .agreement import PERMUTATIONS, SCALES, Agreement, Duration, Paired, StudyResult

SCHEMA = "modicgrader-reader-study-result-1"

GAO = {"without": 0.52, "assisted": 0.58, "p_below": 0.05}
"""Kappa of the junior radiologist and the senior neuroradiologist (Gao 2022, Abstract: Results)."""

FILES = ("reader-study.md", "reader-study.json")

HEAD = ("Kappa", "Grades", "Cases", "Discs", "Without", "Assisted", "Difference", "p")

NOTES = (
    "Figures in parentheses are 95 % intervals from a bootstrap over cases, and a case is a patient: "
    f"{BOOTSTRAPS:,} draws of whole cases, the same for both conditions and their difference.",
    "The p-value is two-sided, from a permutation of assistance within cases: all that both readers said of a case "
    f"without and with assistance is exchanged or left, {PERMUTATIONS:,} times by lot, or in every way there is where "
    "these are fewer. It is not corrected for the number of comparisons.",
    "Only discs that were graded under both conditions by both count. Kappa is unweighted unless it says otherwise; "
    "linear weights take the grades in the order of a change's course, 0, I, I/II, II, II/III, III.",
    "Readers who follow the same machine agree more for that alone. Agreement with a reference that did not see it "
    "tells whether they also came nearer to what is there.",
    "Gao et al. state neither the unit nor the weights of their kappa, nor its interval, nor the test.",
)


def write_results(result: StudyResult, directory: Path) -> list[Path]:
    """Write `FILES` into a folder, which is made if need be; each is written to a temporary name and moved."""
    directory = Path(directory)
    directory.mkdir(parents=True, exist_ok=True)
    texts = markdown(result), json.dumps(as_json(result), indent=2, allow_nan=False)
    with tempfile.TemporaryDirectory(prefix=".reader-study-", dir=directory) as folder:
        for name, text in zip(FILES, texts, strict=True):
            (Path(folder) / name).write_text(text, encoding="utf-8")
        return [(Path(folder) / name).replace(directory / name) for name in FILES]


def as_json(result: StudyResult) -> dict[str, Any]:
    """The result as plain JSON values; None in place of what cannot be told."""
    return {"schema": SCHEMA, **_plain(asdict(result)), "gao2022": GAO, "notes": list(NOTES)}


def markdown(result: StudyResult) -> str:
    """The result as a page."""
    paper = ("*Gao 2022: junior and senior*", NOTHING, NOTHING, NOTHING, "0.52", "0.58", "+0.06", "< 0.05")
    parts = [
        "# Reading without and with assistance",
        f"{_counted(result.readers, 'reader')}: {listed(list(result.readers))}.",
        "## Agreement between readers",
        table(HEAD, [paper, *map(_agreement, result.between)]) if result.between else "There is one reader only.",
    ]
    if result.with_reference:
        parts += [
            "## Agreement with a reference",
            table(HEAD, map(_agreement, result.with_reference)),
            "The reference is named second, and is the same under both conditions: a reader by what they said without "
            "assistance, or a table.",
        ]
    head = ("Reader", "Cases", "Without, s", "Assisted, s", "Difference, s", "p")
    parts += ["## Mean time for a case", table(head, map(_duration, result.durations))]
    left_out = {f"{one.first} and {one.second}": one.left_out for one in _pairs(result) if one.left_out}
    if left_out:
        words = listed([f"{count} of {pair}" for pair, count in left_out.items()])
        parts += [f"Discs left out because not every one of the compared grades was given: {words}."]
    parts += ["## How it was measured", "\n".join(f"* {note}" for note in NOTES)]
    return "\n\n".join(part if part.startswith("*") else wrapped(part) for part in parts) + "\n"


def _pairs(result: StudyResult) -> Sequence[Agreement]:
    """One agreement of every pair: what is left out is the same on every scale."""
    first = next(iter(SCALES))
    return [one for one in (*result.between, *result.with_reference) if one.scale == first]


def _agreement(one: Agreement) -> tuple[object, ...]:
    names = f"{one.first} and {one.second}"
    return (names, SCALES[one.scale].title, one.cases, one.discs, *_paired(one.kappa, 2))


def _duration(one: Duration) -> tuple[object, ...]:
    return (one.reader, one.cases, *_paired(one.seconds, 1))


def _paired(one: Paired, digits: int) -> tuple[str, ...]:
    figures = (_shown(one.without, digits), _shown(one.assisted, digits), _shown(one.difference, digits, sign="+"))
    return (*figures, _p(one.p))


def _shown(estimate: Estimate, digits: int, sign: str = "") -> str:
    if not isfinite(estimate.value):
        return NOTHING
    value, low, high = (
        f"{number:{sign}z.{digits}f}".replace("-", "\u2212") for number in (estimate.value, estimate.low, estimate.high)
    )
    return f"{value} ({low} to {high})"


def _p(p: float) -> str:
    if not isfinite(p):
        return NOTHING
    return "< 0.001" if p < 0.001 else f"{p:.3f}"


def _counted(things: Sequence[object], name: str) -> str:
    return f"{len(things)} {name}{'' if len(things) == 1 else 's'}"


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _plain(one) for name, one in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(one) for one in value]
    return None if isinstance(value, float) and not isfinite(value) else value
