"""Sample data under the stand-in for Slicer; a worker that needs no time stands for the one that simulates."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

pytestmark = pytest.mark.slicer


@pytest.fixture
def samples(host, monkeypatch):
    from ModicGraderLib.gui import dependencies, samples

    monkeypatch.setattr(dependencies, "ensure_dependencies", lambda: None)
    return samples


@pytest.fixture
def sources(host, samples):
    import slicer

    slicer.modules.sampleDataSources = {}
    samples.registerSampleData()
    return {source.sampleName: source for source in slicer.modules.sampleDataSources[samples.CATEGORY]}


def _saying(words: dict) -> subprocess.Popen:
    """A worker that says one thing."""
    return subprocess.Popen([sys.executable, "-c", f"print({json.dumps(words)!r})"], stdout=subprocess.PIPE)


@pytest.fixture
def asked(samples, monkeypatch):
    """The requests that were made; each is answered at once with a study of boxes."""
    from graded_example import example_graded_study

    from ModicGraderLib.export.images import to_image, write_image

    requests, study = [], example_graded_study().study

    def start(arguments, environment):
        folder = Path(arguments[-1])
        requests.append((json.loads((folder / "request.json").read_text()), folder))
        (folder / "study").mkdir()
        for role, volume in (("t1", study.t1), ("t2", study.t2)):
            write_image(folder / "study" / f"{role}.nii.gz", to_image(volume.array, volume.affine))
        return _saying({"done": "study"})

    monkeypatch.setattr(samples, "launcher", lambda: start)
    return requests


def test_every_sample_is_a_teaching_case_with_a_picture_as_sample_data_asks_for(samples):
    from ModicGraderLib.simulation.teaching import teaching_cases

    assert set(samples.sampleNames()) <= set(teaching_cases())
    for case in samples.sampleNames():
        with Image.open(samples.thumbnail(case)) as picture:
            assert picture.format == "PNG" and picture.size == (260, 280)
            left, right = np.split(np.asarray(picture, float), 2, axis=1)
            assert left.std() > 20 and right.std() > 20 and np.abs(left - right).mean() > 10


def test_cases_are_registered_once_however_often_slicer_starts_the_module(samples, sources):
    import slicer

    samples.registerSampleData()
    registered = slicer.modules.sampleDataSources[samples.CATEGORY]
    assert len(registered) == len(sources) == len(samples.sampleNames())


def test_no_sample_has_an_address_that_could_be_downloaded(sources):
    for source in sources.values():
        assert source.customDownloader is not None
        assert all(address.startswith("modicgrader:") for address in source.uris)
        assert len(source.uris) == len(source.fileNames) == len(source.nodeNames) == 2


def test_a_click_simulates_the_case_and_loads_t1_and_t2(samples, sources, asked):
    import slicer

    source = sources["Modic I at L4/L5"]
    nodes = source.customDownloader(source)
    (request, folder), *others = asked
    assert not others and request["task"] == "simulate" and request["case"] == "modic-1"
    assert [node.GetName() for node in nodes] == ["modic-1 T1", "modic-1 T2"]
    assert all(node.GetStorageNode() is None and node.GetDisplayNode() is not None for node in nodes)
    assert slicer.util.arrayFromVolume(nodes[0]).std() > 0
    assert not folder.exists(), "nothing is left behind"


def test_a_loaded_case_lies_where_the_study_does(sources, asked):
    from graded_example import example_graded_study

    source = sources["Pfirrmann V"]
    node = source.customDownloader(source)[1]
    volume = example_graded_study().study.t2
    bounds = np.zeros(6)
    node.GetRASBounds(bounds)
    corners = np.stack(np.meshgrid(*[[-0.5, length - 0.5] for length in volume.array.shape]), axis=-1).reshape(-1, 3)
    ras = volume.to_patient(corners) * [-1, -1, 1]
    np.testing.assert_allclose(bounds, np.stack([ras.min(axis=0), ras.max(axis=0)], axis=1).ravel(), atol=0.01)


def test_a_case_that_cannot_be_simulated_is_told_and_leaves_the_scene_as_it_was(host, samples, sources, monkeypatch):
    import slicer

    monkeypatch.setattr(
        samples, "launcher", lambda: lambda *_: _saying({"error": "no room on the disk", "kind": "fault"})
    )
    before = slicer.mrmlScene.GetNumberOfNodes()
    source = sources["Modic II at L5/S1"]
    assert source.customDownloader(source) == []
    assert slicer.mrmlScene.GetNumberOfNodes() == before
    assert "no room on the disk" in str(host.dialogs.shown)


def test_packages_that_the_user_does_not_want_installed_are_no_fault(host, samples, sources, asked, monkeypatch):
    from ModicGraderLib.errors import InputError
    from ModicGraderLib.gui import dependencies

    def declined():
        raise InputError("ModicGrader needs PyTorch; press the button again to install it")

    monkeypatch.setattr(dependencies, "ensure_dependencies", declined)
    source = sources["Modic II at L5/S1"]
    assert source.customDownloader(source) == [] and not asked
    assert "needs PyTorch" in str(host.dialogs.shown)
