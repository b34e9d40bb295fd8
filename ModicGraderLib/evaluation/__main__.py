"""`python -m ModicGraderLib.evaluation`: measure the shipped models and write `docs/results.md`.

`--teacher WEIGHTS` adds what the network trained on T1 polygons alone does on SPIDER: a contrast, a source and a
hospital that it has never seen. `--use` measures what training on simulated patients gives instead, and writes its
section of `docs/simulator.md`. `--simulator` measures how real simulated patients look, and writes the rest of its
figures.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Container, Sequence
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file

from ..anatomy import DISCS_UPWARDS, GRADED_DISCS
from ..grading.grader import load_ensemble
from ..io import read_study
from ..localization.agreement import agree_on_discs
from ..localization.locate import load_network
from ..localization.network import SpineNetwork
from ..localization.spine import SpineLocation
from ..pipeline import Models, grade_study
from ..study import SpineStudy
from ..training.data_folder import data_folder
from ..training.mask_source import read_mask_slices
from ..training.polygon_source import read_polygon_slices
from ..training.spider_discs import GradedDisc, read_graded_discs
from ..training.spine_slices import SpineSlice
from ..training.splits import held_out_part, is_held_out
from .grading import grading_rows, out_of_fold
from .localization import locate_or_nothing, score_slice
from .metrics import bootstrap
from .simulated_use import put_section, simulated_use
from .simulator import compare_with_real

SIMULATOR_PAGE = Path("docs/simulator.md")

SIMULATED = 60
"""Simulated patients that `--simulator` compares with real ones."""

HEADER = """# Results

Written by `make evaluate`; anyone with the data folder can run it. Intervals are 95 %, by bootstrap over patients.
Localization is reported on patients in the two held-out tenths of `ModicGraderLib/training/splits.py`; nothing was
trained, fitted or chosen on their figures. (The teacher's readings of all SPIDER patients were looked at once, before
the naming of levels was redesigned.) SPIDER's slices have no reader's outline, so that there "found" means a disc under
each name, and T1 and T2 are compared. Grading is out of fold: each disc is graded by ensemble members that never saw
its patient, with a calibration fitted on the other folds; the localizer that cut it out may have seen its picture, not
its grade.
"""


def main() -> None:
    """Measure everything and write the page."""
    parser = argparse.ArgumentParser(prog="python -m ModicGraderLib.evaluation", description=__doc__.split("\n")[0])
    parser.add_argument("--output", type=Path, default=Path("docs/results.md"))
    parser.add_argument("--teacher", type=Path, help="weights.safetensors of the training step `teacher`")
    parser.add_argument(
        "--use", type=Path, nargs="?", const=Path("runs/use"), help="folder of the training's use steps"
    )
    parser.add_argument(
        "--simulator", type=int, nargs="?", const=SIMULATED, help="number of simulated patients to set beside real ones"
    )
    call = parser.parse_args()
    if call.simulator:
        torch.set_num_threads(1)
        compare_with_real(call.simulator, SIMULATOR_PAGE, Path("output/simulator"), Path("runs/simulator"))
        print(f"Written: {SIMULATOR_PAGE}")
        return
    if call.use:
        put_section(SIMULATOR_PAGE, simulated_use(call.use))
        print(f"Written: {SIMULATOR_PAGE}")
        return
    data = data_folder()
    network = load_network("cpu")
    polygons = held_out_part(read_polygon_slices(data / "t1_vertebra_polygons"))
    masks = read_mask_slices(data / "spider_t2_space_masks")
    parts = [HEADER, "\n## Localization, held-out patients\n", LOCALIZATION_TABLE]
    parts += [_localization_row("T1 polygons, L1/L2-L5/S1", polygons, network)]
    parts += [_localization_row("SPIDER T2 SPACE masks", held_out_part(masks), network)]
    parts += [_spider_rows(network, held_out=True, title="SPIDER, held-out patients")]
    if call.teacher:
        parts += [_teacher(call.teacher, polygons, masks)]
    discs = read_graded_discs(data / "spider_midsagittal", network)
    parts += [_grading(discs), _volume_pair()]
    call.output.parent.mkdir(parents=True, exist_ok=True)
    partial = call.output.with_suffix(".partial")
    partial.write_text("\n".join(parts), encoding="utf-8")
    partial.replace(call.output)
    print(f"Written: {call.output}")


GRADED_IN_SPIDER = 847
"""Discs with grades in the data folder, up to T9/T10."""

TEACHER_LEVELS = GRADED_DISCS[1:]
"""Levels the teacher has been shown."""

LOCALIZATION_TABLE = """A disc counts as found if the disc reported under its name lies within 0.35 disc widths of it.

