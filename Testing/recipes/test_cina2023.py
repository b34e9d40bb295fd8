"""Cina 2023 as a recipe: twin 3D ResNets, four normalizations, folds, metrics, and both networks together."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from monai.networks.nets import resnet18
from painted_spine import painted_volume, sagittal_grid, spine_boxes, true_discs
from skimage.exposure import equalize_adapthist
from sklearn.metrics import balanced_accuracy_score, f1_score
from torch import nn

from ModicGraderLib.anatomy import GRADED_DISCS
from ModicGraderLib.errors import InputError
from ModicGraderLib.evaluation import metrics
from ModicGraderLib.evaluation.metrics import confusion
from ModicGraderLib.recipes import cina2023 as recipe
from ModicGraderLib.recipes import cina2023_classifier as classifier
from ModicGraderLib.recipes.cina2023 import RECIPE
from ModicGraderLib.recipes.cina2023_classifier import (
    CLASSES,
    NORMALIZATIONS,
    Discs,
    TwinResNet,
    cut,
    disc_region,
    loss,
    train_classifier,
    without_stop_part,
)
from ModicGraderLib.recipes.cina2023_detector import Found, build_detector, disc_boxes
from ModicGraderLib.recipes.cina2023_tables import COLUMNS, ROWS, folds_of, scores
from ModicGraderLib.recipes.recipe import Plan, Run
from ModicGraderLib.recipes.vision import torchvision
from ModicGraderLib.study import SpineStudy, Volume
from ModicGraderLib.training.labelled_study import DiscLabels, LabelledStudy
from ModicGraderLib.training.samples import Sample

backbone_utils = torchvision.models.detection.backbone_utils

# The network (2.2).


def resnet18_weights() -> int:
    """Of a 3D ResNet-18 whose shortcuts have none (Med3D's type A) and without a last layer, counted by hand."""
    widths = (64, 64, 128, 256, 512)
    convolutions = 7**3 * 64 + sum(
        27 * (before * own + 3 * own**2) for before, own in zip(widths, widths[1:], strict=False)
    )
    return convolutions + 2 * 64 + sum(4 * 2 * own for own in widths[1:])


def test_two_resnets_with_weights_of_their_own_lead_to_1024_features_and_three_classes():
    network = TwinResNet()
    assert all(sum(one.numel() for one in part.parameters()) == resnet18_weights() for part in (network.t1, network.t2))
    assert not {id(one) for one in network.t1.parameters()} & {id(one) for one in network.t2.parameters()}
    assert (network.head.in_features, network.head.out_features) == (1024, 3)
    for part in (network.t1, network.t2):
        assert (part.conv1.in_channels, part.conv1.kernel_size, part.conv1.stride) == (1, (7, 7, 7), (1, 2, 2))


def test_either_resnet_reads_its_own_contrast():
    network = TwinResNet().eval()
    nn.init.zeros_(network.head.weight[:, :512].detach())
    regions = torch.rand(3, 1, 1, 5, 32, 32)
    with torch.no_grad():
        first, other_t1, other_t2 = (network(regions[t1], regions[t2]) for t1, t2 in ((0, 0), (1, 0), (0, 2)))
    assert first.shape == (1, 3) and torch.equal(first, other_t1) and not torch.equal(first, other_t2)


def test_med3d_weights_fill_both_resnets(tmp_path):
    given = resnet18(spatial_dims=3, n_input_channels=1, feed_forward=False, shortcut_type="A").state_dict()
    torch.save({"state_dict": {f"module.{name}": tensor for name, tensor in given.items()}}, tmp_path / "med3d.pth")
    network = TwinResNet(tmp_path / "med3d.pth")
    for part in (network.t1, network.t2):
        assert all(torch.equal(tensor, given[name]) for name, tensor in part.state_dict().items())


def test_weights_go_to_the_network_that_they_are_for(tmp_path):
    torch.save({"conv1.weight": torch.zeros(64, 1, 7, 7, 7)}, tmp_path / "med3d.pth")
    torch.save({"conv1.weight": torch.zeros(64, 3, 7, 7)}, tmp_path / "resnet50.pth")
    for name, is_3d in (("med3d.pth", True), ("resnet50.pth", False)):
        run = Run(tmp_path, RECIPE.plans["smoke"], "smoke", pretrained=tmp_path / name)
        assert recipe._pretrained(run, three_dimensional=is_3d) == tmp_path / name
        assert recipe._pretrained(run, three_dimensional=not is_3d) is None


def test_the_loss_is_the_cross_entropy_without_weights():
    logits = torch.log(torch.tensor([[0.7, 0.2, 0.1], [0.5, 0.25, 0.25], [0.1, 0.1, 0.8]]))
    batch = {"t1": torch.zeros(3), "t2": torch.zeros(3), "target": torch.tensor([0, 1, 2])}
    value = loss(lambda t1, t2: logits, batch)
    assert value.item() == pytest.approx(-(np.log(0.7) + np.log(0.25) + np.log(0.8)) / 3, abs=1e-6)


# Normalizations (2.3).


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


# What is cut (2.2).


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


# Folds (2.1) and metrics (2.3).


def cohort(patients: int, seed: int = 0) -> Discs:
    """Discs without pictures, 80 : 5 : 15."""
    classes = np.random.default_rng(seed).permutation(np.repeat(CLASSES, np.array([16, 1, 3]) * patients * 6 // 20))
    classes = [*classes, *["0"] * (patients * 6 - len(classes))]
    samples = [
        Sample(f"s{number // 6}", f"p{number // 6}", GRADED_DISCS[number % 6], DiscLabels(modic=str(one)), {})
        for number, one in enumerate(classes)
    ]
    return Discs(samples, {})


@pytest.mark.parametrize("by_disc", [False, True])
def test_ten_times_five_folds_measure_every_disc_ten_times_and_keep_the_mix(by_disc):
    discs = cohort(152)
    folds = folds_of(discs, by_disc, seed=0)
    assert len(folds) == 50 and len(discs) == 912
    assert (np.bincount(np.concatenate(folds)) == 10).all()
    for repeat in range(10):
        assert sorted(np.concatenate(folds[5 * repeat : 5 * repeat + 5])) == list(range(912))
    if by_disc:
        assert {len(fold) for fold in folds} == {182, 183}, "730 to train on and 182 to measure, as in the paper"
    shares = np.array([np.bincount(discs.targets[fold], minlength=3) / len(fold) for fold in folds])
    assert abs(shares - np.bincount(discs.targets) / 912).max() < (0.01 if by_disc else 0.03)
    assert any(sorted(folds[0]) != sorted(other) for other in folds[5:]), "repeats differ"


def test_folds_by_patient_keep_patients_whole_and_folds_by_disc_leak():
    discs = cohort(40)
    patients = np.array(discs.patients)
    for by_disc in (False, True):
        shared = [set(patients[fold]) & set(np.delete(patients, fold)) for fold in folds_of(discs, by_disc, seed=1)]
        assert all(bool(some) == by_disc for some in shared)


def test_the_discs_that_stop_training_are_of_other_patients():
    learned, stop = without_stop_part(cohort(40), seed=0)
    assert len(stop) == 30 and len(learned) == 210 and not set(stop.patients) & set(learned.patients)


@settings(max_examples=50, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 2), st.integers(0, 2)), max_size=30))
def test_scores_are_those_of_scikit_learn(pairs):
    truth, called = np.array([*pairs, (0, 0), (1, 0), (2, 2)]).T
    ours = scores(confusion(truth, called, 3))
    assert ours[3] == pytest.approx(balanced_accuracy_score(truth, called))
    assert ours[4] == pytest.approx(f1_score(truth, called, average="macro", zero_division=0))
    assert ours[5] == pytest.approx(f1_score(truth, called, average="weighted", zero_division=0))
    assert ours[:3] == pytest.approx([(called[truth == one] == one).mean() for one in range(3)])


