"""Cina 2023: what is cut from a study, and four normalizations."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from painted_spine import painted_volume, sagittal_grid, spine_boxes, true_discs
from skimage.exposure import equalize_adapthist

from ModicGraderLib.anatomy import GRADED_DISCS
from ModicGraderLib.recipes.cina2023_classifier import (
    NORMALIZATIONS,
    cut,
    disc_region,
)
from ModicGraderLib.recipes.cina2023_detector import disc_boxes
from ModicGraderLib.study import SpineStudy, Volume
from ModicGraderLib.training.labelled_study import DiscLabels, LabelledStudy


@settings(max_examples=20, deadline=None)
@given(scale=st.floats(0.1, 1e3), shift=st.floats(-1e3, 1e3))
def test_standardization_takes_away_gain_and_offset_of_the_scanner(scale, shift):
    region = np.random.default_rng(0).normal(size=(5, 8, 8))
    ours = NORMALIZATIONS["standardization"](scale * region + shift)
    assert ours.mean() == pytest.approx(0, abs=1e-6) and ours.std() == pytest.approx(1)
    np.testing.assert_allclose(ours, NORMALIZATIONS["standardization"](region), atol=1e-6)
    assert len({round(float(one.mean()), 6) for one in ours}) == 5, "the slices share one mean, as one region"


def test_the_other_normalizations_are_what_they_are_called():
    region = np.random.default_rng(0).random((5, 32, 32)) * 300 + 40
    unit = (region - region.min()) / (region.max() - region.min())
    assert np.array_equal(NORMALIZATIONS["none"](region), region)
    np.testing.assert_allclose(NORMALIZATIONS["gamma"](region), unit**0.5, atol=1e-6)
    np.testing.assert_allclose(NORMALIZATIONS["clahe"](region)[3], equalize_adapthist(unit[3]), atol=1e-6)


@pytest.mark.parametrize("name", NORMALIZATIONS)
def test_a_region_without_signal_stays_finite(name):
    assert np.isfinite(NORMALIZATIONS[name](np.zeros((5, 32, 32), np.float32))).all()


def painted_study(t2_slices: int = 9) -> LabelledStudy:
    """T1 has pixels and slices of its own; the gray of both is the same, so that T1 shows where it lies."""
    boxes = spine_boxes()
    t1 = painted_volume(boxes, sagittal_grid(15, (3.0, 0.9), (330, 190)), "t1")
    t2 = painted_volume(boxes, sagittal_grid(t2_slices, (4.0, 1.1), (300, 160)), "t2")
    labels = {"L4/L5": DiscLabels(modic="II")}
    discs = tuple(reversed(true_discs(boxes)))
    return LabelledStudy("s", "p", SpineStudy(t1, t2), discs, np.zeros(t2.array.shape, np.uint8), labels=labels)


def test_a_study_is_cut_into_itself_and_its_six_discs():
    whole, *discs = cut(painted_study())
    assert whole.level == "" and [disc.level for disc in discs] == list(GRADED_DISCS)
    assert whole.arrays["t2"].shape == whole.arrays["t1"].shape == (5, round(330 / 0.8), round(176 / 0.8))
    assert [disc.labels.modic for disc in discs] == [None] * 4 + ["II", None]
    assert np.array_equal(whole.arrays["levels"], range(6))
    boxes = disc_boxes(whole.arrays["corners"], whole.arrays["t2"].shape[1:])
    assert all(np.array_equal(disc.arrays["box"], box) for disc, box in zip(discs, boxes, strict=True))


def test_t1_gets_the_boxes_through_the_patient():
    whole, *discs = cut(painted_study())
    for disc in discs:
        region = disc_region(whole.arrays, disc.arrays["box"])
        assert region["t1"].shape == (5, 96, 96)
        assert abs(region["t1"] - region["t2"]).mean() < 12, "of 400 grays, at edges alone"
        middle = region["t2"][2, 44:52, 44:52]
        assert middle.mean() == pytest.approx(300, abs=2), "the disc is in the middle of its box"
        assert {round(float(region["t2"][2, row, 40:56].mean()), -2) for row in (6, 89)} <= {100.0, 200.0}, "marrow"


def test_at_the_edge_of_the_volume_the_outermost_slice_is_repeated():
    study = painted_study(1)
    whole = cut(study)[0]
    assert all(np.array_equal(one, whole.arrays["t2"][0]) for one in whole.arrays["t2"])
    assert whole.arrays["t1"].max() > 0


def test_the_five_slices_are_symmetric_about_the_one_nearest_the_discs():
    study = painted_study(9)
    numbered = np.broadcast_to(np.arange(9.0)[:, None, None], study.study.t2.array.shape).astype(np.float32)
    discs = tuple(replace(disc, center=disc.center + np.array([4.0, 0, 0])) for disc in study.discs)
    study = replace(study, discs=discs, study=replace(study.study, t2=Volume(numbered, study.study.t2.affine, "t2")))
    inner = cut(study)[0].arrays["t2"][:, 50:60, 50:60]
    np.testing.assert_allclose(inner.mean((1, 2)), [3, 4, 5, 6, 7], atol=1e-4)


@pytest.mark.parametrize("missing", ["t1", "t2"])
def test_without_both_contrasts_nothing_is_cut(missing):
    study = painted_study()
    assert cut(replace(study, study=replace(study.study, **{missing: None}))) == []


def test_a_box_is_read_from_edge_to_edge():
    rows, columns = np.mgrid[:40, :60].astype(float)
    pictures = {"t1": np.stack([rows] * 5), "t2": np.stack([columns] * 5)}
    region = disc_region(pictures, np.array([10.0, 5, 50, 25]))
    np.testing.assert_allclose(region["t1"][0, :, 7], np.linspace(5, 25, 96))
    np.testing.assert_allclose(region["t2"][4, 3], np.linspace(10, 50, 96))


def test_regions_are_turned_by_ten_degrees_and_shifted_by_ten_pixels_at_most(monkeypatch):
    rows, columns = np.mgrid[:96, :96].astype(float)
    pictures = {"t1": np.stack([rows] * 5), "t2": np.stack([columns] * 5)}
    monkeypatch.setattr(torch, "rand", lambda count: torch.ones(count))  # the far end of all three ranges
    region = disc_region(pictures, np.array([0.0, 0, 95, 95]), augmented=True)
    down = (region["t1"][2, 60, 50] - region["t1"][2, 50, 50]) / 10
    across = (region["t2"][2, 60, 50] - region["t2"][2, 50, 50]) / 10
    assert abs(np.degrees(np.arctan2(across, down))) == pytest.approx(10, abs=1e-6)
    # The middle of the box lies ten pixels down and ten to the back.
    between = [region[name][2, 57:59, 57:59].mean() for name in ("t1", "t2")]
    np.testing.assert_allclose(between, 47.5, atol=1e-6)
