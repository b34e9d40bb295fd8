"""What one picture of a pair measures: its tissues against the patient's own marrow, texture, noise, bias, sharpness.

Everything is measured in the frames of the discs that our own network finds, on simulated and on real pictures alike,
and in units of the median signal of the patient's own lumbar bodies, since absolute MR intensities mean nothing.
"""

from __future__ import annotations

import numpy as np
from PIL import Image, ImageDraw
from scipy import ndimage

from ..anatomy import CANAL_LABEL, GRADED_DISCS, vertebrae_of
from ..localization.spine import LocatedDisc, SpineLocation
from ..mapping.marrow import Marrow
from ..regions import resample
from ..study import Volume

CORE = 0.6
"""Share of a body, about its center, that shows marrow alone: no wall, no endplate and what lies along it."""

PERCENTILES = (10, 50, 90)

NUCLEUS, ANTERIOR_ANNULUS, POSTERIOR_ANNULUS = (-0.2, 0.2), (0.38, 0.46), (-0.46, -0.38)
"""Where along a disc (share of its width from its center, positive to the front) these lie."""

BEHIND_CANAL_MM = (24.0, 40.0)
PREVERTEBRAL_MM = (3.0, 12.0)
BELLY_MM = (25.0, 60.0)
"""Distance behind, and in front of, the discs at which these are measured."""

SKIN_SIGNAL = 0.3
"""Share of the marrow's signal above which a pixel is patient rather than air."""

SUBCUTANEOUS_MM = (4.0, 10.0)
"""Depth below the skin of the back at which its fat is measured."""

LOW_FREQUENCIES, HIGH_FREQUENCIES = (0.04, 0.2), (0.2, 0.6)
"""Cycles per mm between which the slope of the power spectrum is fitted."""

NOISE_MASK = np.outer([1, -2, 1], [1, -2, 1])
"""Difference of two Laplacians, blind to edges that are straight or bend evenly (Immerkaer 1996)."""

BLACK = 0.02
"""Share of the marrow's signal up to which a pixel is black."""


def picture_features(volume: Volume, location: SpineLocation, labels: np.ndarray, marrow: Marrow) -> dict[str, float]:
    """Measurements of a one-slice volume by name, "group/T1 what"; NaN where something is out of view.

    Parameters
    ----------
    labels:
        (1, rows, columns) spine labels on the volume's own grid.
    marrow:
        The volume's own marrow reference.
    """
    discs = [disc for disc in location.discs if disc.level in GRADED_DISCS]
    cores = body_cores(volume, discs)
    usual = float(np.median(volume.array[0][cores > 0]))
    found = {
        **_tissues(volume, discs, labels, usual),
        **_back(volume, discs, usual),
        **_marrow(volume, cores, usual, marrow),
        **_sharpness(volume, labels, usual),
        **_levels(volume, usual),
    }
    name = volume.contrast[:2].upper()
    return {key.replace("/", f"/{name} "): float(value) for key, value in found.items()}


def body_cores(volume: Volume, discs: list[LocatedDisc]) -> np.ndarray:
    """(rows, columns) uint8: the middle of each body between two of the discs, numbered from 1; 0 elsewhere."""
    canvas = Image.new("L", volume.array.shape[:0:-1])
    for number, (above, below) in enumerate(zip(discs[:-1], discs[1:], strict=True), start=1):
        if vertebrae_of(above.level)[1] != vertebrae_of(below.level)[0]:
            continue
        around = [above.corners[f"lower_{end}"] for end in ("anterior", "posterior")]
        around += [below.corners[f"upper_{end}"] for end in ("posterior", "anterior")]
        middle = np.mean(around, axis=0)
        corners = volume.to_index(middle + CORE * (np.array(around) - middle))
        ImageDraw.Draw(canvas).polygon([(column, row) for _, row, column in corners], fill=number)
    return np.asarray(canvas)


def sample(volume: Volume, points: np.ndarray) -> np.ndarray:
    """The picture (...,) at LPS points (..., 3), linearly interpolated within its plane; NaN beyond it."""
    index = np.moveaxis(volume.to_index(points)[..., 1:], -1, 0)
    return ndimage.map_coordinates(volume.array[0], index, order=1, mode="constant", cval=np.nan)