def test_scores_of_a_fold_without_a_class_tell_what_can_be_told():
    ours = scores(np.array([[3, 0, 1], [0, 0, 0], [1, 0, 1]]))
    assert np.isnan(ours[[1, 3, 4]]).all()
    assert ours[[0, 2]] == pytest.approx([0.75, 0.5]) and ours[5] == pytest.approx((4 * 0.75 + 2 * 0.5) / 6)


def test_the_papers_balanced_accuracies_are_means_of_its_sensitivities_but_for_standardization():
    for heading in ("No normalization", "CLAHE", "Gamma correction"):
        assert np.mean(ROWS[heading].paper[:3]) == pytest.approx(ROWS[heading].paper[3], abs=0.01)
    assert np.mean(ROWS["Standardization"].paper[:3]) == pytest.approx(0.82)
    assert ROWS["Standardization"].paper[3] == 0.80


def test_no_calls_with_the_papers_sensitivities_and_mix_give_its_f1_score():
    counts = np.array([730, 46, 136])
    hits = np.round(counts * ROWS["Standardization"].paper[:3]).astype(int)
    wrong = counts - hits
    best = max(
        scores(np.array([[hits[0], a, wrong[0] - a], [b, hits[1], wrong[1] - b], [c, wrong[2] - c, hits[2]]]))[5]
        for a in range(wrong[0] + 1)
        for b in range(wrong[1] + 1)
        for c in (0, wrong[2])
    )
    assert best < 0.875 < ROWS["Standardization"].paper[5]


