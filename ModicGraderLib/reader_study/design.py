"""The design: which cases are read, under which codes, and in which order each reader meets them.

A crossover: every reader reads every case in two sessions, once without and once with assistance, with a washout in
between. Readers take turns, in an order by lot, in which of the two comes first, so that what the second session gains
by memory falls on both alike. Within a session the cases come in an order of its own.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from ..errors import InputError

WASHOUT_DAYS = 28
"""Between the sessions of a reader; four weeks are usual in crossover reading studies (our choice, Gao states none)."""

_CODE = re.compile(r"[A-Za-z0-9_-]{1,40}")


@dataclass(frozen=True)
class Session:
    """What one reader reads in one sitting: `cases` are codes in their order."""

    reader: str
    number: int
    assisted: bool
    cases: tuple[str, ...]


def draw_cases(
    strata: Mapping[str, str], patients: Mapping[str, str], count: int | None, balanced: bool, seed: int
) -> dict[str, str]:
    """Studies by lot, by their codes "case-01", "case-02", ...; of a patient at most one.

    Parameters
    ----------
    strata, patients:
        What the program sees in each study, and whom it shows, by study.
    count:
        How many; None for one of every patient.
    balanced:
        Take strata in turn, as long as they last, so that rare types are not rare in the study.

    Raises
    ------
    InputError
        There are not so many patients.
    """
    rng = np.random.default_rng([seed, 0])
    one_each = {patients[study]: study for study in rng.permutation(sorted(strata)).tolist()}
    # By lot once more: the first of many studies comes early, and would put its patient before those of one study.
    studies = rng.permutation(sorted(one_each.values())).tolist()
    if count is not None and count > len(studies):
        raise InputError(f"{count} cases were asked for, but there are {len(studies)} patients; ask for fewer")
    if balanced:
        # The first of each stratum, then the second of each, ...
        seen: dict[str, int] = defaultdict(int)
        turns = []
        for study in studies:
            turns.append(seen[strata[study]])
            seen[strata[study]] += 1
        studies = [studies[number] for number in np.argsort(turns, kind="stable")]
    chosen = rng.permutation(studies[:count]).tolist()
    digits = max(2, len(str(len(chosen))))
    return {f"case-{number:0{digits}d}": study for number, study in enumerate(chosen, 1)}


def draw_sessions(readers: Sequence[str], cases: Sequence[str], seed: int) -> list[Session]:
    """Two sessions for every reader, one without and one with assistance, in counterbalanced order.

    Raises
    ------
    InputError
        A reader's name cannot be used, or is there twice.
    """
    for reader in readers:
        if not _CODE.fullmatch(reader):
            raise InputError(f"{reader!r} is no code for a reader; use letters, digits, - and _ (at most 40)")
    if len(set(map(str.lower, readers))) < len(readers):
        raise InputError("a reader is named twice; give each a code of their own")
    rng = np.random.default_rng([seed, 1])
    sessions = []
    for turn, reader in enumerate(rng.permutation(sorted(readers)).tolist()):
        for number in (1, 2):
            order = tuple(rng.permutation(sorted(cases)).tolist())
            sessions.append(Session(reader, number, assisted=(turn + number) % 2 == 0, cases=order))
    return sorted(sessions, key=lambda one: (one.reader, one.number))
