"""How far readers agree without and with assistance, and how long they take (Gao 2022, AI-assisted experiment).

Every figure is of discs that were read under both conditions. The unit of every interval and test is the case, which is
a patient: intervals are percentiles of 2,000 bootstrap draws of whole cases, the same draws for both conditions and
their difference. The test permutes assistance within cases: if it makes no difference, what was read of a case without
it could as well have been read with it, so the two are exchanged, for both readers and all discs of the case at once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path

import numpy as np
from scipy.stats import permutation_test

from ..anatomy import MODIC_COURSE
from ..errors import InputError
from ..evaluation.metrics import Estimate, bootstrap, confusion, kappa
from .readings import Disc, Reading, read_grades

PERMUTATIONS = 2000
"""Exchanges drawn for a test; where there are fewer, each is taken once and the p-value is exact."""


@dataclass(frozen=True)
class Scale:
    """How grades are compared.

    Attributes
    ----------
    title:
        In words.
    number:
        Class of each grade.
    power:
        Of the weights of kappa, see `metrics.kappa`.
    """

    title: str
    number: Mapping[str, int]
    power: int = 0


SCALES = {
    "type": Scale("Modic type", {grade: number for number, grade in enumerate(MODIC_COURSE)}),
    "type_linear": Scale(
        "Modic type, linear weights", {grade: number for number, grade in enumerate(MODIC_COURSE)}, power=1
    ),
    "any_change": Scale("any change", {grade: int(grade != "0") for grade in MODIC_COURSE}),
}
"""Types have no natural order, so the unweighted kappa is the main figure; linear weights hold for who takes them as
stages of one course (I, I/II, II, II/III, III), where I against I/II is a smaller disagreement than I against III."""


@dataclass(frozen=True)
class Paired:
    """A figure without and with assistance, their difference (with less without), and its two-sided p-value.

    NaN stands for what cannot be told: kappa where all grades are the same, a p-value of one case alone.
    """

    without: Estimate
    assisted: Estimate
    difference: Estimate
    p: float


@dataclass(frozen=True)
class Agreement:
    """Cohen's kappa of two readers, or of a reader and a reference.

    `left_out` are discs that are not compared because one of the four grades is missing.
    """

    first: str
    second: str
    scale: str
    cases: int
    discs: int
    left_out: int
    kappa: Paired


@dataclass(frozen=True)
class Duration:
    """Mean seconds that a reader took for a case; only discs read under both conditions count."""

    reader: str
    cases: int
    seconds: Paired


@dataclass(frozen=True)
class StudyResult:
    """What a reading study found.

    Attributes
    ----------
    readers:
        Their codes.
    between, with_reference:
        Agreement of every two readers, and of every reader with every reference, on every scale.
    durations:
        One a reader.
    """

    readers: tuple[str, ...]
    between: tuple[Agreement, ...]
    with_reference: tuple[Agreement, ...]
    durations: tuple[Duration, ...]


Sheet = dict[Disc, Reading]

Conditions = tuple[Mapping[Disc, str], Mapping[Disc, str]]
"""Grades by disc, without and with assistance."""


def analyze(readings: Sequence[Reading], references: Mapping[str, Mapping[Disc, str]] | None = None) -> StudyResult:
    """Compare readers with each other, with references and with themselves, without and with assistance.

    Parameters
    ----------
    references:
        Grades by name: a truth, or what `unassisted` says of a reader. They are the same under both conditions; a
        reader is not compared with a reference of the same name, and need not have read with assistance then.

    Raises
    ------
    InputError
        A reader lacks one of the conditions, or two have no disc in common.
    """
    references = references or {}
    aided = {one.reader for one in readings if one.assisted}
    readings = [one for one in readings if one.reader in aided or one.reader not in references]
    if not readings:
        raise InputError("only references were read; add the tables of a reader who read with assistance")
    sheets = _sheets(readings)
    pairs = list(combinations(sheets, 2))
    between = [_agreement(pair, sheets[pair[0]], sheets[pair[1]], scale) for pair in pairs for scale in SCALES]
    with_reference = [
        _agreement((reader, name), sheets[reader], _seen(grades, sheets[reader]), scale)
        for name, grades in references.items()
        for reader in sheets
        if reader != name
        for scale in SCALES
    ]
    durations = [_duration(reader, *sheet) for reader, sheet in _by_condition(readings).items()]
    return StudyResult(tuple(sheets), tuple(between), tuple(with_reference), tuple(durations))


def unassisted(readings: Sequence[Reading], reader: str) -> dict[Disc, str]:
    """What a reader said without assistance, as a reference for the others; raises InputError if there is no such."""
    grades = {one.disc: one.modic for one in readings if one.reader == reader and not one.assisted and one.modic}
    if not grades:
        raise InputError(f"{reader!r} read nothing without assistance, so they cannot be the reference; name another")
    return grades


def named_references(names: Iterable[str], readings: Sequence[Reading]) -> dict[str, dict[Disc, str]]:
    """References for `analyze` by name: codes of readers, and tables of grades (.csv) by the stem of their file.

    Raises
    ------
    InputError
        Two have the same name, a table has that of a reader, or one holds no grades.
    """
    readers = {one.reader for one in readings}
    references: dict[str, dict[Disc, str]] = {}
    for given in names:
        table = Path(given) if given.endswith(".csv") else None
        name = table.stem if table else given
        if table and name in readers:
            raise InputError(f"the table {table.name} has the name of the reader {name!r}; rename the table")
        if name in references:
            raise InputError(f"two references are named {name!r}; leave one out, or rename its table")
        references[name] = read_grades(table) if table else unassisted(readings, name)
    return references


def paired(values: np.ndarray, metric: Callable[[np.ndarray], float], seed: int = 0) -> Paired:
    """A metric of values (cases, 2, ...) without and with assistance, and a test of its difference.

    `metric` takes the values (n, ...) of n cases under one condition.
    """
    cases = [str(number) for number in range(len(values))]

    def under(condition: int) -> Callable[[np.ndarray], float]:
        return lambda rows: metric(values[rows, condition])

    without, assisted = under(0), under(1)

    def difference(rows: np.ndarray) -> float:
        return assisted(rows) - without(rows)

    estimates = [bootstrap(figure, cases, seed=seed) for figure in (without, assisted, difference)]
    if len(values) < 2 or not np.isfinite(estimates[2].value):
        return Paired(*estimates, p=float("nan"))
    # What is exchanged within a case: the row of `stacked` that stands for each condition.
    stacked = np.concatenate([values[:, 0], values[:, 1]])
    rows = np.arange(len(values))
    test = permutation_test(
        (rows, rows + len(values)),
        lambda first, second: metric(stacked[second]) - metric(stacked[first]),
        permutation_type="samples",
        n_resamples=PERMUTATIONS,
        rng=np.random.default_rng(seed),
    )
    return Paired(*estimates, p=float(test.pvalue))


def _by_condition(readings: Sequence[Reading]) -> dict[str, tuple[Sheet, Sheet]]:
    """Readings by disc, without and with assistance, of every reader."""
    sheets: dict[str, tuple[Sheet, Sheet]] = {one.reader: ({}, {}) for one in sorted(readings, key=lambda r: r.reader)}
    for one in readings:
        sheets[one.reader][one.assisted][one.disc] = one
    for reader, sheet in sheets.items():
        for how, there in zip(("without", "with"), sheet, strict=True):
            if not there:
                raise InputError(f"{reader} read nothing {how} assistance; add the table of that session")
    return sheets


def _sheets(readings: Sequence[Reading]) -> dict[str, Conditions]:
    """Grades by disc, without and with assistance, of every reader."""
    return {
        reader: tuple({disc: one.modic for disc, one in sheet.items() if one.modic} for sheet in conditions)
        for reader, conditions in _by_condition(readings).items()
    }


def _seen(grades: Mapping[Disc, str], sheet: Conditions) -> Conditions:
    """A reference, the same under both conditions, at the discs that a reader graded under one at least."""
    seen = {disc: grades[disc] for disc in grades if any(disc in half for half in sheet)}
    return seen, seen


def _agreement(names: tuple[str, str], first: Conditions, second: Conditions, scale: str) -> Agreement:
    sheets = (*first, *second)
    common = sorted(set.intersection(*map(set, sheets)))
    if not common:
        raise InputError(f"no disc was graded by {names[0]} and {names[1]} without and with assistance; add tables")
    counts = _confusions(common, first, second, SCALES[scale])
    left_out = len(set.union(*map(set, sheets))) - len(common)
    power = SCALES[scale].power
    result = paired(counts, lambda matrices: kappa(matrices.sum(0), power))
    return Agreement(*names, scale, len(counts), len(common), left_out, result)


def _confusions(discs: Sequence[Disc], first: Conditions, second: Conditions, scale: Scale) -> np.ndarray:
    """Confusion matrices (cases, 2 conditions, classes, classes)."""
    cases = sorted({case for case, _ in discs})
    classes = max(scale.number.values()) + 1
    counts = np.zeros((len(cases), 2, classes, classes), int)
    for number, case in enumerate(cases):
        here = [disc for disc in discs if disc[0] == case]
        for condition in (0, 1):
            grades = ([scale.number[sheet[condition][disc]] for disc in here] for sheet in (first, second))
            counts[number, condition] = confusion(*grades, classes)
    return counts


def _duration(reader: str, without: Sheet, assisted: Sheet) -> Duration:
    both = without.keys() & assisted.keys()
    if not both:
        raise InputError(f"{reader} read no disc both without and with assistance; add tables of the same cases")
    cases = sorted({case for case, _ in both})
    seconds = np.zeros((len(cases), 2))
    for disc in both:
        seconds[cases.index(disc[0])] += without[disc].seconds, assisted[disc].seconds
    return Duration(reader, len(cases), paired(seconds, lambda values: float(values.mean())))
