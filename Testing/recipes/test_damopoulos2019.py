"""Damopoulos 2019 as a recipe: the paper's aggregation, counts, training and protocol."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from ModicGraderLib.errors import InputError
from ModicGraderLib.evaluation import metrics
from ModicGraderLib.recipes import damopoulos2019 as recipe
from ModicGraderLib.recipes import damopoulos2019_network as networks
from ModicGraderLib.recipes import damopoulos2019_views as views
from ModicGraderLib.recipes.damopoulos2019 import (
    COLUMNS,
    GRADES,
    RECIPE,
    VARIANTS,
    Damopoulos2019,
    accuracies,
    grade_levels,
)
from ModicGraderLib.recipes.damopoulos2019_network import CaseBatches
from ModicGraderLib.recipes.damopoulos2019_views import sub_volumes, without_border
from ModicGraderLib.recipes.recipe import Plan, Run
from ModicGraderLib.training.labelled_study import DiscLabels
from ModicGraderLib.training.samples import Sample

PAPER_MATRIX = np.array([[398, 10, 21], [3, 25, 11], [7, 14, 63]])
"""Two stages with mixup: 398 of 429, 25 of 39, 63 of 84, and 113 of 123 with any change."""


# Sub-volumes and the grade of a level (2.4).


def test_sub_volumes_are_three_triplets_of_t1_and_then_of_t2():
    contrast, number = torch.meshgrid(torch.tensor([10.0, 20.0]), torch.arange(1.0, 6.0), indexing="ij")
    regions = (contrast + number)[None, :, :, None, None].expand(1, 2, 5, 4, 8)
    assert sub_volumes(regions)[0, :, :, 0, 0].tolist() == [
        [11, 12, 13, 21, 22, 23],
        [12, 13, 14, 22, 23, 24],
        [13, 14, 15, 23, 24, 25],
    ]


@pytest.mark.parametrize(
    ("probabilities", "grade", "deciding"),
    [
        ([[0.9, 0.1, 0.0], [0.6, 0.2, 0.2], [0.8, 0.1, 0.1]], "0", 1),
        ([[0.99, 0.01, 0.0], [0.99, 0.0, 0.01], [0.3, 0.4, 0.3]], "I", 2),
        ([[0.1, 0.6, 0.3], [0.1, 0.2, 0.7], [0.98, 0.01, 0.01]], "II", 1),
        ([[0.0, 0.8, 0.2], [0.0, 0.3, 0.7], [0.0, 0.3, 0.7]], "I", 0),
    ],
    ids=[
        "all without change",
        "one change against two confident without",
        "the more confident of two types",
        "no vote",
    ],
)
def test_a_level_has_the_most_confident_grade_among_its_changed_sub_volumes(probabilities, grade, deciding):
    chances = np.array([probabilities])
    grades, decided = grade_levels(chances, chances.argmax(2))
    assert (GRADES[grades[0]], decided[0]) == (grade, deciding)


def test_two_stages_type_only_what_the_first_calls_changed(monkeypatch):
    first = np.array([[[0.45, 0.55], [0.51, 0.49], [0.2, 0.8]]])
    second = np.array([[[0.5, 0.5], [0.0, 1.0], [0.7, 0.3]]])
    monkeypatch.setattr(recipe, "read", lambda stage, samples, run: {"change": first, "type": second}[stage.name])
    probabilities, called = recipe.read_grades(VARIANTS["two-stage"].stages, [], None)
    # The first sub-volume is changed, although neither type by itself is as likely as no change.
    assert called.tolist() == [[1, 0, 1]]
    assert probabilities[0, 2] == pytest.approx([0.2, 0.56, 0.24])
    assert probabilities.sum(2) == pytest.approx(1)


def test_a_disc_is_as_probably_changed_as_its_most_suspicious_sub_volume(monkeypatch):
    chances = np.array([[[0.9, 0.1, 0.0], [0.3, 0.2, 0.5], [0.6, 0.4, 0.0]], [[0.8, 0.2, 0.0]] * 3])
    monkeypatch.setattr(recipe, "read_grades", lambda *_: (chances, chances.argmax(2)))
    asked = RECIPE.answer([drawn(0, 0, None), drawn(0, 1, None)], Run(Path(), RECIPE.plans["smoke"], "smoke"))
    changed = [one.probabilities["True"] for one in asked if one.task == "any_change"]
    assert changed == pytest.approx([0.7, 0.2])


# The evaluation (3.2) and Table 1 (3.5).


def test_accuracies_of_the_papers_counts_are_the_papers_best_row():
    assert accuracies(PAPER_MATRIX).round(1).tolist() == [92.8, 64.1, 75.0, 91.9, 77.3, 92.3, 88.0]
    assert np.trace(PAPER_MATRIX) == 486 and PAPER_MATRIX.sum() == 552


def test_accuracies_without_discs_of_a_type_tell_what_can_be_told():
    values = dict(zip(COLUMNS, accuracies(np.array([[8, 0, 2], [0, 0, 0], [1, 0, 3]])), strict=True))
    assert np.isnan(values["MC-I"]) and np.isnan(values["APCA"])
    assert (values["MC-0"], values["MC-I + MC-II"], values["APCA binary"]) == pytest.approx((80, 75, 77.5))


@pytest.mark.parametrize("name", VARIANTS)
def test_every_row_of_the_paper_agrees_with_its_own_counts(name):
    zero, one, two, change, mean, mean_of_two, total = VARIANTS[name].paper
    right = [round(share * count / 100) for share, count in ((zero, 429), (one, 39), (two, 84))]
    assert [round(100 * a / b, 1) for a, b in zip(right, (429, 39, 84), strict=True)] == [zero, one, two]
    assert np.mean([zero, one, two]) == pytest.approx(mean, abs=0.1)
    assert (zero + change) / 2 == pytest.approx(mean_of_two, abs=0.1)
    assert 100 * sum(right) / 552 == pytest.approx(total, abs=0.051)


def test_ninety_two_cases_make_eight_folds_of_ten_and_one_of_twelve():
    patients = [f"p{case:02}" for case in range(92) for _ in range(6)]
    folds = recipe.split(patients, recipe.FOLD_CASES, seed=3)
    assert [len({patients[row] for row in rows}) for rows in folds] == [10] * 8 + [12]
    assert sorted(np.concatenate(folds)) == list(range(552))


def test_the_plans_and_the_cohort_are_the_papers():
    assert RECIPE.cohort.patients == 92 and sum(RECIPE.cohort.mix.values()) == pytest.approx(1)
    assert RECIPE.cohort.mix["I"] == pytest.approx(39 / 552)
    assert RECIPE.plans["full"] == Plan(None, None, 1.0)
    assert set(RECIPE.variants) == {"multiclass", "multiclass-mixup", "two-stage", "two-stage-mixup"}


# Training, grading and the table, with a network that sees next to nothing.


class _ChannelMeans(nn.Module):
    """In VGG16's place: a linear answer to how bright each of the six channels is."""

    def __init__(self, classes: int) -> None:
        super().__init__()
        self.grade = nn.Linear(6, classes)

    def forward(self, pictures: torch.Tensor) -> torch.Tensor:
        return self.grade((pictures.mean((2, 3)) - 100) / 10)


