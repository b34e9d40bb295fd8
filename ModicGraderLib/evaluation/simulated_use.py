"""What training on simulated patients gives, measured on real ones: the section `SECTION` of `docs/simulator.md`."""

from __future__ import annotations

import json
from pathlib import Path
from textwrap import fill

import numpy as np
import torch
from safetensors.torch import load_file

from ..anatomy import GRADED_DISCS, MODIC_GRADES
from ..grading.grader import Ensemble, load_ensemble
from ..grading.network import DiscGrader
from ..io import read_study
from ..localization.agreement import agree_on_discs
from ..localization.locate import load_network
from ..localization.network import SpineNetwork
from ..study import SpineStudy
from ..training.data_folder import data_folder, fold_of
from ..training.grader import BATCH, FOLDS, predict, stack
from ..training.polygon_source import read_polygon_slices
from ..training.simulated_cohort import (
    TEST_SEEDS,
    TRAINING_SEEDS,
    VALIDATION_SEEDS,
    found_share,
    read_discs,
    read_slices,
)
from ..training.simulation_use import AGAIN, BUDGET, GRADER_SHARES, LOCALIZER_SHARES, folder_of, spider_discs
from ..training.spider_discs import GradedDisc
from ..training.spine_slices import SpineSlice
from ..training.splits import HELD_OUT_TENTHS, TENTHS, VALIDATION_TENTH
from .grading import grading_rows, out_of_fold
from .localization import locate_or_nothing, score_slice
from .metrics import Estimate, auroc, bootstrap

SECTION = "## Use: what training on it gives"

INTRO = (
    "Written by `python -m ModicGraderLib.evaluation --use`, after `python -m ModicGraderLib.training cohort localizers"
    " graders --patients 450 --localizer-steps 600 --grader-epochs 25`. The same networks were trained with the same"
    " number of batches on simulated patients alone, on real data alone, and on both; the budgets are smaller than"
    " those of the shipped models, which are shown for comparison."
)

SHIPPED = "shipped"


def simulated_use(runs: Path) -> str:
    """The section as Markdown, from the arms that `training.simulation_use` left in `runs`; takes ten minutes."""
    return wrapped("\n\n".join([SECTION, INTRO, _localizers(runs), _graders(runs)])) + "\n"


def wrapped(text: str) -> str:
    """Markdown with its paragraphs in lines of 120 characters; tables and headings are left alone."""
    parts = text.split("\n\n")
    return "\n\n".join(part if part[0] in "|#" else fill(part, 120, break_on_hyphens=False) for part in parts)


def put_section(page: Path, section: str) -> None:
    """Put a section (its heading first) in the place of the one with its heading, or at the end of the page."""
    text = page.read_text(encoding="utf-8") if page.exists() else "# The simulator\n"
    heading = section.split("\n", 1)[0]
    before, found, after = text.partition(heading + "\n")
    rest = after.find("\n## ") if found else -1
    text = before.rstrip("\n") + "\n\n" + section + (after[rest:] if rest >= 0 else "")
    partial = page.with_suffix(".partial")
    partial.write_text(text, encoding="utf-8")
    partial.replace(page)


def _localizers(runs: Path) -> str:
    arms = {SHIPPED: load_network("cpu")}
    for arm in LOCALIZER_SHARES:
        arms[arm] = SpineNetwork()
        arms[arm].load_weights(load_file(runs / "localizer" / folder_of(arm) / AGAIN / "weights.safetensors"))
        arms[arm].eval()
    steps = json.loads((runs / "localizer" / BUDGET).read_text(encoding="utf-8"))["steps"]
    simulated = len({one.patient for one in read_slices(runs / "cohort", TRAINING_SEEDS)})
    tests = read_slices(runs / "cohort", TEST_SEEDS)
    parts = [
        "### Finding and naming the discs",
        f"Each arm was trained from random weights in two cycles of {steps[0]} and {steps[1]} batches of 8 views; the"
        " shipped network in two of 1200 and 1500, with SPIDER's own slices besides. Simulation is"
        f" {simulated} patients, real data the training patients of the T1 polygons and of the SPIDER T2 masks. Found"
        " means found under the right name, or, on SPIDER, that T12/L1 to L5/S1 are all found. Intervals are 95 %, by"
        " bootstrap over patients.",
    ]
    for title, tenths in (("Held-out patients", HELD_OUT_TENTHS), ("Validation patients", (VALIDATION_TENTH,))):
        rows = [f"| {arm} | {_localizer_row(network, tenths)} |" for arm, network in arms.items()]
        parts += [f"{title}:", "\n".join([LOCALIZER_HEAD, *rows])]
    rows = [f"| {arm} | {' | '.join(_found(tests, network))} |" for arm, network in arms.items()]
    parts += ["Simulated test patients:", "\n".join([SIMULATED_HEAD, *rows])]
    return "\n\n".join(parts)


