"""Put trained weights into `Resources/Models`: half precision, checksum, entry in the registry."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

from safetensors.torch import load_file

from ..models import write_weights
from ..resources import resource_path
from ..whole_files import write_text

ENTRIES = {
    "spine-localizer": {
        "task": "Vertebral bodies, S1, discs, canal, level identities and disc corners on sagittal T1 or T2 slices",
        "description": "U-Net (MONAI DynUNet) on single sagittal slices; model card in spine-localizer.md",
        "training_data": [
            "T1 vertebra polygons (backspine; images of Sudirman 2019), CC-BY-4.0",
            "SPIDER T2 SPACE masks and T1/T2 mid-sagittal slices (van der Graaf 2024), CC-BY-4.0",
        ],
    },
    "disc-grader": {
        "task": "Map of changed marrow; Modic change and type, endplate lesion, Pfirrmann and more of a disc",
        "description": "Six U-Nets with heads for the whole disc, calibrated; model card in disc-grader.md",
        "training_data": [
            "SPIDER T1/T2 mid-sagittal slices with expert grades (van der Graaf 2024), CC-BY-4.0",
            "Patients drawn by ModicGrader's own simulator, with exact truth",
        ],
    },
}


KEPT = ("calibration.", "abstention.")
"""Tensors that are no weights, and keep their precision."""


def publish(name: str, weights: Path, version: str) -> Path:
    """Write a model's weights and its entry in `models.json`; return the path of the weights."""
    folder = resource_path("Models")
    path = folder / f"{name}.safetensors"
    tensors = {
        key: tensor.half() if tensor.is_floating_point() and not key.startswith(KEPT) else tensor
        for key, tensor in load_file(weights).items()
        if not key.endswith("num_batches_tracked")
    }
    write_weights(path, tensors)
    registry = folder / "models.json"
    content = json.loads(registry.read_text(encoding="utf-8"))
    entry = {
        "name": name,
        "version": version,
        "file": path.name,
        "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
        "license": "CC-BY-4.0",
        **ENTRIES[name],
    }
    others = [model for model in content["models"] if model["name"] != name]
    content["models"] = sorted([*others, entry], key=lambda model: model["name"], reverse=True)
    write_text(registry, json.dumps(content, indent=2) + "\n")
    return path
