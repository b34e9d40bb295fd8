"""What a case is asked to be, the patient that is drawn for it, and how hard that patient is to read.

Difficulty is a matter of the Modic changes that a reader would call, and is measured on the pictures. A change is

- easy, if it differs from the patient's own marrow by at least `EASY` times the noise, and covers at least the area of
  `EASY` on its second largest slice;
- hard, if it differs by less than `HARD`, or covers less;
- medium in between.

Noise is the unevenness of the unchanged marrow, and at least that of the scanner. A case is as hard as the hardest of
its changes; one without changes that are called has no difficulty.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from ..anatomy import ENDPLATE_LESIONS, ENDPLATES, GRADED_DISCS, PFIRRMANN_GRADES
from ..errors import InputError
from ..report import StudyReport
from ..simulation.case_schema import SCHEMA
from ..simulation.lesion_lots import BOTH_ENDPLATES
from ..simulation.teaching import find_case, teaching_cases

ANY = "any"

MODIC_FINDINGS = {
    "modic_1": ("I",),
    "modic_2": ("II",),
    "modic_3": ("III",),
    "modic_mixed": ("I/II", "II/III"),
}
"""Findings that are Modic changes, with the types they are drawn from."""

FINDINGS = (*MODIC_FINDINGS, "endplate_lesion", "pfirrmann", "none")
"""What a case can be about: Modic changes of a type, endplate lesions, every degree of wear, or a healthy spine."""

DIFFICULTIES = ("easy", "medium", "hard")


class _Seen(NamedTuple):
    contrast_to_noise: float
    area_mm2: float


EASY, HARD = _Seen(3.0, 60.0), _Seen(2.5, 36.0)
"""Bounds of contrast to noise and area: below the contrast of `HARD` not every change can be made out (see
`simulation.visibility.CONTRAST_TO_NOISE`); the others are our choice."""

MODIC_LEVELS = {"L1/L2": 0.05, "L2/L3": 0.1, "L3/L4": 0.15, "L4/L5": 0.35, "L5/S1": 0.35}
"""Chance of each level to be changed: mostly the lowest two, as in patients."""

CHANGES = {
    "easy": {"strength": (0.95, 1.0), "depth_percent": (30, 50), "extent_percent": (80, 100)},
    "medium": {"strength": (0.75, 0.9), "depth_percent": (16, 26), "extent_percent": (50, 75)},
    "hard": {"strength": (0.5, 0.7), "depth_percent": (9, 15), "extent_percent": (40, 60)},
}
"""From what a change is drawn, so that it mostly turns out as hard as was wished."""

_STREAM = 5
"""Keeps these lots apart from those that the simulator draws from the same seed."""


@dataclass(frozen=True)
class Wish:
    """What a case is asked to be.

    Attributes
    ----------
    name:
        A teaching case by its name; None draws one.
    finding, difficulty:
        Of a drawn case: one of `FINDINGS` and of `DIFFICULTIES`, or "any".
    """

    name: str | None = None
    finding: str = ANY
    difficulty: str = ANY

    def __post_init__(self) -> None:
        for word, value, known in (
            ("teaching case", self.name, (None, *teaching_cases())),
            ("finding", self.finding, (ANY, *FINDINGS)),
            ("difficulty", self.difficulty, (ANY, *DIFFICULTIES)),
        ):
            if value not in known:
                raise InputError(f"{value!r} is no {word}; give one of {', '.join(map(str, known))}")


def case_words(wish: Wish, seed: int) -> dict[str, Any]:
    """The words of a case file that ask the simulator for the patient of a wish; the same for the same seed."""
    if wish.name is not None:
        return find_case(wish.name)
    rng = np.random.default_rng([seed, _STREAM])
    finding = _one(rng, FINDINGS) if wish.finding == ANY else wish.finding
    difficulty = _one(rng, DIFFICULTIES) if wish.difficulty == ANY else wish.difficulty
    # No title: whoever comes across the words should not read the answer on their first line.
    if finding == "none":
        return {"schema": SCHEMA, "others": "healthy"}
    if finding in MODIC_FINDINGS:
        discs = _some(rng, MODIC_LEVELS, lambda: _changed(rng, MODIC_FINDINGS[finding], difficulty))
    elif finding == "endplate_lesion":
        discs = _some(rng, dict.fromkeys(GRADED_DISCS, 1 / len(GRADED_DISCS)), lambda: _lesioned(rng))
    else:
        discs = {level: {"pfirrmann": int(rng.choice(PFIRRMANN_GRADES))} for level in GRADED_DISCS}
    return {"schema": SCHEMA, "discs": discs}


def difficulty_of(truth: StudyReport) -> str | None:
    """How hard the Modic changes of a simulated study are to read; None where none is called."""
    changes = [one for one in truth.input["simulated_changes"] if one["called"]]
    hardest = max((DIFFICULTIES.index(_difficulty(one)) for one in changes), default=None)
    return None if hardest is None else DIFFICULTIES[hardest]


def fulfills(truth: StudyReport, wish: Wish) -> bool:
    """Whether a simulated study is what was wished: its changes are as hard, and there are some if they were asked for.

    A study in which another finding was asked for fulfills the wish by how it was drawn.
    """
    if wish.name is not None or (wish.finding != ANY and wish.finding not in MODIC_FINDINGS):
        return True
    difficulty = difficulty_of(truth)
    if difficulty is None:
        return wish.finding == ANY
    return wish.difficulty in (ANY, difficulty)


def _difficulty(change: dict[str, Any]) -> str:
    # On a study of one slice, that one counts.
    seen = _Seen(change["contrast_to_noise"], min(change["largest_areas_mm2"]))
    if any(value < bound for value, bound in zip(seen, HARD, strict=True)):
        return "hard"
    return "easy" if all(value >= bound for value, bound in zip(seen, EASY, strict=True)) else "medium"


def _some(rng: np.random.Generator, chances: dict[str, float], draw: Callable[[], dict]) -> dict[str, dict]:
    """What is drawn for each of one or two levels."""
    levels = rng.choice(list(chances), size=rng.integers(1, 3), replace=False, p=list(chances.values()))
    return {str(level): draw() for level in levels}


def _sides(rng: np.random.Generator) -> tuple[str, ...]:
    return ENDPLATES if rng.random() < BOTH_ENDPLATES else (_one(rng, ENDPLATES),)


def _changed(rng: np.random.Generator, types: tuple[str, ...], difficulty: str) -> dict[str, dict]:
    """A disc with a change of one type at one endplate or both."""
    type_, ranges = _one(rng, types), CHANGES[difficulty]

    def change() -> dict[str, Any]:
        extent = [round(float(rng.uniform(*ranges["extent_percent"]))) for _ in range(2)]
        return {
            "type": type_,
            "strength": round(float(rng.uniform(*ranges["strength"])), 2),
            "depth_percent": round(float(rng.uniform(*ranges["depth_percent"]))),
            "anteroposterior_percent": extent[0],
            "lateral_percent": extent[1],
        }

    return {side: {"modic": [change()]} for side in _sides(rng)}


def _lesioned(rng: np.random.Generator) -> dict[str, dict]:
    """A disc with an endplate lesion of one class at one endplate or both."""
    class_ = _one(rng, ENDPLATE_LESIONS[1:])
    return {side: {"endplate_lesion": class_} for side in _sides(rng)}


def _one(rng: np.random.Generator, words: tuple[str, ...]) -> str:
    return str(rng.choice(words))
