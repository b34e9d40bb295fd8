"""How probabilities become grades."""

from __future__ import annotations

from collections.abc import Mapping

from ..anatomy import MODIC_GRADES

DECIDED = 0.5
"""Probabilities are calibrated, so other findings are given from one half upwards."""

CHANGE_CALLED = 0.35
"""From this probability on a Modic change is called, of a disc or of an endplate. At one half a third of the changed
endplates of simulated validation patients are missed; from here on more of all answers are right, there and on SPIDER
out of fold (docs/development.md). What lies near is in doubt, and the disc's grade is withheld (`abstention`)."""

MIXED_SHARE = 0.35
"""A second type with at least this share makes a mixed grade."""


def joint_type(shares: Mapping[str, float]) -> str:
    """The type of a change that consists of several: the largest, or a mixed form if a second comes close.

    `shares` are those of "I", "II" and "III", and sum to 1.
    """
    first, second = sorted(shares, key=shares.__getitem__, reverse=True)[:2]
    mixed = "/".join(sorted((first, second), key=len))
    return mixed if shares[second] >= MIXED_SHARE and mixed in MODIC_GRADES else first
