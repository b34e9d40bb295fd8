"""Draws Modic changes: their type, where they lie at a disc, and how large and how strong they are."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from ..anatomy import ENDPLATES
from .case import LESION_TYPES, MarrowLesion

BALANCED_MIX = {"I": 0.30, "II": 0.28, "III": 0.14, "I/II": 0.18, "II/III": 0.10}
"""Share of each type where all are to be learned or taught: I and III far above their frequency."""

EPIDEMIOLOGICAL_MIX = {"I": 0.26, "II": 0.53, "III": 0.01, "I/II": 0.18, "II/III": 0.02}
"""Share of each type in clinics: Udby 2022 for I, II and I/II (16, 34 and 11 of 61); type III is 7 of 514 in SPIDER."""

BOTH_ENDPLATES = 0.7
"""Chance that a change lies on both sides of a disc; our choice."""

SAME_TYPE = 0.85
"""Chance that the changes on both sides of a disc are of one type; our choice."""

UPPER_LUMBAR = ("T9/T10", "T10/T11", "T11/T12", "T12/L1", "L1/L2", "L2/L3")
"""Where changes are usually small and at the front (Jensen 2009)."""

HEIGHT_CLASS_SHARES = {"lower": (0.34, 0.45, 0.21), "upper": (0.80, 0.17, 0.03)}
"""Share of the height classes A, B, C: at the lower levels as in Udby 2022, at the upper ones our choice."""

HEIGHTS = ((0.07, 0.25), (0.25, 0.50), (0.50, 0.80))
"""Share of the body's height in the classes A, B and C (Udby 2022)."""


def draw_modic(level: str, rng: np.random.Generator, mix: Mapping[str, float]) -> dict[str, tuple[MarrowLesion, ...]]:
    """Changes at a disc that has some: by endplate, at least one."""
    first = str(rng.choice(ENDPLATES))
    type_ = draw_type(rng, mix)
    changes = dict.fromkeys(ENDPLATES, ()) | {first: (draw_lesion(level, type_, rng),)}
    if rng.random() < BOTH_ENDPLATES:
        other = ENDPLATES[1 - ENDPLATES.index(first)]
        changes[other] = (draw_lesion(level, type_ if rng.random() < SAME_TYPE else draw_type(rng, mix), rng),)
    return changes


def draw_type(rng: np.random.Generator, mix: Mapping[str, float]) -> str:
    """A type from a mix whose shares sum to 1."""
    return str(rng.choice(LESION_TYPES, p=[mix[type_] for type_ in LESION_TYPES]))


def draw_lesion(level: str, type_: str, rng: np.random.Generator) -> MarrowLesion:
    """One change of a type; the deeper it is, the further it spreads along the endplate."""
    upper = level in UPPER_LUMBAR
    class_ = rng.choice(3, p=HEIGHT_CLASS_SHARES["upper" if upper else "lower"])
    height = rng.uniform(*HEIGHTS[class_])
    extent = rng.uniform(0.22, 0.45) if upper and class_ == 0 else np.clip(rng.uniform(0.25, 0.8) + height, 0.3, 1.2)
    # A change smaller than the endplate lies at the front more often than elsewhere.
    anterior = rng.uniform(0.45, 0.85) if upper else rng.normal(0.15, 0.4) * (1.25 - min(extent, 1.0))
    return MarrowLesion(
        type=type_,
        height=height,
        anterior=float(np.clip(anterior, -0.8, 0.85)),
        anterior_extent=float(extent),
        lateral=float(np.clip(rng.normal(0.0, 0.3), -0.7, 0.7)),
        lateral_extent=float(np.clip(extent * rng.uniform(0.9, 1.5), 0.35, 1.2)),
        strength=float(0.2 + 0.8 * rng.beta(2.2, 1.2)),
    )