def _across(disc: LocatedDisc, along: tuple[float, float], above: tuple[float, float], count: int = 7) -> np.ndarray:
    """LPS points (count, count, 3): `along` in mm to the front, `above` in mm to the head of the disc's center."""
    front, up = np.meshgrid(np.linspace(*along, count), np.linspace(*above, count))
    return disc.center + front[..., None] * disc.anterior + up[..., None] * disc.normal


def _median(values: np.ndarray | list[float]) -> float:
    """Median of what is in view; NaN where nothing is."""
    values = np.asarray(values, float)
    return float(np.median(values[np.isfinite(values)])) if np.isfinite(values).any() else np.nan


def _percentiles(name: str, values: np.ndarray) -> dict[str, float]:
    values = values[np.isfinite(values)]
    levels = np.percentile(values, PERCENTILES) if values.size else np.full(len(PERCENTILES), np.nan)
    return {f"tissue/{name}, {p} %": level for p, level in zip(PERCENTILES, levels, strict=True)}


def _tissues(volume: Volume, discs: list[LocatedDisc], labels: np.ndarray, usual: float) -> dict[str, float]:
    parts = {"nucleus": NUCLEUS, "anterior annulus": ANTERIOR_ANNULUS, "posterior annulus": POSTERIOR_ANNULUS}
    found = {}
    for name, (low, high) in parts.items():
        each = [
            _median(
                sample(volume, _across(d, (low * d.width_mm, high * d.width_mm), (-d.height_mm / 5, d.height_mm / 5)))
            )
            for d in discs
        ]
        found |= _percentiles(name, np.array(each) / usual)
    found |= _percentiles("canal", volume.array[labels == CANAL_LABEL] / usual)
    around = {"behind the canal": (-1, BEHIND_CANAL_MM), "prevertebral": (1, PREVERTEBRAL_MM), "belly": (1, BELLY_MM)}
    for name, (side, (near, far)) in around.items():
        wall = [side * disc.width_mm / 2 for disc in discs]
        points = [
            _across(disc, (w + side * near, w + side * far), (-15.0, 15.0), 15)
            for disc, w in zip(discs, wall, strict=True)
        ]
        found |= _percentiles(name, sample(volume, np.array(points)) / usual)
    darkest = [_endplate_lines(volume, disc) / usual for disc in discs]
    upper, lower = (_median(line) for line in np.transpose(darkest))
    return found | {"tissue/endplate line": (upper + lower) / 2, "picture/endplate above less below": upper - lower}


def _endplate_lines(volume: Volume, disc: LocatedDisc) -> np.ndarray:
    """Signal (2,) at the darkest place about the endplate above and below a disc, median over its middle."""
    half = disc.height_mm / 2
    lines = []
    for side in (1, -1):
        profile = sample(volume, _across(disc, NUCLEUS_MM, (side * (half - 1.5), side * (half + 2.5)), 13))
        lines.append(_median(profile.min(axis=0)))
    return np.array(lines)


NUCLEUS_MM = (-7.0, 7.0)
"""Part of an endplate along which its dark line is looked for, in mm from its middle."""


def _back(volume: Volume, discs: list[LocatedDisc], usual: float) -> dict[str, float]:
    """Skin and fat of the back at the height of the lumbar discs."""
    image, pixel = volume.array[0], volume.spacing[2]
    fat, depth, air = [], [], []
    for disc in discs:
        _, row, column = volume.to_index(disc.center - disc.width_mm / 2 * disc.anterior)
        row, column = int(np.clip(round(row), 2, image.shape[0] - 3)), int(max(column, 0))
        line = np.median(image[row - 2 : row + 3, column:], axis=0) / usual
        body = np.flatnonzero(line > SKIN_SIGNAL)
        if not len(body):
            continue
        skin = body[-1]
        near, far = (round(mm / pixel) for mm in SUBCUTANEOUS_MM)
        fat.append(np.median(line[max(skin - far, 0) : max(skin - near, 1)]))
        depth.append(skin * pixel)
        air += list(line[skin + far :])
    return {
        "tissue/fat of the back": _median(fat),
        "shape/skin behind the discs, mm": _median(depth),
        "picture/air behind the back": _median(air),
    }


