"""Tests of the disc reader: what it says of a disc depends on that disc alone, and on all of its slices."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from ModicGraderLib.grading.disc_input import CHANNELS, SCALARS, SHAPE
from ModicGraderLib.grading.network import CLASSES, DiscReader
from ModicGraderLib.grading.tasks import MARROW_CHANGE, MODIC_CHANGE, OUTPUTS, either

SMALL = (32, 32)
"""Small pictures read as well as whole ones, and faster."""


def reader(seed: int = 0) -> DiscReader:
    """An untrained network, with statistics of its normalization that are not those it starts with."""
    torch.manual_seed(seed)
    network = DiscReader()
    with torch.no_grad():
        network(torch.rand(8, CHANNELS, *SMALL), torch.rand(2, SCALARS), [4, 4])
    return network.eval()


READER = reader()


@pytest.fixture(autouse=True)
def without_gradients():
    with torch.no_grad():
        yield


def disc_of(slices: int, seed: int, shape: tuple[int, int] = SMALL) -> tuple[torch.Tensor, torch.Tensor]:
    """Region (slices, 4, H, W) and scalars (1, 16) of a random disc."""
    random = torch.Generator().manual_seed(seed)
    return torch.rand(slices, CHANNELS, *shape, generator=random), torch.rand(1, SCALARS, generator=random)


@pytest.mark.parametrize("slices", [1, 2, 15, 30])
def test_one_slice_or_thirty_give_one_answer_and_a_class_for_every_pixel(slices):
    disc, pixels = READER(*disc_of(slices, 0, SHAPE), [slices])
    assert disc.shape == (1, OUTPUTS)
    assert pixels.shape == (slices, CLASSES, *SHAPE)
    assert torch.isfinite(disc).all() and torch.isfinite(pixels).all()


@settings(max_examples=15, deadline=None)
@given(st.lists(st.integers(1, 7), min_size=2, max_size=4), st.integers(0, 99))
def test_the_answer_for_a_disc_does_not_depend_on_the_others_in_the_batch(counts, seed):
    discs = [disc_of(count, seed + number) for number, count in enumerate(counts)]
    region, scalars = (torch.cat(parts) for parts in zip(*discs, strict=True))
    together, pixels = READER(region, scalars, counts)
    alone = [READER(*disc, [count]) for disc, count in zip(discs, counts, strict=True)]
    torch.testing.assert_close(together, torch.cat([answer for answer, _ in alone]), atol=1e-4, rtol=1e-4)
    torch.testing.assert_close(pixels, torch.cat([own for _, own in alone]), atol=1e-4, rtol=1e-4)


@settings(max_examples=10, deadline=None)
@given(st.permutations(range(5)))
def test_the_order_of_the_slices_does_not_matter(order):
    region, scalars = disc_of(5, 3)
    disc, pixels = READER(region, scalars, [5])
    again, moved = READER(region[list(order)], scalars, [5])
    torch.testing.assert_close(again, disc, atol=1e-4, rtol=1e-4)
    torch.testing.assert_close(moved, pixels[list(order)], atol=1e-4, rtol=1e-4)


def test_a_slice_that_is_repeated_says_no_more_than_once():
    region, scalars = disc_of(1, 4)
    once, _ = READER(region, scalars, [1])
    often, _ = READER(region.expand(6, -1, -1, -1), scalars, [6])
    torch.testing.assert_close(often, once, atol=1e-4, rtol=1e-4)


def test_a_change_on_one_slice_of_many_is_heard():
    region, scalars = disc_of(9, 5)
    before, _ = READER(region, scalars, [9])
    region[7, :2, SMALL[0] // 2 :] += 1
    after, _ = READER(region, scalars, [9])
    assert (after - before).abs().max() > 1e-3


def test_the_pixels_of_a_slice_depend_on_that_slice_alone():
    region, scalars = disc_of(3, 6)
    _, before = READER(region, scalars, [3])
    region[0] = 0
    _, after = READER(region, torch.zeros_like(scalars), [3])
    torch.testing.assert_close(after[1:], before[1:])
    assert (after[0] - before[0]).abs().max() > 1e-3


def test_a_disc_is_changed_if_one_of_its_endplates_is():
    region, scalars = disc_of(4, 7)
    chances = READER(region, scalars, [4])[0].double().sigmoid().numpy()
    expected = either(*(chances[:, index] for index in MARROW_CHANGE))
    np.testing.assert_allclose(chances[:, MODIC_CHANGE], expected, rtol=1e-5)


def test_every_weight_has_a_say():
    torch.manual_seed(0)
    network = DiscReader()
    region, scalars = disc_of(4, 8)
    with torch.enable_grad():
        disc, pixels = network(region, scalars.repeat(2, 1), [3, 1])
        (disc.square().sum() + pixels.square().sum()).backward()
    silent = [name for name, one in network.named_parameters() if one.grad is None or one.grad.abs().max() < 1e-6]
    # Attention compares the slices of a disc: what is added to all of them changes nothing.
    assert silent == ["attention.bias"]
