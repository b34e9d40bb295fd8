"""Tests of cohorts of simulated patients: drawn once, read back, and kept apart by what they are for."""

from pathlib import Path

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


@pytest.fixture(scope="module")
def cohort(tmp_path_factory) -> tuple[Path, str]:
    """A cohort of three patients, of whom one cannot be drawn, and what was said then."""
    folder = tmp_path_factory.mktemp("cohort")
    with pytest.raises(RuntimeError) as failure:
        draw_cohort(folder, [FIRST, FIRST + 2, FIRST + 1], one_disc_each, processes=1)
    return folder, str(failure.value)


def test_a_patient_who_cannot_be_drawn_is_named_and_stops_no_other(cohort):
    folder, said = cohort
    assert said == f"could not draw the seeds [{FIRST + 2}]"
    assert sorted(path.name for path in folder.iterdir()) == [f"{FIRST}.npz", f"{FIRST + 1}.npz"]


def test_a_cohort_is_read_back(cohort):
    folder, _ = cohort
    seeds = [FIRST, FIRST + 1]
    assert [one.patient for one in iterate_discs(folder, TEST_SEEDS)] == [f"simulated-{seed}" for seed in seeds]
    assert found_share(folder, TEST_SEEDS) == 0.5


def test_an_interrupted_cohort_is_drawn_to_its_end_and_no_patient_twice(cohort, tmp_path):
    folder, _ = cohort
    kept = tmp_path / f"{FIRST}.npz"
    kept.write_bytes((folder / kept.name).read_bytes() + b"as it was")
    draw_cohort(tmp_path, [FIRST, FIRST + 1], one_disc_each, processes=1)
    assert sorted(path.name for path in tmp_path.iterdir()) == [f"{FIRST}.npz", f"{FIRST + 1}.npz"]
    assert kept.read_bytes().endswith(b"as it was")


def test_only_patients_of_the_seeds_asked_for_are_read_and_an_empty_folder_says_what_to_do(cohort):
    with pytest.raises(InputError, match="training step `cohort`"):
        list(iterate_discs(cohort[0], TRAINING_SEEDS))


def test_the_localizers_patients_show_both_contrasts(tmp_path):
    np.savez_compressed(tmp_path / f"{FIRST + 1}.npz", **for_localizer(FIRST + 1))
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