@pytest.fixture
def tiny(monkeypatch):
    """Small regions and a small network: what is tested is how they are dealt with."""
    monkeypatch.setattr(views, "SHAPE", (8, 16))
    monkeypatch.setattr(views, "FIELD", (30, 46))
    monkeypatch.setattr(networks, "Vgg16", _ChannelMeans)
    monkeypatch.setattr(metrics, "BOOTSTRAPS", 20)


BRIGHTNESS = {"0": (100, 100), "I": (50, 150), "II": (150, 150), "III": (50, 50)}


def drawn(patient: int, level: int, grade: str | None, slices: int = 5) -> Sample:
    """A disc whose two contrasts are as bright as its type says; of unlabelled ones as without change."""
    random = np.random.default_rng(100 * patient + level)
    regions = np.array(BRIGHTNESS[grade or "0"])[:, None, None, None] + random.integers(-9, 9, (2, 5, 30, 46))
    arrays = {"regions": regions.astype(np.uint8), "slices": np.array([slices, slices])}
    return Sample(f"s{patient}", f"p{patient}", f"level {level}", DiscLabels(modic=grade), arrays)


def cohort(patients: int, grades: str = "0 0 0 0 I II") -> list[Sample]:
    return [drawn(patient, level, grade) for patient in range(patients) for level, grade in enumerate(grades.split())]


