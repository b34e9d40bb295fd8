"""How far T1 lies from T2 once their geometry is taken into account, by mutual information.

Patients move between series, and files lose part of their geometry on the way. The remaining shift is estimated as a
translation: first in the sagittal plane, by a coarse search and a descent from its best point, then in all three
directions where both volumes have slices enough. T1 is moved only when that clearly helps; the decision and its
figures are always reported.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import SimpleITK as sitk
from scipy import ndimage

from ..report import QualityFinding
from ..study import Alignment, Volume
from .checks import inside

MIN_GAIN = 1.05
"""T1 is moved only if that raises the mutual information at least by this factor."""

MIN_SHIFT_MM = 1.0
"""Shifts below this are no larger than chemical shift and the error of the estimate."""

MAX_HEAD_FOOT_SHIFT_MM = 15.0
"""Half the height of a level: beyond it a shift could turn each level into its neighbor."""

MAX_SHIFT_MM = 30.0
"""Larger shifts in any direction are implausible."""

MIN_SLICES_3D = 8
"""With fewer slices in either volume the shift is estimated in the sagittal plane only."""

MIN_POINTS = 2000
"""Points of the working grid that both volumes must show for an estimate."""

PLANE_SPACING_MM = 1.5
"""Spacing of the working grid in one sagittal plane."""

SPACE_SPACING_MM = 3.0
"""Spacing of the working grid in all of the volume, where slices are not further apart."""

SEARCH_IN_PLANE_MM = (0.0, 12.0, 24.0)
"""How far the coarse search goes along T2's (slices, rows, columns) in one plane."""

SEARCH_THROUGH_PLANE_MM = (8.0, 0.0, 0.0)
"""How far it goes then, where there are slices enough."""

SEARCH_STEP_MM = 4.0

_HISTOGRAM_BINS = 32
_CLIP_PERCENTILES = (1.0, 99.0)


def align(t1: Volume, t2: Volume) -> tuple[Volume, Alignment, tuple[QualityFinding, ...]]:
    """T1, moved onto T2 where that clearly helps, with the figures and what a reader should know of them."""
    alignment = estimate_shift(t1, t2)
    shift = np.array(alignment.shift_lps_mm)
    distance = float(np.linalg.norm(shift))
    if distance < MIN_SHIFT_MM:
        return t1, alignment, ()
    figures = f"{distance:.1f} mm (mutual information x {alignment.gain:.2f})"
    if alignment.gain < MIN_GAIN:
        message = f"T1 may lie {figures} off T2; too little is gained by moving it, so it was left in place."
        return t1, alignment, (QualityFinding("shift_noted", "info", message),)
    head_foot = abs(float(shift @ t2.affine[:3, 1] / t2.spacing[1]))
    if distance > MAX_SHIFT_MM or head_foot > MAX_HEAD_FOOT_SHIFT_MM:
        message = (
            f"T1 seems to lie {figures} off T2, too far to be moved safely; check that both are of one examination."
        )
        return t1, alignment, (QualityFinding("shift_noted", "warning", message),)
    message = f"T1 was moved by {figures} onto T2: the patient or the geometry of the files changed between them."
    return moved(t1, shift), replace(alignment, applied=True), (QualityFinding("shift_corrected", "info", message),)


def moved(volume: Volume, shift_lps_mm: np.ndarray) -> Volume:
    """The same volume, translated by (3,) mm."""
    affine = volume.affine.copy()
    affine[:3, 3] += shift_lps_mm
    return replace(volume, affine=affine)


def estimate_shift(t1: Volume, t2: Volume) -> Alignment:
    """The translation that brings T1 onto T2 best; no shift where they share too little to tell. Nothing is moved."""
    t1, t2 = _smoothed(t1), _smoothed(t2)
    grid = _plane(t1, t2)
    if inside(t1, grid).sum() < MIN_POINTS:
        return Alignment()
    try:
        shift, grid = _registered(t1, t2, grid)
    except RuntimeError:
        # ITK cannot compare pictures where there is hardly anything to be seen.
        return Alignment()
    shift = t2.affine[:3, :3] / t2.spacing @ shift

    common = grid[inside(t1, grid) & inside(t1, grid - shift)]
    if len(common) < MIN_POINTS:
        return Alignment()
    fixed = _sample(t2, common)
    unmoved, best = (_mutual_information(fixed, _sample(t1, common - offset)) for offset in (np.zeros(3), shift))
    if best <= unmoved:
        return Alignment()
    return Alignment(tuple(float(value) for value in shift), best / unmoved)


