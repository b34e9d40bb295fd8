"""Whether heatmaps show what an answer rests on, as Markdown with a picture (`evaluation --only evidence`).

Measured on simulated patients, whose changes are known pixel by pixel. The default of `evidence.methods` is chosen on
the validation patients; the page reports the test patients.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from pathlib import Path

import numpy as np

from ..evidence.explain import TASK
from ..evidence.methods import DEFAULT_METHOD, METHODS, Method
from ..grading.decisions import CHANGE_CALLED
from ..grading.grader import Ensemble, grade_discs, load_ensemble
from ..training.graded_discs import GradedDisc
from ..training.simulated_cohort import (
    TEST_SEEDS,
    VALIDATION_SEEDS,
    draw_cohort,
    for_grader,
    grading_seeds,
    iterate_discs,
)
from .evidence_pictures import draw_heats
from .evidence_scores import (
    DELETED,
    TOLERANCE_PIXELS,
    area_under,
    changed_discs,
    deletion_curve,
    forgetful,
    own_map,
    points_at,
    random_heat,
    rank_correlation,
    share_inside,
    truth_of,
)
from .metrics import bootstrap
from .pages import table

SEEDS = {"test": TEST_SEEDS, "validation": VALIDATION_SEEDS}

STUDIES = 16
"""Simulated patients whose changed discs are explained."""

COMPARED = 8
"""Discs, of those explained, that are also deleted from and read by networks without knowledge; both take long."""

SHOWN = 4
"""Discs in the picture, each of another patient."""

NAMES = {"hotspots": "hotspots", "grad_cam": "Grad-CAM", "integrated_gradients": "integrated gradients"}

FORGOTTEN = {"head drawn anew": ("embed", "attention", "head"), "all drawn anew": None}
"""Parts of the network that forget what they have learned."""


@dataclass(frozen=True)
class Explained:
    """A changed disc with the heat (slices, rows, columns) of each method, and the seconds each took."""

    disc: GradedDisc
    heats: dict[str, np.ndarray]
    seconds: dict[str, float]


def section(
    seeds: str = "test", cohort: Path = Path("runs/grading/cohort"), picture: Path = Path("docs/evidence.png")
) -> str:
    """Measure all methods on the patients of `SEEDS[seeds]`, which are drawn where `cohort` lacks them."""
    wanted = grading_seeds(SEEDS[seeds], STUDIES)
    draw_cohort(cohort, wanted, for_grader)
    names = {f"simulated-{seed}" for seed in wanted}
    discs = [disc for disc in iterate_discs(cohort, SEEDS[seeds]) if disc.patient in names]
    ensemble = load_ensemble()
    changed = changed_discs(discs, TASK)
    explained = explain(called(changed, ensemble), ensemble)
    if not explained:
        return f"Of {len(changed)} changed discs the ensemble calls none; there is nothing to explain."
    draw_heats(
        [(one.disc, {NAMES[name]: heat for name, heat in one.heats.items()}) for one in _shown(explained)], picture
    )
    return "\n\n".join([
        _introduction(explained, len(changed), seeds),
        place_table(explained, ensemble),
        deletion_table(spread(explained), ensemble),
        sanity_table(spread(explained), ensemble),
        agreement_table(explained),
        f"![Heat of each method on simulated discs]({picture.name})",
    ])  # fmt: skip


def called(discs: Sequence[GradedDisc], ensemble: Ensemble) -> list[GradedDisc]:
    """Discs at which the ensemble gives the answer that is explained; for one not given nothing speaks."""
    grades = grade_discs([one.disc for one in discs], ensemble)
    return [one for one, grade in zip(discs, grades, strict=True) if grade.findings[TASK] >= CHANGE_CALLED]


def explain(
    discs: Sequence[GradedDisc], ensemble: Ensemble, methods: Mapping[str, Method] = METHODS
) -> list[Explained]:
    """Heat of each method for each disc."""
    explained = []
    for disc in discs:
        heats, seconds = {}, {}
        for name, method in methods.items():
            began = time.perf_counter()
            heats[name] = method(disc.disc, ensemble, TASK)
            seconds[name] = time.perf_counter() - began
        explained.append(Explained(disc, heats, seconds))
    return explained


def spread(explained: Sequence[Explained]) -> list[Explained]:
    """`COMPARED` of the discs, spread evenly over all of them."""
    chosen = np.linspace(0, len(explained) - 1, min(COMPARED, len(explained))).round().astype(int)
    return [explained[number] for number in chosen]


def place_table(explained: Sequence[Explained], ensemble: Ensemble) -> str:
    """Pointing game and share of the heat inside the true change, beside what chance and the network's map reach."""
    truths = [truth_of(one.disc) for one in explained]
    areas = [float(truth.change.sum() / truth.judged.sum()) for truth in truths]
    rows = [
        (_named(name), *_placed([one.heats[name] for one in explained], explained), _seconds(explained, name))
        for name in METHODS
    ]
    blind = [random_heat(truth.change.shape, number) for number, truth in enumerate(truths)]
    rows.append(("heat at random", *_placed([np.maximum(heat, 0) for heat in blind], explained), ""))
    rows.append(("evenly spread heat", "", f"{np.mean(areas):.3f}", ""))
    rows.append(
        ("the network's own map", *_placed([own_map(one.disc.disc, ensemble) for one in explained], explained), "")
    )
    return table(("heat", "peak in the change", "share of the heat in the change", "s a disc"), rows)


