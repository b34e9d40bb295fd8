"""What the receiver coils and the saturation band make of the signal: bright behind, dark in front."""

from __future__ import annotations

import numpy as np

from .protocol import Coil, SaturationBand

HALF_HEIGHT_MM = 140.0
"""Half the height of a usual picture, at whose ends `Coil.ends` is reached."""

COIL_DEPTH_MM = 25.0
"""How far the elements lie behind the skin, the padding of the table included."""

ELEMENT_MM = 75.0
"""Distance of the elements of the array along the spine."""


def sensitivity(coil: Coil, y: np.ndarray, z: np.ndarray, skin_y: float) -> np.ndarray:
    """Sensitivity (rows, columns), float32, 1 at the origin.

    Parameters
    ----------
    y:
        (1, columns) mm to the back of the middle of the picture.
    z:
        (rows, 1) mm to the head of it.
    skin_y:
        Where the skin of the back lies, mm behind the middle.
    """
    at_z = (1 - coil.ends * (z / HALF_HEIGHT_MM) ** 2).clip(0.2) * (
        1 + coil.ripple * np.cos(2 * np.pi * z / ELEMENT_MM)
    )
    return (at_z / (1 + coil.ripple) * _reach(coil, y, skin_y) / _reach(coil, np.zeros(1), skin_y)).astype(np.float32)


def _reach(coil: Coil, y: np.ndarray, skin_y: float) -> np.ndarray:
    away = np.maximum(skin_y + COIL_DEPTH_MM - y, 0.0) / coil.reach_mm
    return (1 + away**2) ** -coil.steepness


def saturation(band: SaturationBand, y: np.ndarray, z: np.ndarray) -> np.ndarray:
    """Share (rows, columns), float32, of the signal that the saturation band leaves; `y` and `z` as above."""
    into = (-band.front_mm - np.tan(np.radians(band.tilt_deg)) * z) - y
    inside = 1 / (1 + np.exp(-into / (band.edge_mm / 2))) / (1 + np.exp((into - band.width_mm) / (band.edge_mm / 2)))
    return (1 - (1 - band.left) * inside).astype(np.float32)
