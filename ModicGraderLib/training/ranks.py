"""The processes that `torchrun` starts, one a GPU: who we are among them, and what only the first of them does."""

from __future__ import annotations

import atexit
import os
from collections.abc import Callable
from datetime import timedelta
from typing import TypeVar

import torch
from torch import distributed

from ..errors import InputError

Made = TypeVar("Made")

PATIENCE = timedelta(days=1)
"""How long processes wait for the first, which alone simulates patients and measures."""


def processes() -> int:
    """How many train together; 1 without `torchrun`."""
    return int(os.environ.get("WORLD_SIZE", "1"))


def rank() -> int:
    """Our number among them, from 0."""
    return int(os.environ.get("RANK", "0"))


def is_first() -> bool:
    """Whether we are the one that writes files and draws progress."""
    return rank() == 0


def join(device: str) -> torch.device:
    """Join the other processes, if there are any, and return our own device: of the GPUs the one with our number.

    Processes part at their end.
    """
    if processes() == 1:
        return torch.device(device)
    on_gpu = torch.device(device).type == "cuda"
    number = int(os.environ.get("LOCAL_RANK", "0"))
    if on_gpu:
        # From here on "cuda" means this one, also where a recipe moves something by itself.
        torch.cuda.set_device(number)
    if not distributed.is_initialized():
        distributed.init_process_group("nccl" if on_gpu else "gloo", timeout=PATIENCE)
        # A thread of gloo's that still asks for Python while the interpreter ends would abort the process.
        atexit.register(distributed.destroy_process_group)
    return torch.device("cuda", number) if on_gpu else torch.device(device)


def wait() -> None:
    """Wait until all processes have come here."""
    if processes() > 1:
        distributed.barrier()


def first_alone(work: Callable[[], Made]) -> Made | None:
    """What the first process makes while the others wait; None in those.

    Raises
    ------
    InputError
        The first was refused; it is raised in all, so that none goes on without the others.
    """
    if processes() == 1:
        return work()
    made, refusal = None, [""]
    if is_first():
        try:
            made = work()
        except InputError as error:
            refusal = [str(error)]
    distributed.broadcast_object_list(refusal, 0)
    if refusal[0]:
        raise InputError(refusal[0])
    return made


def shared(value: float, device: torch.device) -> float:
    """The first process's value."""
    if processes() == 1:
        return value
    tensor = torch.tensor(value, dtype=torch.float64, device=device)
    distributed.broadcast(tensor, 0)
    return tensor.item()


def averaged(value: float, device: torch.device) -> float:
    """The mean of all processes' values."""
    if processes() == 1:
        return value
    tensor = torch.tensor(value, dtype=torch.float64, device=device)
    distributed.all_reduce(tensor)
    return tensor.item() / processes()