def deletion_table(explained: Sequence[Explained], ensemble: Ensemble) -> str:
    """Area under the probability while the hottest, random and the coldest pixels are deleted."""

    def areas(heat_of: Callable[[int, Explained], np.ndarray]) -> str:
        found = [
            area_under(deletion_curve(one.disc.disc, heat_of(number, one), ensemble, TASK))
            for number, one in enumerate(explained)
        ]
        return f"{np.mean(found):.3f}"

    rows = [
        (
            _named(name),
            areas(lambda _, one, name=name: one.heats[name]),
            areas(lambda _, one, name=name: -one.heats[name]),
        )
        for name in METHODS
    ]
    rows.append(("at random", areas(lambda number, one: random_heat(one.heats[DEFAULT_METHOD].shape, number)), ""))
    return table(("deleted in the order of", "hottest first", "coldest first"), rows)


def sanity_table(explained: Sequence[Explained], ensemble: Ensemble) -> str:
    """Rank correlation of the heat of the first member with that of the second, and with networks that forgot."""
    member = ensemble.members[0]
    others = {"another member": ensemble.members[1 % len(ensemble.members)]}
    others |= {title: forgetful(member, parts) for title, parts in FORGOTTEN.items()}
    rows = []
    for name, method in METHODS.items():
        row = [_named(name)]
        own = [method(one.disc.disc, replace(ensemble, members=(member,)), TASK) for one in explained]
        for other in others.values():
            alone = replace(ensemble, members=(other,))
            found = [
                rank_correlation(heat, method(one.disc.disc, alone, TASK))
                for heat, one in zip(own, explained, strict=True)
            ]
            row.append(f"{np.mean(found):.2f}")
        rows.append(row)
    return table(("heat of one member beside that of", *others), rows)


def agreement_table(explained: Sequence[Explained]) -> str:
    """How alike the heats of two methods are, and how far apart their peaks lie."""
    rows = []
    for first, second in combinations(METHODS, 2):
        alike = [rank_correlation(one.heats[first], one.heats[second]) for one in explained]
        apart = np.array([_apart(one, first, second) for one in explained])
        rows.append((
            f"{NAMES[first]}, {NAMES[second]}", f"{np.mean(alike):.2f}", f"{np.median(apart):.0f} mm",
            f"{100 * np.mean(apart < NEAR_MM):.0f} %",
        ))  # fmt: skip
    return table(("methods", "rank correlation", "peaks apart (median)", f"peaks within {NEAR_MM:.0f} mm"), rows)


NEAR_MM = 10.0
"""Peaks so near to each other lie in the same third of an endplate."""


def _apart(one: Explained, first: str, second: str) -> float:
    grid = one.disc.disc.inner_grid
    places = [
        grid.to_patient(np.unravel_index(one.heats[name].argmax(), one.heats[name].shape)) for name in (first, second)
    ]
    return float(np.linalg.norm(places[0] - places[1]))


def _placed(heats: Sequence[np.ndarray], explained: Sequence[Explained]) -> tuple[str, str]:
    patients = [one.disc.patient for one in explained]
    truths = [truth_of(one.disc) for one in explained]
    points = np.array([points_at(heat, truth) for heat, truth in zip(heats, truths, strict=True)], float)
    inside = np.array([share_inside(heat, truth) for heat, truth in zip(heats, truths, strict=True)])
    return tuple(str(bootstrap(lambda rows, of=of: float(of[rows].mean()), patients)) for of in (points, inside))


def _seconds(explained: Sequence[Explained], name: str) -> str:
    return f"{np.mean([one.seconds[name] for one in explained]):.2f}"


def _named(name: str) -> str:
    return f"**{NAMES[name]}** (shown)" if name == DEFAULT_METHOD else NAMES[name]


def _shown(explained: Sequence[Explained]) -> list[Explained]:
    firsts = {one.disc.patient: one for one in reversed(explained)}
    return list(reversed(firsts.values()))[:SHOWN]


def _introduction(explained: Sequence[Explained], changed: int, seeds: str) -> str:
    patients = len({one.disc.patient for one in explained})
    return (
        f"The {len(explained)} discs, of {changed} with a Modic change, at which the ensemble calls it, of {patients}"
        f" simulated {seeds} patients; the answer explained is “any Modic change”. A peak points at the change within"
        f" {TOLERANCE_PIXELS} pixels (about 1 mm) of it in its slice (Zhang 2016). Pixels are deleted, up to"
        f" {100 * DELETED[-1]:.0f} % of the region, by putting normal marrow in the vertebrae and the local mean"
        " elsewhere, which is also what integrated gradients start from; the figure is the area under the probability"
        " that is left, so that low is good for the hottest pixels and high for the coldest (Petsiuk 2018). The heat of"
        " a network must differ from that of one whose weights are drawn anew (Adebayo 2018); another member shows how"
        " alike two networks are that know the same. Deletion and this check use"
        f" {min(COMPARED, len(explained))} of the discs."
    )
