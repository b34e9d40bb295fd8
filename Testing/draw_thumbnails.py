"""Draws the pictures by which the Sample Data module offers our teaching cases.

    python Testing/draw_thumbnails.py FOLDER ...

takes studies as `modicgrader simulate --seed 7 --case CASE -o FOLDER` writes them, each in a folder named as its case,
and writes `Resources/Simulation/Thumbnails/CASE.png`: T1 beside T2, the slice through the middle of the lumbar discs.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
from PIL import Image

from ModicGraderLib.io import read_volume
from ModicGraderLib.report import StudyReport
from ModicGraderLib.study import Volume

FOLDER = Path(__file__).parents[1] / "Resources" / "Simulation" / "Thumbnails"

SIZE = 260, 280
"""Width and height in pixels that Sample Data asks for."""

GAP = 2
"""Black pixels between T1 and T2."""

HEIGHT_MM = 215.0
"""Height of what is shown: the lumbar discs and a body above and below them."""

GRAYS = 32
"""Enough for a small picture, and fewer bytes."""

BRIGHTEST_PERCENT = 98.0
"""Part of the pixels that the grays take in; the brighter ones are fat near the coil."""


def draw_thumbnail(t1: Volume, t2: Volume, center_lps_mm: np.ndarray) -> Image.Image:
    """T1 beside T2, the slice through a point, which comes to the middle of either half if it can; 8-bit gray."""
    picture = Image.new("L", SIZE)
    for left, volume in ((0, t1), (SIZE[0] // 2 + GAP // 2, t2)):
        picture.paste(_half(volume, center_lps_mm), (left, 0))
    return picture


def _half(volume: Volume, center_lps_mm: np.ndarray) -> Image.Image:
    size = (SIZE[0] - GAP) // 2, SIZE[1]
    number, *center = volume.to_index(center_lps_mm)
    lengths_mm = np.array([HEIGHT_MM, HEIGHT_MM * size[0] / size[1]])
    shape = np.array(volume.array.shape[1:])
    lengths = np.minimum(lengths_mm / volume.spacing[1:], shape)
    top, left = np.clip(center - lengths / 2, 0, shape - lengths)
    box = (left, top, left + lengths[1], top + lengths[0])
    cut = Image.fromarray(volume.array[round(number)]).resize(size, Image.Resampling.LANCZOS, box)
    gray = np.asarray(cut) / np.percentile(cut, BRIGHTEST_PERCENT)
    steps = np.round(np.clip(gray, 0, 1) * (GRAYS - 1)) * (255 / (GRAYS - 1))
    return Image.fromarray(steps.astype(np.uint8))


def main(folders: list[str]) -> None:
    """Draw the thumbnail of each study."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    for folder in map(Path, folders):
        t1, t2 = (read_volume(folder / f"{contrast}.nii.gz", contrast) for contrast in ("t1", "t2"))
        discs = StudyReport.read(folder / "truth.json").discs
        center = np.mean([disc.center_lps_mm for disc in discs], axis=0)
        draw_thumbnail(t1, t2, center).save(FOLDER / f"{folder.name}.png", optimize=True)


if __name__ == "__main__":
    main(sys.argv[1:])
