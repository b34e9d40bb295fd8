"""Tests of simulated patients as training data: labels, corners and grades stay with their pictures."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

from ModicGraderLib.anatomy import CORNERS, DISCS_UPWARDS, disc_label, vertebra_label
from ModicGraderLib.errors import InputError
from ModicGraderLib.grading.disc_input import BORDER, CHANNELS, SCALARS, SHAPE, DiscInput
from ModicGraderLib.grading.tasks import BINARY_TASKS, OUTPUTS
from ModicGraderLib.localization.network import CANAL, DISC, PIXEL_MM, SACRUM, VERTEBRA
from ModicGraderLib.simulation.simulate import SimulatedStudy, simulate
from ModicGraderLib.study import Volume
from ModicGraderLib.training import grader, localizer
from ModicGraderLib.training.simulated_cohort import (
    TEST_SEEDS,
    TRAINING_SEEDS,
    VALIDATION_SEEDS,
    draw_cohort,
    pack_discs,
    pack_slices,
    read_discs,
    read_slices,
    unpack_discs,
    unpack_slices,
)
from ModicGraderLib.training.simulated_discs import nearest, true_targets
from ModicGraderLib.training.simulated_source import simulated_slices
from ModicGraderLib.training.spider_discs import GradedDisc
from ModicGraderLib.training.spine_slices import NO_IDENTITY, UNKNOWN, SpineSlice


@pytest.fixture(scope="module")
def study() -> SimulatedStudy:
    return simulate(TEST_SEEDS[5], slices=1, eight_bit=True)


@pytest.fixture(scope="module")
def slices(study) -> list[SpineSlice]:
    return simulated_slices((study.t1, study.t2), study.labels, study.t2.grid, study.discs, "simulated-5")


def random_discs(count: int, seed: int, patient: str = "p{}") -> list[GradedDisc]:
    random = np.random.default_rng(seed)
    shape = (CHANNELS, 1, SHAPE[0] + 2 * BORDER, SHAPE[1] + 2 * BORDER)
    return [
        GradedDisc(
            patient.format(number),
            DiscInput("L4/L5", random.random(shape, np.float32), random.random(SCALARS, np.float32)),
            (random.random(OUTPUTS) < 0.5).astype(np.float32),
            int(random.integers(4)),
            int(random.integers(1, 6)),
        )
        for number in range(count)
    ]


def test_each_contrast_of_a_simulated_patient_shows_the_spine_from_the_sacrum_upwards(slices):
    assert [one.contrast for one in slices] == ["t1", "t2"]
    for one in slices:
        assert {SACRUM, VERTEBRA, DISC, CANAL} <= set(np.unique(one.structure))
        levels = [level for level in np.unique(one.identity) if level < 13]
        assert levels[:11] == list(range(11))
        heights = [np.argwhere(one.identity == level)[:, 0].mean() for level in levels]
        assert (np.diff(heights) < 0).all()
        for level in levels:
            assert set(one.structure[one.identity == level]) == {DISC if level % 2 else VERTEBRA if level else SACRUM}


def test_simulated_corners_lie_at_the_edge_of_their_disc_in_both_contrasts(slices):
    for one in slices:
        for number in range(5):
            rows = one.corners[one.corners[:, 0] == number]
            assert [CORNERS[int(corner)] for corner in rows[:, 1]] == list(CORNERS)
            away = ndimage.distance_transform_edt(one.identity != 2 * number + 1) * one.pixel_mm
            at = np.clip(np.round(rows[:, 2:]).astype(int), 0, np.array(away.shape) - 1)
            assert np.median(away[tuple(at.T)]) < 5
            assert rows[[0, 2], 3].max() < rows[[1, 3], 3].min()
            assert rows[:2, 2].mean() < rows[2:, 2].mean()


@settings(max_examples=20, deadline=None)
@given(
    pixel=st.floats(0.4, 1.2),
    shift=st.tuples(st.floats(-15, 15), st.floats(-15, 15)),
    name=st.sampled_from(DISCS_UPWARDS),
)
def test_labels_keep_their_place_in_a_series_with_another_grid(pixel, shift, name):
    affine = np.array([[4.0, 0, 0, 0], [0, 0, 0.8, -90], [0, -0.8, 0, 100], [0, 0, 0, 1.0]])
    labels = np.zeros((1, 240, 230), np.uint8)
    labels[0, 100:120, 60:120], labels[0, 120:150, 60:120] = disc_label(name), vertebra_label(name.split("/")[1])
    reference = Volume(np.ones(labels.shape, np.float32), affine, "t2")
    other = np.array([[4.0, 0, 0, 0.5], [0, 0, pixel, -70 + shift[0]], [0, -pixel, 0, 60 + shift[1]], [0, 0, 0, 1.0]])
    size = round(120 / pixel)
    volume = Volume(np.ones((1, size, size), np.float32), other, "t1")
    one = simulated_slices([volume], labels, reference.grid, [], "p")[0]
    grid_center = volume.to_patient([0, (size - 1) / 2, (size - 1) / 2])
    found = np.argwhere(one.structure == DISC).mean(0) - (np.array(one.structure.shape) - 1) / 2
    place = grid_center + found[0] * PIXEL_MM * np.array([0, 0, -1]) + found[1] * PIXEL_MM * np.array([0, 1, 0])
    expected = reference.to_patient([0, 109.5, 89.5])
    assert np.abs(place - expected)[1:].max() < PIXEL_MM
    assert set(one.identity[one.structure == DISC]) == {min(2 * DISCS_UPWARDS.index(name) + 1, 14)}


def test_beyond_the_labels_nothing_is_known_of_a_simulated_slice(study):
    cut = study.labels[:, 60:]
    grid = replace(study.t2, array=study.t2.array[:, 60:], affine=_moved(study.t2, 60)).grid
    one = simulated_slices([study.t2], cut, grid, study.discs, "p")[0]
    whole = simulated_slices([study.t2], study.labels, study.t2.grid, study.discs, "p")[0]
    unknown = one.structure == UNKNOWN
    assert unknown.sum() > (whole.structure == UNKNOWN).sum() + 1000
    assert not one.corners_known[unknown].any()
    assert (one.identity[unknown] == NO_IDENTITY).all()


def _moved(volume: Volume, rows: int) -> np.ndarray:
    affine = volume.affine.copy()
    affine[:3, 3] = volume.to_patient([0, rows, 0])
    return affine


def test_packed_slices_come_back(slices):
    for before, after in zip(slices, unpack_slices(pack_slices(slices), "simulated-5"), strict=True):
        for field in ("structure", "identity", "corners", "corners_known"):
            np.testing.assert_array_equal(getattr(before, field), getattr(after, field))
        assert (before.contrast, before.patient, before.pixel_mm) == (after.contrast, after.patient, after.pixel_mm)
        np.testing.assert_allclose(after.image * before.image.max(), before.image, atol=1e-3 * before.image.max())


def test_packed_discs_come_back():
    discs = random_discs(3, 1)
    for before, after in zip(discs, unpack_discs(pack_discs(discs)), strict=True):
        np.testing.assert_allclose(before.disc.region, after.disc.region, atol=1e-3)
        np.testing.assert_array_equal(before.targets, after.targets)
        assert (before.patient, before.modic_type, before.pfirrmann) == (
            after.patient,
            after.modic_type,
            after.pfirrmann,
        )


def test_targets_say_what_the_truth_says(study):
    disc = study.truth.discs[0]
    disc = replace(
        disc,
        modic=replace(disc.modic, grade="II/III"),
        pfirrmann=replace(disc.pfirrmann, grade=4),
        herniation=1.0,
        bulging=0.0,
        spondylolisthesis=None,
    )
    targets = dict(zip(BINARY_TASKS, true_targets(disc), strict=False))
    assert targets["modic_change"] == targets["disc_herniation"] == 1
    assert targets["disc_bulging"] == 0
    assert np.isnan(targets["spondylolisthesis"])
    assert true_targets(disc)[len(BINARY_TASKS) :].tolist() == [1, 1, 1, 0]
    for grade, expected in (("0", 0.0), ("III", 1.0), (None, None)):
        modic = true_targets(replace(disc, modic=replace(disc.modic, grade=grade)))[0]
        assert np.isnan(modic) if expected is None else modic == expected


def test_a_disc_found_a_level_away_is_not_the_true_one(study):
    disc = study.discs[2]
    near = replace(disc, center=disc.center + 0.2 * disc.width_mm * disc.anterior)
    assert nearest(disc.center, disc.width_mm, [study.discs[0], near]) == 1
    beside = replace(disc, center=disc.center + 0.6 * disc.width_mm * disc.left)
    assert nearest(disc.center, disc.width_mm, [study.discs[0], beside]) == 1
    assert nearest(disc.center, disc.width_mm, [study.discs[0], study.discs[4]]) is None
    assert nearest(disc.center, disc.width_mm, []) is None


def test_a_cohort_is_drawn_once_and_read_back(tmp_path):
    seed = TEST_SEEDS[1]
    with pytest.raises(InputError, match="training step `cohort`"):
        read_slices(tmp_path, TEST_SEEDS)
    draw_cohort(tmp_path, [seed], processes=1)
    before = (tmp_path / f"{seed}.npz").read_bytes()
    draw_cohort(tmp_path, [seed], processes=1)
    assert [path.name for path in tmp_path.iterdir()] == [f"{seed}.npz"]
    assert (tmp_path / f"{seed}.npz").read_bytes() == before
    assert {one.contrast for one in read_slices(tmp_path, TEST_SEEDS)} == {"t1", "t2"}
    levels = [one.disc.level for one in read_discs(tmp_path, TEST_SEEDS)]
    assert len(levels) >= 4
    assert len(set(levels)) == len(levels)


def test_no_simulated_patient_is_both_trained_on_and_measured():
    parts = [set(TRAINING_SEEDS), set(VALIDATION_SEEDS), set(TEST_SEEDS)]
    assert sum(map(len, parts)) == len(set.union(*parts))


@given(share=st.sampled_from([0.0, 0.25, 0.5, 1.0]), own=st.integers(5, 80), others=st.integers(5, 80))
def test_a_batch_holds_the_share_of_simulated_discs_and_all_discs_are_dealt_alike(share, own, others):
    extra = grader.Pool(np.arange(own, own + others), share)
    batches = torch.stack(list(grader._batches(np.arange(own), extra, 12, torch.Generator().manual_seed(own))))
    assert batches.shape == (12, grader.BATCH)
    assert ((batches >= own).sum(1) == share * grader.BATCH).all()
    dealt = torch.bincount(batches.flatten(), minlength=own + others)
    for part in (dealt[:own], dealt[own:]):
        assert part.max() - part.min() <= 1


def test_a_grader_trained_on_simulation_alone_does_not_depend_on_real_discs(tmp_path):
    torch.set_num_threads(1)
    extra = random_discs(40, 2, "simulated-{}")
    states = []
    for name, seed in (("first", 3), ("second", 4)):
        logits = grader.cross_validate(random_discs(12, seed), tmp_path / name, epochs=1, extra=extra, share=1.0)
        assert logits.shape == (12, OUTPUTS)
        states.append(torch.load(tmp_path / name / "member0.pt", weights_only=True))
    for key, tensor in states[0].items():
        torch.testing.assert_close(tensor, states[1][key])


def test_a_localizer_that_is_trained_is_not_trained_again(tmp_path, slices):
    weights = localizer.train([slices], [1.0], tmp_path, steps=1, batch=2, workers=0)
    before = weights.read_bytes()
    assert localizer.train([slices], [1.0], tmp_path, steps=1, batch=2, workers=0) == weights
    assert weights.read_bytes() == before
