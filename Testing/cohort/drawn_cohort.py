"""A cohort on disk whose grades are drawn as epidemiology has them: folders with reports, nothing graded by a network."""

from __future__ import annotations

import json
from collections.abc import Sequence
from copy import deepcopy
from dataclasses import replace
from pathlib import Path

import numpy as np
from graded_example import example_graded_study

from ModicGraderLib.anatomy import ENDPLATE_LESIONS, ENDPLATES, MODIC_TYPES, PFIRRMANN_GRADES
from ModicGraderLib.cohort.study_list import StudyEntry
from ModicGraderLib.measurement.endplate_change import height_class
from ModicGraderLib.report import (
    DiscReport,
    EndplateReport,
    GradeReading,
    ModicReading,
    NarrowingReading,
    QualityFinding,
    StudyReport,
)
from ModicGraderLib.simulation.epidemiology import (
    MODIC_BY_PFIRRMANN,
    NARROWED_BY_PFIRRMANN,
    PFIRRMANN_COUNTS,
    WEAR_PER_YEAR,
)
from ModicGraderLib.training.labelled_study import DiscLabels

_EXAMPLE = example_graded_study().report
_TYPES, _TYPE_SHARES = ("I", "I/II", "II", "II/III", "III"), (0.2, 0.15, 0.55, 0.05, 0.05)
DOUBT = (
    "It would be right with a chance of only {:.0%}; it is given from 60% upwards, so that at most 25% of those given"
    " are wrong."
)


def draw_cohort(
    directory: Path, studies: int, seed: int = 0, *, failed: int = 0, left: int = 0, labelled: bool = False
) -> list[StudyEntry]:
    """Write `studies` reports into `directory/studies`, and return all entries; every fifth patient has two studies.

    `failed` entries have a row in `failures.csv`, `left` ones nothing. Labels are what the report's truth is.
    """
    rng = np.random.default_rng(seed)
    entries = []
    for number in range(studies + failed + left):
        age = None if number % 17 == 5 else round(float(np.clip(rng.normal(52, 16), 18, 88)), 1)
        patient = f"p{number - (number % 5 == 4):05d}"
        entries.append(StudyEntry(f"s{number:05d}", patient, age_years=age))
    for number, entry in enumerate(entries[:studies]):
        report, labels = _draw(rng, entry.age_years or 52.0)
        folder = directory / "studies" / entry.name
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "report.html").write_text("<!DOCTYPE html><title>report</title>", encoding="utf-8")
        (folder / "run.json").write_text(json.dumps({"seconds": 20.0 + number % 7, "peak_memory_mb": 900.0}))
        (folder / "report.json").write_text(report.to_json(), encoding="utf-8")
        if labelled:
            entries[number] = replace(entry, labels=labels)
    _write_failures(directory, [entry.name for entry in entries[studies : studies + failed]])
    return entries


def _write_failures(directory: Path, names: Sequence[str]) -> None:
    if names:
        rows = [f'{name},input,"no sagittal series was found; give its folder",1.2,1' for name in names]
        (directory / "failures.csv").write_text("\n".join(["study,kind,message,seconds,attempts", *rows]) + "\n")


def _draw(rng: np.random.Generator, age: float) -> tuple[StudyReport, dict[str, DiscLabels]]:
    report, labels, wear = deepcopy(_EXAMPLE), {}, rng.normal()
    for disc in report.discs:
        labels[disc.level] = _draw_disc(disc, wear + WEAR_PER_YEAR * (age - 52), rng)
    report.quality = [QualityFinding("modic_type_by_signal", "info", "Types were read from the signal.")]
    if rng.random() < 0.15:
        report.quality.append(QualityFinding("noisy", "warning", "The marrow is noisy on T2: faint changes are lost."))
    if rng.random() < 0.03:
        report.quality.append(
            QualityFinding("fused", "error", "The vertebrae look fused: grades do not hold.", "L4/L5")
        )
    return report, labels


def _draw_disc(disc: DiscReport, wear: float, rng: np.random.Generator) -> DiscLabels:
    """Grade a disc, and tell what is true of it: the program errs and doubts."""
    counts = np.cumsum(PFIRRMANN_COUNTS[disc.level])
    place = 1 / (1 + np.exp(-(0.8 * wear + rng.logistic() * 0.7)))
    true = 1 + int(np.searchsorted(counts[:-1] / counts[-1], place))
    seen = int(np.clip(true + rng.choice((-1, 0, 0, 0, 0, 1)), 1, 5))
    changed = rng.random() < MODIC_BY_PFIRRMANN[true - 1]
    type_ = str(rng.choice(_TYPES, p=_TYPE_SHARES)) if changed else "0"
    chance = float(np.clip(rng.beta(6, 2) if changed else rng.beta(1, 6), 0.01, 0.99))
    narrowed = rng.random() < NARROWED_BY_PFIRRMANN[true - 1]
    width = float(np.clip(0.9 * narrowed + rng.normal(0.05, 0.15), 0.01, 0.99))
    lesion = str(rng.choice(ENDPLATE_LESIONS, p=(0.55, 0.28, 0.11, 0.06)))
    disc.pfirrmann = GradeReading(seen, _around(PFIRRMANN_GRADES, seen))
    disc.modic = _modic(type_ if changed else "II", chance)
    disc.narrowing = NarrowingReading(width, int(width >= 0.5))
    disc.endplate_lesion = GradeReading(lesion, _around(ENDPLATE_LESIONS, lesion))
    disc.herniation, disc.bulging, disc.spondylolisthesis = (float(one) for one in rng.beta(1, 4, 3))
    disc.endplates = {name: _endplate(disc.modic, rng) for name in ENDPLATES}
    disc.abstained = []
    for name, doubt in (("modic", 0.25 < chance < 0.55), ("narrowing", 0.3 < width < 0.6)):
        if doubt:
            disc.readings[name].grade = None
            disc.abstained.append({"grade": name, "reason": DOUBT.format(chance)})
    return DiscLabels(modic=type_, pfirrmann=true, narrowing=int(narrowed), endplate_lesion=lesion,
                      upper_endplate_change=lesion != "normal", lower_endplate_change=lesion == "schmorl_node")  # fmt: skip


def _modic(type_: str, chance: float) -> ModicReading:
    parts = type_.split("/")
    types = {one: chance * (one in parts) / len(parts) for one in MODIC_TYPES[1:]}
    return ModicReading(type_ if chance >= 0.35 else "0", {"0": 1 - chance, **types}, chance)


def _around(names: Sequence, chosen: object) -> dict[str, float]:
    rest = 0.3 / (len(names) - 1)
    return {str(name): 0.7 if name == chosen else rest for name in names}


def _endplate(modic: ModicReading, rng: np.random.Generator) -> EndplateReport:
    change = float(rng.beta(2, 4))
    if modic.grade == "0":
        return EndplateReport(deepcopy(modic), endplate_change=change, marrow_change=modic.any_change)
    height = float(np.clip(rng.gamma(3, 12), 3, 100))
    return EndplateReport(
        deepcopy(modic), endplate_change=change, marrow_change=modic.any_change, height_percent=height,
        height_class=height_class(height), location=["anterior"], volume_mm3=60 * height,
    )  # fmt: skip
