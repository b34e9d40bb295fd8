"""The shift between T1 and T2: found, corrected only where it clearly helps, on real pictures."""

import time
from dataclasses import replace

import numpy as np
import pytest
from scipy import ndimage

from ModicGraderLib.io import read_study, read_volume
from ModicGraderLib.io.alignment import MIN_GAIN, align, estimate_shift, moved
from ModicGraderLib.study import Volume

PATIENTS = ("002", "003", "005", "011", "033", "036", "040", "078", "098")


def phantom(slices: int, contrast: str, columns_mm: float = 1.0) -> Volume:
    """Blobs of four tissues, each bright or dark by contrast, as (slices, 160, 160)."""
    blobs = ndimage.gaussian_filter(np.random.default_rng(0).normal(size=(160, 160)), 7)
    tissues = np.digitize(blobs, np.quantile(blobs, [0.3, 0.6, 0.8]))
    picture = np.array({"t1": [20.0, 200.0, 80.0, 40.0], "t2": [10.0, 120.0, 30.0, 220.0]}[contrast])[tissues]
    columns = np.arange(160.0) * columns_mm
    picture = np.stack([np.interp(columns, np.arange(160.0), row) for row in picture])
    noise = np.random.default_rng(len(contrast) + slices).normal(0, 3, (slices, 160, 160))
    affine = np.array([[4.0, 0, 0, 0], [0, 0, columns_mm, 0], [0, -1, 0, 0], [0, 0, 0, 1]])
    return Volume((picture + noise).astype(np.float32), affine, contrast)


@pytest.mark.parametrize("slices", [1, 5])
@pytest.mark.parametrize("shift", [(0, 6, -5), (0, -9, 3)])
def test_shift_of_a_phantom_is_undone(slices, shift):
    t1, t2 = phantom(slices, "t1"), phantom(slices, "t2", 0.9)
    aligned, alignment, findings = align(moved(t1, np.array(shift, dtype=float)), t2)
    assert alignment.applied and alignment.gain > MIN_GAIN
    assert [finding.code for finding in findings] == ["shift_corrected"]
    np.testing.assert_allclose(aligned.affine, t1.affine, atol=1.0)


def test_pair_in_place_is_left_in_place():
    t1, t2 = phantom(5, "t1"), phantom(5, "t2")
    aligned, alignment, findings = align(t1, t2)
    assert aligned is t1 and not alignment.applied and findings == ()


@pytest.mark.parametrize("slices", [1, 5])
def test_a_picture_that_shows_nothing_is_left_in_place(slices):
    t1, t2 = phantom(slices, "t1"), phantom(slices, "t2")
    empty = replace(t1, array=np.zeros_like(t1.array))
    empty.array[:, 80, 80] = 1.0
    for pair in ((empty, t2), (t1, replace(empty, contrast="t2")), (empty, replace(empty, contrast="t2"))):
        aligned, alignment, findings = align(*pair)
        assert aligned is pair[0] and not alignment.applied and findings == ()


def test_implausibly_far_shift_is_told_and_not_applied():
    t1, t2 = phantom(5, "t1"), phantom(5, "t2")
    shifted = moved(t1, np.array([0.0, 27.0, 14.0]))
    aligned, alignment, findings = align(shifted, t2)
    assert aligned is shifted and not alignment.applied
    assert [(finding.code, finding.severity) for finding in findings] == [("shift_noted", "warning")]


def test_the_same_pair_gives_the_same_shift():
    t1, t2 = moved(phantom(5, "t1"), np.array([0.0, 4.0, 4.0])), phantom(5, "t2")
    assert estimate_shift(t1, t2) == estimate_shift(t1, t2)


@pytest.mark.parametrize("patient", PATIENTS)
def test_known_shift_of_a_real_slice_is_recovered_within_a_pixel(patient, real_data):
    t1, t2 = (
        read_volume(real_data("spider_midsagittal") / "volumes" / f"{patient}_{contrast}.nii.gz", contrast)
        for contrast in ("t1", "t2")
    )
    before = np.array(estimate_shift(t1, t2).shift_lps_mm)
    added = np.array([0.0, 5.0, -4.0])
    after = estimate_shift(moved(t1, added), t2)
    np.testing.assert_allclose(before - after.shift_lps_mm, added, atol=1.0)
    assert after.gain > MIN_GAIN


@pytest.mark.parametrize("added", [(0.0, 6.0, -5.0), (3.0, -5.0, 4.0)])
def test_known_shift_of_a_real_volume_is_recovered(added, real_data):
    t1, t2 = (read_volume(real_data("real_volume_pair") / f"{contrast}.nii.gz", contrast) for contrast in ("t1", "t2"))
    before = np.array(estimate_shift(t1, t2).shift_lps_mm)
    after = estimate_shift(moved(t1, np.array(added)), t2)
    np.testing.assert_allclose(before - after.shift_lps_mm, added, atol=1.5)  # half a voxel of the grid
    assert after.gain > MIN_GAIN


def test_real_volume_pair_is_read_quickly_and_left_in_place(real_data):
    start = time.perf_counter()
    study = read_study(real_data("real_volume_pair") / "t1.nii.gz", real_data("real_volume_pair") / "t2.nii.gz")
    assert time.perf_counter() - start < 10  # about 1.3 s on an idle machine
    assert not study.alignment.applied and study.quality == ()
    assert study.t2.array.shape == (50, 351, 351)
