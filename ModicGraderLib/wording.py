"""How numbers are written for people."""

from __future__ import annotations


def percent(probability: float | None) -> str:
    """A probability as a reader wants it; an en dash where there is none."""
    return "–" if probability is None else f"{100 * probability:.0f}\u202f%"