def run_in(folder, **changes) -> Run:
    return replace(Run(folder, Plan(None, 2, 0.15), "small", seed=1), **changes)


@pytest.mark.parametrize("variant", VARIANTS)
def test_a_variant_learns_what_it_is_shown_and_grades_every_disc(tiny, tmp_path, variant):
    run = run_in(tmp_path, variant=variant)
    RECIPE.fit([*cohort(6), drawn(7, 0, "III"), drawn(7, 1, None)], run)
    shown = [drawn(20, 0, "0"), drawn(20, 1, "I"), drawn(20, 2, "II"), drawn(20, 3, None)]
    answers = RECIPE.answer(shown, run)
    assert [one.answer for one in answers if one.task == "modic"] == ["0", "I", "II", "0"]
    assert [one.answer for one in answers if one.task == "any_change"] == ["False", "True", "True", "False"]
    assert all(sum(one.probabilities.values()) == pytest.approx(1, abs=1e-5) for one in answers)
    assert [one.level for one in answers[::2]] == [one.level for one in shown]
    assert {path.stem for path in tmp_path.glob("*.safetensors")} == {one.name for one in VARIANTS[variant].stages}


@pytest.mark.parametrize(("variant", "epochs"), [("multiclass", 4), ("multiclass-mixup", 8)])
def test_mixup_trains_for_eighty_epochs_and_its_absence_for_forty(tiny, tmp_path, monkeypatch, variant, epochs):
    asked = []
    monkeypatch.setattr(networks, "fit", lambda network, loss, *_, **options: asked.append({"loss": loss, **options}))
    RECIPE.fit(cohort(4), run_in(tmp_path, variant=variant, plan=Plan(None, None, 0.1)))
    assert asked[0]["epochs"] == epochs
    assert (asked[0]["loss"].mixup, asked[0]["loss"].mirror) == (variant == "multiclass-mixup", False)
    # 16, 4 and 4 discs of three classes.
    assert asked[0]["loss"].weights.tolist() == [0.5, 2, 2]
    rates = asked[0]["optimizer"].defaults
    assert (rates["lr"], rates["momentum"], rates["weight_decay"]) == (1e-3, 0.9, 5e-4)
    RECIPE.fit(cohort(4), run_in(tmp_path, variant=variant, plan=RECIPE.plans["full"]))
    assert asked[1]["epochs"] == 10 * epochs
    Damopoulos2019(mirror=True).fit(cohort(4), run_in(tmp_path, variant=variant))
    assert asked[2]["loss"].mirror is True


def test_training_starts_from_the_given_weights_at_a_tenth_of_the_rate(tiny, tmp_path, monkeypatch):
    started = []

    def fit(network: torch.nn.Module, *_, optimizer: torch.optim.SGD, **__) -> None:
        started.append((network.grade.weight.tolist(), optimizer.defaults["lr"]))

    monkeypatch.setattr(networks, "fit", fit)
    given = torch.arange(18.0).view(3, 6)
    torch.save({"grade.weight": given}, tmp_path / "given.pth")
    RECIPE.fit(cohort(4), run_in(tmp_path, variant="multiclass", pretrained=tmp_path / "given.pth"))
    assert started == [(given.tolist(), 1e-4)]


