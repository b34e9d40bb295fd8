"""Gao 2022: what is cut from a study, and the patches that the networks see."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from gao_samples import BOXES, DISCS, drawn_study
from painted_spine import painted_volume, sagittal_grid, spine_boxes, true_discs, true_labels

from ModicGraderLib.anatomy import GRADED_DISCS, vertebra_label
from ModicGraderLib.io.alignment import moved
from ModicGraderLib.mapping.marrow import BODY_LABELS
from ModicGraderLib.recipes import gao2022
from ModicGraderLib.recipes.gao2022 import RECIPE
from ModicGraderLib.recipes.gao2022_patches import PATCH, Patches, images_and_masks
from ModicGraderLib.study import SpineStudy, Volume
from ModicGraderLib.training.labelled_study import LabelledStudy


@pytest.fixture(autouse=True)
def _in_place(monkeypatch):
    # Drawn volumes lie where their geometry says.
    monkeypatch.setattr(gao2022, "align", lambda t1, t2: (t1, None, ()))


def test_both_contrasts_and_the_truth_come_onto_the_grid_of_t1_by_their_place_in_the_patient():
    t1_grid, t2_grid = sagittal_grid(3, (5.0, 0.9), (300, 180)), sagittal_grid(5, (4.0, 1.4), (200, 130))
    t2_grid.affine[:3, 3] += (0.5, -7.0, 4.0)
    t1, t2 = painted_volume(BOXES, t1_grid, "t1"), painted_volume(BOXES, t2_grid, "t2")
    spine = true_labels(BOXES, t2_grid)
    changes = (spine == vertebra_label("L3")).astype(np.uint8)
    whole, *discs = RECIPE.cut(LabelledStudy("one", "one", SpineStudy(t1, t2), DISCS, spine, changes))
    assert whole.arrays["t1"].shape == (3, *gao2022.FIELD)
    assert np.allclose(np.linalg.norm(whole.arrays["affine"][:3, :3], axis=0), (5, 1, 1))
    inside = whole.arrays["t2"] > 0
    assert np.corrcoef(whole.arrays["t1"][inside], whole.arrays["t2"][inside])[0, 1] > 0.95
    truth = true_labels(BOXES, Volume(whole.arrays["t1"], whole.arrays["affine"], "t1").grid)
    assert (whole.arrays["bodies"] != np.isin(truth, BODY_LABELS)).mean() < 0.02
    assert whole.arrays["changes"][truth == vertebra_label("L3")].mean() > 0.9
    assert [one.level for one in discs] == list(GRADED_DISCS)


def test_where_t1_is_moved_onto_t2_the_truth_on_t2_comes_along(monkeypatch):
    study, shift = drawn_study(slices=1), np.array([0.0, 9.0, -6.0])
    misplaced = replace(study, study=replace(study.study, t1=moved(study.study.t1, -shift)))
    right = RECIPE.cut(study)[0].arrays
    monkeypatch.setattr(gao2022, "align", lambda t1, t2: (moved(t1, shift), None, ()))
    mended = RECIPE.cut(misplaced)[0].arrays
    for name in ("t1", "t2", "bodies", "changes", "affine"):
        assert np.allclose(right[name], mended[name], atol=1e-2), name


def test_the_field_of_view_holds_all_bodies_from_t12_to_s1_and_every_slice():
    study = drawn_study(slices=7)
    whole = RECIPE.cut(study)[0]
    volume = np.isin(study.spine, BODY_LABELS).sum() * 1.5**2
    assert whole.arrays["bodies"].sum() == pytest.approx(volume, rel=0.02)


def test_discs_above_the_lumbar_ones_do_not_move_the_field_of_view():
    boxes = spine_boxes(8)
    discs, grid = list(reversed(true_discs(boxes))), sagittal_grid(1, (4.0, 1.5), (220, 110))
    t1 = Volume(np.zeros(grid.shape, np.float32), grid.affine, "t1")
    graded = [disc for disc in discs if disc.level in GRADED_DISCS]
    assert len(discs) == 8 and len(graded) == 6
    assert np.allclose(gao2022.field_of_view(t1, discs).affine, gao2022.field_of_view(t1, graded).affine)


def test_thin_slices_are_thinned_out():
    grid = sagittal_grid(30, (1.0, 1.5), (170, 110))
    t1 = Volume(np.zeros(grid.shape, np.float32), grid.affine, "t1")
    assert gao2022.field_of_view(t1, DISCS).shape[0] in (15, 10)


@pytest.mark.parametrize("lacking", ["t1", "t2", "plain t2"])
def test_a_study_without_both_plain_contrasts_gives_no_samples(lacking):
    study = drawn_study(slices=1)
    both = study.study
    changed = {
        "t1": replace(both, t1=None),
        "t2": replace(both, t2=None),
        "plain t2": replace(both, t2=replace(both.t2, contrast="t2_fat_suppressed")),
    }[lacking]
    assert RECIPE.cut(replace(study, study=changed)) == []


def test_patches_are_cut_about_changes_as_often_as_about_bodies():
    study = drawn_study(slices=3, level="L1/L2")
    whole = RECIPE.cut(study)[0]
    patches = Patches([whole])
    torch.manual_seed(0)
    seen = [float(patches[0]["masks"][1].sum()) > 0 for _ in range(20)]
    # Without weights fewer than a third of patches about bodies would reach this high change.
    assert np.mean(seen) > 0.5
    item = patches[0]
    assert item["images"].shape == item["masks"].shape == (2, 3, *PATCH[1:])
    assert set(np.unique(item["masks"])) <= {0, 1}


def test_images_and_masks_of_a_patch_are_turned_alike():
    whole = RECIPE.cut(drawn_study(slices=3))[0]
    torch.manual_seed(3)
    item = Patches([whole])[0]
    bodies = item["masks"][0] > 0
    t1 = item["images"][0]
    assert t1[bodies].mean() - t1[~bodies].mean() > 1.0
    right = ((t1 > (t1[bodies].mean() + t1[~bodies].mean()) / 2) == bodies).float().mean()
    assert right > 0.93


def test_the_same_seed_cuts_the_same_patch_and_another_one_another():
    patches = Patches([RECIPE.cut(drawn_study(slices=2))[0]])
    drawn = []
    for seed in (0, 0, 1):
        torch.manual_seed(seed)
        drawn.append(patches[0]["images"])
    assert torch.equal(drawn[0], drawn[1]) and not torch.equal(drawn[0], drawn[2])


def test_a_single_slice_gives_patches_of_one_slice():
    item = Patches([RECIPE.cut(drawn_study(slices=1))[0]])[0]
    assert item["images"].shape == (2, 1, *PATCH[1:])


def test_images_are_standardized_and_masks_binary():
    arrays = images_and_masks(RECIPE.cut(drawn_study(slices=2, change="III"))[0])
    assert np.allclose(arrays["images"].mean((1, 2, 3)), 0, atol=1e-4)
    assert np.allclose(arrays["images"].std((1, 2, 3)), 1, atol=1e-3)
    assert set(np.unique(arrays["masks"])) == {0, 1}
