"""Pictures of the comparison: contact sheets of pairs, and the distributions of their measurements."""

from __future__ import annotations

from pathlib import Path

import matplotlib

matplotlib.use("Agg")

import numpy as np
from matplotlib import pyplot
from PIL import Image

from ..whole_files import whole_file
from .figures import save_figure
from .simulator_contrasts import Contrast
from .simulator_distances import Distance
from .simulator_pairs import MeasuredPair

GAP = 6
"""White pixels between the pictures of a contact sheet."""

COLORS = {"real": "#4d4d4d", "simulated": "#d95f02"}


def write_sheet(rows: list[list[MeasuredPair]], path: Path) -> None:
    """Pairs (T1, T2 side by side) in rows; real pictures must only go where they are not published."""
    lines = []
    for row in rows:
        cells = [_padded(np.hstack(list(pair.view))) for pair in row]
        lines.append(np.hstack(cells))
    save(Image.fromarray(np.vstack(lines)), path)


def write_regions(rows: list[list[np.ndarray]], path: Path, zoom: int = 2) -> None:
    """Disc regions (2, rows, columns), T1 above T2, each scaled to its own 1st and 99th percentile."""
    lines = []
    for row in rows:
        cells = []
        for region in row:
            low, high = np.percentile(region, (1, 99), axis=(1, 2), keepdims=True)
            shown = np.clip((region - low) / np.maximum(high - low, 1e-6) * 255, 0, 255).astype(np.uint8)
            cells.append(_padded(np.kron(np.vstack(list(shown)), np.ones((zoom, zoom), np.uint8))))
        lines.append(np.hstack(cells))
    save(Image.fromarray(np.vstack(lines)), path)


def write_distributions(
    chosen: dict[str, str], found: list[Distance], real: list[MeasuredPair], simulated: list[MeasuredPair], path: Path
) -> None:
    """One panel for each measurement in `chosen` (name: title), real against simulated."""
    by_name = {one.name: one for one in found}
    columns = 4
    lines = -(-len(chosen) // columns)
    figure, axes = pyplot.subplots(lines, columns, figsize=(3.0 * columns, 2.1 * lines), squeeze=False)
    for axis, (name, title) in zip(axes.flat, chosen.items(), strict=False):
        sides = {
            side: np.array([pair.features[name] for pair in pairs], float)
            for side, pairs in (("real", real), ("simulated", simulated))
        }
        both = np.concatenate(list(sides.values()))
        edges = np.linspace(*np.nanpercentile(both, (1, 99)), 22)
        for side, values in sides.items():
            axis.hist(values[np.isfinite(values)], edges, density=True, alpha=0.55, color=COLORS[side], label=side)
        axis.set_title(f"{title}\n(distance {by_name[name].wasserstein:.2f})", fontsize=8)
        axis.tick_params(labelsize=7)
        axis.set_yticks([])
    for axis in axes.flat[len(chosen) :]:
        axis.axis("off")
    axes.flat[0].legend(fontsize=7)
    figure.tight_layout()
    save_figure(figure, path)


def write_lesions(lesions: list[Contrast], path: Path) -> None:
    """Where changes of each Modic type lie by their signal on T1 and T2 against the same vertebra's marrow."""
    figure, axis = pyplot.subplots(figsize=(4.6, 4.2))
    for kind in sorted({one[0] for one in lesions}):
        t1, t2 = np.array([one[1:] for one in lesions if one[0] == kind]).T
        axis.scatter(t1, t2, s=12, label=f"type {kind}")
    axis.axhline(1, color="gray", linewidth=0.5)
    axis.axvline(1, color="gray", linewidth=0.5)
    axis.set_xlabel("T1, change / marrow")
    axis.set_ylabel("T2, change / marrow")
    axis.set_ylim(0, 2.5)
    axis.legend(fontsize=7)
    figure.tight_layout()
    save_figure(figure, path)


def save(image: Image.Image, path: Path) -> None:
    """A picture under its name as soon as it is complete."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with whole_file(path) as unfinished:
        image.save(unfinished)


def _padded(image: np.ndarray) -> np.ndarray:
    return np.pad(image, GAP // 2, constant_values=255)
