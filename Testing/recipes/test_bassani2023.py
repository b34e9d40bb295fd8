"""Bassani 2023 is built as it is published: pictures, network, calibration, splits, and the paper's own counts."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from painted_spine import BODY_MM, painted_volume, sagittal_grid, spine_boxes, true_discs, true_labels
from safetensors.torch import load_file, save_file
from scipy.special import expit, softmax
from sklearn.metrics import f1_score, precision_score, recall_score, roc_auc_score

from ModicGraderLib.anatomy import ENDPLATE_LESIONS, GRADED_DISCS
from ModicGraderLib.errors import InputError
from ModicGraderLib.recipes import bassani2023_network as network_part
from ModicGraderLib.recipes import bassani2023_tables as tables_part
from ModicGraderLib.recipes.bassani2023 import ANY_LESION, RECIPE, Discs
from ModicGraderLib.recipes.bassani2023_network import DiscPictures, EndplateNetwork, steps_at
from ModicGraderLib.recipes.bassani2023_region import body_heights, disc_picture, middle_slice, stretched
from ModicGraderLib.recipes.recipe import Plan, Run
from ModicGraderLib.recipes.vision import torchvision
from ModicGraderLib.study import SpineStudy, Volume
from ModicGraderLib.training.labelled_study import DiscLabels, LabelledStudy
from ModicGraderLib.training.samples import Sample

WIDTH, HEIGHT = 35.0, 9.0
BOXES = spine_boxes(width=WIDTH, height=HEIGHT)
DISCS = tuple(reversed(true_discs(BOXES)))
GRID = sagittal_grid(3, (4.0, 0.5), (500, 240))
T2 = painted_volume(BOXES, GRID, "t2")
LABELS = true_labels(BOXES, GRID)

PAPER_COUNTS = (567, 485, 362, 145)
"""Section 2.2."""


def study(t2: Volume | None = T2, labels: dict[str, DiscLabels] | None = None) -> LabelledStudy:
    return LabelledStudy(
        "s", "p", SpineStudy(None, t2) if t2 else SpineStudy(T2, None), DISCS, LABELS, None, labels or {}
    )


def sample(patient: str, lesion: str | None, level: str = "L4/L5", seed: int = 0, **known) -> Sample:
    """A disc of a gray that tells its lesion, with noise."""
    number = ENDPLATE_LESIONS.index(lesion) if lesion else 0
    picture = 0.2 * number + 0.1 * np.random.default_rng(seed).random((128, 128))
    arrays = {"picture": picture.astype(np.float16), "age_years": np.float32(45)}
    return Sample(patient, patient, level, DiscLabels(endplate_lesion=lesion, **known), arrays)


def cohort(patients: int) -> list[Sample]:
    """Two discs a patient, the second one normal."""
    return [
        sample(f"patient{number}", lesion, level, seed=2 * number + place)
        for number in range(patients)
        for place, (level, lesion) in enumerate((("L4/L5", ENDPLATE_LESIONS[number % 4]), ("L3/L4", "notched")))
    ]


def run_in(folder, **changes) -> Run:
    return replace(Run(folder, Plan(None, 1, 1), "smoke"), **changes)


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


class TestNetwork:
    def test_it_is_resnet18_with_four_outputs(self):
        network = EndplateNetwork(4).eval()
        assert sum(parameter.numel() for parameter in network.parameters()) == 11_178_564
        assert network(torch.rand(2, 1, 128, 128)).shape == (2, 4)
        theirs = torchvision.models.resnet18(weights=None).state_dict()
        ours = network.resnet.state_dict()
        assert {key for key in theirs if theirs[key].shape != ours[key].shape} == {"fc.weight", "fc.bias"}

    def test_a_gray_picture_stands_for_three_colors_in_the_scale_of_imagenet(self):
        network = EndplateNetwork(4).eval()
        colors = torch.stack([(torch.tensor(0.5) - m) / s for m, s in ((0.485, 0.229), (0.456, 0.224), (0.406, 0.225))])
        colors = colors[None, :, None, None].expand(1, 3, 128, 128)
        with torch.no_grad():
            gray = network(torch.full((1, 1, 128, 128), 0.5))
            assert torch.allclose(gray, network.resnet(colors), atol=1e-5)

    def test_parts_thaw_from_the_answer_towards_the_picture_in_growing_steps(self):
        network = EndplateNetwork(4)
        learning = []
        for steps in range(1, 6):
            network.thaw(steps)
            learning.append(sum(one.numel() for one in network.parameters() if one.requires_grad))
        assert np.diff(learning, prepend=0).tolist() == [2_052, 8_393_728, 2_099_712, 525_568, 147_968 + 128 + 9_408]
        assert sum(network_part.STEP_EPOCHS) == 100
        assert (np.diff(network_part.STEP_EPOCHS) > 0).all()
        assert [steps_at(epoch, 100) for epoch in (0, 4, 5, 14, 15, 29, 30, 49, 50, 99)] == [
            1,
            1,
            2,
            2,
            3,
            3,
            4,
            4,
            5,
            5,
        ]
        assert [steps_at(epoch, 10) for epoch in range(10)] == [1, 2, 3, 4, 4, 5, 5, 5, 5, 5]

    def test_frozen_parts_keep_the_statistics_of_their_normalization(self):
        network = EndplateNetwork(4).train()
        network.thaw(2)
        before = {name: value.clone() for name, value in network.named_buffers()}
        network(torch.rand(4, 1, 128, 128))
        moved = {name.split(".")[1] for name, value in network.named_buffers() if not torch.equal(value, before[name])}
        assert moved == {"layer4"}

    def test_every_class_is_drawn_equally_often_and_as_many_discs_as_there_are(self):
        targets = np.repeat(np.arange(4), PAPER_COUNTS)
        sampler = network_part.weighted_sampler(targets)
        weight = np.bincount(targets, sampler.weights.numpy())
        assert weight == pytest.approx([weight.mean()] * 4)
        assert len(sampler) == sum(PAPER_COUNTS) and sampler.replacement

    def test_the_loss_is_the_cross_entropy(self):
        logits = torch.tensor([[2.0, 0.0, 0.0, 0.0], [0.0, 0.0, 0.0, 0.0]])
        value = network_part.loss(lambda picture: logits, {"picture": torch.empty(0), "target": torch.tensor([0, 2])})
        by_hand = (-np.log(np.exp(2) / (np.exp(2) + 3)) + np.log(4)) / 2
        assert value.item() == pytest.approx(by_hand, abs=1e-6)


class TestCalibration:
    @given(st.integers(0, 2**32 - 1), st.integers(2, 5))
    @settings(max_examples=30)
    def test_without_any_change_of_scale_it_is_the_softmax(self, seed, classes):
        logits = np.random.default_rng(seed).normal(scale=4, size=(7, classes))
        same = network_part.calibrated(logits, np.tile([1.0, 0.0], (classes, 1)))
        assert same == pytest.approx(softmax(logits, axis=1), abs=1e-6)

    @given(st.integers(0, 2**32 - 1))
    @settings(max_examples=30)
    def test_probabilities_sum_to_one(self, seed):
        random = np.random.default_rng(seed)
        scaled = network_part.calibrated(random.normal(scale=30, size=(9, 4)), random.normal(size=(4, 2)))
        assert (scaled >= 0).all()
        assert scaled.sum(1) == pytest.approx(np.ones(9))

    def test_logits_that_are_twice_too_sure_are_halved(self):
        random = np.random.default_rng(0)
        odds = random.normal(scale=2, size=4000)
        targets = (random.random(4000) < expit(odds)).astype(int)
        logits = np.stack([np.zeros(4000), 2 * odds], axis=1)
        scales = network_part.fit_platt(logits, targets)
        assert scales[:, 0] == pytest.approx([0.5, 0.5], abs=0.05)
        assert scales[:, 1] == pytest.approx([0.0, 0.0], abs=0.1)

    def test_a_class_that_no_disc_has_stays_as_it_is(self):
        targets = np.random.default_rng(0).integers(0, 3, 60)
        logits = 2 * np.eye(4)[targets] + np.random.default_rng(1).normal(size=(60, 4))
        scales = network_part.fit_platt(logits, targets)
        assert scales[3].tolist() == [1.0, 0.0]
        assert not (scales[:3] == [1.0, 0.0]).all(1).any()

    def test_more_of_a_class_never_makes_it_less_probable(self):
        targets = np.random.default_rng(0).integers(0, 4, 60)
        # The more of the first class is seen, the less often it is there.
        logits = np.eye(4)[targets] * [-2, 2, 2, 2]
        scales = network_part.fit_platt(logits, targets)
        assert scales[0].tolist() == [1.0, 0.0]
        assert (scales[:, 0] > 0).all() and (scales[1:] != [1.0, 0.0]).all()


class TestDiscs:
    def test_excluded_discs_unlabelled_ones_and_patients_without_any_lesion_are_not_used(self):
        samples = [
            sample("a", "notched"),
            sample("a", "normal", "L1/L2"),
            sample("a", "normal", "T12/L1"),
            sample("a", "schmorl_node", "L2/L3", excluded="fracture"),
            sample("a", None, "L3/L4"),
            sample("healthy", "normal"),
            sample("lesion excluded", "normal", "L1/L2"),
            sample("lesion excluded", "notched", "L2/L3", excluded="Pfirrmann 5"),
        ]
        discs = Discs.of(samples)
        assert [(one.patient, one.level) for one in discs.samples] == [("a", "L4/L5"), ("a", "L1/L2")]
        assert discs.targets.tolist() == [2, 0]

    def test_where_only_the_presence_of_a_change_is_known_discs_are_normal_or_not(self):
        def seen(upper, lower):
            return sample("a", None, upper_endplate_change=upper, lower_endplate_change=lower)

        discs = Discs.of([seen(False, False), seen(True, False), seen(None, True), seen(None, False), seen(None, None)])
        assert discs.classes == ANY_LESION
        assert discs.targets.tolist() == [0, 1, 1]

    def test_without_any_labelled_lesion_it_is_said_what_is_wanted(self):
        with pytest.raises(InputError, match="endplate_lesion"):
            Discs.of([sample("a", "normal")])

    def test_one_patient_cannot_be_divided(self):
        with pytest.raises(InputError, match="Only one patient with an endplate lesion is left"):
            Discs.of([sample("a", "notched"), sample("a", "normal", "L1/L2")]).parted(False, 0)

    def test_by_image_the_parts_have_the_papers_sizes_and_patients_on_both_sides(self):
        targets = np.repeat(np.arange(4), PAPER_COUNTS)
        order = np.random.default_rng(0).permutation(len(targets))
        samples = [Sample("", f"{row % 580}", "L4/L5", DiscLabels(), {}) for row in range(len(targets))]
        discs = Discs(ENDPLATE_LESIONS, samples, targets[order])
        train, test = discs.parted(True, 0)
        assert abs(len(test) - 312) <= 1 and abs(len(train) - 1247) <= 1
        assert abs(np.bincount(test.targets) - [114, 97, 72, 29]).max() <= 1
        assert set(train.patients) & set(test.patients)
        train, test = discs.parted(False, 0)
        assert not set(train.patients) & set(test.patients)
        assert len(test) == pytest.approx(312, abs=6)
        assert np.bincount(test.targets) / len(test) == pytest.approx(np.bincount(targets) / 1559, abs=0.02)


class TestTables:
    def test_the_papers_tables_add_up_to_its_counts_but_for_one_normal_disc(self):
        assert np.sum(list(tables_part.TABLE_2.values()), axis=0).tolist() == list(PAPER_COUNTS)
        assert np.sum(list(tables_part.TABLE_1.values()), axis=0).tolist() == [566, 485, 362, 145]
        right, there = np.sum(tables_part.FIGURE_6, axis=0)
        assert (right, there) == (275, 312)

    def test_the_papers_counts_give_its_figures(self):
        # 37 discs are called wrong; of what, its text does not say: here each type's by the shares of the others.
        matrix = np.zeros((4, 4))
        for true, (right, there) in enumerate(tables_part.FIGURE_6):
            others = np.array([count if one != true else 0 for one, (_, count) in enumerate(tables_part.FIGURE_6)])
            matrix[true] = (there - right) * others / others.sum()
            matrix[true, true] = right
        figures = {
            "accuracy": tables_part.accuracy(matrix),
            "precision": tables_part.precision(matrix),
            "recall": tables_part.balanced_accuracy(matrix),
            "specificity": tables_part.specificity(matrix),
            "F1": tables_part.macro_f1(matrix),
        }
        for name, value in figures.items():
            assert round(100 * value) == pytest.approx(tables_part.TABLE_3[name][0], abs=1), name
        assert round(100 * figures["accuracy"]) == 88 and round(100 * figures["recall"]) == 87

    def test_metrics_are_those_of_scikit_learn(self):
        random = np.random.default_rng(0)
        targets = random.integers(0, 4, 200)
        chances = softmax(random.normal(size=(200, 4)) + 1.5 * np.eye(4)[targets], axis=1)
        called = chances.argmax(1)
        wanted = {
            "AUC": roc_auc_score(targets, chances, multi_class="ovr"),
            "accuracy": np.mean(called == targets),
            "precision": precision_score(targets, called, average="macro"),
            "recall": recall_score(targets, called, average="macro"),
            "specificity": np.mean([recall_score(targets != one, called != one) for one in range(4)]),
            "F1": f1_score(targets, called, average="macro"),
        }
        assert {name: metric(targets, chances) for name, metric in tables_part.METRICS.items()} == pytest.approx(wanted)

    def test_five_hundred_bootstraps_draw_whole_patients(self, monkeypatch):
        asked = []
        monkeypatch.setattr(tables_part, "bootstrap", lambda metric, *others: asked.append(others))
        measured = tables_part.Measured(ENDPLATE_LESIONS, np.zeros(2, int), np.eye(4)[:2], ["a", "a"])
        measured.percent(tables_part.mean_auc, 7)
        assert asked == [(["a", "a"], 500, 7)]

    def test_ages_fall_into_the_papers_ranges_by_whole_years(self):
        ages = np.array([12, 20.9, 21, 30.5, 41, 80.9, 88, np.nan])
        rows = ["10–20", "10–20", "21–30", "21–30", "41–50", "71–80", "81–90", ""]
        assert tables_part.age_rows(ages).tolist() == rows

    def test_a_distribution_is_in_percent_of_its_row_beside_the_papers(self):
        rows = np.array(["L5/S1", "L5/S1", "L5/S1", "L5/S1", "L1/L2"])
        table = tables_part.distribution("t", tables_part.TABLE_2, ENDPLATE_LESIONS, rows, np.array([0, 1, 1, 3, 2]))
        assert [cell.ours for cell in table.rows["L5/S1"]] == [25, 50, 0, 25]
        assert [cell.paper_text for cell in table.rows["L1/L2"]] == ["105 (30)", "97 (28)", "109 (31)", "40 (11)"]
        assert [cell.ours for cell in table.rows["L3/L4"]] == [None] * 4
        two = tables_part.distribution("t", tables_part.TABLE_2, ANY_LESION, rows, np.array([0, 1, 1, 1, 0]))
        assert [cell.paper_text for cell in two.rows["L5/S1"]] == ["75 (34)", "144 (66)"]

    def test_accuracy_is_told_for_each_type_with_its_counts(self):
        targets = np.array([0, 0, 1, 2, 3])
        measured = tables_part.Measured(ENDPLATE_LESIONS, targets, np.eye(4)[[0, 1, 1, 2, 0]], list("abcde"))
        table = tables_part.per_class({"by_patient": measured}, 0)
        assert [cell.ours.value for cell in table.rows["by_patient"]] == [50, 100, 100, 0, 60]
        assert [cell.paper_text for cell in table.rows["by_patient"]] == [
            "91 (104/114)",
            "82 (80/97)",
            "93 (67/72)",
            "83 (24/29)",
            "88 (275/312)",
        ]
        assert [round(cell.paper) for cell in table.rows["by_patient"]] == [91, 82, 93, 83, 88]
        assert table.notes == ["Our counts, by_patient: 1/2, 1/1, 1/1, 0/1, 3/5."]


class TestRecipe:
    def test_from_a_file_of_weights_only_the_answer_learns_in_the_first_step(self, tmp_path):
        weights = tmp_path / "resnet18.safetensors"
        given_weights = torchvision.models.resnet18(weights=None).state_dict()
        save_file(given_weights, weights)
        run = run_in(tmp_path / "run", pretrained=weights)
        samples = cohort(10)
        RECIPE.fit(samples, run)
        learned = load_file(tmp_path / "run" / "by_patient" / "whole" / "resnet18.safetensors")
        for name, value in given_weights.items():
            if not name.startswith("fc"):
                assert torch.equal(learned[f"resnet.{name}"], value), name
        answers = RECIPE.answer(samples, run)
        assert {one.task for one in answers} == set(RECIPE.tasks) and len(answers) == 2 * len(samples)
        for one in answers:
            assert sum(one.probabilities.values()) == pytest.approx(1)
            assert one.answer == max(one.probabilities, key=one.probabilities.get)

    def test_the_protocol_measures_each_variant_and_goes_on_with_what_is_there(self, tmp_path):
        run = run_in(tmp_path)
        tables = RECIPE.reproduce(cohort(8), run, "drawn discs")
        assert [table.title.split(":")[0] for table in tables] == ["Table 1", "Table 2", "Figure 6", "Table 3"]
        for table in tables:
            assert table.source == "drawn discs" and table.budget == "smoke: 1 of 100 epochs"
            assert {len(cells) for cells in table.rows.values()} == {len(table.columns)}
        for table in tables[2:]:
            assert tuple(table.rows) == RECIPE.variants
        for variant in RECIPE.variants:
            kept = json.loads((tmp_path / variant / "fold0" / "calibration.json").read_text())
            assert kept["classes"] == list(ENDPLATE_LESIONS) and np.shape(kept["scales"]) == (4, 2)
        before = (tmp_path / "by_patient" / "fold0" / "resnet18.safetensors").stat().st_mtime_ns
        again = RECIPE.reproduce(cohort(8), replace(run, variant="by_patient"), "drawn discs")
        assert (tmp_path / "by_patient" / "fold0" / "resnet18.safetensors").stat().st_mtime_ns == before
        assert [str(table.rows["by_patient"]) for table in again[2:]] == [
            str(table.rows["by_patient"]) for table in tables[2:]
        ]
        assert all(len(table.rows) == 1 for table in again[2:])

    def test_where_nothing_was_trained_it_is_said(self, tmp_path):
        with pytest.raises(InputError, match="modicgrader train bassani2023"):
            RECIPE.answer(cohort(1), run_in(tmp_path))

    def test_the_wished_cohort_has_the_papers_mix(self):
        assert list(RECIPE.cohort.mix) == list(ENDPLATE_LESIONS)
        assert list(RECIPE.cohort.mix.values()) == pytest.approx([count / 1559 for count in PAPER_COUNTS], abs=5e-4)
        assert RECIPE.plans["full"].epochs == 100
