"""What is withheld and what that wins: risk against coverage, as Markdown with a picture (`evaluation --only doubt`).

Thresholds are fitted on the patients of all folds but one and applied to the patients of that one, so that the share of
wrong grades among those given is what new patients may expect.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np

from ..grading.abstention import TARGET_RISK, Judged, fit_threshold, judge
from ..grading.disc_grades import calibrate
from ..grading.grader import Ensemble, load_ensemble
from ..training.data_folder import FOLDS, fold_of
from ..training.disc_store import DiscStore
from ..training.graded_discs import GradedDisc
from ..training.grader import predict_together
from ..training.grading_data import iterate_spider
from ..training.simulated_cohort import VALIDATION_SEEDS, iterate_discs
from .figures import save_figure
from .grading import out_of_fold
from .metrics import bootstrap
from .pages import table

HEAD = ("grade", "patients", "discs", "wrong if all are given", "target", "given", "wrong among those given")

LEAST_SHOWN = 20
"""Fewer discs are no share; the curves begin with so many."""

INTRO = """A grade is withheld where its confidence is below a threshold, set so that of the grades given no more than
the target are wrong (with 95 % confidence, discs clustered by patient). Here thresholds were fitted on four fifths of
the patients and applied to the others. A Pfirrmann grade is wrong if it is off by more than one; a Modic grade is right
if it has a type in common with the true one."""


def section(runs: Path = Path("runs/grading"), picture: Path = Path("docs/doubt.png")) -> str:
    """The section as Markdown; draws `picture`. Cohort and SPIDER's slices are read from the folder `runs`."""
    ensemble = load_ensemble("cpu")
    real, simulated = list(iterate_spider(runs)), list(iterate_discs(runs / "cohort", VALIDATION_SEEDS))
    judged = {
        "SPIDER, out of fold": judged_discs(real, out_of_fold(real, ensemble)),
        "simulated, validation": judged_discs(simulated, graded(simulated, ensemble)),
    }
    draw_curves(judged, picture)
    parts = [INTRO.replace("\n", " ")]
    for name, grades in judged.items():
        parts += [f"### {name}", table(HEAD, doubt_rows(grades))]
    return "\n\n".join([*parts, f"![Share of wrong grades against the share given]({picture.name})"])


def judged_discs(discs: list[GradedDisc], probabilities: np.ndarray) -> dict[str, Judged]:
    """`abstention.judge` of discs and their calibrated outputs (discs, outputs)."""
    modic, pfirrmann = (np.array([getattr(one, name) for one in discs]) for name in ("modic_type", "pfirrmann"))
    return judge(probabilities, np.stack([one.targets for one in discs]), modic, pfirrmann, [o.patient for o in discs])


def graded(discs: list[GradedDisc], ensemble: Ensemble) -> np.ndarray:
    """Calibrated outputs (discs, outputs) of discs that no member has learned from."""
    store, rows = DiscStore.of(discs), np.arange(len(discs))
    logits = predict_together(ensemble.members, ensemble.base, store, rows)
    return calibrate(logits, ensemble.scale, ensemble.offset)


def doubt_rows(judged: Mapping[str, Judged]) -> list[tuple[object, ...]]:
    """A row of `HEAD` for each grade."""
    rows = []
    for name, one in judged.items():
        given = given_out_of_fold(one, TARGET_RISK[name])
        kept = Judged(one.confidence[given], one.wrong[given], one.patients[given])
        rows.append((
            name.replace("_", " "),
            len(np.unique(one.patients)),
            len(one.wrong),
            share_wrong(one),
            f"{TARGET_RISK[name]:.2f}",
            f"{given.mean():.0%}",
            share_wrong(kept) if given.any() else "none given",
        ))  # fmt: skip
    return rows


def share_wrong(one: Judged) -> str:
    """Share of wrong grades with its interval over patients."""
    return str(bootstrap(lambda rows: float(one.wrong[rows].mean()), one.patients.tolist()))


def given_out_of_fold(one: Judged, target: float) -> np.ndarray:
    """Which grades (N,) are given, each by a threshold fitted on the patients of the other folds."""
    folds = np.array([fold_of(str(patient), FOLDS) for patient in one.patients])
    given = np.zeros(len(folds), bool)
    for fold in np.unique(folds):
        others = replace(
            one, **{name: getattr(one, name)[folds != fold] for name in ("confidence", "wrong", "patients")}
        )
        if len(others.wrong):
            given[folds == fold] = one.confidence[folds == fold] >= fit_threshold(others, target)
    return given


def risk_curve(one: Judged) -> tuple[np.ndarray, np.ndarray]:
    """Share given and share of wrong ones among them (N,), as ever less sure grades are given."""
    order = np.argsort(-one.confidence, kind="stable")
    count = np.arange(1, len(order) + 1)
    return count / len(order), np.cumsum(one.wrong[order]) / count


def draw_curves(judged: Mapping[str, Mapping[str, Judged]], picture: Path) -> None:
    """One panel a set of patients; the dotted part of each curve is beyond its target."""
    figure, axes = plt.subplots(1, len(judged), figsize=(5.2 * len(judged), 4.2), sharey=True, squeeze=False)
    for panel, (title, grades) in zip(axes[0], judged.items(), strict=True):
        for name, one in grades.items():
            coverage, risk = (values[LEAST_SHOWN - 1 :] for values in risk_curve(one))
            (line,) = panel.plot(coverage, risk, ":", linewidth=1)
            within = np.where(risk <= TARGET_RISK[name], risk, np.nan)
            panel.plot(coverage, within, color=line.get_color(), label=name.replace("_", " "))
        panel.set(title=title, xlabel="share of discs given a grade", xlim=(0, 1))
        panel.set_ylim(bottom=0)
        panel.legend(fontsize=8)
    axes[0, 0].set_ylabel("share of wrong ones among them")
    figure.tight_layout()
    save_figure(figure, picture, dpi=110)