def test_the_plans_and_the_cohort_are_the_papers():
    assert RECIPE.cohort.patients * 6 == 912 and sum(RECIPE.cohort.mix.values()) == pytest.approx(1)
    assert RECIPE.plans["full"].studies is None and RECIPE.plans["full"].folds is None
    assert RECIPE.variants[0] == "standardization" and set(RECIPE.variants) == {
        "none",
        "standardization",
        "clahe",
        "gamma",
    }


# Learning and answering.


@pytest.fixture
def small(monkeypatch):
    """Networks an eighth as wide on regions of 32 x 32."""
    monkeypatch.setattr(classifier, "REGION", (32, 32))
    monkeypatch.setattr(classifier, "FEATURES", 64)
    monkeypatch.setattr(classifier, "resnet18", partial(resnet18, widen_factor=1 / 8))


def drawn_samples(patients: int) -> list[Sample]:
    """Type I is dark on T1 and bright on T2, type II bright on T1; other discs are gray."""
    random, samples = np.random.default_rng(0), []
    top = 4 + 16 * np.arange(6)
    boxes = np.stack([np.full(6, 8), top, np.full(6, 40), top + 14], axis=1).astype(np.float32)
    corners = np.stack([boxes[:, [1, 0]], boxes[:, [1, 2]], boxes[:, [3, 0]], boxes[:, [3, 2]]], 1)
    for number in range(patients):
        pictures = {name: random.normal(100, 5, (5, 104, 48)).astype(np.float32) for name in ("t1", "t2")}
        classes = [CLASSES[(number + level) % 3] for level in range(6)]
        for row, one in zip(top, classes, strict=True):
            pictures["t1"][:, row : row + 7, 10:38] += {"0": 0, "I": -60, "II": 60}[one]
            pictures["t2"][:, row : row + 7, 10:38] += {"0": 0, "I": 60, "II": 20}[one]
        arrays = {**pictures, "corners": corners, "levels": np.arange(6)}
        samples.append(Sample(f"s{number}", f"p{number}", "", DiscLabels(), arrays))
        samples += [
            Sample(f"s{number}", f"p{number}", level, DiscLabels(modic=one), {"box": box})
            for level, one, box in zip(GRADED_DISCS, classes, boxes, strict=True)
        ]
    return samples


def test_the_classifier_learns_what_it_is_shown(small, tmp_path):
    discs = Discs.of(drawn_samples(10))
    learned, stop = without_stop_part(discs, seed=0)
    network = train_classifier(learned, stop, tmp_path, normalization="standardization", epochs=12, seed=0)
    called = classifier.class_probabilities(network, stop, "standardization").argmax(1)
    assert (called == stop.targets).mean() > 0.8


def test_discs_of_other_grades_and_excluded_ones_are_not_learned_from():
    samples = drawn_samples(1)
    samples[1] = replace(samples[1], labels=DiscLabels(modic="III"))
    samples[2] = replace(samples[2], labels=DiscLabels(modic="I", excluded="fracture"))
    samples[3] = replace(samples[3], labels=DiscLabels())
    assert [one.level for one in Discs.of(samples).learnable().samples] == list(GRADED_DISCS[3:])


