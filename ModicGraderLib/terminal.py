"""What the command line shows: progress on stderr, the table of levels or JSON on stdout."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

from rich import box
from rich.console import Console
from rich.progress import BarColumn, TextColumn, TimeElapsedColumn
from rich.progress import Progress as Bar
from rich.table import Table
from rich.text import Text

from .comparison import Comparison
from .corrections import describe, machine_report, standing, standing_at, words
from .progress import Progress
from .report import DiscReport, StudyReport
from .wording import NOTHING, percent

GRADES_SHOWN = ("modic", "pfirrmann")
"""Grades in the table of levels, by their names in `DiscReport.readings`; narrowing is shown as a probability."""


@contextmanager
def shown_progress() -> Iterator[Progress]:
    """A progress drawn as a bar on stderr where that is a terminal, and not at all elsewhere."""
    console = Console(stderr=True)
    if not console.is_terminal:
        yield Progress()
        return
    columns = BarColumn(), TextColumn("{task.description}"), TimeElapsedColumn()
    with Bar(*columns, console=console, transient=True) as bar:
        task = bar.add_task("Starting", total=1.0)
        yield Progress(lambda fraction, text: bar.update(task, completed=fraction, description=text))


def print_summary(report: StudyReport, directory: Path, files: list[Path], *, as_json: bool) -> None:
    """Print the levels, the findings, what a reader corrected, and where the report is."""
    if as_json:
        return print_json(_summary(report, files))
    console = Console(highlight=False)
    console.print(_table(report))
    for finding in report.quality:
        level = f" ({finding.level})" if finding.level else ""
        console.print(f"{finding.severity}{level}: {finding.message}", markup=False, soft_wrap=True)
    for correction in standing(report):
        console.print(f"corrected: {describe(correction)}", markup=False, soft_wrap=True)
    console.print(f"Report: {directory / 'report.html'}", markup=False, soft_wrap=True)


def print_cases(cases: Mapping[str, Mapping[str, Any]], *, as_json: bool) -> None:
    """Print the teaching cases, by name, with their titles."""
    if as_json:
        return print_json([{"name": name, **case} for name, case in cases.items()])
    table = Table(box=None, show_header=False)
    for name, case in cases.items():
        table.add_row(name, case["title"])
    Console(highlight=False).print(table)


def print_simulated(
    studies: list[dict[str, Path]], directory: Path, case: Mapping[str, Any] | None, *, as_json: bool
) -> None:
    """Print where simulated studies lie, by the files of each, and what a case wants to be looked at."""
    if as_json:
        files = [{name: str(path) for name, path in study.items()} for study in studies]
        return print_json(files if len(files) > 1 else files[0])
    for line in (case or {}).get("title"), (case or {}).get("look_at"):
        if line:
            print(line)
    print(f"{len(studies)} simulated {'study' if len(studies) == 1 else 'studies'}: {directory}")


def print_comparison(comparisons: list[Comparison], *, as_json: bool) -> None:
    """Print the grades of two reports beside each other, level by level."""
    if as_json:
        return print_json([asdict(one) for one in comparisons])
    table = _narrow_table()
    for name in ("Level", "Modic", "upper", "lower", "Pfirrmann", "narrowed", "lesion", "mm"):
        table.add_column(name)
    for one in comparisons:
        grades = [_beside(one, name) for name in one.truth]
        table.add_row(one.level, *grades, "not found" if one.distance_mm is None else f"{one.distance_mm:.1f}")
    text = "truth → result, or the truth alone where no grade was given; mm is between the centers"
    console = Console(highlight=False)
    console.print(text, soft_wrap=True)
    console.print(table)


def _beside(one: Comparison, name: str) -> Text:
    truth, result = (NOTHING if grade is None else _word(grade) for grade in (one.truth[name], one.result[name]))
    if one.result[name] is None:
        return Text(truth, style="dim")
    return Text(f"{truth} → {result}", style="green" if name in one.agreeing else "red")


def _word(grade: str | int) -> str:
    return str(grade).split("_")[-1]


def print_json(value: Any) -> None:
    """Print a value as indented JSON."""
    print(json.dumps(value, indent=2))


def _summary(report: StudyReport, files: list[Path]) -> dict[str, Any]:
    discs = [
        {
            "level": disc.level,
            "modic": disc.modic.grade,
            "any_change": disc.modic.any_change,
            "pfirrmann": disc.pfirrmann.grade,
            "narrowing": disc.narrowing.grade,
            "abstained": [one["grade"] for one in disc.abstained],
        }
        for disc in report.discs
    ]
    whole = report.to_dict()
    return {
        "numbering": whole["numbering"],
        "quality": whole["quality"],
        "discs": discs,
        "corrections": whole["corrections"],
        "files": [str(path) for path in files],
    }


def _narrow_table() -> Table:
    """A table whose headings fit into 80 columns."""
    return Table(box=box.SIMPLE_HEAD, collapse_padding=True, pad_edge=False, show_edge=False)


def _table(report: StudyReport) -> Table:
    table = _narrow_table()
    for name in ("Level", "Modic", "any change", "Pfirrmann", "narrowed", "herniation", "bulging", "slip"):
        table.add_column(name)
    for disc, said in zip(report.discs, machine_report(report).discs, strict=True):
        modic, pfirrmann = (_grade(report, disc, name, _shown(said.readings[name].grade)) for name in GRADES_SHOWN)
        narrowed = _grade(report, disc, "narrowing", percent(disc.narrowing.present))
        chances = map(percent, (disc.herniation, disc.bulging, disc.spondylolisthesis))
        table.add_row(disc.level, modic, percent(disc.modic.any_change), pfirrmann, narrowed, *chances)
    return table


def _grade(report: StudyReport, disc: DiscReport, field: str, said: str) -> Text:
    """What the program said, and where a reader corrected it what counts instead."""
    correction = standing_at(report, disc.level).get(field)
    if correction is None:
        return Text(said)
    value = correction.reader_value
    return Text(f"{said} → {_shown(None if value is None else words(field, value))}", "yellow")


def _shown(grade: int | str | None) -> str:
    return NOTHING if grade is None else str(grade)
