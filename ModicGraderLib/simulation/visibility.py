"""Whether a reader would see a change: on enough slices, and against the patient's own unchanged marrow."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from ..anatomy import VERTEBRAE_UPWARDS, vertebra_label
from ..grid import Grid
from ..mapping.marrow import EDGE_MM, MARGIN_MM, Marrow, eroded, fit_marrow
from ..regions import part_of, resample
from ..study import Volume

SLICES_TO_GRADE = 2
"""A change must be seen on so many slices to be called one (on a study of one slice, on that one)."""

SEEN_MM2 = 5.0
"""Area on a slice from which a change is seen there, without the rim of the body that is dark in any case."""

CONTRAST_TO_NOISE = 1.5
"""A change must differ from the unchanged marrow by so many times the noise, in one contrast at least.

Set by eye on some fifty simulated changes: below 1.5 hardly any could be made out, above 2.5 nearly all.
"""

UNCHANGED_VOXELS = 50
"""With less unchanged marrow in a body, its changes are compared with the marrow of all bodies."""

OUTLIERS_PERCENT = 2
"""At either end, so much of the marrow is taken for vessels and islands, and counts no more than its neighbors."""


class Visibility:
    """What can be seen of the changes of a simulated study.

    Parameters
    ----------
    labels, lesions:
        (slices, rows, columns) uint8 on the grid of `volumes["t2"]`: spine labels, and the numbers of the changes.
    noise_sd:
        Standard deviation of the scanner's noise in "t1" and "t2", in units of their arrays.
    """

    def __init__(
        self,
        volumes: Mapping[str, Volume],
        labels: np.ndarray,
        lesions: np.ndarray,
        noise_sd: Mapping[str, float],
    ):
        self._volumes, self._labels, self._lesions, self._noise_sd = volumes, labels, lesions, noise_sd
        self._t2 = volumes["t2"]
        unchanged = np.where(lesions > 0, 0, labels)
        self._marrow = {name: fit_marrow(volume, unchanged, self._t2.grid) for name, volume in volumes.items()}
        self._boxes = ndimage.find_objects(labels, len(VERTEBRAE_UPWARDS))

    def measure(self, number: int, vertebra: str) -> Seen:
        """How well a change in a vertebra can be seen."""
        label = vertebra_label(vertebra)
        box = self._boxes[label - 1]
        if box is None:
            return Seen((), 0.0)
        body = self._labels[box] == label
        change = eroded(body, EDGE_MM, self._t2.spacing) & (self._lesions[box] == number)
        area = change.sum((1, 2)) * float(np.prod(self._t2.spacing[1:]))
        rest = eroded(body & (self._lesions[box] == 0), MARGIN_MM, self._t2.spacing)
        grid = part_of(self._t2.grid, box)
        ratios = [
            contrast_to_noise(volume, marrow, self._noise_sd[name], grid, change, rest)
            for name, volume in self._volumes.items()
            if (marrow := self._marrow[name]) is not None
        ]
        return Seen(tuple(area.tolist()), max(ratios, default=0.0))


@dataclass(frozen=True)
class Seen:
    """How well a change can be seen.

    Attributes
    ----------
    areas_mm2:
        Its area on every slice of the body, without the rim; empty where the body is not in the picture.
    contrast_to_noise:
        The greater of both contrasts.
    """

    areas_mm2: tuple[float, ...]
    contrast_to_noise: float

    def why_hidden(self) -> str | None:
        """Why no reader would call it, as the end of a sentence; None where it is seen."""
        if not self.areas_mm2:
            return "is not in the picture"
        seen = sum(area >= SEEN_MM2 for area in self.areas_mm2)
        needed = min(SLICES_TO_GRADE, len(self.areas_mm2))
        if seen < needed:
            return f"is seen on {seen} of the {needed} slices that it takes"
        return None if self.contrast_to_noise >= CONTRAST_TO_NOISE else "hardly differs from the marrow about it"


def contrast_to_noise(
    volume: Volume, marrow: Marrow, noise_sd: float, grid: Grid, change: np.ndarray, rest: np.ndarray
) -> float:
    """By how many times the noise changed marrow differs from the rest of its body in one contrast.

    Both are compared by the logarithm of the signal, without the coil's shading. The difference is that of the means,
    or the root mean square less the noise if that is larger: in a mixed change dark and bright do not cancel each
    other. Noise is the unevenness of the rest, and at least the scanner's.

    Parameters
    ----------
    marrow:
        The patient's marrow in `volume`.
    change, rest:
        (slices, rows, columns) bool on `grid`: changed and unchanged marrow of one body.
    """
    signal = resample(volume.array, volume.grid, grid)
    normal = marrow.log_signal(grid)
    departure = np.log(np.maximum(signal, 1e-3)) - normal
    changed, unchanged = (departure[part & np.isfinite(signal)] for part in (change, rest))
    if not changed.size:
        return 0.0
    known = unchanged.size >= UNCHANGED_VOXELS
    middle = float(np.median(unchanged)) if known else 0.0
    uneven = _robust_variance(unchanged) if known else marrow.spread**2
    noise = max(uneven, (noise_sd / float(np.exp(normal[change].mean()))) ** 2)
    difference = max(float(np.mean(changed - middle)) ** 2, _mean_square(changed - middle) - noise)
    return float(np.sqrt(difference / noise))


def _robust_variance(values: np.ndarray) -> float:
    # What lies between two changes of one body is partly their fringes: these must not pass for uneven marrow.
    return float((1.4826 * np.median(np.abs(values - np.median(values)))) ** 2)


def _mean_square(values: np.ndarray) -> float:
    return float(np.mean(np.clip(values, *np.percentile(values, (OUTLIERS_PERCENT, 100 - OUTLIERS_PERCENT))) ** 2))
