"""Tests of random views of discs: types, endplates and answers stay with the pictures, whichever way up."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from random_discs import COLUMNS, ROWS, random_disc

from ModicGraderLib.grading.disc_input import BORDER, CHANNELS, SCALARS, SHAPE
from ModicGraderLib.grading.tasks import MARROW_CHANGE, MODIC_TYPE, OUTPUTS, SWAP_ENDPLATES
from ModicGraderLib.training import disc_augmentation
from ModicGraderLib.training.disc_augmentation import (
    GAIN,
    PRESENT,
    SLIP,
    UPSIDE_DOWN_CODES,
    augment,
    without_border,
)
from ModicGraderLib.training.disc_store import Bags, DiscStore
from ModicGraderLib.training.graded_discs import LOWER_ENDPLATE, OTHER_ENDPLATE, UNKNOWN

MARROW, TYPE_I, TYPE_II = (0.5, 0.5), (0.2, 1.0), (1.0, 1.0)
"""Signal on T1 and T2."""

UPPER_I, LOWER_II = 1, LOWER_ENDPLATE + 2


def generator(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def painted(discs: int = 1, slices: int = 1) -> Bags:
    """Discs with type I above and type II below, in bodies that fill the region; every slice is the same."""
    region = torch.zeros(discs * slices, CHANNELS, ROWS, COLUMNS)
    changes = torch.zeros(discs * slices, ROWS, COLUMNS, dtype=torch.uint8)
    middle, columns = ROWS // 2, slice(30, 90)
    for channel in range(2):
        region[:, channel] = MARROW[channel]
        region[:, channel, middle - 26 : middle - 8, columns] = TYPE_I[channel]
        region[:, channel, middle + 8 : middle + 26, columns] = TYPE_II[channel]
    changes[:, middle - 26 : middle - 8, columns], changes[:, middle + 8 : middle + 26, columns] = UPPER_I, LOWER_II
    region[:, 2, middle - 8 : middle + 8, columns] = 1
    region[:, 3, : middle - 8] = region[:, 3, middle + 8 :] = 1
    scalars, targets = torch.zeros(discs, SCALARS), torch.full((discs, OUTPUTS), torch.nan)
    scalars[:, PRESENT], scalars[:, SLIP] = 1, 2.0
    targets[:, MARROW_CHANGE[0]], targets[:, MARROW_CHANGE[1]] = 0.25, 0.75
    targets[:, MODIC_TYPE["upper"]], targets[:, MODIC_TYPE["lower"]] = torch.eye(3)[0], torch.eye(3)[1]
    anatomy = (region[:, 2] + 2 * region[:, 3]).to(torch.uint8)
    return Bags(region, changes, anatomy, scalars, targets, [slices] * discs)


@pytest.fixture
def nothing_random(monkeypatch):
    """Switches every random change off."""
    for name in ("TURN_DEG", "ZOOM", "STRETCH", "SHIFT", "GAIN", "GAMMA", "NOISE", "T1_LOST", "T2_LOST", "UPSIDE_DOWN"):
        monkeypatch.setattr(disc_augmentation, name, 0.0)
    monkeypatch.setattr(disc_augmentation, "UPSIDE_DOWN", -1.0)


def places(codes: torch.Tensor, chosen: torch.Tensor) -> float:
    """Mean row of some codes on a slice (rows, columns)."""
    return float(np.argwhere(np.isin(codes.numpy(), chosen.numpy()))[:, 0].mean())


@settings(max_examples=25)
@given(st.integers(0, 10_000))
def test_in_every_view_types_stay_with_their_signal_and_endplates_with_their_side(seed):
    view = augment(painted(discs=4), generator(seed))
    for number in range(4):
        region, codes, targets = view.region[number], view.changes[number], view.targets[number]
        own = torch.arange(1, 2 * LOWER_ENDPLATE)
        upper, lower = own[own < LOWER_ENDPLATE], own[own > LOWER_ENDPLATE]
        assert places(codes, upper) < places(codes, lower)
        if view.scalars[number, PRESENT.start]:
            kind = codes % LOWER_ENDPLATE
            known = codes != UNKNOWN
            assert region[0][known & (kind == 1)].median() < region[0][known & (kind == 0)].median()
            assert region[0][known & (kind == 2)].median() > region[0][known & (kind == 0)].median()
        # What is asked of the upper endplate is what is drawn above the disc.
        drawn = int(codes[(codes > 0) & (codes < LOWER_ENDPLATE)][0]) - 1
        assert int(targets[MODIC_TYPE["upper"]].argmax()) == drawn
        turned = drawn == 1
        assert targets[MARROW_CHANGE].tolist() == ([0.75, 0.25] if turned else [0.25, 0.75])
        assert (view.scalars[number, SLIP] < 0) == turned


def test_without_chance_a_view_is_the_region_without_its_border(nothing_random):
    bags, plain = painted(2, 3), without_border(painted(2, 3))
    view = augment(bags, generator(0))
    assert view.region.shape[2:] == SHAPE
    torch.testing.assert_close(view.region, plain.region, atol=1e-5, rtol=0)
    assert (view.changes == plain.changes).all()
    torch.testing.assert_close(view.targets, bags.targets, equal_nan=True)
    np.testing.assert_array_equal(plain.region, bags.region[..., BORDER:-BORDER, BORDER:-BORDER])


def test_upside_down_is_the_mirror_image(nothing_random, monkeypatch):
    monkeypatch.setattr(disc_augmentation, "UPSIDE_DOWN", 2.0)
    bags, plain = painted(), without_border(painted())
    view = augment(bags, generator(0))
    torch.testing.assert_close(view.region, plain.region.flip(-2), atol=1e-5, rtol=0)
    assert (view.changes == UPSIDE_DOWN_CODES[plain.changes.flip(-2).long()]).all()
    torch.testing.assert_close(view.targets, bags.targets[:, SWAP_ENDPLATES], equal_nan=True)


def test_codes_turn_to_the_other_endplate_and_back():
    codes = torch.arange(256)
    assert (UPSIDE_DOWN_CODES[UPSIDE_DOWN_CODES.long()] == codes).all()
    assert UPSIDE_DOWN_CODES[[0, UNKNOWN]].tolist() == [0, UNKNOWN]
    for own in (0, OTHER_ENDPLATE):
        for type_ in range(1, 6):
            assert UPSIDE_DOWN_CODES[own + type_] == own + LOWER_ENDPLATE + type_


def test_all_slices_of_a_disc_are_turned_and_shown_alike(monkeypatch):
    monkeypatch.setattr(disc_augmentation, "NOISE", 0.0)
    view = augment(painted(discs=3, slices=4), generator(4))
    firsts = []
    for number in range(3):
        own = slice(4 * number, 4 * number + 4)
        for part in (view.region[own], view.changes[own]):
            assert (part == part[:1]).all()
        firsts.append(view.region[4 * number])
    assert (firsts[0] - firsts[1]).abs().max() > 0.05


@settings(max_examples=25)
@given(st.integers(0, 10_000))
def test_normal_marrow_stays_normal_within_the_error_of_its_reference(seed):
    bags = painted(discs=6)
    bags.region[:, :2] = 0.5
    view = augment(bags, generator(seed))
    inner = view.region[:, :2, 30:-30, 30:-30]
    seen = inner.mean((2, 3))[view.scalars[:, PRESENT] > 0] / 0.5
    assert seen.log().abs().max() < GAIN + 0.02


def test_a_contrast_that_is_lost_is_gone_from_pictures_and_numbers_and_never_both():
    view = augment(painted(discs=250), generator(1))
    present = view.scalars[:, PRESENT]
    assert (present.sum(1) >= 1).all()
    lost = 1 - present.mean(0)
    np.testing.assert_allclose(lost, [disc_augmentation.T1_LOST, disc_augmentation.T2_LOST], atol=0.03)
    there = view.region[:, :2].abs().amax((2, 3)) > 0
    assert (there == present.bool()).all()


def test_without_t2_the_numbers_do_not_tell_its_signal_of_the_nucleus(monkeypatch):
    monkeypatch.setattr(disc_augmentation, "T2_LOST", 1.0)
    bags = painted(discs=8)
    bags.scalars[:, disc_augmentation.NUCLEUS] = 3.0
    assert not augment(bags, generator(0)).scalars[:, disc_augmentation.NUCLEUS].any()


def test_a_study_of_one_contrast_keeps_it():
    bags = painted(discs=60)
    bags.scalars[:, PRESENT.start] = 0
    bags.region[:, 0] = 0
    view = augment(bags, generator(2))
    assert view.scalars[:, PRESENT].tolist() == [[0, 1]] * 60
    assert not view.region[:, 0].any()


def test_beyond_the_region_nothing_is_known(monkeypatch, nothing_random):
    monkeypatch.setattr(disc_augmentation, "SHIFT", 1.0)
    bags = painted(discs=8)
    bags.region[:, 3] = 1
    view = augment(bags, generator(3))
    beyond = view.region[:, 3] < 0.01
    assert beyond.any() and not beyond.all()
    assert (view.changes[beyond] == UNKNOWN).all()
    assert (view.changes[view.region[:, 3] > 0.99] != UNKNOWN).all()


def test_a_view_leaves_what_it_was_made_of_alone_and_can_be_made_again():
    bags = DiscStore.of([random_disc(1, 2), random_disc(2, 1)]).whole(np.array([0, 1]))
    names = ("region", "changes", "scalars", "targets")
    before = {name: getattr(bags, name).clone() for name in names}
    first, again = augment(bags, generator(5)), augment(bags, generator(5))
    for name in names:
        torch.testing.assert_close(getattr(bags, name), before[name], equal_nan=True)
        torch.testing.assert_close(getattr(first, name), getattr(again, name), equal_nan=True)
