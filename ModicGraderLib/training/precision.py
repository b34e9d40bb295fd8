"""Networks in bfloat16, where the device is faster with it."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor

LEAST_PIXELS = 3
"""Along each axis of a picture. Where a 3D kernel reaches over all of one, some CPUs leave gradients in bfloat16 unset
(torch 2.13). A network whose kernels may be so large, as Cina's of five slices, is not to be decorated."""


def in_bfloat16(forward: Callable[..., Any]) -> Callable[..., Any]:
    """Decorate a network's `forward`: convolutions and matrix products run in bfloat16 where the device has it.

    On such processors a step of training takes half to three quarters of its time. Weights, gradients of weights,
    and what comes out, a tensor or tensors by name, stay float32, and so does the loss. So does all where a picture is
    smaller than `LEAST_PIXELS`.
    """

    @functools.wraps(forward)
    def faster(network: torch.nn.Module, *pictures: Tensor) -> Tensor | dict[str, Tensor]:
        device = pictures[0].device
        is_large = min(pictures[0].shape[2:], default=LEAST_PIXELS) >= LEAST_PIXELS
        with torch.autocast(device.type, torch.bfloat16, enabled=is_large and has_bfloat16(device)):
            answers = forward(network, *pictures)
        if isinstance(answers, Mapping):
            return {name: one.float() for name, one in answers.items()}
        return answers.float()

    return faster


def has_bfloat16(device: torch.device) -> bool:
    """Whether a device computes in bfloat16 by itself; others emulate it, which is slower than float32."""
    if device.type == "cuda":
        return torch.cuda.is_bf16_supported(including_emulation=False)
    return device.type == "cpu" and torch.cpu.get_capabilities().get("avx512_bf16", False)
