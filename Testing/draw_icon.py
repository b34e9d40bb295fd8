"""Draws the icon: a disc between two vertebral bodies, with Modic changes at its endplates.

    python Testing/draw_icon.py

writes `ModicGrader.png` at the top, which the Extensions Manager shows, and the icon of the module.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

from ModicGraderLib.terminology import MODIC_CHANGES

ROOT = Path(__file__).parents[1]
FILES = (ROOT / "ModicGrader.png", ROOT / "ModicGrader" / "Resources" / "Icons" / "ModicGrader.png")

SIZE, FINER = 128, 8
"""Pixels of the icon along either side, and how many times finer it is drawn, so that edges come out smooth."""

NIGHT, BONE, SHADE = (22, 27, 40), (240, 232, 214), (196, 184, 160)
DISC, NUCLEUS = (74, 98, 130), (150, 186, 222)
RED, YELLOW, GRAY = (structure.color for structure in MODIC_CHANGES)
TILT_DEGREES = -9.0


def draw_icon() -> Image.Image:
    """The icon, RGBA, `SIZE` pixels square, transparent outside its rounded background."""
    x, y = _coordinates()
    turn = np.deg2rad(TILT_DEGREES)
    across, down = x * np.cos(turn) + y * np.sin(turn), y * np.cos(turn) - x * np.sin(turn)
    picture = np.zeros((*x.shape, 4))
    _paint(picture, _squircle(x, y, 1.0, 1.0, 7), NIGHT)
    inside = picture[..., 3].copy()
    _paint(picture, _squircle(across, down, 0.66, 0.19, 3.2), DISC)
    _paint(picture, _squircle(across, down, 0.36, 0.085, 2.4), NUCLEUS)
    for side, bands in ((-1, [(RED, -1.0, 0.45)]), (1, [(GRAY, -1.0, 0.05), (YELLOW, -0.2, 1.0)])):
        _paint_body(picture, across, down * side, bands)
    picture[..., 3] = inside
    coarse = picture.reshape(SIZE, FINER, SIZE, FINER, 4)
    alpha = coarse[..., 3:].mean((1, 3))
    color = (coarse[..., :3] * coarse[..., 3:]).mean((1, 3)) / np.maximum(alpha, 1e-6)
    return Image.fromarray(np.round(np.concatenate([color, 255 * alpha], axis=2)).astype(np.uint8), "RGBA")


def _coordinates() -> tuple[np.ndarray, np.ndarray]:
    """x to the right and y downwards in [-1, 1] at each of the finer pixels."""
    steps = (np.arange(SIZE * FINER) + 0.5) / (SIZE * FINER) * 2 - 1
    return np.meshgrid(steps, steps)


def _squircle(x: np.ndarray, y: np.ndarray, width: float, height: float, power: float) -> np.ndarray:
    """Where a rounded rectangle about the origin is; the greater the power, the sharper its corners."""
    return np.abs(x / width) ** power + np.abs(y / height) ** power <= 1


def _paint_body(picture: np.ndarray, across: np.ndarray, down: np.ndarray, bands: list) -> None:
    """A vertebral body below the disc (`down` counts away from it), with changes at the endplate next to the disc."""
    # Waisted front and back, and an endplate that is a little hollow, as bodies are.
    waist = 0.60 + 0.06 * np.exp(-(((down - 0.24) / 0.2) ** 2))
    below = down - 0.24 - 0.04 * (1 - (across / 0.62) ** 2)
    body = _squircle(across / waist, (down - 1.0) / 0.78, 1, 1, 9) & (below > 0)
    _paint(picture, body, BONE, SHADE, np.clip((across + 0.6) / 1.2, 0, 1))
    for color, start, end in bands:
        middle, half = (start + end) / 2 * 0.62, (end - start) / 2 * 0.62
        aside = np.clip(np.abs(across - middle) / half, 0, 1)
        _paint(picture, body & (below < 0.24 * np.sqrt(1 - aside**3)) & (aside < 1), color)


def _paint(picture: np.ndarray, where: np.ndarray, color, other=None, share: np.ndarray | float = 0.0) -> None:
    """Fill a region with a color, or with one that goes over into another by `share`."""
    share = np.asarray(share)[..., None] if np.ndim(share) else share
    mixed = np.broadcast_to(np.asarray(color) * (1 - share) + np.asarray(other or color) * share, (*where.shape, 3))
    picture[where, :3], picture[where, 3] = mixed[where], 1


if __name__ == "__main__":
    for path in FILES:
        path.parent.mkdir(parents=True, exist_ok=True)
        draw_icon().save(path, optimize=True)