| set | patients | discs | found under the right name | median center error, % of disc width |
|---|---|---|---|---|"""


def _localization_row(
    title: str, slices: list[SpineSlice], network: SpineNetwork, levels: Container[str] = DISCS_UPWARDS
) -> str:
    scores = [score for one in slices for score in score_slice(one, network) if score.level in levels]
    patients = [score.patient for score in scores]
    found = np.array([score.found for score in scores])
    errors = np.array([score.error for score in scores])
    rate = bootstrap(lambda rows: found[rows].mean(), patients)
    return f"| {title} | {len(set(patients))} | {len(scores)} | {rate} | {100 * np.median(errors):.1f} |"


def _spider_rows(network: SpineNetwork, *, held_out: bool, title: str, levels: Sequence[str] = GRADED_DISCS) -> str:
    """Whether levels that are in view in every SPIDER patient are all found on T1, on T2 and on both."""
    folder = data_folder() / "spider_midsagittal" / "volumes"
    names = sorted(path.name.split("_")[0] for path in folder.glob("*_t1.nii.gz"))
    names = [name for name in names if is_held_out(f"spider-{name}") or not held_out]
    complete: dict[str, list[bool]] = {"T1": [], "T2": [], "T1 + T2": []}
    same = []
    for name in names:
        study = read_study(folder / f"{name}_t1.nii.gz", folder / f"{name}_t2.nii.gz")
        study, _ = agree_on_discs(study, network)
        found = {
            "T1": locate_or_nothing(SpineStudy(t1=study.t1, t2=None), network),
            "T2": locate_or_nothing(SpineStudy(t1=None, t2=study.t2), network),
            "T1 + T2": locate_or_nothing(study, network),
        }
        for key, location in found.items():
            complete[key].append(location is not None and set(levels) <= {disc.level for disc in location.discs})
        same.append(_same_names(found["T1"], found["T2"]))
    rates = [
        f"| {key}: {levels[0]} to {levels[-1]} all found | {bootstrap(_mean(values), names)} |"
        for key, values in complete.items()
    ]
    rates.append(f"| T1 and T2, read apart, give each level the same name | {bootstrap(_mean(same), names)} |")
    return f"\n### {title} ({len(names)})\n\n| | share of patients |\n|---|---|\n" + "\n".join(rates)


def _mean(values: list[bool]):
    array = np.array(values, float)
    return lambda rows: float(array[rows].mean())


def _same_names(first: SpineLocation | None, second: SpineLocation | None) -> bool:
    if first is None or second is None:
        return False
    centers = {disc.level: disc for disc in second.discs}
    shared = [disc for disc in first.discs if disc.level in centers]
    near = [np.linalg.norm(disc.center - centers[disc.level].center) < 0.5 * disc.width_mm for disc in shared]
    return len(shared) >= 4 and all(near)


def _teacher(weights: Path, polygons: list[SpineSlice], masks: list[SpineSlice]) -> str:
    network = SpineNetwork()
    network.load_weights(load_file(weights))
    network.eval()
    title = (
        "\n## A contrast and a source left out of training\n\nA network trained on the T1 polygons alone, which show"
        " nothing above L1, and asked for no more than that.\n"
    )
    rows = [
        LOCALIZATION_TABLE,
        _localization_row("T1 polygons, held-out patients", polygons, network),
        _localization_row("SPIDER T2 SPACE masks, all patients", masks, network, TEACHER_LEVELS),
    ]
    return (
        "\n".join([title, *rows])
        + "\n"
        + _spider_rows(network, held_out=False, title="SPIDER, all patients", levels=TEACHER_LEVELS)
    )


def _grading(discs: list[GradedDisc]) -> str:
    probabilities = out_of_fold(discs, load_ensemble("cpu"))
    rows = [f"| {task} | {metric} | {value} |" for task, metric, value in grading_rows(discs, probabilities)]
    rare = [
        f"| {disc.patient} | {disc.disc.level} | {'I' if disc.modic_type == 1 else 'III'} | {chance:.2f} |"
        for disc, chance in zip(discs, probabilities[:, 0], strict=True)
        if disc.modic_type in (1, 3)
    ]
    patients = len({disc.patient for disc in discs})
    return "\n".join([
        f"\n## Grading on SPIDER, out of fold ({patients} patients, {len(discs)} discs found of {GRADED_IN_SPIDER})\n",
        "| task | metric | value |\n|---|---|---|", *rows,
        "\nAll discs graded type I or III by the reader, and our probability of any change there. The type itself",
        "follows the signal rule alone and is not validated by these few.\n",
        "| patient | level | type | any change |\n|---|---|---|---|", *rare,
    ])  # fmt: skip


def _volume_pair() -> str:
    """Stage times of the whole of `grade_study` on the 3D pair, on two threads."""
    torch.set_num_threads(2)
    folder = data_folder() / "real_volume_pair"
    models = Models.shipped("cpu")
    began = time.perf_counter()
    study = read_study(folder / "t1.nii.gz", folder / "t2.nii.gz")
    read = time.perf_counter()
    graded = grade_study(study, models=models)
    done = time.perf_counter()
    levels = ", ".join(disc.level for disc in graded.report.discs)
    return (
        f"\n## The 3D pair\n\nLevels found: {levels}. Reading and alignment {read - began:.1f} s, grading"
        f" {done - read:.1f} s, on two threads, without files and scene (`make bench` times the command as a whole).\n"
    )


if __name__ == "__main__":
    main()
