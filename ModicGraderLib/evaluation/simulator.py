"""Compare simulated with real pairs and bring `docs/simulator.md` up to date (`evaluation --simulator`).

Measured values stand in the page between marks, and are replaced there; what people wrote around them stays. Pictures
of simulated patients and of distributions go beside the page. Real patients' pictures go only to the folder of
`sheets`, which git ignores.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import numpy as np

from ..localization.locate import load_network
from ..resources import resource_path
from ..training.data_folder import data_folder
from .pages import write_blocks
from .simulator_classifier import VIEWS, from_measurements, from_regions
from .simulator_contrasts import Contrast, closed_form, measured_contrasts
from .simulator_distances import Distance, distances
from .simulator_pairs import MeasuredPair, digest, real_names, real_pairs, simulated_pairs
from .simulator_pictures import write_distributions, write_lesions, write_regions, write_sheet

GROUPS = {
    "": "all measurements",
    "tissue": "tissues against marrow",
    "marrow": "texture of marrow",
    "picture": "noise, sharpness, bias, gray levels, view",
    "shape": "shapes and sizes",
}
"""Beginnings of the measurements' names, and what they are about."""

VIEW_TITLES = {
    "whole": "as they are",
    "blurred": "blurred (anatomy and contrast alone)",
    "texture": "less what the blur leaves (texture and edges alone)",
}

PART_TITLES = {
    "disc": "the disc alone",
    "marrow": "marrow above the disc alone",
    "front": "what lies in front of the bodies alone",
    "canal": "the canal alone",
}

LESION_SEEDS = 40
"""Simulated patients whose Modic changes are measured."""

FARTHEST = 15
"""Measurements shown before the whole table."""

SHOWN = {
    "tissue/T1 fat of the back": "T1 fat of the back / marrow",
    "tissue/T2 fat of the back": "T2 fat of the back / marrow",
    "tissue/T1 canal, 50 %": "T1 canal / marrow",
    "tissue/T2 canal, 50 %": "T2 canal / marrow",
    "tissue/T1 nucleus, 50 %": "T1 nucleus / marrow",
    "tissue/T2 nucleus, 50 %": "T2 nucleus / marrow",
    "tissue/T1 behind the canal, 50 %": "T1 behind the canal / marrow",
    "tissue/T2 behind the canal, 50 %": "T2 behind the canal / marrow",
    "tissue/T1 prevertebral, 50 %": "T1 prevertebral / marrow",
    "tissue/T2 prevertebral, 50 %": "T2 prevertebral / marrow",
    "tissue/T1 endplate line": "T1 endplate / marrow",
    "tissue/T2 endplate line": "T2 endplate / marrow",
    "marrow/T1 std at 1-3 mm": "T1 marrow texture, 1-3 mm",
    "marrow/T2 std at 1-3 mm": "T2 marrow texture, 1-3 mm",
    "picture/T1 noise": "T1 noise / marrow",
    "picture/T2 noise": "T2 noise / marrow",
    "picture/T1 brighter to the back, log per 60 mm": "T1 bias to the back",
    "picture/T2 brighter to the back, log per 60 mm": "T2 bias to the back",
    "picture/T1 spectrum slope, low": "T1 spectrum slope, coarse",
    "picture/T2 spectrum slope, high": "T2 spectrum slope, fine",
    "shape/disc height T12/L1, mm": "disc height T12/L1, mm",
    "shape/disc height L2/L3, mm": "disc height L2/L3, mm",
    "shape/disc height L4/L5, mm": "disc height L4/L5, mm",
    "shape/disc height L5/S1, mm": "disc height L5/S1, mm",
    "shape/disc width L1/L2, mm": "disc width L1/L2, mm",
    "shape/disc width L4/L5, mm": "disc width L4/L5, mm",
    "shape/body height/depth L2": "L2 height / depth",
    "shape/body height/depth L4": "L4 height / depth",
    "shape/lordosis L1-S1, deg": "lordosis L1-S1, degrees",
    "shape/disc wedge L4/L5, deg": "wedge of L4/L5, degrees",
    "shape/canal depth, mm": "depth of the canal, mm",
    "shape/T2 skin behind the discs, mm": "skin behind the discs, mm",
}
"""Measurements whose distributions are drawn."""

SHEET_LEVEL = "L4/L5"
SHEET_PAIRS = 4
SHEET_REGIONS = 8


def compare_with_real(count: int, page: Path, sheets: Path, cache: Path) -> None:
    """Measure `count` simulated pairs against SPIDER's and write what was found into `page`.

    Raises
    ------
    InputError
        The data folder is not there, or the page lacks the marks of a block.
    """
    folder = data_folder() / "spider_midsagittal"
    network = load_network("cpu")
    library = Path(__file__).parents[1]
    own = [Path(__file__).with_name(f"simulator_{name}.py") for name in ("pairs", "signal", "shape", "contrasts")]
    measuring = digest([*own, library / "localization", resource_path("Models")])
    simulating = digest([library / "simulation", resource_path("Simulation")])
    simulated_cache = cache / f"simulated-{simulating}-{measuring}"
    real = list(real_pairs(folder, network, cache / f"real-{measuring}"))
    print(f"Measured {len(real)} real pairs; {count} simulated ones take some seconds each.", flush=True)
    simulated = list(simulated_pairs(range(count), network, simulated_cache))
    print("Measured the simulated pairs; the classifiers take a few minutes.", flush=True)
    found = distances(real, simulated)
    lesions = measured_contrasts(LESION_SEEDS, simulated_cache)
    blocks = {
        "pairs": _pairs(len(real), len(real_names(folder)), len(simulated), count),
        "distances": distance_tables(found),
        "classifier": _classifiers(real, simulated),
        "contrasts": _contrasts(lesions),
    }
    write_blocks(page, blocks)
    _draw(real, simulated, found, lesions, page.parent, sheets)