LOCALIZER_HEAD = (
    "| trained on | T1 polygons: found | found under any name | median center error, % of disc width |"
    " SPIDER T1: six found | SPIDER T2: six found | SPIDER T1 + T2: six found |\n|---|---|---|---|---|---|---|"
)

SIMULATED_HEAD = (
    "| trained on | found | found under any name | median center error, % of disc width |\n|---|---|---|---|"
)


def _localizer_row(network: SpineNetwork, tenths: tuple[int, ...]) -> str:
    polygons = read_polygon_slices(data_folder() / "t1_vertebra_polygons")
    polygons = [one for one in polygons if fold_of(one.patient, TENTHS) in tenths]
    return " | ".join([*_found(polygons, network), *map(str, _six_found(network, tenths))])


def _found(slices: list[SpineSlice], network: SpineNetwork) -> tuple[str, str, str]:
    """Shares of discs found under their names and under any, and the median error; one not found errs without bound."""
    scores = [score for one in slices for score in score_slice(one, network)]
    table = np.array([(score.found, score.found_under_any_name) for score in scores], float)
    patients = [score.patient for score in scores]
    named, placed = (bootstrap(lambda rows, column=column: column[rows].mean(), patients) for column in table.T)
    return str(named), str(placed), f"{100 * np.median([score.error for score in scores]):.1f}"


def _six_found(network: SpineNetwork, tenths: tuple[int, ...]) -> list[Estimate]:
    """Share of SPIDER patients on whom all graded discs are found, on T1, on T2 and on both."""
    folder = data_folder() / "spider_midsagittal" / "volumes"
    names = sorted(path.name.split("_")[0] for path in folder.glob("*_t1.nii.gz"))
    names = [name for name in names if fold_of(f"spider-{name}", TENTHS) in tenths]
    complete = []
    for name in names:
        study = read_study(folder / f"{name}_t1.nii.gz", folder / f"{name}_t2.nii.gz")
        study, _ = agree_on_discs(study, network)
        views = (SpineStudy(t1=study.t1, t2=None), SpineStudy(t1=None, t2=study.t2), study)
        locations = [locate_or_nothing(view, network) for view in views]
        complete.append([one is not None and set(GRADED_DISCS) <= {d.level for d in one.discs} for one in locations])
    table = np.array(complete, float)
    return [bootstrap(lambda rows, column=column: column[rows].mean(), names) for column in table.T]


GRADER_HEAD = (
    "| trained on | any Modic change, AUROC | against real alone | endplate change, AUROC | narrowing, AUROC |"
    " Pfirrmann, quadratic kappa |\n|---|---|---|---|---|---|"
)

SHOWN = (
    ("modic_change", "AUROC"),
    ("endplate change, both", "AUROC"),
    ("disc_narrowing", "AUROC"),
    ("Pfirrmann", "quadratic kappa"),
)

TYPES_HEAD = "| trained on | any | I | II | III |\n|---|---|---|---|---|"


