from __future__ import annotations

import logging

import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from ModicGraderLib.errors import InputError
from ModicGraderLib.training import pretrained
from ModicGraderLib.training.pretrained import load_pretrained


def _network(channels: int, classes: int) -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(channels, 4, 3), nn.BatchNorm2d(4), nn.Flatten(), nn.Linear(16, classes))


@pytest.fixture
def colors(tmp_path):
    """A network for colors and ten classes, and its weights in both kinds of files."""
    torch.manual_seed(0)
    network = _network(3, 10)
    save_file(network.state_dict(), tmp_path / "colors.safetensors")
    torch.save(network.state_dict(), tmp_path / "colors.pth")
    return network


@pytest.mark.parametrize("name", ["colors.safetensors", "colors.pth"])
def test_weights_that_fit_are_loaded_and_the_others_are_named(colors, tmp_path, name):
    network = _network(3, 4)
    head = network[3].weight.clone()
    line = load_pretrained(network, tmp_path / name)
    assert line == f"{name}: 6 of 8 weights were loaded, all but 3.weight, 3.bias"
    assert torch.equal(network[0].weight, colors[0].weight) and torch.equal(network[3].weight, head)


def test_nothing_is_missing_where_all_fits(colors, tmp_path):
    assert load_pretrained(_network(3, 10), tmp_path / "colors.pth") == "colors.pth: 8 of 8 weights were loaded"


@pytest.mark.parametrize("channels", [1, 6, 9])
def test_a_gray_picture_is_answered_as_before_whatever_the_number_of_channels(colors, tmp_path, channels):
    network = _network(channels, 4)
    load_pretrained(network, tmp_path / "colors.pth")
    gray = torch.rand(2, 1, 4, 4)
    before, after = colors[0](gray.expand(-1, 3, -1, -1)), network[0](gray.expand(-1, channels, -1, -1))
    torch.testing.assert_close(before, after)
    # Every channel has the mean of the colors.
    mean = colors[0].weight.mean(1) * 3 / channels
    for channel in range(channels):
        torch.testing.assert_close(network[0].weight[:, channel], mean)


def test_a_later_convolution_of_another_width_is_left_alone(tmp_path):
    save_file({"0.weight": torch.zeros(4, 8, 3, 3), "0.bias": torch.ones(4)}, tmp_path / "w.safetensors")
    network = nn.Sequential(nn.Conv2d(6, 4, 3))
    before = network[0].weight.clone()
    assert load_pretrained(network, tmp_path / "w.safetensors").endswith("all but 0.weight")
    assert torch.equal(network[0].weight, before)


def test_med3d_files_wrap_the_weights_and_prefix_their_names(tmp_path):
    network = nn.Conv3d(1, 4, 3)
    wrapped = {"state_dict": {f"module.{name}": value + 1 for name, value in network.state_dict().items()}}
    torch.save(wrapped, tmp_path / "resnet_18.pth")
    expected = network.weight + 1
    load_pretrained(network, tmp_path / "resnet_18.pth")
    assert torch.equal(network.weight, expected)


def test_a_pickled_network_is_refused(tmp_path):
    torch.save(nn.Linear(2, 2), tmp_path / "whole.pth")
    with pytest.raises(InputError, match=r"whole\.pth is damaged or holds more than weights; save"):
        load_pretrained(nn.Linear(2, 2), tmp_path / "whole.pth")


@pytest.mark.parametrize("name", ["torn.pth", "torn.safetensors"])
def test_a_damaged_file_is_told_in_a_sentence(tmp_path, name):
    (tmp_path / name).write_bytes(b"no weights at all")
    with pytest.raises(InputError, match="is damaged or holds more than weights"):
        load_pretrained(nn.Linear(2, 2), tmp_path / name)


def test_a_missing_file_is_told_in_a_sentence(tmp_path):
    with pytest.raises(InputError, match="cannot be read; check --pretrained"):
        load_pretrained(nn.Linear(2, 2), tmp_path / "absent.safetensors")
    with pytest.raises(InputError, match="cannot be read; check --pretrained"):
        load_pretrained(nn.Linear(2, 2), tmp_path / "absent.pth")


def test_weights_of_another_architecture_are_refused(colors, tmp_path):
    with pytest.raises(InputError, match=r"None of the weights in colors\.pth fits"):
        load_pretrained(nn.Linear(5, 5), tmp_path / "colors.pth")


def test_fifty_folds_say_once_what_was_not_loaded(colors, tmp_path, caplog):
    pretrained._say_once.cache_clear()
    with caplog.at_level(logging.WARNING):
        for _ in range(50):
            load_pretrained(_network(3, 4), tmp_path / "colors.pth")
    assert [record.message for record in caplog.records] == [
        "colors.pth: 6 of 8 weights were loaded, all but 3.weight, 3.bias"
    ]
