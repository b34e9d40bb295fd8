"""Case files: a patient and lesions asked for in JSON (`modicgrader-case-1`), what is left open drawn from a seed."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from ..anatomy import DISCS_UPWARDS, ENDPLATES
from ..errors import InputError
from .case import Case, DiscState, EndplateState, MarrowLesion, VertebraState
from .case_schema import check_case
from .epidemiology import Disposition, draw_disc, draw_height_factor, draw_patient, draw_spine, draw_vertebrae
from .lesion_lots import draw_lesion

Words = Mapping[str, Any]

PATIENT = {"sex": ("sex", None), "age": ("age_years", None), "stature_cm": ("stature_cm", None)}
SPINE = {
    "lordosis_deg": ("lordosis_deg", None),
    "scoliosis_deg": ("scoliosis_deg", None),
    "transitional": ("transitional", None),
    "canal_percent": ("canal_factor", 0.01),
    "fat_percent": ("fat_factor", 0.01),
}
DISC = {
    "pfirrmann": ("pfirrmann", 1),
    "height_percent": ("height_factor", 0.01),
    "bulge_mm": ("bulge_mm", None),
    "herniation_mm": ("herniation_mm", None),
    "slip_mm": ("slip_mm", None),
}
ENDPLATE = {"endplate_lesion": ("lesion", None), "osteophyte_mm": ("osteophyte_mm", None)}
MODIC = {
    "depth_percent": ("height", 0.01),
    "anteroposterior_percent": ("anterior_extent", 0.01),
    "lateral_percent": ("lateral_extent", 0.01),
    "strength": ("strength", None),
}
VERTEBRA = {
    "fracture": ("fracture", None),
    "fracture_loss_percent": ("fracture_loss", 0.01),
    "hemangioma_mm": ("hemangioma_mm", None),
    "focal_fat_mm": ("focal_fat_mm", None),
}
"""Fields of a case file with the fields of `case` that they set, and their unit where it is not the same."""

PLACES = {
    "location": {"anterior": 0.6, "central": 0.0, "posterior": -0.6},
    "side": {"right": -0.4, "middle": 0.0, "left": 0.4},
}
"""Where along the endplate, or from side to side, the middle of a change lies."""

PLACE_SPREAD = 0.08
"""Standard deviation about these places."""

CLEAR_STRENGTH = (0.8, 1.0)
"""Strength of a change that is asked for without one: who asks for it wants to see it."""

FRACTURE_LOSS = (0.2, 0.4)
"""Share of its height that a fracture takes if no figure is given."""


def read_case(path: Path) -> dict[str, Any]:
    """The checked contents of a case file.

    Raises
    ------
    InputError
        Not there, not JSON, or not a case; the field is named.
    """
    try:
        document = json.loads(Path(path).read_text(encoding="utf-8"))
    except OSError:
        raise InputError(f"the case file {path} cannot be read; check its name") from None
    except UnicodeDecodeError:
        raise InputError(f"{path} is no text; give a case file in JSON") from None
    except json.JSONDecodeError as error:
        raise InputError(
            f"{path} is no JSON: {error.msg} in line {error.lineno}, column {error.colno}; mend it"
        ) from None
    try:
        check_case(document)
    except InputError as error:
        raise InputError(f"{path}: {error}") from None
    return document


def build_case(request: Words, rng: np.random.Generator) -> Case:
    """The case that a checked request describes, with what it leaves open drawn.

    Modic changes are drawn only if `others` is "random", and then only at levels that the request does not mention.
    """
    healthy = request.get("others") == "healthy"
    patient = draw_patient(rng, **_taken(request.get("patient", {}), PATIENT))
    disposition = Disposition.draw(patient, rng)
    spine = draw_spine(patient, rng)
    if healthy:
        spine |= {"scoliosis_deg": float(rng.normal(0, 2)), "transitional": "none"}
    vertebrae = {} if healthy else draw_vertebrae(patient, rng)
    asked = {name: _vertebra(words, rng) for name, words in request.get("vertebrae", {}).items()}
    return Case(
        patient,
        **{**spine, **_taken(request.get("spine", {}), SPINE)},
        discs={level: _disc(level, request, disposition, rng) for level in DISCS_UPWARDS},
        vertebrae=vertebrae | asked,
    )


def _disc(level: str, request: Words, disposition: Disposition, rng: np.random.Generator) -> DiscState:
    others = request.get("others", "no_modic")
    mentioned = level in request.get("discs", {})
    words = request["discs"][level] if mentioned else {}
    marrow = {
        name: tuple(_lesion(level, change, rng) for change in words.get(name, {}).get("modic", ()))
        for name in ENDPLATES
    }
    taken = _taken(words, DISC)
    if others == "healthy":
        drawn = _healthy_disc(level, taken.get("pfirrmann"), marrow, disposition, rng)
    else:
        drawn = draw_disc(
            level,
            disposition,
            rng,
            pfirrmann=taken.get("pfirrmann"),
            marrow=None if others == "random" and not mentioned else marrow,
        )
    endplates = {name: replace(getattr(drawn, name), **_taken(words.get(name, {}), ENDPLATE)) for name in ENDPLATES}
    return replace(drawn, **taken, **endplates)


def _healthy_disc(
    level: str,
    pfirrmann: int | None,
    marrow: Mapping[str, tuple[MarrowLesion, ...]],
    disposition: Disposition,
    rng: np.random.Generator,
) -> DiscState:
    if pfirrmann is None:
        changed = any(marrow.values())
        pfirrmann = disposition.pfirrmann(level, rng, changed=True) if changed else int(rng.integers(1, 3))
    upper, lower = (EndplateState(marrow=marrow[name]) for name in ENDPLATES)
    return DiscState(pfirrmann, draw_height_factor(pfirrmann, rng), upper=upper, lower=lower)


def _lesion(level: str, words: Words, rng: np.random.Generator) -> MarrowLesion:
    drawn = replace(draw_lesion(level, words["type"], rng), strength=rng.uniform(*CLEAR_STRENGTH))
    places = {
        field: float(PLACES[word][words[word]] + rng.normal(0, PLACE_SPREAD))
        for word, field in (("location", "anterior"), ("side", "lateral"))
        if word in words
    }
    return replace(drawn, **places, **_taken(words, MODIC))


def _vertebra(words: Words, rng: np.random.Generator) -> VertebraState:
    taken = _taken(words, VERTEBRA)
    if taken.get("fracture", "none") != "none":
        taken.setdefault("fracture_loss", rng.uniform(*FRACTURE_LOSS))
    return VertebraState(**taken)


def _taken(words: Words, table: Mapping[str, tuple[str, float | None]]) -> dict[str, Any]:
    """What the words set, by the names and in the units of `case`."""
    return {
        field: words[word] if unit is None else words[word] * unit
        for word, (field, unit) in table.items()
        if word in words
    }
