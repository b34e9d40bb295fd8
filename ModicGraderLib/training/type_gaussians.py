"""Fit the Gaussian classes of `mapping.voxel_types` to the changes of simulated training patients.

`python -m ModicGraderLib.training.type_gaussians [FOLDER]` prints them for the cohort in a folder, that which the
training step `cohort` draws unless another is named.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterable
from pathlib import Path

import numpy as np
from scipy import ndimage

from ..anatomy import MODIC_MAP_LABELS
from ..mapping.marrow import EDGE_MM, eroded
from ..mapping.voxel_types import SMOOTHING_MM
from .graded_discs import LOWER_ENDPLATE, GradedDisc
from .simulated_cohort import TRAINING_SEEDS, iterate_discs

NORMAL = 0.5
"""Normal marrow in the units of `DiscInput.region`."""

PIXELS_A_CHANGE = 400
"""Of larger changes so many pixels are taken, evenly: else a few large ones would speak for all."""

FEWEST_PIXELS = 20
"""Smaller changes are all edge."""


def fit_type_gaussians(discs: Iterable[GradedDisc]) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Mean (2,) and covariance (2, 2) of the (T1, T2) log ratios to normal marrow by type, without mixed changes."""
    ratios = {name: [] for name in MODIC_MAP_LABELS}
    for disc in discs:
        for name, pixels in changed_ratios(disc):
            ratios[name].append(pixels[:: -(-len(pixels) // PIXELS_A_CHANGE)])
    pooled = {name: np.concatenate(of_changes) for name, of_changes in ratios.items()}
    return {name: (pixels.mean(0), np.cov(pixels.T)) for name, pixels in pooled.items()}


def changed_ratios(disc: GradedDisc) -> list[tuple[str, np.ndarray]]:
    """The type of each change of one type at the disc's own endplates, and its log ratios (pixels, 2)."""
    spacing = np.linalg.norm(disc.disc.grid.affine[:3, :3], axis=0)
    logs = np.log(np.maximum(disc.disc.region[:2], 1e-3) / NORMAL)
    logs = ndimage.gaussian_filter(logs, (0, 0, *(SMOOTHING_MM / spacing[1:])))
    inside = eroded(disc.disc.region[3] > 0, EDGE_MM, spacing)
    found = []
    for name, label in MODIC_MAP_LABELS.items():
        for own in (0, LOWER_ENDPLATE):
            change = (disc.changes == label + own) & inside
            if change.sum() >= FEWEST_PIXELS:
                found.append((name, logs[:, change].T))
    return found


def main() -> None:
    """Print the fitted classes."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("folder", nargs="?", type=Path, default=Path("runs/grading/cohort"))
    for name, (mean, covariance) in fit_type_gaussians(
        iterate_discs(parser.parse_args().folder, TRAINING_SEEDS)
    ).items():
        print(name, np.round(mean, 3).tolist(), np.round(covariance, 3).tolist())


if __name__ == "__main__":
    main()
