"""A picture of heat beside the truth, on simulated discs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import matplotlib

matplotlib.use("Agg")

import numpy as np
from matplotlib import pyplot

from ..evidence.overlay import tint
from ..grading.disc_input import INNER
from ..training.graded_discs import OTHER_ENDPLATE, UNKNOWN, GradedDisc
from .evidence_scores import truth_of
from .figures import save_figure

WHITE = (1.1, 1.6)
"""Signal of T1 and T2 shown as white, in units of a region: fat and fluid may saturate."""

TRUE_COLOR, OTHER_COLOR = "#35d07f", "#4aa3ff"
"""Outlines of the disc's own change, and of those that belong to other discs or that no reader would call."""


def draw_heats(rows: Sequence[tuple[GradedDisc, Mapping[str, np.ndarray]]], path: Path) -> None:
    """One row a disc: T1, T2 with the truth outlined, and T1 under the heat of each method, in one slice.

    The slice is the one that shows most of the true change. Written as a PNG.
    """
    methods = list(rows[0][1])
    figure, axes = pyplot.subplots(
        len(rows), 2 + len(methods), figsize=(2.2 * (2 + len(methods)), 2.0 * len(rows)), squeeze=False
    )
    for line, (disc, heats) in zip(axes, rows, strict=True):
        truth = truth_of(disc)
        number = int(truth.change.sum((1, 2)).argmax())
        t1, t2 = (_gray(disc.disc.region[channel][:, *INNER][number], WHITE[channel]) for channel in (0, 1))
        pictures = {"T1": t1, "T2 and the true change": t2}
        pictures |= {name: tint(t1 if t1.any() else t2, heat[number]) for name, heat in heats.items()}
        for axis, (title, picture) in zip(line, pictures.items(), strict=True):
            axis.imshow(picture)
            axis.set_axis_off()
            if axis in axes[0]:
                axis.set_title(title, fontsize=9)
        codes = disc.changes[:, *INNER][number]
        _outline(line[1], (codes >= OTHER_ENDPLATE) & (codes <= UNKNOWN), OTHER_COLOR)
        for axis in line[1:]:
            _outline(axis, truth.change[number], TRUE_COLOR)
    figure.tight_layout(pad=0.3)
    save_figure(figure, path)


def _gray(picture: np.ndarray, white: float) -> np.ndarray:
    gray = np.round(255 * np.clip(picture / white, 0, 1)).astype(np.uint8)
    return np.repeat(gray[..., None], 3, axis=-1)


def _outline(axis: pyplot.Axes, mask: np.ndarray, color: str) -> None:
    if mask.any():
        axis.contour(mask, levels=[0.5], colors=color, linewidths=0.8)
