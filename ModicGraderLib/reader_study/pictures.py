"""What a reader sees of a case: slices through every disc on T1 and T2, and what the machine says of them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from ..anatomy import ENDPLATES, vertebrae_of
from ..export.page import CONTRASTS
from ..export.pictures import Picture, Windows, gray_windows, level_pictures, overviews
from ..graded import GradedStudy
from ..localization.spine import LocatedDisc
from ..regions import disc_grid
from ..report import DiscReport, ModicReading
from ..wording import percent

SLICES = 5
"""Slices shown of each disc, about its middle: with 4 to 5 mm from one to the next the inner half of the disc."""


def case_pictures(graded: GradedStudy, slices: int = SLICES) -> dict[str, Any]:
    """A case as the page's script takes it, with the machine's words and map (see `without_machine`).

    Returns
    -------
    dict
        `overview`: pictures of the whole spine, each {contrast, plain, labels} with labels {level, x, y} in shares of
        the picture. `discs`, head to foot: {level, machine, slices}, from right to left, each a list of pictures
        {contrast, plain, marked}; `marked` shows the map, and is null where there is none on that slice.
    """
    plain, windows = replace(graded, maps={}), gray_windows(graded)
    marked = replace(graded, maps={name: graded.maps[name] for name in ("modic_map",) if name in graded.maps})
    said = {disc.level: disc for disc in graded.report.discs}
    discs = []
    for disc in graded.location.discs:
        shown = [
            _both(level_pictures(plain, one, windows), level_pictures(marked, one, windows))
            for one in _on_slices(graded, disc, slices)
        ]
        discs.append({"level": disc.level, "machine": machine_words(said[disc.level]), "slices": shown})
    return {"overview": _overview(plain, windows), "discs": discs}


def without_machine(case: dict[str, Any]) -> dict[str, Any]:
    """The same case for a session without assistance: nothing of what the machine said is left in it."""
    discs = [
        {
            "level": disc["level"],
            "machine": None,
            "slices": [[{**picture, "marked": None} for picture in pictures] for pictures in disc["slices"]],
        }
        for disc in case["discs"]
    ]
    return {"overview": case["overview"], "discs": discs}


def machine_words(disc: DiscReport) -> list[str]:
    """What the machine says of a disc and of its endplates, one line each."""
    lines = [f"{disc.level}: {_words(disc.modic)}"]
    for name, vertebra in zip(ENDPLATES, vertebrae_of(disc.level), strict=True):
        lines.append(f"{vertebra} ({name} endplate): {_words(disc.endplates[name].modic)}")
    return lines


def _words(modic: ModicReading) -> str:
    grade = "no type given" if modic.grade is None else f"Modic {modic.grade}"
    types = ", ".join(f"{type_} {percent(modic.probabilities.get(type_))}" for type_ in ("I", "II", "III"))
    return f"{grade}; any change {percent(modic.any_change)}" + (f" ({types})" if modic.probabilities else "")


def _on_slices(graded: GradedStudy, disc: LocatedDisc, count: int) -> list[LocatedDisc]:
    """The disc moved onto `count` neighboring slices of the reference about its own, as far as they are there."""
    reference = graded.study.reference
    # One voxel a slice: where the disc's center lies on it, also if the disc leans sideways.
    grid = disc_grid(disc, reference, shape=(1, 1), pixel_mm=1.0, slices=count)
    centers = grid.to_patient(np.array([[number, 0, 0] for number in range(count)]))
    numbers = np.round(reference.to_index(centers)[:, 0])
    there = (numbers >= 0) & (numbers < reference.array.shape[0])
    return [replace(disc, center=center) for center in centers[there]]


def _both(plain: list[Picture], marked: list[Picture]) -> list[dict[str, Any]]:
    return [
        {
            "contrast": CONTRASTS[one.shows],
            "plain": one.address,
            "marked": None if other.address == one.address else other.address,
        }
        for one, other in zip(plain, marked, strict=True)
    ]


def _overview(plain: GradedStudy, windows: Windows) -> list[dict[str, Any]]:
    return [
        {
            "contrast": CONTRASTS[one.shows],
            "plain": one.address,
            "labels": [
                {"level": outline.level, "x": outline.front[0] / one.width, "y": outline.front[1] / one.height}
                for outline in one.outlines
            ],
        }
        for one in overviews(plain, windows)
    ]
