"""Tests of what batches are made of: whole discs, or windows of slices with the targets that these slices show."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from random_discs import COLUMNS, PIXEL_MM, ROWS, random_disc

from ModicGraderLib.anatomy import ENDPLATES
from ModicGraderLib.grading.tasks import (
    BINARY_TASKS,
    CHANGE_TYPES,
    MARROW_CHANGE,
    MODIC_CHANGE,
    MODIC_TYPE,
    OUTPUTS,
    PFIRRMANN,
)
from ModicGraderLib.simulation.case import LESION_TYPES
from ModicGraderLib.simulation.visibility import SEEN_MM2
from ModicGraderLib.training.disc_store import CLASS_SHARES, DiscStore
from ModicGraderLib.training.graded_discs import (
    HIDDEN,
    LOWER_ENDPLATE,
    OTHER_ENDPLATE,
    SIGNAL_STEPS,
    UNKNOWN,
    GradedDisc,
    grade_targets,
)

SEEN_PIXELS = round(SEEN_MM2 / PIXEL_MM**2)


def changed_disc(slices: dict[int, dict[int, int]], count: int, **endplates: str) -> GradedDisc:
    """A disc of `count` slices; some show so many pixels of a code. Keywords are the types of its endplates."""
    changes = np.zeros((count, ROWS, COLUMNS), np.uint8)
    for number, codes in slices.items():
        for row, (code, pixels) in enumerate(codes.items()):
            changes[number, 40 + row, 10 : 10 + pixels] = code
    targets = np.full(OUTPUTS, np.nan, np.float32)
    targets[: PFIRRMANN.stop] = 0
    targets[MODIC_CHANGE] = float(bool(endplates))
    for name, type_ in endplates.items():
        targets[BINARY_TASKS.index(f"{name}_marrow_change")] = 1
        targets[MODIC_TYPE[name]] = [float(one == type_) for one in CHANGE_TYPES]
    return random_disc(0, count, targets=targets, changes=changes)


def shown(disc: GradedDisc, slices: int, seed: int = 0) -> torch.Tensor:
    """Targets of a window of a disc."""
    return DiscStore.of([disc]).windows(np.array([0]), slices, np.random.default_rng(seed)).targets[0]


def test_whole_discs_have_all_their_slices_one_after_the_other():
    discs = [random_disc(1, 3), random_disc(2, 1, patient="q"), random_disc(3, 6)]
    store = DiscStore.of(iter(discs))
    assert (len(store), store.patients) == (3, ("p", "q", "p"))
    bags = store.whole(np.array([2, 0]))
    assert bags.slices == [6, 3]
    expected = np.concatenate([discs[2].disc.region, discs[0].disc.region], axis=1).swapaxes(0, 1)
    np.testing.assert_allclose(bags.region, expected, atol=0.51 / SIGNAL_STEPS)
    np.testing.assert_array_equal(bags.scalars, [discs[2].disc.scalars, discs[0].disc.scalars])
    np.testing.assert_array_equal(bags.targets, [discs[2].targets, discs[0].targets])


def test_a_store_keeps_the_grades_that_its_discs_were_given():
    discs = [
        replace(random_disc(seed), pfirrmann=grade, modic_type=modic, targets=grade_targets({}, grade))
        for seed, (grade, modic) in enumerate(((1, 0), (3, -1), (5, 4)))
    ]
    store = DiscStore.of(discs)
    assert store.pfirrmann.tolist() == [1, 3, 5]
    assert store.modic.tolist() == [0, -1, 4]
    np.testing.assert_array_equal(store.exposure, [one.exposure for one in discs])


def test_the_anatomy_comes_through_and_is_unknown_where_it_was_not_told():
    anatomy = np.random.default_rng(1).integers(0, 4, (2, ROWS, COLUMNS)).astype(np.uint8)
    bags = DiscStore.of([random_disc(4, 2, anatomy=anatomy), random_disc(5, 1)]).whole(np.array([0, 1]))
    np.testing.assert_array_equal(bags.anatomy[:2], anatomy)
    assert (bags.anatomy[2] == UNKNOWN).all()


def test_a_store_without_discs_is_empty():
    assert len(DiscStore.of([])) == 0


@pytest.mark.parametrize("slices", [1, 2, 4, 9])
def test_a_window_holds_neighboring_slices_of_its_own_disc(slices):
    discs = [random_disc(seed, count) for seed, count in ((1, 7), (2, 2), (3, 1))]
    store = DiscStore.of(discs)
    chosen = np.array([1, 0, 2, 0])
    starts = []
    for seed in range(20):
        bags = store.windows(chosen, slices, np.random.default_rng(seed))
        assert bags.slices == [min(slices, discs[one].disc.region.shape[1]) for one in chosen]
        end = 0
        for one, count in zip(chosen, bags.slices, strict=True):
            region, own = bags.region[end : end + count, 0].numpy(), discs[one].disc.region[0]
            start = int(np.argmin(np.abs(own - region[0]).mean((1, 2))))
            np.testing.assert_allclose(region, own[start : start + count], atol=0.51 / SIGNAL_STEPS)
            end += count
            starts.append((one, start))
    if slices < 7:
        # The middle is shown most, but the sides are too.
        first = [start for one, start in starts if one == 0]
        assert abs(np.median(first) - (7 - slices) / 2) <= 1
        assert len(set(first)) > 1


def test_a_change_on_the_slices_shown_is_asked_for_with_the_type_they_show():
    disc = changed_disc({0: {1: 100, 2: 50}}, 1, upper="I")
    targets = shown(disc, 1)
    assert targets[MARROW_CHANGE].tolist() == [1, 0]
    assert targets[MODIC_CHANGE] == 1
    np.testing.assert_allclose(targets[MODIC_TYPE["upper"]], [2 / 3, 1 / 3, 0], rtol=1e-5)
    assert targets[MODIC_TYPE["lower"]].isnan().all()


@pytest.mark.parametrize("type_", LESION_TYPES)
@pytest.mark.parametrize("endplate", ENDPLATES)
def test_each_type_is_asked_for_on_its_endplate_and_mixed_ones_half_and_half(type_, endplate):
    code = 1 + LESION_TYPES.index(type_) + LOWER_ENDPLATE * ENDPLATES.index(endplate)
    targets = shown(changed_disc({0: {code: 100}}, 1, **{endplate: "II"}), 1)
    parts = type_.split("/")
    expected = [(name in parts) / len(parts) for name in CHANGE_TYPES]
    np.testing.assert_allclose(targets[MODIC_TYPE[endplate]], expected)
    assert CLASS_SHARES[code].tolist() == [0, *expected]
    assert CLASS_SHARES[code + OTHER_ENDPLATE].tolist() == [0, *expected]


@pytest.mark.parametrize(
    ("pixels", "asked"), [(0, 0.0), (1, None), (SEEN_PIXELS - 1, None), (SEEN_PIXELS, 1.0), (3 * SEEN_PIXELS, 1.0)]
)
def test_what_one_slice_hardly_shows_is_not_asked_for_and_what_it_does_not_show_is_denied(pixels, asked):
    targets = shown(changed_disc({0: {LOWER_ENDPLATE + 3: pixels} if pixels else {}}, 1, lower="III"), 1)
    for index in (MARROW_CHANGE[1], MODIC_CHANGE):
        assert targets[index].isnan() if asked is None else targets[index] == asked
    assert targets[MODIC_TYPE["lower"]].isnan().all() == (asked != 1)


def test_of_several_slices_two_must_show_a_change():
    once, twice = ({number: {1: 100} for number in range(count)} for count in (1, 2))
    assert shown(changed_disc(once, 3, upper="I"), 3)[MARROW_CHANGE[0]].isnan()
    assert shown(changed_disc(twice, 3, upper="I"), 3)[MARROW_CHANGE[0]] == 1


def test_a_change_of_one_endplate_is_one_of_the_disc_though_the_other_is_hardly_shown():
    targets = shown(changed_disc({0: {1: 100, LOWER_ENDPLATE + 1: 2}}, 1, upper="I", lower="I"), 1)
    assert targets[MARROW_CHANGE[0]] == targets[MODIC_CHANGE] == 1
    assert targets[MARROW_CHANGE[1]].isnan()


def test_changes_of_other_discs_or_in_the_border_are_not_asked_for():
    disc = changed_disc({0: {OTHER_ENDPLATE + 1: 100}}, 1, upper="I")
    disc.changes[0, :3] = 1
    assert shown(disc, 1)[MARROW_CHANGE].tolist() == [0, 0]


def test_targets_of_discs_without_known_pixels_are_left_alone():
    disc = random_disc(5, 1)
    bags = DiscStore.of([disc]).windows(np.array([0, 0]), 3, np.random.default_rng(0))
    np.testing.assert_array_equal(bags.targets, [disc.targets, disc.targets])
    assert (bags.changes == UNKNOWN).all()


def test_windows_leave_the_store_as_it_was():
    store = DiscStore.of([changed_disc({0: {1: 1}}, 3, upper="I")])
    before = store.targets.clone()
    for seed in range(5):
        store.windows(np.array([0]), 1, np.random.default_rng(seed))
    torch.testing.assert_close(store.targets, before, equal_nan=True)


def test_unknown_and_hidden_pixels_belong_to_no_class_and_all_others_to_one():
    known = CLASS_SHARES.sum(1)
    assert not known[HIDDEN:].any()
    np.testing.assert_allclose(known[:HIDDEN], 1)
    assert CLASS_SHARES[0].tolist() == [1, 0, 0, 0]
