"""A disc's region without findings: what contributions are told against, and what deleted pixels become."""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from .answers import CONTRASTS

MARROW = 0.5
"""Normal marrow in the units of a region."""

BLUR_PIXELS = 8.0
"""Outside the vertebrae nothing is known of the normal signal: there the local mean stands for it."""


def plain_region(region: np.ndarray) -> np.ndarray:
    """A region (channels, slices, rows, columns) with normal marrow in the vertebrae, and no detail elsewhere.

    The masks stay, and so does a contrast that is missing.
    """
    plain = region.copy()
    vertebrae = region[3] > 0
    sigma = (0, BLUR_PIXELS, BLUR_PIXELS)
    outside = ndimage.gaussian_filter((~vertebrae).astype(np.float32), sigma)
    for channel in range(CONTRASTS):
        if region[channel].any():
            mean = ndimage.gaussian_filter(np.where(vertebrae, 0, region[channel]), sigma) / np.maximum(outside, 1e-6)
            plain[channel] = np.where(vertebrae, MARROW, mean)
    return plain