def test_a_disc_is_read_in_the_box_found_for_its_level_or_else_in_its_own(monkeypatch):
    samples = drawn_samples(1)
    box = np.array([1.0, 2, 30, 40], np.float32)
    monkeypatch.setattr(recipe, "detect", lambda network, whole: [{"L3/L4": Found(box, 0.9)}])
    moved, count = recipe._in_found_boxes(Discs.of(samples), None, samples[:1])
    assert count == 1
    for one, original in zip(moved.samples, samples[1:], strict=True):
        assert np.array_equal(one.arrays["box"], box if one.level == "L3/L4" else original.arrays["box"])


def test_folds_train_on_other_patients_and_stop_on_others_still_but_as_published(small, monkeypatch, tmp_path):
    discs, seen = Discs.of(drawn_samples(12)), {}

    def remembered(learned, stop, folder, *, normalization, **settings):
        seen[folder.parent.name] = (learned, stop, normalization)
        folder.mkdir(parents=True)
        (folder / "classifier.safetensors").touch()
        return TwinResNet().eval()

    monkeypatch.setattr(recipe, "train_classifier", remembered)
    measured = {}
    for row in ROWS.values():
        rows = folds_of(discs, row.by_disc, 0)[0]
        called = recipe._called_in_fold(discs, rows, row, 0, Run(tmp_path, Plan(None, 1, 1), "smoke"))
        assert called.shape == rows.shape
        measured[next(reversed(seen))] = discs[rows]
    assert {one[2] for one in seen.values()} == set(NORMALIZATIONS) and len(seen) == 6
    for kind, (learned, stop, _) in seen.items():
        is_leaky = "by-disc" in kind
        assert bool(set(learned.patients) & set(measured[kind].patients)) == is_leaky
        if not is_leaky:
            assert not set(stop.patients) & set(measured[kind].patients)
    as_published = "standardization-by-disc-as-published"
    assert seen[as_published][1].samples == measured[as_published].samples


def test_a_smoke_run_trains_answers_and_fills_the_three_tables(small, monkeypatch, tmp_path):
    monkeypatch.setattr(metrics, "BOOTSTRAPS", 5)
    monkeypatch.setattr(recipe, "DETECTOR_EPOCHS", 1)
    backbone = backbone_utils.resnet_fpn_backbone
    monkeypatch.setattr(
        backbone_utils, "resnet_fpn_backbone", lambda **given: backbone(**{**given, "backbone_name": "resnet18"})
    )
    pool = torchvision.ops.MultiScaleRoIAlign(["0", "1", "2", "3"], output_size=2, sampling_ratio=2)
    few = {"box_roi_pool": pool, "rpn_post_nms_top_n_train": 20, "rpn_post_nms_top_n_test": 20}
    monkeypatch.setattr(recipe, "build_detector", partial(build_detector, 64, **few))
    samples = drawn_samples(6)
    run = Run(tmp_path, Plan(6, 1, 1), "smoke", variant="gamma")
    RECIPE.fit(samples, run)
    answers = RECIPE.answer(samples, run)
    assert [one.level for one in answers if one.task == "modic"] == list(GRADED_DISCS) * 6
    for one in answers:
        assert sum(one.probabilities.values()) == pytest.approx(1) and one.answer in one.probabilities
    tables = RECIPE.reproduce(samples, run, "6 drawn patients")
    assert [table.title.split(":")[0] for table in tables] == ["Table 1", "Table 2", "End to end"]
    assert list(tables[1].rows) == list(ROWS) and tuple(tables[1].columns) == COLUMNS
    assert all(len(row) == len(table.columns) for table in tables for row in table.rows.values())
    assert tables[1].rows["Standardization"][0].paper_text == "0.83 (0.08)"
    assert all(table.budget == "smoke" and table.source == "6 drawn patients" for table in tables)
    assert not list(tmp_path.glob("**/fold-*/*.safetensors"))


@pytest.mark.parametrize(
    "call, said",
    [
        (lambda run: RECIPE.fit(drawn_samples(3), replace(run, variant="histogram")), "no variant histogram; choose"),
        (lambda run: RECIPE.answer(drawn_samples(1), run), "train cina2023 first"),
        (lambda run: RECIPE.fit(drawn_samples(1), run), "three patients at least"),
    ],
)
def test_what_cannot_be_done_is_said_with_its_mend(tmp_path, call, said):
    with pytest.raises(InputError, match=said):
        call(Run(tmp_path, Plan(1, 1, 1), "smoke"))
