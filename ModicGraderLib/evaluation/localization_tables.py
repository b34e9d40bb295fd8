"""How well discs are found and named, as Markdown (`evaluation --only localization`)."""

from __future__ import annotations

from collections.abc import Container, Sequence
from pathlib import Path

import numpy as np
from safetensors.torch import load_file

from ..anatomy import DISCS_UPWARDS, GRADED_DISCS
from ..io import read_study
from ..localization.agreement import agree_on_discs
from ..localization.locate import load_network
from ..localization.network import SpineNetwork
from ..localization.spine import SpineLocation
from ..study import SpineStudy
from ..training.data_folder import data_folder
from ..training.mask_source import read_mask_slices
from ..training.polygon_source import read_polygon_slices
from ..training.spine_slices import SpineSlice
from ..training.splits import held_out_part, is_held_out
from .localization import locate_or_nothing, score_slice
from .metrics import bootstrap

TEACHER_LEVELS = GRADED_DISCS[1:]
"""Levels the teacher has been shown."""

LOCALIZATION_TABLE = """A disc counts as found if the disc reported under its name lies within 0.35 disc widths of it.

| set | patients | discs | found under the right name | median center error, % of disc width |
|---|---|---|---|---|"""


def localization_section() -> str:
    """The shipped network on patients that are held out."""
    network = load_network("cpu")
    polygons, masks = _sources()
    return "\n".join([
        LOCALIZATION_TABLE,
        _localization_row("T1 polygons, L1/L2-L5/S1", held_out_part(polygons), network),
        _localization_row("SPIDER T2 SPACE masks", held_out_part(masks), network),
        "\n" + _spider_rows(network, held_out=True, title="SPIDER, held-out patients"),
    ])  # fmt: skip


def teacher_section(weights: Path) -> str:
    """What a network trained on the T1 polygons alone does: a contrast, a source and a hospital it has never seen."""
    network = SpineNetwork()
    network.load_weights(load_file(weights))
    network.eval()
    polygons, masks = _sources()
    return "\n".join([
        LOCALIZATION_TABLE,
        _localization_row("T1 polygons, held-out patients", held_out_part(polygons), network),
        _localization_row("SPIDER T2 SPACE masks, all patients", masks, network, TEACHER_LEVELS),
        "\n" + _spider_rows(network, held_out=False, title="SPIDER, all patients", levels=TEACHER_LEVELS),
    ])  # fmt: skip


def _sources() -> tuple[list[SpineSlice], list[SpineSlice]]:
    data = data_folder()
    return read_polygon_slices(data / "t1_vertebra_polygons"), read_mask_slices(data / "spider_t2_space_masks")


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
    return f"### {title} ({len(names)})\n\n| | share of patients |\n|---|---|\n" + "\n".join(rates)


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