def test_discs_are_graded_as_they_are_and_without_dropout(tiny, tmp_path, monkeypatch):
    run = run_in(tmp_path, variant="multiclass")
    save_file(_ChannelMeans(3).state_dict(), tmp_path / "multiclass.safetensors")
    shown = []

    class Watched(_ChannelMeans):
        def forward(self, pictures):
            shown.append((self.training, pictures))
            return super().forward(pictures)

    monkeypatch.setattr(networks, "Vgg16", Watched)
    samples = cohort(2)
    RECIPE.answer(samples, run)
    [(training, pictures)] = shown
    regions = torch.stack([torch.from_numpy(one.arrays["regions"]) for one in samples])
    assert not training
    assert torch.equal(pictures, sub_volumes(without_border(regions)).flatten(0, 1))


def test_the_second_stage_sees_six_changed_discs_at_a_time(tiny, tmp_path, monkeypatch):
    asked = {}
    monkeypatch.setattr(
        networks,
        "fit",
        lambda network, loss, data, folder, **options: asked.update({options["name"]: (data, loss, options)}),
    )
    RECIPE.fit(cohort(4), run_in(tmp_path, variant="two-stage"))
    data, loss, options = asked["type"]
    assert [one["target"] for one in data] == [0, 1] * 4 and options["batch_size"] == 6
    assert loss.weights.tolist() == [1, 1]
    assert [one["target"] for one in asked["change"][0]] == [0, 0, 0, 0, 1, 1] * 4
    assert [len(batch) for batch in asked["change"][2]["batch_sampler"]] == [18, 6]
    # Four studies are as many cases, although they are of one patient.
    RECIPE.fit([replace(one, patient="p0") for one in cohort(4)], run_in(tmp_path, variant="two-stage"))
    assert [len(batch) for batch in asked["change"][2]["batch_sampler"]] == [18, 6]


def test_batches_hold_all_discs_of_three_cases_and_an_epoch_all_cases():
    studies = [f"s{case}" for case in range(8) for _ in range(6)]
    batches = list(CaseBatches(studies))
    assert [len({studies[row] for row in batch}) for batch in batches] == [3, 3, 2]
    assert sorted(row for batch in batches for row in batch) == list(range(48))
    assert batches != list(CaseBatches(studies))


def test_table_1_has_four_rows_beside_the_papers_and_says_what_it_was_measured_on(tiny, tmp_path):
    (table,) = RECIPE.reproduce(cohort(10), run_in(tmp_path), "drawn discs")
    assert list(table.columns) == list(COLUMNS) and list(table.rows) == [one.heading for one in VARIANTS.values()]
    assert [cell.paper for cell in table.rows["Two-stage, mixup"]] == [92.8, 64.1, 75.0, 91.9, 77.3, 92.3, 88.0]
    assert all(cell.ours.value > 90 for cells in table.rows.values() for cell in cells)
    assert table.rows["Two-stage, no mixup"][2].paper_text == "70.2 (printed 71.2)"
    assert (table.source, table.budget) == ("drawn discs", "small")
    assert "12 discs of 2 patients (8 MC-0, 2 MC-I, 2 MC-II), those of 2 of 9 folds" in table.notes[0]
    assert (tmp_path / "two-stage" / "fold-2" / "type.safetensors").exists()


@pytest.mark.parametrize("grades", ["I", "II", "I II"])
def test_every_grade_that_is_measured_can_be_learned_from_other_folds(grades):
    samples = [drawn(patient, 0, "0") for patient in range(12)]
    samples += [drawn(patient, level, grade) for patient in (3, 8) for level, grade in enumerate(grades.split(), 1)]
    draws = []
    for seed in range(40):
        folds, drawn_times = recipe.folds_of(samples, seed)
        draws.append(drawn_times)
        assert len(folds) == 9 and sorted(np.concatenate(folds)) == list(range(len(samples)))
        for rows in folds:
            rest = set(range(len(samples))) - set(rows)
            assert {samples[row].labels.modic for row in rest} == {"0", *grades.split()}
            assert not {samples[row].patient for row in rest} & {samples[row].patient for row in rows}
    # Good folds are those of the seed; the others are rare, but there.
    plain = recipe.split([one.patient for one in samples], recipe.FOLD_CASES, draws.index(1))
    assert all(map(np.array_equal, recipe.folds_of(samples, draws.index(1))[0], plain))
    assert 0.7 < draws.count(1) / 40 < 1


