"""A cohort on disk whose grades are drawn as epidemiology has them, as if a program had graded it that errs."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from copy import deepcopy
from dataclasses import replace
from pathlib import Path

import numpy as np
from graded_example import example_graded_study

from ModicGraderLib.anatomy import ENDPLATE_LESIONS, ENDPLATES, MODIC_TYPES, PFIRRMANN_GRADES
from ModicGraderLib.cohort.folder import CohortFolder, Failure
from ModicGraderLib.cohort.study_list import StudyEntry
from ModicGraderLib.grading.decisions import CHANGE_CALLED, DECIDED
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
from ModicGraderLib.simulation.epidemiology import MODIC_BY_PFIRRMANN, NARROWED_BY_PFIRRMANN, PFIRRMANN_COUNTS
from ModicGraderLib.training.labelled_study import DiscLabels

_EXAMPLE = example_graded_study().report
_TYPE_SHARES = {"I": 0.2, "I/II": 0.15, "II": 0.55, "II/III": 0.05, "III": 0.05}
_LESION_SHARES = (0.55, 0.28, 0.11, 0.06)
_WEAR_PER_YEAR = 0.03
_REASON = (
    "It would be right with a chance of only {:.0%}; it is given from 60% upwards, so that at most 25% of those given"
    " are wrong."
)


def draw_cohort(
    directory: Path, studies: int, *, failed: int = 0, left: int = 0, labelled: bool = False, seed: int = 0
) -> list[StudyEntry]:
    """Write `studies` reports into a folder, and return the entries of these, of `failed` ones and of those `left`.

    Every fifth patient has two studies, and of every seventeenth study the age is not known.
    """
    rng = np.random.default_rng(seed)
    entries = [_entry(number, rng) for number in range(studies + failed + left)]
    folder = CohortFolder(directory)
    for number, entry in enumerate(entries[:studies]):
        report, labels = _draw(rng, entry.age_years or 52.0)
        write_study(directory, entry.name, report, {"seconds": 20.0 + number % 7, "peak_memory_mb": 900.0})
        if labelled:
            entries[number] = replace(entry, labels=labels)
    lost = [entry.name for entry in entries[studies : studies + failed]]
    folder.write_failures([Failure(name, "input", "T2 is empty; give its folder", 1.2, 1) for name in lost])
    return entries


def write_study(directory: Path, name: str, report: StudyReport, run: Mapping[str, float]) -> None:
    """What the overview needs of a study's folder."""
    folder = directory / "studies" / name
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "report.html").write_text("<!DOCTYPE html><title>report</title>", encoding="utf-8")
    (folder / "run.json").write_text(json.dumps(run), encoding="utf-8")
    (folder / "report.json").write_text(report.to_json(), encoding="utf-8")


def _entry(number: int, rng: np.random.Generator) -> StudyEntry:
    age = None if number % 17 == 5 else round(float(np.clip(rng.normal(52, 16), 18, 88)), 1)
    return StudyEntry(f"s{number:05d}", f"p{number - (number % 5 == 4):05d}", age_years=age)


def _draw(rng: np.random.Generator, age: float) -> tuple[StudyReport, dict[str, DiscLabels]]:
    report, wear = deepcopy(_EXAMPLE), rng.normal() + _WEAR_PER_YEAR * (age - 52)
    labels = {disc.level: _draw_disc(disc, wear, rng) for disc in report.discs}
    report.quality = [QualityFinding("single_slice", "info", "T1 is a single slice.")]
    if rng.random() < 0.15:
        report.quality.append(QualityFinding("noisy", "warning", "The marrow is noisy on T2: faint changes are lost."))
    if rng.random() < 0.03:
        report.quality.append(QualityFinding("fused", "error", "The bodies look fused: no grade holds.", "L4/L5"))
    return report, labels


def _draw_disc(disc: DiscReport, wear: float, rng: np.random.Generator) -> DiscLabels:
    """Grade a disc, and return what is true of it."""
    edges = np.cumsum(PFIRRMANN_COUNTS[disc.level]) / sum(PFIRRMANN_COUNTS[disc.level])
    pfirrmann = 1 + int(np.searchsorted(edges[:-1], 1 / (1 + np.exp(-0.8 * wear - 0.7 * rng.logistic()))))
    changed = rng.random() < MODIC_BY_PFIRRMANN[pfirrmann - 1]
    type_ = str(rng.choice(list(_TYPE_SHARES), p=list(_TYPE_SHARES.values())))
    narrowed = rng.random() < NARROWED_BY_PFIRRMANN[pfirrmann - 1]
    lesion = str(rng.choice(ENDPLATE_LESIONS, p=_LESION_SHARES))

    seen = int(np.clip(pfirrmann + rng.choice((-1, 0, 0, 0, 0, 1)), 1, 5))
    chance = float(np.clip(rng.beta(6, 2) if changed else rng.beta(1, 6), 0.01, 0.99))
    narrow = float(np.clip(0.9 * narrowed + rng.normal(0.05, 0.25), 0.01, 0.99))
    disc.pfirrmann = GradeReading(seen, _around(PFIRRMANN_GRADES, seen))
    disc.modic = _modic(type_, chance)
    disc.narrowing = NarrowingReading(narrow, int(narrow >= DECIDED))
    disc.endplate_lesion = GradeReading(lesion, _around(ENDPLATE_LESIONS, lesion))
    disc.herniation, disc.bulging, disc.spondylolisthesis = (float(one) for one in rng.beta(1, 4, 3))
    disc.endplates = {name: _endplate(type_, chance, rng) for name in ENDPLATES}
    disc.abstained = []
    for name, doubt in (("modic", 0.25 < chance < 0.55), ("narrowing", 0.3 < narrow < 0.6)):
        if doubt:
            disc.readings[name].grade = None
            disc.abstained.append({"grade": name, "reason": _REASON.format(chance)})
    changes = {f"{name}_endplate_change": bool(end.endplate_change > 0.4) for name, end in disc.endplates.items()}
    return DiscLabels(
        modic=type_ if changed else "0",
        pfirrmann=pfirrmann,
        narrowing=int(narrowed),
        endplate_lesion=lesion,
        **changes,
    )


def _modic(type_: str, chance: float) -> ModicReading:
    parts = type_.split("/")
    types = {one: chance * (one in parts) / len(parts) for one in MODIC_TYPES[1:]}
    return ModicReading(type_ if chance >= CHANGE_CALLED else "0", {"0": 1 - chance, **types}, chance)


def _around(names: Sequence, chosen: object) -> dict[str, float]:
    rest = 0.3 / (len(names) - 1)
    return {str(name): 0.7 if name == chosen else rest for name in names}


def _endplate(type_: str, chance: float, rng: np.random.Generator) -> EndplateReport:
    report = EndplateReport(_modic(type_, chance), endplate_change=float(rng.beta(2, 4)), marrow_change=chance)
    if report.modic.grade != "0":
        report.height_percent = float(np.clip(rng.gamma(3, 12), 3, 100))
        report.height_class = height_class(report.height_percent)
        report.location, report.volume_mm3 = ["anterior"], 60 * report.height_percent
    return report
