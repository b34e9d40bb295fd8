"""A painted spine (`painted_spine`) as picture and mask files, for tests of what reads whole studies from disk."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from painted_spine import painted_volume, sagittal_grid, spine_boxes, true_discs, true_labels

from ModicGraderLib.export.images import to_image, write_image

BOXES = spine_boxes()
GRID = sagittal_grid(2, (4.0, 1.5), (170, 110))
DISCS = {disc.level: disc for disc in true_discs(BOXES)}
LABELS = true_labels(BOXES, GRID)


def write_picture(path: Path, contrast: str) -> Path:
    """The spine as `PaintReader` reads it, T1 twice as bright as T2."""
    return _write(path, painted_volume(BOXES, GRID, contrast).array, contrast)


def write_empty(path: Path, contrast: str) -> Path:
    """A picture without a spine: brighter and brighter towards the back."""
    array = np.broadcast_to(np.linspace(0, 1, GRID.shape[2], dtype=np.float32), GRID.shape)
    return _write(path, array, contrast)


def write_mask(path: Path, labels: np.ndarray) -> Path:
    """Labels (slices, rows, columns) on `GRID`."""
    return _write(path, labels)


def _write(path: Path, array: np.ndarray, contrast: str = "t2") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    # One picture given twice would be refused.
    write_image(path, to_image(array * array.dtype.type(2 if contrast == "t1" else 1), GRID.affine))
    return path