def _marrow(volume: Volume, cores: np.ndarray, usual: float, marrow: Marrow) -> dict[str, float]:
    image, inside = volume.array[0] / usual, cores > 0
    smooth, smoother = (_smooth(image, inside, mm / volume.spacing[1:]) for mm in (1.0, 3.0))
    rest = np.log(np.maximum(image, 1e-3)) + np.log(usual) - marrow.log_signal(volume.grid)[0]
    bodies = [np.median(rest[cores == number]) for number in np.unique(cores[inside])]
    _, back, down, bend, _ = marrow.coefficients
    return {
        "marrow/std within 1 mm": (image - smooth)[inside].std(),
        "marrow/std at 1-3 mm": (smooth - smoother)[inside].std(),
        "marrow/spread": rest[inside].std(),
        "marrow/spread of the bodies": np.std(bodies),
        "marrow/skewness": ((rest[inside] - rest[inside].mean()) ** 3).mean() / rest[inside].std() ** 3,
        "picture/brighter to the back, log per 60 mm": back,
        "picture/brighter to the foot, log per 60 mm": down,
        "picture/brighter at the ends": bend,
    }


def _smooth(image: np.ndarray, inside: np.ndarray, sigma: np.ndarray) -> np.ndarray:
    """Gaussian mean over what lies inside alone."""
    weight = ndimage.gaussian_filter(inside.astype(np.float32), sigma)
    return ndimage.gaussian_filter(np.where(inside, image, 0).astype(np.float32), sigma) / np.maximum(weight, 1e-3)


def _sharpness(volume: Volume, labels: np.ndarray, usual: float) -> dict[str, float]:
    """Noise, edges and power spectrum in the box about the labelled spine."""
    box = ndimage.find_objects((labels[0] > 0).astype(np.uint8))[0]
    part = volume.array[0][box] / usual
    pixel = volume.spacing[1:]
    steep = np.hypot(*np.gradient(part, *pixel))
    window = np.outer(np.hanning(part.shape[0]), np.hanning(part.shape[1]))
    power = np.abs(np.fft.fft2((part - part.mean()) * window)) ** 2
    frequency = np.hypot(
        *np.meshgrid(*(np.fft.fftfreq(n, mm) for n, mm in zip(part.shape, pixel, strict=True)), indexing="ij")
    )
    found = {
        "picture/noise": _noise(part),
        "picture/mean gradient per mm": steep.mean(),
        "picture/steepest gradients per mm": np.percentile(steep, 98),
    }
    for name, (low, high) in (("low", LOW_FREQUENCIES), ("high", HIGH_FREQUENCIES)):
        chosen = (frequency > low) & (frequency < min(high, 0.5 / pixel.max()))
        found[f"picture/spectrum slope, {name}"] = np.polyfit(
            np.log(frequency[chosen]), np.log(power[chosen] + 1e-9), 1
        )[0]
    return found


def _noise(image: np.ndarray) -> float:
    """Standard deviation of noise; the median keeps corners, which the mask does answer to, from counting."""
    answer = np.abs(ndimage.convolve(image, NOISE_MASK.astype(np.float32)))
    return float(np.median(answer) / 0.6745 / np.linalg.norm(NOISE_MASK))


def _levels(volume: Volume, usual: float) -> dict[str, float]:
    image = volume.array[0]
    return {
        "picture/share saturated": np.mean(image >= image.max()),
        "picture/share black": np.mean(image <= BLACK * usual),
        "picture/marrow of full scale": usual / image.max(),
        "picture/pixel mm": volume.spacing[2],
        "picture/width of view mm": image.shape[1] * volume.spacing[2],
    }


def marrow_correlation(t1: Volume, t2: Volume, location: SpineLocation) -> float:
    """Correlation of T1 and T2 within the lumbar bodies, level by level of no account."""
    cores = body_cores(t2, [disc for disc in location.discs if disc.level in GRADED_DISCS])
    inside = cores > 0
    moved = resample(t1.array, t1.grid, t2.grid, outside=0.0)[0]
    parts = [_smooth(image, inside, 1.0 / t2.spacing[1:]) for image in (moved, t2.array[0])]
    flat = [part - _smooth(part, inside, 6.0 / t2.spacing[1:]) for part in parts]
    return float(np.corrcoef(flat[0][inside], flat[1][inside])[0, 1])
