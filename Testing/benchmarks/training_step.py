"""`make bench`: processor time of a training step of the recipes' networks in bfloat16, as a share of that in float32.

On one thread: several that wait for each other on a busy machine would count their waiting.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from unittest import mock

import torch
from torch import nn

from ModicGraderLib.recipes.bassani2023_network import EndplateNetwork
from ModicGraderLib.recipes.cina2023_detector import build_detector, detector_loss
from ModicGraderLib.recipes.damopoulos2019_network import Vgg16
from ModicGraderLib.recipes.gao2022_network import ModicMapper
from ModicGraderLib.recipes.spinenet2016 import SpineNet
from ModicGraderLib.training import precision

STEPS = 5
"""Whose median counts."""


def _sum(answers: torch.Tensor | dict[str, torch.Tensor]) -> torch.Tensor:
    return sum(one.sum() for one in answers.values()) if isinstance(answers, dict) else answers.sum()


def _step(network: nn.Module, shape: tuple[int, ...]) -> Callable[[], torch.Tensor]:
    pictures = torch.rand(shape)
    return lambda: _sum(network(pictures))


def _detector_step() -> Callable[[], torch.Tensor]:
    tops = torch.arange(6.0) * 45 + 40
    boxes = torch.stack([torch.full((6,), 100.0), tops, torch.full((6,), 200.0), tops + 40], 1)
    target = {"boxes": boxes, "labels": torch.arange(1, 7)}
    network, batch = build_detector().train(), (2 * [torch.rand(3, 320, 320)], 2 * [target])
    return lambda: detector_loss(network, batch)


def seconds(step: Callable[[], torch.Tensor], *, has_bfloat16: bool) -> float:
    """Median time of a step and of its gradients."""
    times = []
    with mock.patch.object(precision, "has_bfloat16", lambda device: has_bfloat16):
        for _ in range(1 + STEPS):
            start = time.process_time()
            step().backward()
            times.append(time.process_time() - start)
    # The first one allocates.
    return statistics.median(times[1:])


def main() -> None:
    torch.set_num_threads(1)
    if not precision.has_bfloat16(torch.device("cpu")):
        print("This processor has no bfloat16: recipes are trained in float32.")
        return
    steps = {
        "damopoulos2019": _step(Vgg16(3), (6, 6, 112, 224)),
        "cina2023, detector": _detector_step(),
        "bassani2023": _step(EndplateNetwork(4), (16, 1, 128, 128)),
        "gao2022": _step(ModicMapper(), (2, 2, 6, 112, 96)),
        "spinenet2016": _step(SpineNet(fc6=512), (16, 9, 112, 224)),
    }
    for name, step in steps.items():
        share = seconds(step, has_bfloat16=True) / seconds(step, has_bfloat16=False)
        print(f"{share:5.2f}  {name}")


if __name__ == "__main__":
    main()
