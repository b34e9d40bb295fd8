"""How probabilities become grades."""

from __future__ import annotations

from collections.abc import Mapping

from ..anatomy import MODIC_GRADES

DECIDED = 0.5
"""Probabilities are calibrated, so a finding is given from one half upwards."""

MIXED_SHARE = 0.35
"""A second type with at least this share makes a mixed grade."""


def joint_type(shares: Mapping[str, float]) -> str:
    """The type of a change that consists of several: the largest, or a mixed form if a second comes close.

    `shares` are those of "I", "II" and "III", and sum to 1.
    """
    first, second = sorted(shares, key=shares.__getitem__, reverse=True)[:2]
    mixed = "/".join(sorted((first, second), key=len))
    return mixed if shares[second] >= MIXED_SHARE and mixed in MODIC_GRADES else first