def _registered(t1: Volume, t2: Volume, grid: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The best shift (3,) mm along (slices, rows, columns), and the grid on which it was found last."""
    images = _images(t1, t2, grid, PLANE_SPACING_MM)
    shift = _refine(*images, _search(*images, np.zeros(3), SEARCH_IN_PLANE_MM))
    if min(t1.array.shape[0], t2.array.shape[0]) >= MIN_SLICES_3D:
        grid = _space(t2)
        images = _images(t1, t2, grid, SPACE_SPACING_MM)
        shift = _refine(*images, _search(*images, shift, SEARCH_THROUGH_PLANE_MM))
    return shift, grid


def _plane(t1: Volume, t2: Volume) -> np.ndarray:
    """LPS points (1, rows, columns, 3) of the T2 slice nearest to the middle of T1, `PLANE_SPACING_MM` apart."""
    middle = t2.to_index(t1.to_patient((np.array(t1.array.shape) - 1) / 2))[0]
    slice_index = np.clip(np.round([middle]), 0, t2.array.shape[0] - 1)
    return _lattice(t2, slice_index, *_steps(t2, PLANE_SPACING_MM)[1:])


def _space(t2: Volume) -> np.ndarray:
    """LPS points (slices, rows, columns, 3) of all of T2, `SPACE_SPACING_MM` apart or as far as its slices are."""
    return _lattice(t2, *_steps(t2, SPACE_SPACING_MM))


def _steps(volume: Volume, spacing: float) -> list[np.ndarray]:
    """Indices along (slices, rows, columns) that lie `spacing` mm apart, or every one where voxels are larger."""
    steps = np.maximum(spacing / volume.spacing, 1.0)
    return [np.arange(0.0, count - 0.5, step) for count, step in zip(volume.array.shape, steps, strict=True)]


def _lattice(volume: Volume, *indices: np.ndarray) -> np.ndarray:
    return volume.to_patient(np.stack(np.meshgrid(*indices, indexing="ij"), axis=-1))


def _smoothed(volume: Volume) -> Volume:
    """`volume` clipped to its usual intensities and smoothed in the plane to what the working grid can show."""
    sigma = np.array([0.0, *(0.5 * PLANE_SPACING_MM / volume.spacing[1:])])
    low, high = np.percentile(volume.array[:, ::2, ::2], _CLIP_PERCENTILES)
    return replace(volume, array=ndimage.gaussian_filter(np.clip(volume.array, low, high), sigma, truncate=3.0))


def _sample(volume: Volume, points: np.ndarray) -> np.ndarray:
    """Intensities (...) at LPS `points` (..., 3), continued beyond the outermost slices, rows and columns."""
    index = np.moveaxis(volume.to_index(points), -1, 0)
    return ndimage.map_coordinates(volume.array, index, order=1, mode="nearest")


def _images(t1: Volume, t2: Volume, grid: np.ndarray, spacing: float) -> tuple[sitk.Image, sitk.Image, sitk.Image]:
    """T2, T1 and the mask of T1 on `grid` for ITK: (slices, rows, columns), or (rows, columns) where it is a plane."""
    spacings = [*np.maximum(spacing, t2.spacing)[::-1]][: 2 if len(grid) == 1 else 3]
    images = []
    for array in (_sample(t2, grid), _sample(t1, grid), inside(t1, grid).astype(np.uint8)):
        image = sitk.GetImageFromArray(array.squeeze(axis=0) if len(grid) == 1 else array)
        image.SetSpacing([float(value) for value in spacings])
        images.append(image)
    return tuple(images)


def _search(
    fixed: sitk.Image, moving: sitk.Image, known: sitk.Image, start: np.ndarray, reach: tuple[float, float, float]
) -> np.ndarray:
    """The best of a lattice of shifts around `start`, all (3,) mm along (slices, rows, columns)."""
    registration = _registration(known, start)
    steps = [int(distance // SEARCH_STEP_MM) for distance in reach[::-1]]
    registration.SetOptimizerAsExhaustive(steps[: fixed.GetDimension()], SEARCH_STEP_MM)
    registration.SetShrinkFactorsPerLevel([2])
    registration.SetSmoothingSigmasPerLevel([2.0])
    return _execute(registration, fixed, moving)


def _refine(fixed: sitk.Image, moving: sitk.Image, known: sitk.Image, start: np.ndarray) -> np.ndarray:
    """The best shift near `start`, both (3,) mm along (slices, rows, columns)."""
    registration = _registration(known, start)
    registration.SetOptimizerAsRegularStepGradientDescent(
        learningRate=3.0, minStep=0.02, numberOfIterations=60, relaxationFactor=0.6
    )
    registration.SetShrinkFactorsPerLevel([2, 1])
    registration.SetSmoothingSigmasPerLevel([3.0, 0.0])
    return _execute(registration, fixed, moving)


def _registration(known: sitk.Image, start: np.ndarray) -> sitk.ImageRegistrationMethod:
    dimension = known.GetDimension()
    registration = sitk.ImageRegistrationMethod()
    registration.SetMetricAsMattesMutualInformation(_HISTOGRAM_BINS)
    registration.SetMetricMovingMask(known)
    registration.SetInterpolator(sitk.sitkLinear)
    registration.SetInitialTransform(
        sitk.TranslationTransform(dimension, [float(mm) for mm in -start[: -dimension - 1 : -1]])
    )
    return registration


def _execute(registration: sitk.ImageRegistrationMethod, fixed: sitk.Image, moving: sitk.Image) -> np.ndarray:
    """(3,) mm along (slices, rows, columns); ITK maps points of T2 to T1, so the picture moves the other way."""
    threads = sitk.ProcessObject.GetGlobalDefaultNumberOfThreads()
    # The sum of the histogram must not depend on how threads share it; the metric only heeds the global number.
    sitk.ProcessObject.SetGlobalDefaultNumberOfThreads(1)
    try:
        shift = -np.array(registration.Execute(fixed, moving).GetParameters())[::-1]
    finally:
        sitk.ProcessObject.SetGlobalDefaultNumberOfThreads(threads)
    return np.concatenate([np.zeros(3 - len(shift)), shift])


def _mutual_information(first: np.ndarray, second: np.ndarray) -> float:
    """Mutual information in nats of two equally long samples."""
    joint = np.histogram2d(first, second, _HISTOGRAM_BINS)[0] / first.size
    apart = joint.sum(axis=1, keepdims=True) * joint.sum(axis=0, keepdims=True)
    seen = joint > 0
    return float((joint[seen] * np.log(joint[seen] / apart[seen])).sum())
