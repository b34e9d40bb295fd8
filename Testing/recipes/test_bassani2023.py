"""Bassani 2023: which discs are used, how they are split, and the whole recipe."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from ModicGraderLib.anatomy import ENDPLATE_LESIONS
from ModicGraderLib.errors import InputError
from ModicGraderLib.recipes import bassani2023 as recipe
from ModicGraderLib.recipes.bassani2023 import ANY_LESION, RECIPE, Bassani2023, Discs
from ModicGraderLib.recipes.recipe import Plan, Run
from ModicGraderLib.recipes.vision import torchvision
from ModicGraderLib.training.labelled_study import DiscLabels
from ModicGraderLib.training.samples import Sample

PAPER_COUNTS = (567, 485, 362, 145)
"""Section 2.2."""


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
            sample("lesion above", "normal"),
            sample("lesion above", "notched", "T12/L1"),
        ]
        discs = Discs.of(samples)
        assert [(one.patient, one.level) for one in discs.samples] == [
            ("a", "L4/L5"),
            ("a", "L1/L2"),
            ("lesion excluded", "L1/L2"),
        ]
        assert discs.targets.tolist() == [2, 0, 0]

    def test_types_of_discs_that_are_not_used_do_not_hide_that_of_others_only_presence_is_known(self):
        known = [sample("a", None, upper_endplate_change=True), sample("a", None, "L3/L4", upper_endplate_change=True)]
        for unused in (sample("a", "notched", "T12/L1"), sample("b", "notched", excluded="slip")):
            discs = Discs.of([*known, unused])
            assert discs.classes == ANY_LESION and discs.targets.tolist() == [1, 1]

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

    def test_only_by_patient_are_the_measured_discs_kept_from_all_that_learns(self, tmp_path, monkeypatch):
        trained, measured = [], []

        def read(_self, samples, *_):
            measured.append({(one.patient, one.level) for one in samples})
            return ENDPLATE_LESIONS, np.zeros(len(samples), int), np.full((len(samples), 4), 0.25)

        monkeypatch.setattr(Bassani2023, "_train", lambda _self, *parts: trained.append(parts[:2]))
        monkeypatch.setattr(Bassani2023, "_read", read)
        RECIPE.reproduce(cohort(20), run_in(tmp_path), "drawn discs")
        for variant, parts, test in zip(RECIPE.variants, trained, measured, strict=True):
            train, validation = ({(one.patient, one.level) for one in part.samples} for part in parts)
            assert not train & (validation | test), variant
            assert (validation == test) == variant.endswith("two_way")
            shared = {patient for patient, _ in train | validation} & {patient for patient, _ in test}
            assert bool(shared) == (variant != "by_patient")
            learned = {patient for patient, _ in train} & {patient for patient, _ in test}
            assert bool(learned) == variant.startswith("by_image")

    def test_training_is_the_papers(self, tmp_path, monkeypatch):
        asked = {}

        def stopped(network, loss, data, folder, **given):
            asked.update(given)
            raise KeyboardInterrupt

        monkeypatch.setattr(recipe, "fit", stopped)
        with pytest.raises(KeyboardInterrupt):
            RECIPE.fit(cohort(10), run_in(tmp_path, plan=RECIPE.plans["full"]))
        assert (asked["epochs"], asked["batch_size"], asked.get("patience")) == (100, 32, None)
        assert isinstance(asked["optimizer"], torch.optim.Adam) and asked["optimizer"].defaults["lr"] == 1e-3
        assert (asked["schedule"].factor, asked["schedule"].patience) == (0.1, 10)

    def test_the_network_calls_the_type_and_calibration_tells_how_probable_it_is(self, monkeypatch, tmp_path):
        said = (ENDPLATE_LESIONS, np.array([2]), np.array([[0.4, 0.3, 0.2, 0.1]]))
        monkeypatch.setattr(Bassani2023, "_read", lambda *_: said)
        answers = {one.task: one for one in RECIPE.answer(cohort(1)[:1], run_in(tmp_path))}
        assert answers["endplate_lesion"].answer == "notched" and answers["any_endplate_lesion"].answer == "True"
        assert answers["any_endplate_lesion"].probabilities == pytest.approx({"False": 0.4, "True": 0.6})

    def test_where_nothing_was_trained_it_is_said(self, tmp_path):
        with pytest.raises(InputError, match="modicgrader train bassani2023"):
            RECIPE.answer(cohort(1), run_in(tmp_path))

    def test_the_wished_cohort_has_the_papers_mix(self):
        assert list(RECIPE.cohort.mix) == list(ENDPLATE_LESIONS)
        assert list(RECIPE.cohort.mix.values()) == pytest.approx([count / 1559 for count in PAPER_COUNTS], abs=5e-4)
        assert RECIPE.plans["full"].epochs == 100
