"""Which volumes of a scene are the sagittal T1 and T2 of one examination, by their names. No Slicer in here."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

_T1 = re.compile(r"(?<![a-z0-9])t1(?![0-9])", re.IGNORECASE)
_T2 = re.compile(r"(?<![a-z0-9])t2(?![0-9])", re.IGNORECASE)
_UNWANTED = re.compile(r"stir|tirm|spair|dixon|fat.?sat|(?<![a-z])(fs|loc|scout|gd|ce|post|km)(?![a-z])", re.IGNORECASE)
"""Words of series that hold no plain contrast: fat suppressed, contrast agent, localizers."""


@dataclass(frozen=True)
class Candidate:
    """A volume of the scene: a key to know it by, its name, whether its slices are sagittal, and its study."""

    key: str
    name: str
    sagittal: bool
    study: object = None


def guess_pair(candidates: Sequence[Candidate]) -> tuple[str | None, str | None]:
    """Keys of the likeliest T1 and T2; None where no volume's name says so.

    Sagittal series go before others, plain ones before fat-suppressed and contrast-enhanced ones, then those that lie
    in one study, then the first.
    """
    t1 = [one for one in candidates if _T1.search(one.name) and not _T2.search(one.name)]
    t2 = [one for one in candidates if _T2.search(one.name) and not _T1.search(one.name)]
    if not t1 or not t2:
        return (_best(t1), _best(t2))
    pairs = [(first, second) for first in t1 for second in t2]
    first, second = max(pairs, key=lambda pair: (_worth(pair[0]) + _worth(pair[1]), pair[0].study == pair[1].study))
    return first.key, second.key


def _best(candidates: Sequence[Candidate]) -> str | None:
    return max(candidates, key=_worth).key if candidates else None


def _worth(candidate: Candidate) -> int:
    return 2 * candidate.sagittal - bool(_UNWANTED.search(candidate.name))
