"""Tests of cohorts of simulated patients: drawn once, read back, and kept apart by what they are for."""

import numpy as np
import pytest
from random_discs import random_disc

from ModicGraderLib.errors import InputError
from ModicGraderLib.simulation.scanner_models import SCANNERS
from ModicGraderLib.simulation.simulate import scanner_of
from ModicGraderLib.training.graded_discs import pack_discs
from ModicGraderLib.training.simulated_cohort import (
    TEST_SEEDS,
    TRAINING_SEEDS,
    UNSEEN_SCANNERS,
    VALIDATION_SEEDS,
    draw_cohort,
    for_localizer,
    found_share,
    grading_seeds,
    iterate_discs,
    read_slices,
)

FIRST = TEST_SEEDS[0]


def one_disc_each(seed: int) -> dict[str, np.ndarray]:
    """Takes the place of `for_grader`: a patient of two discs, of which one is found; the third patient fails."""
    if seed == FIRST + 2:
        raise ValueError("no such patient")
    return {"graded_of": np.array(2), **pack_discs([random_disc(seed, 2, patient=f"simulated-{seed}")])}


def test_a_cohort_is_drawn_once_and_read_back(tmp_path):
    seeds = [FIRST, FIRST + 1]
    draw_cohort(tmp_path, seeds, one_disc_each, processes=1)
    before = (tmp_path / f"{FIRST}.npz").read_bytes()
    (tmp_path / f"{FIRST + 1}.npz").unlink()
    draw_cohort(tmp_path, seeds, one_disc_each, processes=1)
    assert sorted(path.name for path in tmp_path.iterdir()) == [f"{seed}.npz" for seed in seeds]
    assert (tmp_path / f"{FIRST}.npz").read_bytes() == before
    assert [one.patient for one in iterate_discs(tmp_path, TEST_SEEDS)] == [f"simulated-{seed}" for seed in seeds]
    assert found_share(tmp_path, TEST_SEEDS) == 0.5


def test_a_patient_who_cannot_be_drawn_is_named_and_stops_no_other(tmp_path, capfd):
    with pytest.raises(RuntimeError, match=str(FIRST + 2)):
        draw_cohort(tmp_path, [FIRST, FIRST + 2, FIRST + 1], one_disc_each, processes=1)
    assert sorted(path.stem for path in tmp_path.glob("*.npz")) == [str(FIRST), str(FIRST + 1)]
    assert "no such patient" in capfd.readouterr().err


def test_only_patients_of_the_seeds_asked_for_are_read_and_an_empty_folder_says_what_to_do(tmp_path):
    draw_cohort(tmp_path, [FIRST], one_disc_each, processes=1)
    with pytest.raises(InputError, match="training step `cohort`"):
        list(iterate_discs(tmp_path, TRAINING_SEEDS))


def test_the_localizers_patients_show_both_contrasts(tmp_path):
    draw_cohort(tmp_path, [FIRST + 1], for_localizer, processes=1)
    slices = read_slices(tmp_path, TEST_SEEDS)
    assert [one.contrast for one in slices] == ["t1", "t2"]
    assert {one.patient for one in slices} == {f"simulated-{FIRST + 1}"}


def test_no_simulated_patient_is_both_trained_on_and_measured():
    parts = [set(TRAINING_SEEDS), set(VALIDATION_SEEDS), set(TEST_SEEDS)]
    assert sum(map(len, parts)) == len(set.union(*parts))


def test_the_grader_never_learns_from_the_scanners_of_its_test():
    assert set(UNSEEN_SCANNERS) < {scanner.name for scanner in SCANNERS}
    scanners = {}
    for seeds in (TRAINING_SEEDS, VALIDATION_SEEDS, TEST_SEEDS):
        chosen = grading_seeds(seeds, 60)
        assert len(set(chosen)) == 60
        assert set(chosen) <= set(seeds)
        assert chosen == sorted(chosen)
        scanners[seeds] = {scanner_of(seed) for seed in chosen}
    assert not scanners[TRAINING_SEEDS] & set(UNSEEN_SCANNERS)
    assert scanners[TEST_SEEDS] == set(UNSEEN_SCANNERS)
    assert scanners[VALIDATION_SEEDS] & set(UNSEEN_SCANNERS) and scanners[VALIDATION_SEEDS] - set(UNSEEN_SCANNERS)
    assert grading_seeds(TRAINING_SEEDS, 30) == grading_seeds(TRAINING_SEEDS, 60)[:30]
