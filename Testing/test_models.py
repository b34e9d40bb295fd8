"""Tests of the model registry and the check before weights are used."""

import hashlib
import json

import jsonschema
import pytest
import torch
from safetensors.torch import save

from ModicGraderLib import models
from ModicGraderLib.errors import ModelError
from ModicGraderLib.resources import resource_path

WEIGHTS = {"layer.weight": torch.arange(6.0).reshape(2, 3)}


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A `Resources` folder of its own with one small model called `little`."""
    monkeypatch.setattr(models, "resource_path", lambda name: tmp_path / name)
    content = save(WEIGHTS)
    entry = {"name": "little", "version": "3", "file": "little.safetensors", "license": "Apache-2.0"}
    entry |= {"sha256": hashlib.sha256(content).hexdigest(), "task": "test", "description": "Six numbers."}
    (tmp_path / "Models").mkdir()
    (tmp_path / "Models/little.safetensors").write_bytes(content)
    (tmp_path / "Models/models.json").write_text(json.dumps({"models": [{**entry, "training_data": ["none"]}]}))
    return tmp_path / "Models"


def registry_schema():
    return json.loads(resource_path("Schemas/modicgrader-models-1.schema.json").read_text())


def test_shipped_registry_follows_its_schema():
    jsonschema.validate(json.loads(resource_path("Models/models.json").read_text()), registry_schema())


def test_registry_without_a_checksum_does_not_follow_the_schema(folder):
    registry = json.loads((folder / "models.json").read_text())
    jsonschema.validate(registry, registry_schema())
    del registry["models"][0]["sha256"]
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(registry, registry_schema())


def test_every_shipped_model_is_there_and_whole():
    for model in models.registry():
        assert models.verify(model["name"]).is_file()


def test_shipped_weights_stay_under_forty_megabytes():
    assert sum(models.verify(model["name"]).stat().st_size for model in models.registry()) < 40e6


def test_weights_come_back_as_they_were_saved(folder):
    loaded = models.load_weights("little")
    assert loaded.keys() == WEIGHTS.keys()
    assert torch.equal(loaded["layer.weight"], WEIGHTS["layer.weight"])


def test_report_names_each_model_with_version_and_checksum(folder):
    (model,) = models.describe()
    assert model["name"] == "little"
    assert model["version"] == "3"
    assert len(model["sha256"]) == 64


def test_a_changed_file_is_refused_with_the_mend(folder):
    with (folder / "little.safetensors").open("ab") as file:
        file.write(b"x")
    with pytest.raises(ModelError, match=r"little.safetensors is damaged .*git checkout"):
        models.load_weights("little")


def test_a_missing_file_is_refused_with_the_mend(folder):
    (folder / "little.safetensors").unlink()
    with pytest.raises(ModelError, match=r"is missing; get it back"):
        models.verify("little")


def test_an_unknown_model_is_refused(folder):
    with pytest.raises(ModelError, match="no model is called big"):
        models.load_weights("big")


def test_a_file_that_holds_no_weights_is_refused(folder):
    (folder / "little.safetensors").write_bytes(b"not weights")
    registry = json.loads((folder / "models.json").read_text())
    registry["models"][0]["sha256"] = hashlib.sha256(b"not weights").hexdigest()
    (folder / "models.json").write_text(json.dumps(registry))
    with pytest.raises(ModelError, match="holds no weights"):
        models.load_weights("little")


def test_a_damaged_registry_is_refused(folder):
    (folder / "models.json").write_text("{")
    with pytest.raises(ModelError, match="cannot be read"):
        models.registry()
