"""SimulatedStudies: a simulated cohort with the mix of grades that a paper's cohort had, graded by the truth.

Cases are cheap and pictures are dear: for each patient several cases are drawn, and one that keeps the mix near the
paper's is examined. The first patients of a large cohort are therefore the small one.
"""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING

import numpy as np

from .. import __version__
from ..anatomy import ENDPLATE_LESIONS, ENDPLATES, GRADED_DISCS, MODIC_MAP_LABELS, vertebrae_of
from ..errors import InputError
from ..report import DiscReport
from ..simulation.case import LESION_TYPES, Case
from ..simulation.epidemiology import draw_case
from ..simulation.lesion_lots import EPIDEMIOLOGICAL_MIX
from ..simulation.simulate import SimulatedStudy, simulate
from ..simulation.truth import SLIP_MM
from ..study import SpineStudy
from .labelled_study import DiscLabels, LabelledStudy
from .located_study import with_age

if TYPE_CHECKING:
    from ..recipes.recipe import CohortWish

RECIPE_SEEDS = range(400_000, 500_000)
"""Simulated patients of the recipes; no other part uses them (see `simulated_cohort`)."""

CASES_EACH = 16
"""Cases drawn for each patient, of which one is chosen."""

DISCS_OFF = 6.0
"""The first of these cases is chosen that keeps the cohort within so many discs of the mix, the nearest one if none.

The nearest one always would make all patients alike; so they still have several changes or none, as patients do.
"""

CALLED_SHARE = 0.8
"""Share of the discs with a drawn Modic change that a reader would call changed (measured on 150 patients)."""

NARROWING_STEPS = (0.8, 0.6, 0.4)
"""Share of its healthy height from which a disc is no longer narrowed, slightly, or moderately narrowed.

The first is the simulator's own (`truth.NARROWED_BELOW`); the others follow in equal steps, which is our choice.
"""

LARGE_CHANGE_PERCENT = 25.0
"""Modic changes of this share of the vertebra's height and more are left out (Bassani 2023, Methods)."""

MARROW_LABELS = ("modic", "upper_marrow_change", "lower_marrow_change")

UNCHANGED = ("0", "False")
"""Their values where nothing is to be called."""

PURE_TYPES = tuple(type_ for type_ in LESION_TYPES if "/" not in type_)
"""None of the papers knows mixed changes."""


class SimulatedStudies:
    """A `StudySource` of simulated patients.

    Parameters
    ----------
    wish:
        The label whose mix is copied, over the discs that have one, and its mix. Where it is that of Modic types,
        types that it does not name are never drawn.
    studies:
        How many patients.
    seeds:
        What they are drawn from; each patient takes `CASES_EACH` of them.
    slices:
        Slices of each series; as many as a real examination has if None.

    Raises
    ------
    InputError
        The wish is of a label that there is not, or there are too few seeds.
    """

    narrowing_grades = 1 + len(NARROWING_STEPS)

    def __init__(self, wish: CohortWish, studies: int, seeds: range = RECIPE_SEEDS, slices: int | None = None) -> None:
        if wish.label not in _labels():
            raise InputError(f"{wish.label!r} is no label of a disc; wish for one of {', '.join(_labels())}")
        if studies * CASES_EACH > len(seeds):
            raise InputError(f"{studies} patients need {studies * CASES_EACH} seeds; give more than {len(seeds)}")
        self._label, self._slices = wish.label, slices
        self._mix = {str(value): float(share) for value, share in wish.mix.items()}
        self.studies = tuple(f"simulated-{seed}" for seed in self._chosen(studies, seeds))
        self.title = f"{studies} simulated patients"
        self.key = f"simulated-{wish.label}-{self._digest(seeds)}"

    def read(self, study: str) -> LabelledStudy:
        """Simulate a patient; the same name gives the same study to the byte."""
        if study not in self.studies:
            raise InputError(f"{study!r} is not in this cohort; take one of its `studies`")
        seed = int(study.removeprefix("simulated-"))
        drawn = simulate(seed, self._case(seed), slices=self._slices)
        return labelled(drawn, study)

    def _digest(self, seeds: range) -> str:
        asked = [self._mix, seeds.start, seeds.step, self._slices, CASES_EACH, __version__]
        return hashlib.sha256(json.dumps(asked).encode()).hexdigest()[:10]

    def _case(self, seed: int) -> Case:
        named = self._label == "modic" and not self._mix.keys().isdisjoint(PURE_TYPES)
        wished = self._mix if named else EPIDEMIOLOGICAL_MIX
        weights = {type_: wished.get(type_, 0.0) for type_ in PURE_TYPES}
        shares = {type_: weight / sum(weights.values()) for type_, weight in weights.items()}
        return draw_case(np.random.default_rng([seed, 0]), dict.fromkeys(LESION_TYPES, 0.0) | shares)

    def _chosen(self, studies: int, seeds: range) -> list[int]:
        wanted = np.array(list(self._mix.values())) / sum(self._mix.values())
        chosen, sums = [], np.zeros(len(wanted))
        for number in range(studies):
            best, least = (0, sums), np.inf
            for seed in seeds[number * CASES_EACH : (number + 1) * CASES_EACH]:
                counts, strays = self._counts(self._case(seed))
                after = sums + counts
                # A disc that the paper's readers would not know what to call is worse than any mix.
                off = float(np.abs(after - wanted * after.sum()).sum()) + 1000 * strays
                if off < least:
                    best, least = (seed, after), off
                if off <= DISCS_OFF:
                    break
            chosen.append(best[0])
            sums = best[1]
        return chosen

    def _counts(self, case: Case) -> tuple[np.ndarray, int]:
        """How many discs will presumably have each label of the mix, and how many another one."""
        counts, strays = dict.fromkeys(self._mix, 0.0), 0
        for level in GRADED_DISCS:
            labels = expected_labels(case, level)
            value = str(getattr(labels, self._label))
            if self._label == "endplate_lesion" and labels.excluded:
                continue  # Bassani's label, and his exclusions
            if value not in counts:
                strays += 1
            else:
                counts[value] += CALLED_SHARE if self._label in MARROW_LABELS and value not in UNCHANGED else 1.0
        return np.array(list(counts.values())), strays


