"""How numbers and lists are written for people."""

from __future__ import annotations

NOTHING = "–"
"""What stands where there is no number and no grade."""


def percent(probability: float | None) -> str:
    """A probability as a reader wants it; an en dash where there is none."""
    return NOTHING if probability is None else f"{100 * probability:.0f}\u202f%"


def listed(words: list[str]) -> str:
    """Words as they stand in a sentence: "a, b and c"."""
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"
