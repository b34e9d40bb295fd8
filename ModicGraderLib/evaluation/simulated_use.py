"""What training on simulated patients gives the localizer, measured on real ones: `use` in `docs/simulator.md`."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
from safetensors.torch import load_file

from ..anatomy import GRADED_DISCS
from ..io import read_study
from ..localization.agreement import agree_on_discs
from ..localization.locate import load_network
from ..localization.network import SpineNetwork
from ..study import SpineStudy
from ..training.data_folder import data_folder, fold_of
from ..training.polygon_source import read_polygon_slices
from ..training.simulated_cohort import TEST_SEEDS, TRAINING_SEEDS, read_slices
from ..training.simulation_use import AGAIN, BUDGET, LOCALIZER_SHARES
from ..training.spine_slices import SpineSlice
from ..training.splits import HELD_OUT_TENTHS, TENTHS, VALIDATION_TENTH
from .localization import locate_or_nothing, score_slice
from .metrics import Estimate, bootstrap
from .pages import table, wrapped

SHIPPED = "shipped"

ON_REAL = (
    "trained on",
    "T1 polygons: found",
    "found under any name",
    "median center error, % of disc width",
    "SPIDER T1: six found",
    "SPIDER T2: six found",
    "SPIDER T1 + T2: six found",
)

ON_SIMULATED = ("trained on", "found", "found under any name", "median center error, % of disc width")


def simulated_use(runs: Path) -> str:
    """The measured text as Markdown, from the arms that `training.simulation_use` left in `runs`; takes ten minutes."""
    arms = {SHIPPED: load_network("cpu")} | {arm: _trained(runs / "localizer" / arm) for arm in LOCALIZER_SHARES}
    steps = json.loads((runs / "localizer" / BUDGET).read_text(encoding="utf-8"))["steps"]
    simulated = len({one.patient for one in read_slices(runs / "cohort", TRAINING_SEEDS)})
    tests = read_slices(runs / "cohort", TEST_SEEDS)
    parts = [
        f"Each arm was trained from random weights in two cycles of {steps[0]} and {steps[1]} batches of 8 views; the"
        " shipped network in two of 1200 and 1500, with SPIDER's own slices besides. Simulation is"
        f" {simulated} patients, real data the training patients of the T1 polygons and of the SPIDER T2 masks. Found"
        " means found under the right name, or, on SPIDER, that T12/L1 to L5/S1 are all found. Intervals are 95 %, by"
        " bootstrap over patients.",
    ]
    for title, tenths in (("Held-out patients", HELD_OUT_TENTHS), ("Validation patients", (VALIDATION_TENTH,))):
        rows = [(arm, *_on_real(network, tenths)) for arm, network in arms.items()]
        parts += [f"{title}:", table(ON_REAL, rows)]
    rows = [(arm, *_found(tests, network)) for arm, network in arms.items()]
    parts += ["Simulated test patients:", table(ON_SIMULATED, rows)]
    return wrapped("\n\n".join(parts))


def _trained(folder: Path) -> SpineNetwork:
    network = SpineNetwork()
    network.load_weights(load_file(folder / AGAIN / "weights.safetensors"))
    return network.eval()


def _on_real(network: SpineNetwork, tenths: tuple[int, ...]) -> list[str | Estimate]:
    polygons = read_polygon_slices(data_folder() / "t1_vertebra_polygons")
    polygons = [one for one in polygons if fold_of(one.patient, TENTHS) in tenths]
    return [*_found(polygons, network), *_six_found(network, tenths)]


def _found(slices: list[SpineSlice], network: SpineNetwork) -> tuple[str, str, str]:
    """Shares of discs found under their names and under any, and the median error; one not found errs without bound."""
    scores = [score for one in slices for score in score_slice(one, network)]
    found = np.array([(score.found, score.found_under_any_name) for score in scores], float)
    patients = [score.patient for score in scores]
    named, placed = (bootstrap(lambda rows, column=column: column[rows].mean(), patients) for column in found.T)
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
    views = np.array(complete, float).T
    return [bootstrap(lambda rows, view=view: view[rows].mean(), names) for view in views]
