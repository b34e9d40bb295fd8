"""Bassani 2023: from a disc to its picture."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from painted_spine import BODY_MM, painted_volume, sagittal_grid, spine_boxes, true_discs, true_labels

from ModicGraderLib.anatomy import GRADED_DISCS
from ModicGraderLib.recipes.bassani2023 import RECIPE
from ModicGraderLib.recipes.bassani2023_network import DiscPictures
from ModicGraderLib.recipes.bassani2023_region import body_heights, disc_picture, middle_slice, stretched
from ModicGraderLib.study import SpineStudy, Volume
from ModicGraderLib.training.labelled_study import DiscLabels, LabelledStudy
from ModicGraderLib.training.samples import Sample

WIDTH, HEIGHT = 35.0, 9.0
BOXES = spine_boxes(width=WIDTH, height=HEIGHT)
DISCS = tuple(reversed(true_discs(BOXES)))
GRID = sagittal_grid(3, (4.0, 0.5), (500, 240))
T2 = painted_volume(BOXES, GRID, "t2")
LABELS = true_labels(BOXES, GRID)


def study(t2: Volume | None = T2, labels: dict[str, DiscLabels] | None = None) -> LabelledStudy:
    return LabelledStudy(
        "s", "p", SpineStudy(None, t2) if t2 else SpineStudy(T2, None), DISCS, LABELS, None, labels or {}
    )


class TestPictures:
    def test_a_disc_is_seen_with_three_tenths_of_either_vertebra_and_padded_with_gray(self):
        pictures = {one.level: one.arrays["picture"] for one in RECIPE.cut(study())}
        assert set(pictures) == set(GRADED_DISCS)
        pixel_mm = WIDTH * 1.35 / 128
        rows = round((HEIGHT + 0.6 * BODY_MM) / pixel_mm)
        for picture in pictures.values():
            assert picture.shape == (128, 128)
            gray = (picture == 0.5).all(1)
            start = (128 - rows) // 2
            assert gray.tolist() == [not start <= row < start + rows for row in range(128)]

    def test_the_picture_keeps_its_aspect_with_the_front_to_the_left_and_the_canal_to_the_right(self):
        picture = {one.level: one.arrays["picture"] for one in RECIPE.cut(study())}["L3/L4"].astype(float)
        pixel_mm = WIDTH * 1.35 / 128
        # Painted grays of the stretched slice: the body 1/4, the disc 3/4, the canal 1, all else 0.
        column = picture[:, 64]
        disc = np.flatnonzero(abs(column - 0.75) < 0.06)
        assert len(disc) * pixel_mm == pytest.approx(HEIGHT, abs=1.2)
        for body in (column[: disc[0] - 2], column[disc[-1] + 3 :]):
            assert (abs(body - 0.25) < 0.03).sum() * pixel_mm == pytest.approx(0.3 * BODY_MM, abs=1.2)
        line = picture[64]
        across = np.flatnonzero(abs(line - 0.75) < 0.06)
        assert len(across) * pixel_mm == pytest.approx(WIDTH, abs=1.2)
        assert across[0] * pixel_mm == pytest.approx(0.05 * WIDTH, abs=1.0)
        assert (line[-18:] > 0.97).all()  # the painted canal begins 3 mm behind the disc

    def test_a_leaning_disc_looks_as_an_upright_one(self):
        upright, leaning = (
            {one.level: one.arrays["picture"].astype(float) for one in RECIPE.cut(study())}[level]
            for level in ("L2/L3", "L4/L5")
        )
        inner = np.s_[35:93, 10:90]
        assert abs(upright[inner] - leaning[inner]).mean() < 0.03

    def test_the_sacrum_is_taken_for_as_high_as_the_other_bodies(self):
        heights = body_heights(DISCS)
        assert set(heights) == {"L5", "L4", "L3", "L2", "L1"}
        assert list(heights.values()) == pytest.approx([BODY_MM] * 5)
        lowest, slice_ = DISCS[-1], middle_slice(T2, DISCS)
        given_it = disc_picture(slice_, lowest, {**heights, "S1": BODY_MM})
        assert np.array_equal(disc_picture(slice_, lowest, heights), given_it)
        assert not np.array_equal(disc_picture(slice_, lowest, {**heights, "S1": 2 * BODY_MM}), given_it)

    def test_what_lies_outside_the_slice_is_gray(self):
        cropped = Volume(T2.array[:, :, :110], T2.affine, "t2")
        assert (disc_picture(middle_slice(cropped, DISCS), DISCS[2], body_heights(DISCS))[64, -40:] == 0.5).all()

    def test_the_slice_is_that_through_the_discs(self):
        array = np.repeat(np.arange(3.0, dtype=np.float32)[:, None, None], 500, 1).repeat(240, 2)
        array[:, 0, 0] += 0.5
        shifted = Volume(array, T2.affine.copy(), "t2")
        shifted.affine[0, 3] -= 4.0
        chosen = middle_slice(shifted, DISCS)
        assert chosen.array.shape == (1, 500, 240)
        assert chosen.to_patient([0, 7, 9]) == pytest.approx(shifted.to_patient([2, 7, 9]))

    @given(st.integers(0, 2**32 - 1))
    @settings(max_examples=20)
    def test_one_percent_of_the_pixels_is_saturated_at_either_end(self, seed):
        random = np.random.default_rng(seed)
        values = random.gamma(2.0, 300.0, (50, 40)).astype(np.float32)
        out = stretched(values)
        assert out.min() == 0 and out.max() == 1
        assert (out == 0).mean() == pytest.approx(0.01, abs=0.002)
        assert (out == 1).mean() == pytest.approx(0.01, abs=0.002)
        order = values.ravel().argsort()
        assert (np.diff(out.ravel()[order]) >= 0).all()

    def test_without_t2_there_is_nothing_to_see_and_an_age_is_kept_where_it_is_known(self):
        assert RECIPE.cut(study(t2=None)) == []
        assert np.isnan(RECIPE.cut(study())[0].arrays["age_years"])
        aged = RECIPE.cut(study(Volume(T2.array, T2.affine, "t2", {"age_years": 61.5})))
        assert [float(one.arrays["age_years"]) for one in aged] == [61.5] * 6

    def test_augmented_pictures_are_flipped_upside_down_only(self):
        picture = np.full((128, 128), 0.5, np.float16)
        picture[20:40, 20:40] = 1.0
        one = Sample("s", "p", "L4/L5", DiscLabels(), {"picture": picture, "age_years": np.float32(1)})
        pictures = DiscPictures([one], np.array([3]), augmented=True)
        torch.manual_seed(0)
        places = []
        for _ in range(40):
            item = pictures[0]
            assert item["target"] == 3
            row, column = np.argwhere(item["picture"][0].numpy() > 0.9).mean(0)
            places.append((row > 64, column > 64))
        assert {upside_down for upside_down, _ in places} == {False, True}
        assert not any(mirrored for _, mirrored in places)
        plain = DiscPictures([one], np.array([3]), augmented=False)[0]["picture"]
        assert np.array_equal(plain[0].numpy(), picture.astype(np.float32))