def _graders(runs: Path) -> str:
    discs = spider_discs(runs)
    tests = [one for seeds in (VALIDATION_SEEDS, TEST_SEEDS) for one in read_discs(runs / "cohort", seeds)]
    ensembles = {SHIPPED: load_ensemble("cpu")} | {
        arm: _ensemble(runs / "grader" / folder_of(arm)) for arm in GRADER_SHARES
    }
    chances = {arm: out_of_fold(discs, ensemble) for arm, ensemble in ensembles.items()}
    epochs = json.loads((runs / "grader" / BUDGET).read_text(encoding="utf-8"))["epochs"]
    simulated = len(read_discs(runs / "cohort", TRAINING_SEEDS))
    found = found_share(runs / "cohort", TRAINING_SEEDS)
    intro = (
        f"Each arm is five members, one a fold of SPIDER's patients, trained for as many batches of {BATCH} as make"
        f" {epochs} epochs of the real discs; the shipped ensemble is ten members of 40 epochs. Simulation is"
        f" {simulated} discs; like SPIDER's, they are those that the shipped localizer finds: {found:.0%} of what was"
        " simulated. SPIDER's discs are graded out of fold. The calibration of every arm is fitted on SPIDER's other"
        " folds; it does not touch the order that an AUROC measures."
    )
    truth = np.array([disc.targets[0] for disc in discs]) > 0.5
    patients = [disc.patient for disc in discs]

    def better(arm: str) -> str:
        ours, real = chances[arm][:, 0], chances["real"][:, 0]
        gain = bootstrap(lambda rows: auroc(truth[rows], ours[rows]) - auroc(truth[rows], real[rows]), patients)
        return f"{gain.value:+.3f} ({gain.low:+.3f} to {gain.high:+.3f})"

    table, types = [GRADER_HEAD], [TYPES_HEAD]
    for arm, ensemble in ensembles.items():
        measured = {(task, metric): str(value) for task, metric, value in grading_rows(discs, chances[arm])}
        modic, *others = (measured[key] for key in SHOWN)
        table.append(f"| {arm} | {modic} | {better(arm) if arm != 'real' else ''} | {' | '.join(others)} |")
        types.append(f"| {arm} | {' | '.join(_types(tests, ensemble))} |")
    grade = np.array([disc.pfirrmann for disc in discs])
    degeneration = bootstrap(lambda rows: auroc(truth[rows], grade[rows]), patients)
    return "\n\n".join([
        "### Grading on SPIDER", intro, "\n".join(table),
        f"The reader's own Pfirrmann grade, taken for a score of Modic change, has an AUROC of {degeneration}: most of"
        " what these figures measure is degeneration, which comes with changes.",
        "What SPIDER cannot measure, since it has one disc of type I and four of type III: AUROC of any change on the"
        f" {len(tests)} discs of simulated validation and test patients, on whom no choice was made, and of each pure"
        " type against no change. It says what a grader makes of the simulator's idea of the types, not of patients.",
        "\n".join(types),
    ])  # fmt: skip


def _ensemble(folder: Path) -> Ensemble:
    members = []
    for number in range(FOLDS):
        member = DiscGrader()
        member.load_state_dict(torch.load(folder / f"member{number}.pt", weights_only=True))
        members.append(member.eval())
    weights = load_file(folder / "disc-grader.safetensors")
    return Ensemble(tuple(members), weights["calibration.scale"].numpy(), weights["calibration.offset"].numpy())


def _types(discs: list[GradedDisc], ensemble: Ensemble) -> list[str]:
    """AUROC of any change, and of types I, II and III against none, by the mean of all members."""
    tensors, rows = stack(discs), np.arange(len(discs))
    score = np.mean([predict(member, tensors, rows)[:, 0] for member in ensemble.members], axis=0)
    grade = np.array([MODIC_GRADES[disc.modic_type] if disc.modic_type >= 0 else "" for disc in discs])
    patients = np.array([disc.patient for disc in discs])
    shown = []
    for there in (np.isin(grade, MODIC_GRADES[1:]), *(grade == name for name in ("I", "II", "III"))):
        known = there | (grade == "0")
        change, chance = there[known], score[known]
        rate = bootstrap(lambda rows, t=change, c=chance: auroc(t[rows], c[rows]), patients[known])
        shown.append(f"{rate}, n = {there.sum()}")
    return shown
