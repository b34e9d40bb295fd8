"""A simple simulated study: a believable lumbar spine with known grades, seen in sagittal T1 and T2.

The spine is drawn on a fine grid as a map of tissues, turned into both contrasts by the spin-echo equation and averaged
to thick slices. It is the sample that `make demo` grades, not a stand-in for patients.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from ..report import StudyReport
from ..study import Volume
from .simple_case import Case, truth_report
from .simple_drawing import SimpleSpine, centered_affine
from .simple_tissues import T1_SEQUENCE, T2_SEQUENCE, Sequence, spin_echo

SLICES = 11
SLICE_DISTANCE_MM = 4.4
SLICE_THICKNESS_MM = 4.0
FIELD_OF_VIEW_MM = 280.0
PIXEL_MM = {"t1": 0.73, "t2": 0.625}
FULL_SCALE = 1200.0
"""Stored value of the brightest tissue before the coil's sensitivity."""


@dataclass(frozen=True)
class SimulatedStudy:
    """Both contrasts, the labels (slices, rows, columns) uint8 on the grid of T2, and what is true of them."""

    t1: Volume
    t2: Volume
    labels: np.ndarray
    truth: StudyReport


def simulate(seed: int) -> SimulatedStudy:
    """The patient of a seed; the same seed gives the same patient."""
    rng = np.random.default_rng(seed)
    case = Case.draw(rng)
    spine = SimpleSpine(case, rng)
    coil = _coil_sensitivity(spine, rng)
    t1 = _scan(spine, coil, "t1", T1_SEQUENCE, rng)
    t2 = _scan(spine, coil, "t2", T2_SEQUENCE, rng)
    labels = _resample(spine.labels, spine.affine, t2.affine, t2.array.shape, order=0)
    return SimulatedStudy(t1, t2, labels, truth_report(case, spine.slabs, spine.to_patient))


def _scan(spine: SimpleSpine, coil: np.ndarray, contrast: str, sequence: Sequence, rng: np.random.Generator) -> Volume:
    """One series: signal, slice profile, pixels, noise."""
    signal = spin_echo(spine.tissue, sequence)
    signal *= FULL_SCALE * coil / np.percentile(signal, 99)
    fine = np.linalg.norm(spine.affine[:3, :3], axis=0)
    blur = np.array([SLICE_THICKNESS_MM, PIXEL_MM[contrast], PIXEL_MM[contrast]]) / np.sqrt(12) / fine
    pixels = round(FIELD_OF_VIEW_MM / PIXEL_MM[contrast])
    shape = (SLICES, pixels, pixels)
    affine = centered_affine(shape, np.array([SLICE_DISTANCE_MM, PIXEL_MM[contrast], PIXEL_MM[contrast]]))
    array = _resample(ndimage.gaussian_filter(signal, blur), spine.affine, affine, shape, order=1)
    noise = 0.015 * FULL_SCALE * rng.standard_normal((2, *shape))
    source = {"repetition_time_ms": sequence.repetition_time_ms, "echo_time_ms": sequence.echo_time_ms}
    return Volume(np.hypot(array + noise[0], noise[1]).astype(np.float32), affine, contrast, source)


def _coil_sensitivity(spine: SimpleSpine, rng: np.random.Generator) -> np.ndarray:
    """(slices, rows, columns) factor: a coil under the back, and a saturated band over the belly."""
    index = np.arange(spine.shape[2]) * spine.affine[1, 2] + spine.affine[1, 3]
    reach = rng.uniform(90, 130)
    saturation = 0.25 + 0.75 / (1 + np.exp(-(index + rng.uniform(40, 55)) / 6))
    rows = np.linspace(-1, 1, spine.shape[1])[:, None]
    return (np.exp((index - 40) / reach) * saturation * (1 - 0.2 * rows**2))[None].astype(np.float32)


def _resample(
    array: np.ndarray, affine: np.ndarray, target: np.ndarray, shape: tuple[int, ...], order: int
) -> np.ndarray:
    """An array on another grid; both affines are 4x4 from (slice, row, column) to LPS mm."""
    across = np.linalg.inv(affine) @ target
    return ndimage.affine_transform(array, across[:3, :3], across[:3, 3], shape, order=order, mode="nearest")
