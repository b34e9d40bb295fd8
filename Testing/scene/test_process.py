import subprocess
import sys

import pytest
from graded_example import example_graded_study

from ModicGraderLib import scene


def _stand_in_for_python(tmp_path, monkeypatch, script: str) -> None:
    program = tmp_path / "python"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(program))


@pytest.fixture
def result(tmp_path):
    folder = tmp_path / "result"
    folder.mkdir()
    return folder


def test_a_crash_of_slicers_classes_is_told_and_leaves_nothing_behind(tmp_path, result, monkeypatch):
    _stand_in_for_python(tmp_path, monkeypatch, "kill -SEGV $$")
    with pytest.raises(scene.SceneError, match="signal 11"):
        scene.write_scene(example_graded_study(), result / "scene.mrb")
    assert list(result.iterdir()) == []


def test_an_error_in_the_other_process_is_told_in_its_own_words(tmp_path, result, monkeypatch):
    _stand_in_for_python(tmp_path, monkeypatch, "echo 'the disk is full' >&2; exit 1")
    (result / "scene.mrb").write_text("older")
    with pytest.raises(scene.SceneError, match="the disk is full"):
        scene.write_scene(example_graded_study(), result / "scene.mrb")
    assert (result / "scene.mrb").read_text() == "older"
    assert [path.name for path in result.iterdir()] == ["scene.mrb"]


def test_a_process_that_hangs_is_ended(tmp_path, result, monkeypatch):
    _stand_in_for_python(tmp_path, monkeypatch, "exec sleep 60")
    monkeypatch.setattr(scene, "TIME_LIMIT_S", 0.2)
    with pytest.raises(scene.SceneError, match="longer than"):
        scene.write_scene(example_graded_study(), result / "scene.mrb")
    assert list(result.iterdir()) == []


def test_without_slicer_core_one_sentence_says_how_to_get_it(result, monkeypatch):
    monkeypatch.setattr(scene, "find_spec", lambda name: None)
    assert not scene.available()
    with pytest.raises(scene.SceneError, match="pip install slicer-core"):
        scene.write_scene(example_graded_study(), result / "scene.mrb")
    assert list(result.iterdir()) == []


def test_asking_for_slicer_does_not_import_it():
    check = "import sys, ModicGraderLib.scene as scene; scene.available(); sys.exit('slicer' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", check]).returncode == 0


def test_the_process_that_writes_the_scene_does_not_import_torch():
    check = "import sys, ModicGraderLib.scene, ModicGraderLib.handover; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", check]).returncode == 0


def test_a_folder_named_relative_to_the_working_folder_gets_its_scene(tmp_path, result, monkeypatch):
    monkeypatch.chdir(tmp_path)
    scene.write_scene(example_graded_study(), result.relative_to(tmp_path) / "scene.mrb")
    assert [path.name for path in result.iterdir()] == ["scene.mrb"]