def labelled(drawn: SimulatedStudy, name: str) -> LabelledStudy:
    """A simulated patient with true discs, spine and changes, and the labels that a reader would give."""
    called = {one["number"] for one in drawn.truth.input["simulated_changes"] if one["called"]}
    types = np.zeros(256, np.uint8)
    for number, (_, _, lesion) in enumerate(drawn.case.lesions, start=1):
        # Readers outline what they call; of a mixed change, which no cohort of ours has, the type at the endplate.
        types[number] = MODIC_MAP_LABELS[lesion.type.split("/")[0]] if number in called else 0
    return LabelledStudy(
        name=name,
        patient=name,
        study=with_age(SpineStudy(drawn.t1, drawn.t2), drawn.case.patient.age_years),
        discs=drawn.discs,
        spine=drawn.labels,
        changes=types[drawn.lesions],
        labels={disc.level: true_labels(disc, drawn.case) for disc in drawn.truth.discs},
    )


def true_labels(disc: DiscReport, case: Case) -> DiscLabels:
    """What a reader would say of a true disc; None where its changes are there but no reader would call them."""
    upper, lower = (disc.endplates[name] for name in ENDPLATES)
    height = max(endplate.height_percent or 0.0 for endplate in (upper, lower))
    return DiscLabels(
        modic=disc.modic.grade,
        pfirrmann=int(disc.pfirrmann.grade),
        narrowing=narrowing_grade(case.disc(disc.level).height_factor),
        endplate_lesion=disc.endplate_lesion.grade,
        upper_endplate_change=_yes(upper.endplate_change),
        lower_endplate_change=_yes(lower.endplate_change),
        upper_marrow_change=_yes(upper.marrow_change),
        lower_marrow_change=_yes(lower.marrow_change),
        excluded=why_excluded(case, disc.level, height),
    )


def expected_labels(case: Case, level: str) -> DiscLabels:
    """What readers would say of a disc if every change of the case were seen; several types joined by a slash."""
    state = case.disc(level)
    endplates = (state.upper, state.lower)
    types = sorted({lesion.type for endplate in endplates for lesion in endplate.marrow}, key=LESION_TYPES.index)
    height = max((lesion.height for endplate in endplates for lesion in endplate.marrow), default=0.0)
    return DiscLabels(
        modic="/".join(types) or "0",
        pfirrmann=state.pfirrmann,
        narrowing=narrowing_grade(state.height_factor),
        endplate_lesion=max((endplate.lesion for endplate in endplates), key=ENDPLATE_LESIONS.index),
        upper_endplate_change=state.upper.lesion != "normal",
        lower_endplate_change=state.lower.lesion != "normal",
        upper_marrow_change=bool(state.upper.marrow),
        lower_marrow_change=bool(state.lower.marrow),
        excluded=why_excluded(case, level, 100 * height),
    )


def narrowing_grade(height_factor: float) -> int:
    """0 none, 1 slight, 2 moderate, 3 severe, by the share of its healthy height that a disc has kept."""
    return sum(height_factor < step for step in NARROWING_STEPS)


def why_excluded(case: Case, level: str, change_percent: float) -> str:
    """Which of Bassani's exclusions (2023, Methods) a disc meets, "" if none.

    Limbus vertebrae, artefacts and operated spines, which he excludes too, are not simulated.

    Parameters
    ----------
    change_percent:
        Height of the larger Modic change at its endplates, in percent of the vertebra's.
    """
    state = case.disc(level)
    if any(case.vertebra(name).fracture != "none" for name in vertebrae_of(level)):
        return "fracture"
    if abs(state.slip_mm) >= SLIP_MM:
        return "slip"
    if state.pfirrmann == 5:
        return "Pfirrmann 5"
    return "large Modic change" if change_percent >= LARGE_CHANGE_PERCENT else ""


def _yes(share: float | None) -> bool | None:
    return None if share is None else share > 0.5


def _labels() -> list[str]:
    return [name for name in DiscLabels.__dataclass_fields__ if name != "excluded"]
