"""Weights from a file to start from: torchvision's, Med3D's or one's own."""

from __future__ import annotations

import functools
import logging
import pickle
from collections.abc import Callable, Mapping
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn

from ..errors import InputError

_LOGGER = logging.getLogger(__name__)

WRAPPER = "module."
"""Prefix that `DataParallel` puts before every name; Med3D's files have it."""


def load_pretrained(network: nn.Module, path: Path, renamed: Callable[[str], str] = str) -> str:
    """Load all weights of a file that fit a network, or a part of one, and say in one line which did not.

    A convolution that was trained on 1 or 3 channels and has others here gets the mean of its channels in each,
    so scaled that a gray picture, the same in all channels, is answered as before.

    Parameters
    ----------
    network:
        Whose names of parameters are those of the file, for example torchvision's `resnet18` or a part
        `detector.backbone.body`.
    path:
        A state dict: `.safetensors`, or any that torch reads without executing code.
    renamed:
        The network's name of a weight, from that in the file, where the file is older than the network's code.

    Returns
    -------
    str
        For example "resnet18.pth: 120 of 122 weights were loaded, all but fc.weight, fc.bias". It is logged as well.

    Raises
    ------
    InputError
        The file is not there, holds more than weights, or none that fits.
    """
    given = {renamed(name): tensor for name, tensor in read_weights(path).items()}
    own = network.state_dict()
    fitting = {
        name: tensor for name in own.keys() & given.keys() if (tensor := _adapted(given[name], own[name])) is not None
    }
    if not fitting:
        raise InputError(f"None of the weights in {path.name} fits the network; give weights of the same architecture.")
    network.load_state_dict(fitting, strict=False)
    # Counters of batches say nothing of a picture, and some kinds of normalization have none.
    wanted = [name for name in own if not name.endswith("num_batches_tracked")]
    left = [name for name in wanted if name not in fitting]
    loaded = len(wanted) - len(left)
    line = f"{path.name}: {loaded} of {len(wanted)} weights were loaded"
    if left:
        more = f" and {len(left) - 4} more" if len(left) > 4 else ""
        line += f", all but {', '.join(left[:4])}{more}"
    _say_once(line)
    return line


def read_weights(path: Path) -> dict[str, Tensor]:
    """Weights in a file by name, on the CPU, without the prefix of a wrapper.

    Raises
    ------
    InputError
        As `load_pretrained`.
    """
    try:
        if path.suffix == ".safetensors":
            content = load_file(path)
        else:
            content = torch.load(path, weights_only=True, map_location="cpu")
    except OSError as error:
        raise InputError(f"The weights {path} cannot be read; check --pretrained.") from error
    except (SafetensorError, pickle.UnpicklingError, RuntimeError, EOFError) as error:
        raise InputError(
            f"{path.name} is damaged or holds more than weights; save the network's state_dict alone, best as"
            " .safetensors."
        ) from error
    for key in ("state_dict", "model"):
        if isinstance(content, Mapping) and isinstance(content.get(key), Mapping):
            content = content[key]
    if not isinstance(content, Mapping):
        raise InputError(f"{path.name} holds no weights by name; save the network's state_dict.")
    weights = {name: tensor for name, tensor in content.items() if isinstance(tensor, Tensor)}
    return {name.removeprefix(WRAPPER): tensor for name, tensor in weights.items()}


def _adapted(given: Tensor, own: Tensor) -> Tensor | None:
    """The given weight in the shape of ours (out, in, ...), None where it does not fit."""
    if given.shape == own.shape:
        return given
    is_first = given.ndim == own.ndim >= 3 and given.shape[1] in (1, 3)
    if not is_first or (given.shape[0], *given.shape[2:]) != (own.shape[0], *own.shape[2:]):
        return None
    return (given.sum(1, keepdim=True) / own.shape[1]).expand_as(own)


@functools.cache
def _say_once(line: str) -> None:
    """Fifty folds that start from the same file say so once."""
    _LOGGER.warning(line)
