"""What the receiver coils and the saturation band make of the signal: bright behind, dark in front."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

HALF_HEIGHT_MM = 140.0
"""Half the height of a usual picture, at whose ends `Coil.ends` is reached."""

COIL_DEPTH_MM = 25.0
"""How far the elements lie behind the skin, the padding of the table included."""

ELEMENT_MM = 75.0
"""Distance of the elements of the array along the spine."""


@dataclass(frozen=True)
class Coil:
    """Receiver coils under the back, and what the scanner does about their uneven sensitivity.

    Attributes
    ----------
    reach_mm:
        Distance behind which sensitivity falls; the shorter, the darker the abdomen.
    steepness:
        Power with which it falls beyond.
    ends:
        Share by which it falls from the middle to the upper and lower end of the picture.
    ripple:
        Share by which it varies between the elements of the array.
    normalized:
        Share of the unevenness that the scanner takes out of the picture; negative where its way of adding up coils
        makes the picture more uneven, and noise with it.
    """

    reach_mm: float = 60.0
    steepness: float = 1.5
    ends: float = 0.15
    ripple: float = 0.04
    normalized: float = 0.0


@dataclass(frozen=True)
class SaturationBand:
    """A slab across the abdomen whose signal is destroyed, lest its motion ghost over the spine.

    `front_mm` is the distance in front of the middle of the picture of its posterior edge; it leans by `tilt_deg`,
    its upper end to the front.
    """

    front_mm: float
    width_mm: float
    tilt_deg: float = 0.0
    edge_mm: float = 5.0
    left: float = 0.1


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
