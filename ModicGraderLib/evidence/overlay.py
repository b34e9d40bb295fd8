"""Heat laid over a gray picture, for pages and documents."""

from __future__ import annotations

import numpy as np

HEAT_FROM = 0.1
"""Heat from which on it is seen; fainter heat is clear."""

STRONGEST = 0.65
"""Share of the hottest color in the mixture: what lies under it can still be read."""

COLORS = np.array([(120, 20, 110), (230, 60, 60), (255, 210, 60)], float)
"""Red, green, blue of faint, middling and full heat; they grow brighter, so that gray prints keep their order."""


def tint(pixels: np.ndarray, heat: np.ndarray) -> np.ndarray:
    """A picture (rows, columns, 3) uint8 under heat (rows, columns) in [0, 1]; it stays as it is where none is."""
    heat = np.clip(heat, 0, 1)
    steps = np.linspace(0, 1, len(COLORS))
    color = np.stack([np.interp(heat, steps, channel) for channel in COLORS.T], -1)
    share = STRONGEST * np.clip((heat - HEAT_FROM) / (1 - HEAT_FROM), 0, 1) ** 0.5
    return np.round((1 - share[..., None]) * pixels + share[..., None] * color).astype(np.uint8)
