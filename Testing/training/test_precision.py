from __future__ import annotations

import pytest
import torch
from torch import nn

from ModicGraderLib.recipes.bassani2023_network import EndplateNetwork
from ModicGraderLib.recipes.damopoulos2019_network import Vgg16
from ModicGraderLib.recipes.gao2022_network import ModicMapper
from ModicGraderLib.recipes.spinenet2016 import SpineNet
from ModicGraderLib.training import precision
from ModicGraderLib.training.precision import LEAST_PIXELS, has_bfloat16, in_bfloat16

NETWORKS = {
    "damopoulos2019": (lambda: Vgg16(3), (2, 6, 112, 224), 255.0),
    "bassani2023": (lambda: EndplateNetwork(4), (2, 1, 128, 128), 1.0),
    "gao2022": (ModicMapper, (1, 2, LEAST_PIXELS, 64, 64), 1.0),
    "spinenet2016": (lambda: SpineNet(fc6=16), (2, 9, 112, 224), 1.0),
}
"""Networks that are decorated, and the shape and the brightest pixel of what they read."""


def _set(monkeypatch: pytest.MonkeyPatch, has: bool) -> None:
    monkeypatch.setattr(precision, "has_bfloat16", lambda device: has)


def _drawn(recipe: str) -> tuple[nn.Module, torch.Tensor]:
    torch.manual_seed(0)
    build, shape, white = NETWORKS[recipe]
    return build().eval(), white * torch.rand(shape)


def _answers(network: nn.Module, pictures: torch.Tensor) -> list[torch.Tensor]:
    answers = network(pictures)
    return [*answers.values()] if isinstance(answers, dict) else [answers]


@pytest.mark.parametrize("recipe", NETWORKS)
def test_a_picture_is_answered_as_in_float32_where_the_processor_has_bfloat16(recipe, monkeypatch):
    network, pictures = _drawn(recipe)
    answers = []
    with torch.inference_mode():
        for has in (False, True):
            _set(monkeypatch, has)
            answers.append(_answers(network, pictures))
    for precise, fast in zip(*answers, strict=True):
        assert precise.dtype == fast.dtype == torch.float32
        assert not torch.equal(precise, fast)
        assert torch.allclose(precise, fast, atol=0.05 * precise.abs().max().item())


@pytest.mark.parametrize("recipe", NETWORKS)
def test_every_gradient_is_set_and_of_the_size_it_has_in_float32(recipe, monkeypatch):
    network, pictures = _drawn(recipe)
    sizes = []
    for has in (False, True):
        _set(monkeypatch, has)
        network.zero_grad()
        # What a gradient that is not set would show.
        left = [torch.full((size,), 1e30) for size in (10**3, 10**4, 10**5, 10**6, 10**7)]
        del left
        sum(one.square().mean() for one in _answers(network, pictures)).backward()
        sizes.append([one.grad.norm().item() for one in network.parameters() if one.ndim > 1])
    assert sizes[1] == pytest.approx(sizes[0], rel=0.5)


def test_pictures_smaller_than_a_kernel_stay_in_float32(monkeypatch):
    _set(monkeypatch, True)
    network = ModicMapper()
    seen = []
    network.bodies.register_forward_hook(lambda module, given, answer: seen.append(answer.dtype))
    for slices in (LEAST_PIXELS - 1, LEAST_PIXELS):
        network(torch.rand(1, 2, slices, 32, 32))
    assert seen == [torch.float32, torch.bfloat16]


class _Layer(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(4, 2)
        self.seen: list[torch.dtype] = []

    @in_bfloat16
    def forward(self, rows: torch.Tensor) -> torch.Tensor:
        inner = self.layer(rows)
        self.seen.append(inner.dtype)
        return inner


@pytest.mark.parametrize("has", [False, True])
def test_only_what_lies_between_is_in_bfloat16_weights_and_their_gradients_are_not(has, monkeypatch):
    _set(monkeypatch, has)
    network = _Layer()
    network(torch.ones(3, 4)).sum().backward()
    assert network.seen == [torch.bfloat16 if has else torch.float32]
    assert network.layer.weight.dtype == network.layer.weight.grad.dtype == torch.float32
    assert network.layer.weight.grad.tolist() == [[3.0] * 4] * 2


@pytest.mark.parametrize("has", [False, True])
def test_a_gpu_is_asked_for_a_bfloat16_of_its_own(monkeypatch, has):
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda including_emulation=True: including_emulation or has)
    assert has_bfloat16(torch.device("cuda")) is has


def test_other_accelerators_stay_in_float32():
    assert not has_bfloat16(torch.device("mps"))
