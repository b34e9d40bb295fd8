"""A picture of answers: for each task what was confused with what, and how far its probabilities can be trusted."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import matplotlib

matplotlib.use("Agg")

import numpy as np
from matplotlib import pyplot
from matplotlib.axes import Axes

from .answers import Answers
from .figures import save_figure

COLUMNS = 5
"""Tasks side by side; the reliability of each stands below its confusion."""

POINTS = 10
"""Groups of equal count in a reliability plot."""

COLORS, INK, LINE = "Blues", "#1f2328", "#d95f02"

DARK = 0.55
"""From this share upwards a cell is so dark that its number is white."""


def draw_answers(answers: Sequence[Answers], path: Path) -> None:
    """Two panels for each task, written as a PNG with a white ground, which dark pages need as well."""
    answers = [one for one in answers if len(one.truth)]
    lines = -(-len(answers) // COLUMNS)
    figure, axes = pyplot.subplots(2 * lines, COLUMNS, figsize=(2.5 * COLUMNS, 4.8 * lines), squeeze=False)
    for axis in axes.flat:
        axis.set_axis_off()
    for number, one in enumerate(answers):
        line, column = divmod(number, COLUMNS)
        _confusion(axes[2 * line, column], one)
        _reliability(axes[2 * line + 1, column], one)
    figure.tight_layout(pad=0.6, h_pad=1.2)
    save_figure(figure, path, dpi=75, colors=64)


def _confusion(axis: Axes, one: Answers) -> None:
    """Shares of each true class that were called this and that, with the counts in the cells."""
    counts = one.matrix()
    shares = counts / np.maximum(counts.sum(1, keepdims=True), 1)
    axis.set_axis_on()
    axis.imshow(shares, cmap=COLORS, vmin=0, vmax=1)
    for (row, column), count in np.ndenumerate(counts):
        color = "white" if shares[row, column] >= DARK else INK
        axis.text(column, row, count, ha="center", va="center", fontsize=9, color=color)
    names = [name.replace("_", " ").replace(" ", "\n") for name in one.classes]
    ticks = range(len(names))
    small = 7 if max(map(len, one.classes)) > 4 else 9
    axis.set_xticks(ticks, names, fontsize=small)
    axis.set_yticks(ticks, names, fontsize=small)
    axis.set_title(one.task, fontsize=9, color=INK)
    axis.set_xlabel("answered", fontsize=8)
    axis.set_ylabel("true", fontsize=8)


def _reliability(axis: Axes, one: Answers) -> None:
    happened, chance = one.reliability()
    order = np.argsort(chance, kind="stable")
    groups = [part for part in np.array_split(order, POINTS) if len(part)]
    axis.set_axis_on()
    axis.plot([0, 1], [0, 1], color="#8c959f", linewidth=0.8)
    axis.plot(
        [chance[part].mean() for part in groups],
        [happened[part].mean() for part in groups],
        color=LINE, marker="o", markersize=3.5, linewidth=1.2,
    )  # fmt: skip
    axis.set(xlim=(-0.03, 1.03), ylim=(-0.03, 1.03), aspect="equal")
    axis.set_xticks([0, 0.5, 1], ["0", "0.5", "1"], fontsize=8)
    axis.set_yticks([0, 0.5, 1], ["0", "0.5", "1"], fontsize=8)
    axis.set_xlabel("probability", fontsize=8)
    axis.set_ylabel("frequency", fontsize=8)
