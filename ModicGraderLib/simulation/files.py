"""Writes a simulated study as the files that `modicgrader simulate` promises."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ..export.images import to_image, write_image
from .simple import simulate


def simulate_study(seed: int, directory: Path) -> dict[str, Path]:
    """Simulate a study and write `t1.nii.gz`, `t2.nii.gz`, `labels.nii.gz` (on the grid of T2) and `truth.json`.

    Returns
    -------
    dict
        Path of each file by its name without extensions.
    """
    study = simulate(seed)
    directory.mkdir(parents=True, exist_ok=True)
    paths = {name: directory / f"{name}.nii.gz" for name in ("t1", "t2", "labels")} | {
        "truth": directory / "truth.json"
    }
    write_image(paths["t1"], to_image(np.round(study.t1.array).astype(np.int16), study.t1.affine))
    write_image(paths["t2"], to_image(np.round(study.t2.array).astype(np.int16), study.t2.affine))
    write_image(paths["labels"], to_image(study.labels, study.t2.affine))
    paths["truth"].write_text(study.truth.to_json(), encoding="utf-8")
    return paths
