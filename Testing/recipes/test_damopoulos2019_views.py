"""What the networks of Damopoulos 2019 see of a disc, and how training changes it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from painted_spine import painted_volume, sagittal_grid, spine_boxes, true_discs

from ModicGraderLib.recipes import damopoulos2019_views as views
from ModicGraderLib.recipes.damopoulos2019 import RECIPE
from ModicGraderLib.recipes.damopoulos2019_views import (
    FIELD,
    SHAPE,
    augmented,
    ivd_volume,
    midsagittal,
    rescaled,
    without_border,
)
from ModicGraderLib.study import SpineStudy, Volume
from ModicGraderLib.training.labelled_study import DiscLabels, LabelledStudy

WIDTH, HEIGHT = 35.0, 9.0
DISC_GRAYS = (200 / 400 * 255, 350 / 400 * 255)
"""Half-way to the gray of the vertebrae and to that of the canal."""


@pytest.fixture(scope="module")
def painted() -> LabelledStudy:
    """A spine of boxes on three slices of T1 and one of T2, whose pixels are of different size."""
    boxes = spine_boxes(6, width=WIDTH, height=HEIGHT)
    t1 = painted_volume(boxes, sagittal_grid(3, (4.0, 0.7), (400, 180)), "t1")
    t2 = painted_volume(boxes, sagittal_grid(1, (4.0, 0.6), (470, 200)), "t2")
    discs = tuple(reversed(true_discs(boxes)))
    labels = {"L4/L5": DiscLabels(modic="II")}
    return LabelledStudy("s", "p", SpineStudy(t1, t2), discs, np.zeros(t2.array.shape, np.uint8), labels=labels)


def test_a_study_is_cut_into_the_six_graded_discs_of_which_one_is_labelled(painted):
    samples = RECIPE.cut(painted)
    assert [one.level for one in samples] == ["T12/L1", "L1/L2", "L2/L3", "L3/L4", "L4/L5", "L5/S1"]
    assert [one.labels.modic for one in samples] == [None] * 4 + ["II", None]
    assert samples[0].arrays["regions"].shape == (2, 5, *FIELD) and samples[0].arrays["regions"].dtype == np.uint8
    assert samples[0].arrays["slices"].tolist() == [3, 1]


def test_a_region_is_1_7_disc_widths_wide_twice_as_wide_as_high_and_parallel_to_the_disc(painted):
    assert SHAPE[1] == 2 * SHAPE[0] == 224
    # All but L5/S1, of which the painted vertebrae hide a wedge; L4/L5 is tilted by 16 degrees.
    for sample in RECIPE.cut(painted)[:-1]:
        for contrast in without_border(torch.from_numpy(sample.arrays["regions"])):
            disc = ((contrast[2] > DISC_GRAYS[0]) & (contrast[2] < DISC_GRAYS[1])).numpy()[30:-30]
            assert np.nonzero(disc[:, 60:-60])[0].mean() + 30 == pytest.approx(55.5, abs=1.5)
            assert disc[26].sum() == pytest.approx(SHAPE[1] / 1.7, abs=4)
            assert disc[:, 112].sum() == pytest.approx(SHAPE[1] / 1.7 * HEIGHT / WIDTH, abs=4)
            # The disc's own middle line, which would be tilted by its lordosis in a region that did not turn with it.
            columns = range(60, 164)
            middles = [np.nonzero(disc[:, column])[0].mean() for column in columns]
            assert np.polyfit(columns, middles, 1)[0] == pytest.approx(0, abs=np.tan(np.radians(3)))


def numbered(slices: int) -> Volume:
    grid = sagittal_grid(slices, (4.0, 1.0), (200, 120))
    return Volume(
        np.arange(slices, dtype=np.float32)[:, None, None] * 10 + np.zeros(grid.shape[1:], np.float32),
        grid.affine,
        "t1",
    )


@pytest.mark.parametrize(
    ("slices", "middle", "seen"),
    [(9, 4, [20, 30, 40, 50, 60]), (9, 0, [0, 0, 0, 10, 20]), (3, 1, [0, 0, 10, 20, 20]), (1, 0, [0] * 5)],
)
def test_five_slices_lie_about_the_midsagittal_one_and_missing_ones_repeat_the_outermost(slices, middle, seen):
    disc = true_discs(spine_boxes())[3]
    volume = ivd_volume(numbered(slices), disc, middle)
    assert volume.shape == (5, *FIELD)
    assert volume[:, FIELD[0] // 2, FIELD[1] // 2].tolist() == seen


def test_all_slices_share_center_and_orientation_also_of_a_disc_that_leans_sideways():
    leaning = true_discs(spine_boxes(scoliosis_degrees=15))[0]
    assert abs(leaning.normal[0]) > 0.2
    grid = sagittal_grid(9, (4.0, 1.0), (260, 160))
    picture = np.random.default_rng(0).random(grid.shape[1:], np.float32) * 255
    volume = Volume(np.repeat(picture[None], 9, axis=0), grid.affine, "t2")
    regions = ivd_volume(volume, leaning, 4)
    assert regions.std() > 10
    assert np.array_equal(regions, np.repeat(regions[:1], 5, axis=0))


def test_the_midsagittal_slice_is_that_of_most_discs():
    first, *others = true_discs(spine_boxes())
    # Slices are 4 mm apart: all but one disc lie two beside the middle one, and one far on its other side.
    left = np.array([1.0, 0, 0])
    discs = [replace(disc, center=disc.center + 8 * left) for disc in others]
    discs.append(replace(first, center=first.center - 16 * left))
    beside = numbered(9).to_index(discs[0].center)[0]
    assert abs(beside - 4) == pytest.approx(2)
    assert midsagittal(numbered(9), discs) == round(beside)
    assert midsagittal(numbered(1), discs) == 0


def test_gray_values_reach_from_0_to_255_but_for_half_a_percent_at_either_end():
    array = np.arange(1000, dtype=np.float32).reshape(10, 10, 10) * 3 + 50
    out = rescaled(Volume(array, np.eye(4), "t1")).array
    assert (out.min(), out.max()) == (0, 255)
    assert (out == 0).sum() == (out == 255).sum() == 5
    assert np.diff(out.ravel()[10:-10]) == pytest.approx(255 / 989.01, rel=1e-3)
    assert np.all(rescaled(Volume(np.zeros((1, 4, 4), np.float32), np.eye(4), "t1")).array == 0)


def test_a_study_of_one_contrast_cannot_be_used(painted):
    for missing in ("t1", "t2"):
        volumes = {"t1": painted.study.t1, "t2": painted.study.t2, missing: None}
        assert RECIPE.cut(LabelledStudy("s", "p", SpineStudy(**volumes), painted.discs, painted.spine)) == []


# Augmentation (3.4).


def ramps() -> torch.Tensor:
    """Regions (1, 2, 5, *FIELD) in which every slice of both contrasts is another, smooth in rows and columns."""
    rows, columns = torch.meshgrid(torch.arange(FIELD[0]) - 93.5, torch.arange(FIELD[1]) - 154.5, indexing="ij")
    number = torch.arange(10.0).view(1, 2, 5, 1, 1)
    return 1000 * number + 2 * rows + columns


def drawing(monkeypatch, *, turn=0.5, scale=0.5, shift=(0.5, 0.5), swap=0.9, mirror=0.9):
    """Instead of drawing by lot, take these numbers from [0, 1), in the order in which they are drawn."""
    lots = iter([turn, scale, *shift, *((mirror,) if mirror < 0.5 else ()), swap])
    monkeypatch.setattr(torch, "rand", lambda count: torch.full((count,), next(lots)))


def test_augmentation_that_draws_the_middle_of_every_range_changes_nothing(monkeypatch):
    drawing(monkeypatch)
    assert torch.allclose(augmented(ramps()), without_border(ramps()), atol=0.1)


def test_half_of_the_discs_have_their_slices_in_reverse_in_both_contrasts(monkeypatch):
    drawing(monkeypatch, swap=0.1)
    assert torch.allclose(augmented(ramps()), without_border(ramps()).flip(2), atol=0.1)


def test_front_and_back_are_mirrored_only_where_that_is_asked_for(monkeypatch):
    drawing(monkeypatch, mirror=0.1)
    assert torch.allclose(augmented(ramps(), mirror=True), without_border(ramps()).flip(4), atol=0.1)
    assert RECIPE.mirror is False


@pytest.mark.parametrize("edge", [0.0, 1.0])
def test_regions_are_scaled_turned_and_shifted_by_the_papers_amounts(monkeypatch, edge):
    sign = 2 * edge - 1
    # 2 rows + columns: its slope along the picture's columns and rows tells scale and angle, its middle the shift.
    for lots, slope_columns, slope_rows, middle in (
        ({"scale": edge}, 1 / (1 + 0.2 * sign), 2 / (1 + 0.2 * sign), 0.0),
        ({"shift": (edge, 0.5)}, 1.0, 2.0, 5.0 * sign),
        ({"shift": (0.5, edge)}, 1.0, 2.0, 10.0 * sign),
        (
            {"turn": edge},
            np.cos(np.radians(7.5)) + 2 * sign * np.sin(np.radians(7.5)),
            2 * np.cos(np.radians(7.5)) - sign * np.sin(np.radians(7.5)),
            0.0,
        ),
    ):
        drawing(monkeypatch, **lots)
        picture = augmented(ramps())[0, 0, 0].double()
        assert picture.diff(dim=1).mean().item() == pytest.approx(slope_columns, abs=1e-3)
        assert picture.diff(dim=0).mean().item() == pytest.approx(slope_rows, abs=1e-3)
        assert picture.mean().item() == pytest.approx(middle, abs=1e-2)


@given(seed=st.integers(0, 2**16))
@settings(max_examples=5, deadline=None)
def test_no_augmentation_looks_beyond_what_was_cut_out(seed):
    torch.manual_seed(seed)
    assert torch.allclose(augmented(torch.ones(4, 2, 5, *FIELD)), torch.ones(4, 2, 5, *SHAPE), atol=1e-5)


def test_the_farthest_augmentation_still_looks_at_what_was_cut_out(monkeypatch):
    for turn in (0.0, 1.0):
        for shift in ((0.0, 0.0), (0.0, 1.0), (1.0, 0.0), (1.0, 1.0)):
            drawing(monkeypatch, turn=turn, scale=0.0, shift=shift)
            assert augmented(torch.ones(1, 2, 5, *FIELD)).min() > 0.999


def test_every_disc_of_a_batch_has_a_draw_of_its_own_and_its_contrasts_have_the_same():
    torch.manual_seed(0)
    picture = torch.rand(1, 1, 1, *FIELD).expand(2, 2, 5, -1, -1)
    first, second = augmented(picture)
    assert not torch.allclose(first, second, atol=0.05)
    assert torch.allclose(first, first[:1, :1].expand_as(first))
    assert views.SWAP == views.MIRROR == 0.5
