"""Cina 2023: twin 3D ResNets and their loss."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from monai.networks.nets import resnet18
from torch import nn

from ModicGraderLib.recipes import cina2023 as recipe
from ModicGraderLib.recipes.cina2023 import RECIPE
from ModicGraderLib.recipes.cina2023_classifier import (
    TwinResNet,
    loss,
)
from ModicGraderLib.recipes.recipe import Run


def resnet18_weights() -> int:
    """Of a 3D ResNet-18 whose shortcuts have none (Med3D's type A) and without a last layer, counted by hand."""
    widths = (64, 64, 128, 256, 512)
    convolutions = 7**3 * 64 + sum(
        27 * (before * own + 3 * own**2) for before, own in zip(widths, widths[1:], strict=False)
    )
    return convolutions + 2 * 64 + sum(4 * 2 * own for own in widths[1:])


def test_two_resnets_with_weights_of_their_own_lead_to_1024_features_and_three_classes():
    network = TwinResNet()
    assert all(sum(one.numel() for one in part.parameters()) == resnet18_weights() for part in (network.t1, network.t2))
    assert not {id(one) for one in network.t1.parameters()} & {id(one) for one in network.t2.parameters()}
    assert (network.head.in_features, network.head.out_features) == (1024, 3)
    for part in (network.t1, network.t2):
        assert (part.conv1.in_channels, part.conv1.kernel_size, part.conv1.stride) == (1, (7, 7, 7), (1, 2, 2))


def test_either_resnet_reads_its_own_contrast():
    network = TwinResNet().eval()
    nn.init.zeros_(network.head.weight[:, :512].detach())
    regions = torch.rand(3, 1, 1, 5, 32, 32)
    with torch.no_grad():
        first, other_t1, other_t2 = (network(regions[t1], regions[t2]) for t1, t2 in ((0, 0), (1, 0), (0, 2)))
    assert first.shape == (1, 3) and torch.equal(first, other_t1) and not torch.equal(first, other_t2)


def test_med3d_weights_fill_both_resnets(tmp_path):
    given = resnet18(spatial_dims=3, n_input_channels=1, feed_forward=False, shortcut_type="A").state_dict()
    torch.save({"state_dict": {f"module.{name}": tensor for name, tensor in given.items()}}, tmp_path / "med3d.pth")
    network = TwinResNet(tmp_path / "med3d.pth")
    for part in (network.t1, network.t2):
        assert all(torch.equal(tensor, given[name]) for name, tensor in part.state_dict().items())


def test_weights_go_to_the_network_that_they_are_for(tmp_path):
    torch.save({"conv1.weight": torch.zeros(64, 1, 7, 7, 7)}, tmp_path / "med3d.pth")
    torch.save({"conv1.weight": torch.zeros(64, 3, 7, 7)}, tmp_path / "resnet50.pth")
    for name, is_3d in (("med3d.pth", True), ("resnet50.pth", False)):
        run = Run(tmp_path, RECIPE.plans["smoke"], "smoke", pretrained=tmp_path / name)
        assert recipe._pretrained(run, three_dimensional=is_3d) == tmp_path / name
        assert recipe._pretrained(run, three_dimensional=not is_3d) is None


def test_the_loss_is_the_cross_entropy_without_weights():
    logits = torch.log(torch.tensor([[0.7, 0.2, 0.1], [0.5, 0.25, 0.25], [0.1, 0.1, 0.8]]))
    batch = {"t1": torch.zeros(3), "t2": torch.zeros(3), "target": torch.tensor([0, 1, 2])}
    value = loss(lambda t1, t2: logits, batch)
    assert value.item() == pytest.approx(-(np.log(0.7) + np.log(0.25) + np.log(0.8)) / 3, abs=1e-6)
