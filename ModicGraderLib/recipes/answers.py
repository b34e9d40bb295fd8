"""The answers of a trained recipe as files: a table of all discs, and how good they are where labels are known."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from ..errors import InputError
from ..export.tables import write_table
from ..training.data_folder import write_json
from ..whole_files import whole_file, write_text
from .measures import Labels, measure, measures_page, on_one_scale, truth_of
from .recipe import Answer
from .tables import without_nan


def write_answers(
    folder: Path, answers: Sequence[Answer], labels: Labels, narrowing_grades: int, title: str, notes: Sequence[str]
) -> list[Path]:
    """Write `answers.csv` with a row a disc, `metrics.json` and `metrics.md`, each complete or not at all.

    Parameters
    ----------
    labels:
        Of all discs that were answered, and of those that should have been.
    narrowing_grades:
        Of the labels, see `StudySource`.
    title, notes:
        Of the page.

    Raises
    ------
    InputError
        There is no answer.
    """
    folder.mkdir(parents=True, exist_ok=True)
    rows: dict[tuple[str, str], dict[str, object]] = {}
    for one in answers:
        row = rows.setdefault((one.study, one.level), {"study": one.study, "level": one.level})
        row[one.task] = one.answer
        row[f"{one.task}_truth"] = truth_of(one.task, labels[one.study, one.level])
        row |= {f"{one.task}_{value}": round(chance, 4) for value, chance in one.probabilities.items()}
    if not rows:
        raise InputError("the recipe has no answer for any of these discs; give studies with both T1 and T2")
    scaled = on_one_scale(answers, labels, narrowing_grades)
    if scaled != (list(answers), dict(labels)):
        notes = [*notes, "Narrowing is measured as 0 or 1, there or not: the labels or the answers do not grade it."]
    measured = measure(*scaled)
    with whole_file(folder / "answers.csv") as unfinished:
        write_table(unfinished, list(rows.values()))
    write_json(folder / "metrics.json", without_nan([asdict(one) for one in measured]))
    write_text(folder / "metrics.md", measures_page(measured, title, notes))
    return [folder / name for name in ("answers.csv", "metrics.json", "metrics.md")]
