"""Whether the marrow is shown without being clipped and without drowning in noise."""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from ..anatomy import CANAL_LABEL
from ..report import QualityFinding
from .spine_slices import SpineSlices

CLIPPED_SHARE = 0.10
"""Share of the marrow at the brightest value of the picture from which its signal has been cut."""

NOISE = 0.12
"""Standard deviation of the noise over the marrow's signal. Patients of SPIDER have 0.09 at most."""

_SECOND_DIFFERENCES = np.array([[1, -2, 1], [-2, 4, -2], [1, -2, 1]])[None] / 6
"""Takes away all that is smooth and leaves white noise its standard deviation (Immerkaer 1996)."""


def check_exposure(slices: SpineSlices) -> list[QualityFinding]:
    """Contrasts whose marrow is clipped or noisy."""
    bone = (slices.labels > 0) & (slices.labels < CANAL_LABEL)
    inner = ndimage.binary_erosion(bone, np.ones((1, 3, 3)))
    findings = []
    for name, signal in slices.signal.items():
        marrow, seen = slices.raw[name][bone], inner & np.isfinite(signal)
        clipped = float(np.mean(marrow >= np.nanmax(slices.raw[name]))) if marrow.size else 0.0
        if clipped > CLIPPED_SHARE:
            text = (
                f"On {name.upper()} {clipped:.0%} of the marrow has the brightest value there is: its signal was cut,"
                " and bright changes cannot be seen in it."
            )
            findings.append(QualityFinding("marrow_clipped", "warning", text))
        if seen.any() and _noise(signal, seen) > NOISE:
            text = f"The marrow is noisy on {name.upper()}: small and faint changes are lost in it."
            findings.append(QualityFinding("noisy", "warning", text))
    return findings


def _noise(signal: np.ndarray, seen: np.ndarray) -> float:
    rough = ndimage.convolve(np.nan_to_num(signal), _SECOND_DIFFERENCES)
    return 1.4826 * float(np.median(np.abs(rough[seen])))
