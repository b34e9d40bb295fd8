"""Gao 2022: the protocol, and the answers of trained networks."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from gao_samples import drawn_study

from ModicGraderLib.anatomy import GRADED_DISCS
from ModicGraderLib.errors import InputError
from ModicGraderLib.evaluation import metrics
from ModicGraderLib.models import write_weights
from ModicGraderLib.recipes import gao2022, gao2022_patches
from ModicGraderLib.recipes.gao2022 import RECIPE
from ModicGraderLib.recipes.gao2022_network import ModicMapper
from ModicGraderLib.recipes.gao2022_tables import tables
from ModicGraderLib.recipes.recipe import Plan, Run
from ModicGraderLib.training.run_record import record_patients, write_run_record


@pytest.fixture(autouse=True)
def _quick(monkeypatch):
    # Drawn volumes lie where their geometry says, and intervals are tested elsewhere.
    monkeypatch.setattr(gao2022, "align", lambda t1, t2: (t1, None, ()))
    monkeypatch.setattr(metrics, "BOOTSTRAPS", 20)


@pytest.fixture
def tiny(monkeypatch):
    """Samples of four patients, small enough to train on in seconds; every other one has a change of type III."""
    monkeypatch.setattr(gao2022_patches, "PATCH", (1, 32, 32))
    monkeypatch.setattr(gao2022, "PIXEL_MM", 2.0)
    monkeypatch.setattr(gao2022, "FIELD", (128, 64))
    changed, clean = (RECIPE.cut(drawn_study(slices=1, change=change)) for change in ("III", "0"))
    return [
        replace(sample, study=f"p{number}", patient=f"p{number}")
        for number, own in enumerate((clean, changed, clean, changed))
        for sample in own
    ]


def test_the_protocol_runs_and_the_trained_networks_answer(tiny, tmp_path):
    plan = Plan(studies=4, folds=1, epochs=1)
    found = RECIPE.reproduce(tiny, Run(tmp_path, plan, "smoke"), "drawn")
    assert all(table.budget == "smoke" and table.source == "drawn" for table in found)
    own = Run(tmp_path / "fold0", plan, "smoke")
    two = [one for one in tiny if one.patient in ("p0", "p1")]
    answers = RECIPE.answer(two, own)
    assert [(one.study, one.level, one.task) for one in answers] == [
        (study, level, task) for study in ("p0", "p1") for level in GRADED_DISCS for task in RECIPE.tasks
    ]
    assert all(sum(one.probabilities.values()) == pytest.approx(1) for one in answers)
    assert {one.answer for one in answers if one.task == "any_change"} <= {"False", "True"}
    # Elsewhere, where nothing is outlined, the same networks are measured as they are.
    real = without_outlines(two)
    weights = tmp_path / "fold0" / "gao2022.safetensors"
    with pytest.raises(InputError, match="`changes`, or give --pretrained"):
        RECIPE.reproduce(real, Run(tmp_path / "real", plan, "smoke"), "real")
    measured = RECIPE.reproduce(real, Run(tmp_path / "real", plan, "smoke", pretrained=weights), "real")
    assert measured[0].notes[0].startswith("Split: none, all patients are measured; given weights: gao2022.safetensors")


@pytest.mark.parametrize(
    ("trained_on", "known"),
    [
        (None, "whether any of these patients trained them is not known"),
        ((), "given weights: gao2022.safetensors"),
        (("a", "b"), "none of these patients trained them, as far as names tell"),
        (("p1", "b"), "1 of these patients trained them, as far as names tell"),
    ],
)
def test_of_given_weights_is_told_what_is_known_of_who_trained_them(tiny, tmp_path, monkeypatch, trained_on, known):
    monkeypatch.setattr(gao2022, "_readings", lambda samples, network, device: [])
    monkeypatch.setattr(gao2022, "tables", lambda readings, source, budget, split: split)
    trained = Run(tmp_path / "trained", RECIPE.plans["smoke"], "smoke")
    weights = trained.folder / "gao2022.safetensors"
    trained.folder.mkdir()
    write_weights(weights, ModicMapper().state_dict())
    if trained_on is not None:
        write_run_record(trained, RECIPE.name, "drawn", "key")
    if trained_on:
        record_patients(trained, "drawn", trained_on)
    run = replace(trained, folder=tmp_path / "own", pretrained=weights)
    assert RECIPE.reproduce(without_outlines(tiny), run, "real").endswith(known)
    # The same where training only begins with them.
    monkeypatch.setattr(gao2022.Gao2022, "_across_folds", lambda *_: [])
    began = RECIPE.reproduce(tiny, run, "drawn")
    assert began.startswith("patients in 4 folds") and began.endswith(known)


def without_outlines(samples):
    return [
        replace(one, arrays={name: array for name, array in one.arrays.items() if name != "changes"}) for one in samples
    ]


def test_networks_that_see_rightly_are_scored_rightly(tiny, monkeypatch):
    true = {
        id(one.arrays["t1"]): np.stack([one.arrays["bodies"], one.arrays["changes"] > 0]).astype(np.float32)
        for one in tiny
        if not one.level
    }
    monkeypatch.setattr(gao2022, "segment", lambda network, t1, t2, device: true[id(t1)])
    presence, overlap, types = tables(gao2022._readings(tiny, None, "cpu"), "drawn", "smoke", "none")
    for cells in presence.rows.values():
        assert [cell.ours.value for cell in cells[:4]] == [1, 1, 1, 1]
    assert types.rows["rule, by disc"][2].ours.value == types.rows["gaussian, by disc"][2].ours.value == 100
    assert [cells[0].ours.value for cells in overlap.rows.values()] == [1, 1]


def test_without_outlines_nothing_can_be_learned(tiny, tmp_path):
    with pytest.raises(InputError, match="`changes`, or train with --data simulated"):
        RECIPE.fit(without_outlines(tiny), Run(tmp_path, RECIPE.plans["smoke"], "smoke"))


def test_without_weights_nothing_is_answered(tiny, tmp_path):
    with pytest.raises(InputError, match="train"):
        RECIPE.answer(tiny, Run(tmp_path, RECIPE.plans["smoke"], "smoke"))


def test_the_cohort_is_that_of_the_paper():
    assert RECIPE.cohort.patients == 75
    assert sum(RECIPE.cohort.mix.values()) == pytest.approx(1) and RECIPE.cohort.mix["0"] == pytest.approx(0.89)
    assert RECIPE.plans["full"].studies is None and RECIPE.plans["full"].folds is None


def test_a_change_without_a_type_is_answered_as_a_change_and_as_none_of_the_types(tiny, tmp_path, monkeypatch):
    whole, *discs = [one for one in tiny if one.patient == "p1"]
    # The network finds the change and no other marrow that it could be compared with.
    found = np.repeat((whole.arrays["changes"] > 0).astype(np.float32)[None], 2, axis=0)
    monkeypatch.setattr(gao2022, "segment", lambda *_: found)
    monkeypatch.setattr(gao2022, "_trained", lambda run: None)
    answers = RECIPE.answer([whole, *discs], Run(tmp_path, RECIPE.plans["smoke"], "smoke"))
    assert {one.task: one.answer for one in answers if one.level == "L3/L4"} == {"any_change": "True", "modic": "0"}
    assert all(sum(one.probabilities.values()) == pytest.approx(1) for one in answers)
