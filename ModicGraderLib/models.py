"""The models that are shipped: the registry in `Resources/Models`, and their weights, checked before use."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .errors import ModelError
from .resources import resource_path
from .whole_files import whole_file

if TYPE_CHECKING:
    import torch

MEND = "get it back with `git checkout -- Resources/Models`, or install ModicGrader again"


def registry() -> list[dict[str, Any]]:
    """Entries of `models.json`, as `Resources/Schemas/modicgrader-models-1.schema.json` describes them.

    Raises
    ------
    ModelError
        The registry is missing or damaged.
    """
    try:
        return json.loads(resource_path("Models/models.json").read_text(encoding="utf-8"))["models"]
    except (OSError, ValueError, KeyError) as error:
        raise ModelError(f"the list of models, models.json, cannot be read; {MEND}") from error


def describe() -> list[dict[str, str]]:
    """Name, version and checksum of each model, as a report names them under `software.models`."""
    return [{key: model[key] for key in ("name", "version", "sha256")} for model in registry()]


def verify(name: str) -> Path:
    """Path of a model's file, whose checksum is right.

    Raises
    ------
    ModelError
        No model has this name, or its file is missing or is not the one that the registry describes.
    """
    return _checked(name)[0]


def load_weights(name: str) -> dict[str, torch.Tensor]:
    """Weights of a model by the name of each tensor, on the CPU, as they were saved.

    Raises
    ------
    ModelError
        As `verify`, or the file holds no weights.
    """
    from safetensors import SafetensorError
    from safetensors.torch import load

    path, content = _checked(name)
    try:
        return load(content)
    except SafetensorError as error:
        raise ModelError(f"{path.name} holds no weights; {MEND}") from error


def write_weights(path: Path, tensors: Mapping[str, torch.Tensor]) -> None:
    """Write tensors by name into a whole safetensors file."""
    from safetensors.torch import save_file

    with whole_file(path) as unfinished:
        save_file({name: tensor.contiguous() for name, tensor in tensors.items()}, unfinished)


def _checked(name: str) -> tuple[Path, bytes]:
    """Path and content of a model's file; read once, so that what was checked is what is used."""
    model = next((model for model in registry() if model["name"] == name), None)
    if model is None:
        raise ModelError(f"no model is called {name}; {MEND}")
    path = resource_path("Models") / model["file"]
    try:
        content = path.read_bytes()
    except OSError as error:
        raise ModelError(f"the file of the model {name}, {path.name}, is missing; {MEND}") from error
    if hashlib.sha256(content).hexdigest() != model["sha256"]:
        raise ModelError(f"{path.name} is damaged or of another version than {model['version']}; {MEND}")
    return path, content