def test_the_table_says_that_its_folds_were_drawn_anew(tiny, tmp_path, monkeypatch):
    monkeypatch.setattr(recipe, "train", lambda *_: None)
    monkeypatch.setattr(recipe, "read", lambda stage, samples, run: np.ones((len(samples), 3, len(stage.outputs))))
    samples = [drawn(patient, 0, "II" if patient in (3, 8) else "0") for patient in range(12)]
    again = next(seed for seed in range(40) if recipe.folds_of(samples, seed)[1] == 2)
    said = {
        seed: "\n".join(RECIPE.reproduce(samples, run_in(tmp_path, seed=seed, variant="multiclass"), "")[0].notes)
        for seed in (again, again + 1)
    }
    assert "Folds were drawn 2 times" in said[again] and "Folds were drawn" not in said[again + 1]


def test_nothing_is_trained_where_a_later_stage_has_no_discs(tiny, tmp_path):
    with pytest.raises(InputError, match="grades I, II"):
        RECIPE.fit(cohort(2, "0 0"), run_in(tmp_path, variant="two-stage"))
    assert not list(tmp_path.iterdir())


def test_one_variant_alone_can_be_reproduced(tiny, tmp_path):
    (table,) = RECIPE.reproduce(cohort(4), run_in(tmp_path, variant="multiclass"), "drawn discs")
    assert list(table.rows) == ["Multiclass, no mixup"]
    assert [path.name for path in tmp_path.iterdir()] == ["multiclass"]


def test_no_patient_that_is_graded_was_trained_on(tiny, tmp_path, monkeypatch):
    learned = {}
    monkeypatch.setattr(
        recipe,
        "train",
        lambda stage, samples, run, *how: learned.update({run.folder: {one.patient for one in samples}}),
    )

    def read(stage, samples, run):
        assert not learned[run.folder] & {one.patient for one in samples}
        return np.full((len(samples), 3, len(stage.outputs)), 1 / len(stage.outputs))

    monkeypatch.setattr(recipe, "read", read)
    run = run_in(tmp_path, plan=Plan(None, None, 1.0))
    (table,) = RECIPE.reproduce(cohort(20), run, "")
    assert len(learned) == 4 * 9
    assert "120 discs of 20 patients" in table.notes[0]


def test_types_that_cannot_be_learned_are_left_out_and_named(tiny, tmp_path):
    samples = [replace(one, arrays={**one.arrays, "slices": np.array([1, 1])}) for one in cohort(9, "0 0 II")]
    samples += [drawn(0, 5, "I"), *(drawn(patient, 6, "III") for patient in range(4)), drawn(1, 7, None)]
    (table,) = RECIPE.reproduce(samples, run_in(tmp_path), "one slice")
    row = dict(zip(COLUMNS, table.rows["Multiclass, no mixup"], strict=True))
    assert np.isnan(row["MC-I"].ours.value) and np.isnan(row["APCA"].ours.value)
    assert np.isfinite(row["APCA binary"].ours.value)
    notes = "\n".join(table.notes)
    assert "1 of type I, 4 of type III" in notes and "No disc measured on is MC-I" in notes
    assert "9 of 9 studies have fewer than 5 slices" in notes


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda run: RECIPE.fit([drawn(0, 0, None)], run), "No disc is labelled"),
        (lambda run: RECIPE.fit(cohort(2), replace(run, variant="three-stage")), "choose one of two-stage-mixup"),
        (lambda run: RECIPE.answer(cohort(1), run), "train this variant first"),
        (lambda run: RECIPE.reproduce(cohort(4, "0 0"), run, ""), "type I or II are needed"),
        (lambda run: RECIPE.reproduce(cohort(1), run, ""), "of two patients at least"),
    ],
    ids=["no labels", "no such variant", "not trained", "no changes", "one patient"],
)
def test_what_cannot_be_done_is_said_with_its_mend(tiny, tmp_path, call, said):
    with pytest.raises(InputError, match=said):
        call(run_in(tmp_path))
