"""Damopoulos 2019: the paper's network, loss and mixup."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import beta
from torch import nn

from ModicGraderLib.recipes import damopoulos2019_network as networks
from ModicGraderLib.recipes.damopoulos2019_network import Vgg16, WeightedLoss, class_weights
from ModicGraderLib.recipes.damopoulos2019_views import FIELD, SHAPE, augmented, mixed, sub_volumes, without_border
from ModicGraderLib.training.pretrained import load_pretrained

# The network (2.2).


def test_vgg16_has_its_thirteen_convolutions_on_six_channels_and_one_fully_connected_layer():
    network = Vgg16(3)
    convolutions = [one for one in network.modules() if isinstance(one, nn.Conv2d)]
    widths = [one.out_channels for one in convolutions]
    assert widths == [64] * 2 + [128] * 2 + [256] * 3 + [512] * 6
    assert {one.kernel_size for one in convolutions} == {(3, 3)} and convolutions[0].in_channels == 6
    dense = [one for one in network.modules() if isinstance(one, nn.Linear)]
    assert [(one.in_features, one.out_features) for one in dense] == [(512 * 3 * 7, 3)]
    # VGG16's 14,714,688 of the convolutions on three channels, 64 x 9 for each of three more, and the last layer.
    assert sum(one.numel() for one in network.parameters()) == 14_714_688 + 3 * 64 * 9 + (10_752 + 1) * 3


def test_dropout_follows_the_last_convolution_and_is_silent_when_grading():
    network = Vgg16(2)
    network.features = nn.Sequential(nn.Conv2d(6, 512, 1), nn.ReLU(), nn.AdaptiveMaxPool2d((3, 7)))
    seen = []
    network.dropout.register_forward_hook(lambda module, given, out: seen.append((given[0], out)))
    picture = torch.full((1, 6, *SHAPE), 200.0)
    network.train()(picture)
    network.eval()(picture)
    (before, dropped), (same, kept) = seen
    positive = before > 0
    assert before.shape == (1, 512, *SHAPE)
    assert (dropped[positive] == 0).float().mean().item() == pytest.approx(0.2, abs=0.01)
    assert torch.equal(same, kept)


def test_torchvisions_vgg16_weights_fill_all_convolutions(tmp_path):
    network = Vgg16(3)
    given = network.features.state_dict(prefix="features.")
    given = {name: torch.full_like(tensor, 0.01) for name, tensor in given.items()}
    given["features.0.weight"] = torch.randn(64, 3, 3, 3)
    given["classifier.6.weight"] = torch.zeros(1000, 8)
    torch.save(given, tmp_path / "vgg16.pth")
    line = load_pretrained(network, tmp_path / "vgg16.pth")
    assert "26 of 28" in line and "grade.weight, grade.bias" in line
    assert torch.all(network.features[28].weight == 0.01)
    # A gray picture is answered as by the three colors.
    first = network.features[0].weight
    assert torch.allclose(first.sum(1), given["features.0.weight"].sum(1), atol=1e-5)


def test_class_weights_are_those_of_the_papers_frequencies():
    targets = [0] * 429 + [1] * 39 + [2] * 84
    assert class_weights(targets, 3).numpy() == pytest.approx([0.429, 4.718, 2.190], abs=5e-4)
    assert class_weights([0, 0, 2, 2, 2, 2], 3).numpy() == pytest.approx([1.5, 0.0, 0.75])


class _FixedLogits(nn.Module):
    def __init__(self, logits: torch.Tensor) -> None:
        super().__init__()
        self.logits = logits

    def forward(self, pictures: torch.Tensor) -> torch.Tensor:
        return self.logits[: len(pictures)]


def test_the_loss_is_the_weighted_cross_entropy_over_all_three_sub_volumes():
    logits = torch.tensor([[2.0, 0.0, 1.0], [0.0, 1.0, 0.0], [1.0, 1.0, 1.0]] * 2)
    weights = torch.tensor([0.5, 4.0, 2.0])
    batch = {"regions": torch.zeros(2, 2, 5, *FIELD, dtype=torch.uint8), "target": torch.tensor([1, 2])}
    loss = WeightedLoss(weights, mixup=False, mirror=False)(_FixedLogits(logits), batch)
    likelihood = np.log(np.exp(logits.numpy()) / np.exp(logits.numpy()).sum(1, keepdims=True))
    by_hand = -(4.0 * likelihood[:3, 1].sum() + 2.0 * likelihood[3:, 2].sum()) / 6
    assert loss.item() == pytest.approx(by_hand, rel=1e-5)


def test_the_loss_of_a_mixed_target_is_the_mixture_of_the_losses(monkeypatch):
    monkeypatch.setattr(networks, "mixed", lambda regions, targets: (regions, targets.new_tensor([[0.7, 0.3]])))
    logits = torch.tensor([[1.0, 0.0]] * 3)
    batch = {"regions": torch.zeros(1, 2, 5, *FIELD, dtype=torch.uint8), "target": torch.tensor([0])}
    loss = WeightedLoss(torch.tensor([0.5, 3.0]), mixup=True, mirror=False)(_FixedLogits(logits), batch)
    first, second = np.log1p(np.exp(-1.0)), np.log1p(np.exp(1.0))
    assert loss.item() == pytest.approx(0.7 * 0.5 * first + 0.3 * 3.0 * second, rel=1e-5)


def test_the_loss_is_that_of_discs_augmented_anew_each_time(monkeypatch):
    asked, shown = [], []
    monkeypatch.setattr(
        networks, "augmented", lambda regions, mirror: asked.append(mirror) or augmented(regions, mirror)
    )
    network = _FixedLogits(torch.zeros(3, 2))
    network.register_forward_hook(lambda module, given, out: shown.append(given[0]))
    batch = {"regions": torch.randint(0, 256, (1, 2, 5, *FIELD), dtype=torch.uint8), "target": torch.tensor([0])}
    plain = sub_volumes(without_border(batch["regions"])).flatten(0, 1)
    for mirror in (False, True):
        WeightedLoss(torch.ones(2), False, mirror)(network, batch)
    assert asked == [False, True]
    assert all((one - other).abs().mean() > 1 for one, other in itertools.combinations([plain, *shown], 2))


def test_mixup_blends_entire_ivd_volumes(monkeypatch):
    given = []
    monkeypatch.setattr(networks, "mixed", lambda *both: given.append(both) or mixed(*both))
    batch = {"regions": torch.zeros(4, 2, 5, *FIELD, dtype=torch.uint8), "target": torch.tensor([0, 1, 1, 0])}
    for mixup in (False, True):
        WeightedLoss(torch.ones(2), mixup, mirror=False)(_FixedLogits(torch.zeros(12, 2)), batch)
    [(regions, targets)] = given
    assert regions.shape == (4, 2, 5, *SHAPE) and targets.tolist() == [[1, 0], [0, 1], [0, 1], [1, 0]]


# Mixup (2.3).


@given(seed=st.integers(0, 2**16), count=st.integers(1, 40))
@settings(max_examples=30, deadline=None)
def test_mixup_blends_pictures_and_targets_of_a_batch_with_the_same_shares(seed, count):
    torch.manual_seed(seed)
    classes = torch.randint(3, (count,))
    targets = nn.functional.one_hot(classes, 3).float()
    # Pictures that hold their own target, so that what was blended with what can be read off.
    pictures = targets[:, :, None, None].expand(-1, -1, 2, 4).clone()
    blended, blended_targets = mixed(pictures, targets)
    assert torch.allclose(blended, blended_targets[:, :, None, None].expand_as(blended))
    assert torch.allclose(blended_targets.sum(1), torch.ones(count))
    # Each picture is its own share plus that of one other, which is nobody else's other.
    own = blended_targets.gather(1, classes[:, None])
    assert torch.all((own >= 0) & (own <= 1 + 1e-6))


def test_mixups_partners_are_a_permutation_and_its_shares_are_drawn_from_beta_of_a_tenth():
    torch.manual_seed(0)
    count = 3000
    blended, targets = mixed(torch.eye(count), torch.arange(2.0).repeat(count // 2)[:, None])
    partner = blended - torch.diag(blended.diagonal())
    assert (partner > 0).sum(0).max() <= 1 and (partner > 0).sum(1).max() <= 1
    shares = blended.diagonal()[blended.diagonal() < 1].numpy()
    for edge in (0.01, 0.1, 0.5, 0.9):
        assert (shares < edge).mean() == pytest.approx(beta(0.1, 0.1).cdf(edge), abs=0.09)
    assert targets.shape == (count, 1)
