"""Cina 2023: learning, answering, and both networks together."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import numpy as np
import pytest
import torch
from monai.networks.nets import resnet18

from ModicGraderLib.anatomy import GRADED_DISCS
from ModicGraderLib.errors import InputError
from ModicGraderLib.evaluation import metrics
from ModicGraderLib.recipes import cina2023 as recipe
from ModicGraderLib.recipes import cina2023_classifier as classifier
from ModicGraderLib.recipes.cina2023 import RECIPE
from ModicGraderLib.recipes.cina2023_classifier import (
    CLASSES,
    NORMALIZATIONS,
    Discs,
    TwinResNet,
    train_classifier,
    without_stop_part,
)
from ModicGraderLib.recipes.cina2023_detector import Found, build_detector
from ModicGraderLib.recipes.cina2023_tables import COLUMNS, ROWS, folds_of
from ModicGraderLib.recipes.recipe import Plan, Run
from ModicGraderLib.recipes.vision import torchvision
from ModicGraderLib.training.labelled_study import DiscLabels
from ModicGraderLib.training.samples import Sample

backbone_utils = torchvision.models.detection.backbone_utils


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


def test_discs_of_other_grades_are_not_learned_from_and_what_bassani_excludes_is():
    samples = drawn_samples(1)
    samples[1] = replace(samples[1], labels=DiscLabels(modic="III"))
    samples[2] = replace(samples[2], labels=DiscLabels(modic="I", excluded="fracture"))
    samples[3] = replace(samples[3], labels=DiscLabels())
    assert [one.level for one in Discs.of(samples).learnable().samples] == [GRADED_DISCS[1], *GRADED_DISCS[3:]]


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


def test_both_networks_are_measured_on_patients_whom_neither_has_seen_and_in_the_boxes_found(monkeypatch, tmp_path):
    seen, read = {}, []

    def classifier_of(learned, stop, normalization, folder, run):
        seen[folder.name] = {*learned.patients, *stop.patients}

    def probabilities(network, discs, normalization):
        read.append(discs)
        return np.tile([1.0, 0, 0], (len(discs), 1))

    def detector_of(whole, folder, run):
        seen["detector"] = {one.patient for one in whole}

    box = np.array([1.0, 2, 30, 40], np.float32)
    monkeypatch.setattr(recipe, "_fitted_detector", detector_of)
    monkeypatch.setattr(recipe, "_fitted_classifier", classifier_of)
    monkeypatch.setattr(recipe, "class_probabilities", probabilities)
    monkeypatch.setattr(recipe, "detect", lambda network, whole: [{"L3/L4": Found(box, 0.9)}] * len(whole))
    monkeypatch.setattr(recipe, "table_1", lambda network, unseen, *_: {one.patient for one in unseen})
    monkeypatch.setattr(recipe.Cina2023, "_table_2", lambda *_: None)
    unseen, _, together = RECIPE.reproduce(drawn_samples(10), Run(tmp_path, Plan(10, 1, 1), "smoke"), "drawn")
    assert len(unseen) == 2 and len(seen["detector"]) == 8
    assert not unseen & (seen["detector"] | seen["end-to-end"])
    given, found = read
    assert set(given.patients) == set(found.patients) == unseen
    assert [one.level for one in found.samples if np.array_equal(one.arrays["box"], box)] == ["L3/L4"] * 2
    assert list(together.rows) == ["Given boxes", "Boxes of the detector"]


def test_answers_are_read_in_the_boxes_of_the_detector(monkeypatch, tmp_path):
    samples, read = drawn_samples(1), []

    def probabilities(network, discs, normalization):
        read.extend(one.arrays["box"] for one in discs.samples)
        return np.tile([0.2, 0.5, 0.3], (len(discs), 1))

    box = np.array([1.0, 2, 30, 40], np.float32)
    monkeypatch.setattr(recipe, "_made", lambda path: path)
    monkeypatch.setattr(recipe, "load_file", lambda path: TwinResNet().state_dict())
    monkeypatch.setattr(recipe, "build_detector", lambda weights: torch.nn.Identity())
    monkeypatch.setattr(recipe, "detect", lambda network, whole: [dict.fromkeys(GRADED_DISCS, Found(box, 0.9))])
    monkeypatch.setattr(recipe, "class_probabilities", probabilities)
    answers = RECIPE.answer(samples, Run(tmp_path, Plan(1, 1, 1), "smoke"))
    assert len(read) == 6 and all(np.array_equal(one, box) for one in read)
    assert {one.answer for one in answers} == {"I", "True"}
    change = [one.probabilities["True"] for one in answers if one.task == "any_change"]
    assert change == pytest.approx([0.8] * 6)


def test_a_folder_gives_each_network_the_weights_of_its_axes(tmp_path):
    given = tmp_path / "weights"
    given.mkdir()
    run = Run(tmp_path, Plan(1, 1, 1), "smoke", pretrained=given)
    with pytest.raises(InputError, match=r"weights must hold one file of weights for the detector.* it has 0"):
        recipe._pretrained(run, three_dimensional=True)
    torch.save({"conv1.weight": torch.zeros(64, 1, 7, 7, 7)}, given / "med3d.pth")
    assert recipe._pretrained(run, three_dimensional=False) is None
    torch.save({"conv1.weight": torch.zeros(64, 3, 7, 7)}, given / "resnet50.pth")
    (given / "README.md").touch()
    assert recipe._pretrained(run, three_dimensional=True) == given / "med3d.pth"
    assert recipe._pretrained(run, three_dimensional=False) == given / "resnet50.pth"
    torch.save({"conv1.weight": torch.zeros(64, 3, 7, 7)}, given / "resnet101.pth")
    with pytest.raises(InputError, match="it has 3"):
        recipe._pretrained(run, three_dimensional=False)


def test_training_is_the_papers(monkeypatch, tmp_path):
    asked = []
    monkeypatch.setattr(classifier, "fit", lambda *_, **given: asked.append(given))
    monkeypatch.setattr(classifier, "TwinResNet", lambda pretrained: torch.nn.Linear(1, 1))
    discs = Discs.of(drawn_samples(2))
    train_classifier(discs, discs, tmp_path, normalization="none", epochs=100, seed=0)
    (given,) = asked
    assert isinstance(given["optimizer"], torch.optim.Adam) and given["optimizer"].defaults["lr"] == 1e-3
    assert (given["patience"], given["batch_size"], given["epochs"]) == (5, 16, 100)


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
