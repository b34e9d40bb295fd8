"""Bassani 2023: the network, how it thaws and learns, and the calibration."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import expit, softmax

from ModicGraderLib.recipes import bassani2023_network as network_part
from ModicGraderLib.recipes.bassani2023_network import EndplateNetwork, steps_at
from ModicGraderLib.recipes.bassani2023_tables import TABLE_2
from ModicGraderLib.recipes.vision import torchvision
from ModicGraderLib.training import precision

PAPER_COUNTS = np.sum(list(TABLE_2.values()), axis=0)


class TestNetwork:
    def test_it_is_resnet18_with_four_outputs(self):
        network = EndplateNetwork(4).eval()
        assert sum(parameter.numel() for parameter in network.parameters()) == 11_178_564
        assert network(torch.rand(2, 1, 128, 128)).shape == (2, 4)
        theirs = torchvision.models.resnet18(weights=None).state_dict()
        ours = network.resnet.state_dict()
        assert {key for key in theirs if theirs[key].shape != ours[key].shape} == {"fc.weight", "fc.bias"}

    def test_a_gray_picture_stands_for_three_colors_in_the_scale_of_imagenet(self, monkeypatch):
        monkeypatch.setattr(precision, "has_bfloat16", lambda device: False)
        network = EndplateNetwork(4).eval()
        colors = torch.stack([(torch.tensor(0.5) - m) / s for m, s in ((0.485, 0.229), (0.456, 0.224), (0.406, 0.225))])
        colors = colors[None, :, None, None].expand(1, 3, 128, 128)
        with torch.no_grad():
            gray = network(torch.full((1, 1, 128, 128), 0.5))
            assert torch.allclose(gray, network.resnet(colors), atol=1e-5)

    def test_parts_thaw_from_the_answer_towards_the_picture_in_growing_steps(self):
        network = EndplateNetwork(4)
        learning = []
        for steps in range(1, 6):
            network.thaw(steps)
            learning.append(sum(one.numel() for one in network.parameters() if one.requires_grad))
        assert np.diff(learning, prepend=0).tolist() == [2_052, 8_393_728, 2_099_712, 525_568, 147_968 + 128 + 9_408]
        assert sum(network_part.STEP_EPOCHS) == 100
        assert (np.diff(network_part.STEP_EPOCHS) > 0).all()
        assert [steps_at(epoch, 100) for epoch in (0, 4, 5, 14, 15, 29, 30, 49, 50, 99)] == [
            1,
            1,
            2,
            2,
            3,
            3,
            4,
            4,
            5,
            5,
        ]
        assert [steps_at(epoch, 10) for epoch in range(10)] == [1, 2, 3, 4, 4, 5, 5, 5, 5, 5]

    def test_frozen_parts_keep_the_statistics_of_their_normalization(self):
        network = EndplateNetwork(4).train()
        network.thaw(2)
        before = {name: value.clone() for name, value in network.named_buffers()}
        network(torch.rand(4, 1, 128, 128))
        moved = {name.split(".")[1] for name, value in network.named_buffers() if not torch.equal(value, before[name])}
        assert moved == {"layer4"}

    def test_every_class_is_drawn_equally_often_and_as_many_discs_as_there_are(self):
        targets = np.repeat(np.arange(4), PAPER_COUNTS)
        sampler = network_part.weighted_sampler(targets)
        weight = np.bincount(targets, sampler.weights.numpy())
        assert weight == pytest.approx([weight.mean()] * 4)
        assert len(sampler) == sum(PAPER_COUNTS) and sampler.replacement

    def test_the_loss_is_the_cross_entropy(self):
        logits = torch.tensor([[2.0, 0.0, 0.0, 0.0], [0.0, 0.0, 0.0, 0.0]])
        value = network_part.loss(lambda picture: logits, {"picture": torch.empty(0), "target": torch.tensor([0, 2])})
        by_hand = (-np.log(np.exp(2) / (np.exp(2) + 3)) + np.log(4)) / 2
        assert value.item() == pytest.approx(by_hand, abs=1e-6)


class TestCalibration:
    @given(st.integers(0, 2**32 - 1), st.integers(2, 5))
    @settings(max_examples=30)
    def test_without_any_change_of_scale_it_is_the_softmax(self, seed, classes):
        logits = np.random.default_rng(seed).normal(scale=4, size=(7, classes))
        same = network_part.calibrated(logits, np.tile([1.0, 0.0], (classes, 1)))
        assert same == pytest.approx(softmax(logits, axis=1), abs=1e-6)

    @given(st.integers(0, 2**32 - 1))
    @settings(max_examples=30)
    def test_probabilities_sum_to_one(self, seed):
        random = np.random.default_rng(seed)
        scaled = network_part.calibrated(random.normal(scale=30, size=(9, 4)), random.normal(size=(4, 2)))
        assert (scaled >= 0).all()
        assert scaled.sum(1) == pytest.approx(np.ones(9))

    def test_logits_that_are_twice_too_sure_are_halved(self):
        random = np.random.default_rng(0)
        odds = random.normal(scale=2, size=4000)
        targets = (random.random(4000) < expit(odds)).astype(int)
        logits = np.stack([np.zeros(4000), 2 * odds], axis=1)
        scales = network_part.fit_platt(logits, targets)
        assert scales[:, 0] == pytest.approx([0.5, 0.5], abs=0.05)
        assert scales[:, 1] == pytest.approx([0.0, 0.0], abs=0.1)

    def test_a_class_that_no_disc_has_stays_as_it_is(self):
        targets = np.random.default_rng(0).integers(0, 3, 60)
        logits = 2 * np.eye(4)[targets] + np.random.default_rng(1).normal(size=(60, 4))
        scales = network_part.fit_platt(logits, targets)
        assert scales[3].tolist() == [1.0, 0.0]
        assert not (scales[:3] == [1.0, 0.0]).all(1).any()

    def test_more_of_a_class_never_makes_it_less_probable(self):
        targets = np.random.default_rng(0).integers(0, 4, 60)
        # The more of the first class is seen, the less often it is there.
        logits = np.eye(4)[targets] * [-2, 2, 2, 2]
        scales = network_part.fit_platt(logits, targets)
        assert scales[0].tolist() == [1.0, 0.0]
        assert (scales[:, 0] > 0).all() and (scales[1:] != [1.0, 0.0]).all()
