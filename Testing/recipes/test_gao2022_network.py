"""Gao 2022: networks and loss."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from ModicGraderLib.recipes.gao2022_network import FILTERS, ModicMapper, encoder_decoder, loss, segment


class Fixed(nn.Module):
    """Stands in for the networks with logits of its own."""

    def __init__(self, logits):
        super().__init__()
        self.logits = logits

    def forward(self, images):
        return self.logits


@pytest.mark.parametrize(("channels", "parameters"), [(1, 3_618_074), (2, 3_618_234)])
def test_each_network_has_the_parameters_of_its_layers(channels, parameters):
    network = encoder_decoder(channels)
    assert sum(one.numel() for one in network.parameters()) == parameters == counted_by_hand(channels)


def counted_by_hand(channels: int) -> int:
    """Residual units (3 convolutions, 3 norms, a PReLU) down, an upward convolution and 2 convolutions (2 norms) up.

    On the way up MONAI gives a level the kernels of the next deeper one.
    """
    through = (1, 1, 3, 3, 3)
    total, before = 0, channels
    for filters, slices in zip(FILTERS, through, strict=True):
        total += 9 * slices * (before * filters + filters**2) + before * filters + 3 * 2 * filters + 1
        before = filters
    for filters, slices in zip(reversed(FILTERS[:-1]), reversed(through[1:]), strict=True):
        total += 4 * before * filters + 9 * slices * (2 * filters**2 + filters**2) + 2 * 2 * filters + 1
        before = filters
    return total + before + 1


def test_slices_are_never_pooled_and_each_weight_is_kept_once():
    network = ModicMapper()
    convolutions = [one for one in network.modules() if isinstance(one, (nn.Conv3d, nn.ConvTranspose3d))]
    assert {one.stride[0] for one in convolutions} == {1}
    assert {one.kernel_size for one in convolutions} == {(1, 3, 3), (3, 3, 3), (1, 2, 2), (1, 1, 1)}
    state = network.state_dict()
    assert len({tensor.data_ptr() for tensor in state.values()}) == len(state)


@pytest.mark.parametrize("slices", [1, 2, 5])
def test_a_study_of_any_number_of_slices_is_segmented(slices):
    images = np.random.default_rng(0).random((2, slices, 64, 32)).astype(np.float32)
    segmented = segment(ModicMapper().eval(), *images, "cpu")
    assert segmented.shape == images.shape and (segmented > 0).all() and (segmented < 1).all()


def test_bodies_are_told_from_t1_alone_and_changes_from_both():
    network, images = ModicMapper().eval(), torch.randn(1, 2, 2, 32, 32)
    other_t1, other_t2 = images.clone(), images.clone()
    other_t1[:, 0] += torch.randn(2, 32, 32)
    other_t2[:, 1] += torch.randn(2, 32, 32)
    with torch.no_grad():
        logits, with_t1, with_t2 = network(images), network(other_t1), network(other_t2)
    assert torch.equal(logits[:, 0], with_t2[:, 0])
    assert not torch.allclose(logits[:, 0], with_t1[:, 0])
    assert not torch.allclose(logits[:, 1], with_t1[:, 1])
    assert not torch.allclose(logits[:, 1], with_t2[:, 1])


def test_slices_inform_each_other():
    network, images = ModicMapper().eval(), torch.randn(1, 2, 3, 32, 32)
    other = images.clone()
    other[:, :, 0] += torch.randn(32, 32)
    with torch.no_grad():
        assert not torch.allclose(network(images)[:, :, 2], network(other)[:, :, 2])


def test_loss_is_dice_and_cross_entropy_of_both_networks_over_the_whole_batch():
    random = np.random.default_rng(1)
    logits, masks = random.normal(size=(2, 2, 1, 3, 4)), random.random((2, 2, 1, 3, 4)) < 0.4
    masks[1, 1] = False  # a patch without a change
    chance = 1 / (1 + np.exp(-logits))
    expected = 0.0
    for one in (0, 1):
        p, t = chance[:, one], masks[:, one]
        overlap = (2 * (p * t).sum() + 1e-5) / (p.sum() + t.sum() + 1e-5)
        expected += 1 - overlap - np.where(t, np.log(p), np.log(1 - p)).mean()
    batch = {"images": torch.zeros(2, 2, 1, 3, 4), "masks": torch.tensor(masks, dtype=torch.float64)}
    assert float(loss(Fixed(torch.tensor(logits)), batch)) == pytest.approx(expected, abs=1e-6)


def test_a_single_slice_is_read_as_a_series_of_copies():
    single, seen = np.random.default_rng(0).random((2, 1, 32, 16), dtype=np.float32), []

    def network(images):
        seen.append(images)
        return images + torch.arange(images.shape[2])[:, None, None]

    middle = segment(network, *single, "cpu")
    [series] = seen
    assert series.shape == (1, 2, 3, 32, 16)
    assert torch.equal(series, series[:, :, :1].expand_as(series))
    np.testing.assert_array_equal(middle, (series[0, :, 1:2] + 1).sigmoid().numpy())
