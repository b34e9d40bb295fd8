"""The relief of a vertebral endplate in Bassani's classes (2023, Table 1) and its osteophyte."""

from __future__ import annotations

import numpy as np

from .case import EndplateState

ROUGHNESS_MM = 0.25
"""Amplitude of the undulation that every endplate has."""

WAVE_MM = (1.0, 1.8)
"""Amplitude of a wavy or irregular endplate: altered curvature without a focal lesion."""

NOTCH_MM = {"depth": (3.0, 4.5), "half_width": (2.2, 3.6), "half_breadth": (4.0, 9.0)}
"""A notch: a small V-shaped or circular focal lesion. Half width lies along the endplate, half breadth sideways."""

NODE_MM = {"depth": (5.0, 8.5), "half_width": (5.0, 8.5), "half_breadth": (6.0, 11.0)}
"""A Schmorl's node: deep, focal, rounded, with a smooth margin."""

NODE_SHARE = 0.4
"""Of the body's height a node takes at most this share."""


class EndplateRelief:
    """How far an endplate stands out beyond its smooth profile; where it dips into its body, it is negative.

    Attributes
    ----------
    focus:
        (share of the half depth to the front, mm to the left) of the middle of a notch or node.
    """

    def __init__(
        self, state: EndplateState, depth_mm: float, half_width_mm: float, height_mm: float, rng: np.random.Generator
    ):
        """Draw the relief of an endplate of a body of that size.

        A notch or node under which the marrow is changed lies at the change's middle: one follows from the other.
        """
        self._state, self._depth = state, depth_mm
        wavy = state.lesion == "wavy_irregular"
        self._amplitude = rng.uniform(*WAVE_MM) if wavy else ROUGHNESS_MM
        rates = (3.0, 11.0) if wavy else (2.2, 6.5)
        self._waves = [(rng.uniform(*rates), rng.uniform(-0.12, 0.12), rng.uniform(0, 2 * np.pi)) for _ in range(4)]
        self.focus = (rng.uniform(-0.45, 0.45), rng.uniform(-3.0, 3.0))
        if state.marrow:
            change = max(state.marrow, key=lambda lesion: lesion.height)
            self.focus = (float(np.clip(change.anterior, -0.6, 0.6)), change.lateral * half_width_mm)
        sizes = NODE_MM if state.lesion == "schmorl_node" else NOTCH_MM
        self._size = {name: rng.uniform(*span) for name, span in sizes.items()}
        self._size["depth"] = min(self._size["depth"], NODE_SHARE * height_mm)

    def __call__(self, along: np.ndarray, left_mm: np.ndarray) -> np.ndarray:
        """Relief in mm at a share of the half depth to the front (-1 to 1) and mm to the left."""
        waves = sum(np.cos(rate * along + lean * left_mm + phase) for rate, lean, phase in self._waves)
        relief = self._amplitude / 2 * waves * (1 - np.clip(np.abs(along), 0, 1) ** 4)
        if self._state.lesion in ("notched", "schmorl_node"):
            relief = relief - self._size["depth"] * self._focal(along, left_mm)
        return relief + 0.35 * self._state.osteophyte_mm * np.clip((along - 0.72) / 0.28, 0, 1.5) ** 2

    def _focal(self, along: np.ndarray, left_mm: np.ndarray) -> np.ndarray:
        """Share of the full depth that a notch or node reaches."""
        forward = (along - self.focus[0]) * self._depth / 2 / self._size["half_width"]
        away = np.hypot(forward, (left_mm - self.focus[1]) / self._size["half_breadth"])
        if self._state.lesion == "notched":
            return np.clip(1 - away, 0, 1)
        return (1 - np.clip(away, 0, 1) ** 2.2) ** 0.75