def distance_tables(found: list[Distance]) -> str:
    """The farthest measurements, the mean of each group, and, folded away, all of them."""
    groups = [
        f"| {title} | {len(part)} | {np.median([one.wasserstein for one in part]):.2f} |"
        f" {np.median([one.chance for one in part]):.2f} | {np.median([one.ks for one in part]):.2f} |"
        for group, title in GROUPS.items()
        if (part := [one for one in found if one.name.startswith(group)])
    ]
    return "\n".join([
        "| measurements | number | median distance | by chance | median KS |\n|---|---|---|---|---|", *groups,
        f"\nThe {FARTHEST} farthest:\n", *_distance_rows(found[:FARTHEST]),
        f"\n<details><summary>All {len(found)}</summary>\n", *_distance_rows(found), "\n</details>",
    ])  # fmt: skip


def _distance_rows(found: Iterable[Distance]) -> list[str]:
    head = "| measurement | distance | by chance | KS | real | simulated |\n|---|---|---|---|---|---|"
    rows = [
        f"| {one.name} | {one.wasserstein:.2f} | {one.chance:.2f} | {one.ks:.2f} | {_middle(one.real)}"
        f" | {_middle(one.simulated)} |"
        for one in found
    ]
    return [head, *rows]


def _middle(percentiles: np.ndarray) -> str:
    low, median, high = percentiles
    return f"{median:.2f} ({low:.2f} to {high:.2f})"


def _pairs(real: int, real_all: int, simulated: int, simulated_all: int) -> str:
    return (
        f"Real: {real} of the {real_all} SPIDER patients that are not held out. Simulated: {simulated} of the first"
        f" {simulated_all} seeds. The others are those in which our network found no spine, or no marrow to measure"
        " against."
    )


def _classifiers(real: list[MeasuredPair], simulated: list[MeasuredPair]) -> str:
    rows = [
        f"| gradient boosting on {title} | {from_measurements(real, simulated, group)} |"
        for group, title in GROUPS.items()
    ]
    rows += [
        f"| network on disc regions, {VIEW_TITLES[view]} | {from_regions(real, simulated, view)} |" for view in VIEWS
    ]
    rows += [
        f"| network on disc regions, {title} | {from_regions(real, simulated, part=part)} |"
        for part, title in PART_TITLES.items()
    ]
    return "| classifier | AUROC |\n|---|---|\n" + "\n".join(rows)


def _contrasts(lesions: list[Contrast]) -> str:
    head = "| against normal marrow | T1, 1.5 T | T2, 1.5 T | T1, 3 T | T2, 3 T |\n|---|---|---|---|---|"
    rows = [f"| {name} | " + " | ".join(f"{ratio:.2f}" for ratio in ratios) + " |" for name, ratios in closed_form()]
    measured = "| changes in simulated pictures | number | T1 | T2 |\n|---|---|---|---|"
    for kind in dict.fromkeys(sorted(one[0] for one in lesions)):
        values = np.array([one[1:] for one in lesions if one[0] == kind])
        t1, t2 = (_middle(np.percentile(column, (10, 50, 90))) for column in values.T)
        measured += f"\n| type {kind} | {len(values)} | {t1} | {t2} |"
    return "\n".join([head, *rows, "", measured])


def _draw(
    real: list[MeasuredPair],
    simulated: list[MeasuredPair],
    found: list[Distance],
    lesions: list[Contrast],
    docs: Path,
    sheets: Path,
) -> None:
    """The simulated half beside the page; both halves, simulated above real, where git does not look."""
    some = real[:: max(1, len(real) // SHEET_PAIRS)][:SHEET_PAIRS]
    own = simulated[: 2 * SHEET_PAIRS]
    write_sheet([own[:SHEET_PAIRS], own[SHEET_PAIRS:]], docs / "simulator-pairs.png")
    write_sheet([own[:SHEET_PAIRS], some], sheets / "pairs.png")
    regions = [_regions(simulated), _regions(real[:: max(1, len(real) // (2 * SHEET_REGIONS))])]
    write_regions(regions[:1], docs / "simulator-regions.png")
    write_regions(regions, sheets / "regions.png")
    there = {one.name for one in found}
    write_distributions({n: t for n, t in SHOWN.items() if n in there}, found, real, simulated,
                        docs / "simulator-distributions.png")  # fmt: skip
    write_lesions(lesions, docs / "simulator-contrasts.png")


def _regions(pairs: list[MeasuredPair]) -> list[np.ndarray]:
    return [one.regions[one.levels.index(SHEET_LEVEL)] for one in pairs if SHEET_LEVEL in one.levels][:SHEET_REGIONS]
