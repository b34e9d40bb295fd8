"""SpineNet 2016: layers, weights and losses."""

from __future__ import annotations

import math

import pytest
import torch
from torch import nn

from ModicGraderLib.recipes.spinenet2016 import (
    BRANCH_POINTS,
    LAYERS,
    SpineNet,
    class_weights,
    multi_task_loss,
)
from ModicGraderLib.recipes.spinenet2016_discs import TASKS
from ModicGraderLib.recipes.spinenet2016_views import (
    SHAPE,
)

WEIGHTS = {
    "conv1": 96 * 9 * 7 * 7 + 96,
    "conv2": 256 * 96 * 5 * 5 + 256,
    "conv3": 512 * 256 * 3 * 3 + 512,
    "conv4": 512 * 512 * 3 * 3 + 512,
    "conv5": 512 * 512 * 3 * 3 + 512,
    "fc6": 512 * 3 * 7 * 4096 + 4096,
    "fc7": 4096 * 1024 + 1024,
}
"""Of VGG-M-1024 on nine slices; FC8 has 1025 for each class."""

OUTPUTS = {
    "conv1": (96, 28, 56),
    "conv2": (256, 7, 14),
    "conv3": (512, 7, 14),
    "conv4": (512, 7, 14),
    "conv5": (512, 3, 7),
    "fc6": (4096,),
    "fc7": (1024,),
    "fc8": (5,),
}


def paper_network(branch: str = "conv5") -> SpineNet:
    """In the paper's size, without the memory."""
    with torch.device("meta"):
        return SpineNet(branch)


def count(module: nn.Module) -> int:
    return sum(one.numel() for one in module.parameters())


def layer_of(network: SpineNet, name: str, task: str = "pfirrmann") -> nn.Module:
    part = network.shared if name in dict(network.shared.named_children()) else network.heads[task]
    return dict(part.named_children())[name]


def test_every_layer_has_the_weights_of_vgg_m():
    network = paper_network()
    assert {name: count(layer_of(network, name)) for name in WEIGHTS} == WEIGHTS
    assert {task: count(layer_of(network, "fc8", task)) for task in TASKS} == {t: 1025 * n for t, n in TASKS.items()}


def test_every_layer_puts_out_what_vgg_m_makes_of_112_by_224_pixels():
    network, features, shapes = paper_network(), torch.empty(1, *SHAPE, device="meta"), {}
    for name in LAYERS:
        features = layer_of(network, name)(features)
        shapes[name] = tuple(features.shape[1:])
    assert shapes == OUTPUTS


@pytest.mark.parametrize("branch", BRANCH_POINTS)
def test_tasks_share_the_layers_up_to_the_branch_point_and_have_their_own_beyond(branch):
    network = paper_network(branch)
    shared = LAYERS[: 0 if branch == "none" else LAYERS.index(branch) + 1]
    assert tuple(name for name, _ in network.shared.named_children()) == shared
    for head in network.heads.values():
        assert tuple(name for name, _ in head.named_children()) == LAYERS[len(shared) :]
    own = sum(WEIGHTS[name] for name in LAYERS[len(shared) : -1])
    assert count(network) == sum(WEIGHTS[name] for name in shared) + 6 * own + 1025 * 17


def test_six_fc6_after_conv5_are_264_million_weights():
    network = paper_network()
    assert round(sum(count(layer_of(network, "fc6", task)) for task in TASKS), -6) == 264_000_000


def test_there_is_no_normalization_but_two_dropouts_of_a_half_a_task():
    kinds = [module for module in paper_network().modules() if not list(module.children())]
    assert {type(module) for module in kinds} == {
        nn.Conv2d, nn.ReLU, nn.MaxPool2d, nn.Flatten, nn.Linear, nn.Dropout
    }  # fmt: skip
    assert [module.p for module in kinds if isinstance(module, nn.Dropout)] == [0.5] * 12


def test_weights_start_as_glorot_has_it():
    torch.manual_seed(0)
    weight = layer_of(SpineNet(fc6=2), "conv3")[0].weight
    bound = math.sqrt(6 / (9 * (256 + 512)))
    assert weight.abs().max() <= bound
    assert weight.std().item() == pytest.approx(bound / math.sqrt(3), rel=0.01)


def test_the_mean_of_each_slice_is_taken_away():
    torch.manual_seed(0)
    network = SpineNet("fc7", fc6=4).eval()
    copies, mean = torch.rand(1, *SHAPE), torch.rand(9)
    plain = network(copies)["narrowing"]
    network.mean.copy_(mean)
    moved = network(copies + mean[:, None, None])["narrowing"]
    torch.testing.assert_close(moved, plain, rtol=1e-3, atol=1e-5)


# Losses


def test_classes_weigh_one_over_their_share_of_the_known_labels():
    torch.testing.assert_close(class_weights(torch.tensor([0, 0, 0, 2, -1]), 3), torch.tensor([4 / 3, 0, 4]))


def test_the_loss_is_the_one_computed_by_hand():
    logits = {"a": torch.tensor([[0.0, math.log(3)], [1.0, 1.0]]), "b": torch.tensor([[0.0, 0.0], [2.0, 2.0]])}
    weights = {"a": torch.tensor([4.0, 0.5]), "b": torch.tensor([3.0, 7.0])}
    # Task a: 4 log 4 and 0.5 log 2, over two discs; task b: 7 log 2 alone, its first label is unknown.
    targets = torch.tensor([[0, -1], [1, 1]])
    expected = (4 * math.log(4) + 0.5 * math.log(2)) / 2 + 7 * math.log(2)
    assert multi_task_loss(logits, targets, weights).item() == pytest.approx(expected)


def test_an_unknown_label_moves_nothing():
    scores = torch.zeros(2, 3, requires_grad=True)
    loss = multi_task_loss({"a": scores}, torch.tensor([[-1], [2]]), {"a": torch.ones(3)})
    loss.backward()
    assert not scores.grad[0].any()
    assert scores.grad[1].any()


def test_a_batch_without_any_label_of_a_task_has_no_loss():
    assert multi_task_loss({"a": torch.rand(2, 3)}, torch.full((2, 1), -1), {"a": torch.ones(3)}).item() == 0
