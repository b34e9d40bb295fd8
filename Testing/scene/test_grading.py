"""Volumes of a scene are graded in a process of its own; what becomes of the scene, whatever becomes of the process."""

import functools
import json
import tempfile
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import patient_worker
import pytest
from graded_example import example_graded_study

from ModicGraderLib.errors import InputError
from ModicGraderLib.handover import save_graded
from ModicGraderLib.io import read_volume
from ModicGraderLib.launch import RunState, start_python

pytestmark = pytest.mark.slicer


@functools.cache
def graded():
    return example_graded_study()


@functools.cache
def handed_over() -> Path:
    path = Path(tempfile.mkdtemp()) / "graded.npz"
    save_graded(graded(), path)
    return path


def worker(script: str):
    """A launcher of a worker that is these lines of Python; FOLDER is in `folder`, its request in `request`."""
    start = (
        "import json, os, pathlib, shutil, sys, time; folder = pathlib.Path(sys.argv[1])\n"
        "request = json.loads((folder / 'request.json').read_text())\n"
        "say = lambda **words: print(json.dumps(words), flush=True)\n"
        "say(pid=os.getpid())\n"
    )
    return lambda arguments, environment: start_python(["-c", start + script, arguments[-1]], environment)


def grades_at_once():
    """A launcher of a worker that knows the result already."""
    return worker(
        "assert all((folder / request[role]).exists() for role in ('t1', 't2') if request[role])\n"
        f"say(fraction=0.5, text='Grading'); shutil.copy({str(handed_over())!r}, folder); say(done='graded.npz')"
    )


@pytest.fixture
def volumes(scene):
    from ModicGraderLib.scene.nodes import add_volume

    study = graded().study
    return tuple(add_volume(scene, f"My {one.contrast}", one.array, one.affine) for one in study.volumes)


@pytest.fixture
def temporary(tmp_path, monkeypatch):
    """Where the volumes are handed over."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    yield tmp_path
    assert list(tmp_path.glob("ModicGrader-*")) == []


def as_it_is(scene) -> dict[str, int]:
    """When each node of a scene was changed last."""
    nodes = [scene.GetNthNode(number) for number in range(scene.GetNumberOfNodes())]
    return {node.GetID(): node.GetMTime() for node in nodes}


def grader(scene, launcher):
    from ModicGraderLib.scene.grading import SceneGrader

    return SceneGrader(scene, launcher)


def finish(one) -> list:
    from ModicGraderLib.launch import wait_for

    heard = []
    wait_for(one, heard.append)
    return heard


def test_a_result_refers_to_the_volumes_it_was_made_of(scene, volumes, temporary):
    from ModicGraderLib.scene.build import find_study, read_report

    one, heard = grader(scene, grades_at_once()), []
    nodes = one.grade_study(*volumes, hear=heard.append)
    assert [event.kind for event in heard] == ["progress", "done"]
    assert (nodes.t1, nodes.t2) == volumes
    assert read_report(scene, one.name) == graded().report
    found = find_study(scene, one.name)
    assert found == nodes
    assert found.machine_map is not None
    views = [scene.GetSingletonNode(view, "vtkMRMLSliceCompositeNode") for view in ("Red", "Yellow")]
    assert [view.GetBackgroundVolumeID() for view in views] == [volume.GetID() for volume in volumes]
    assert all(view.GetLinkedControl() for view in views)


@pytest.mark.parametrize(
    ("script", "kind", "said"),
    [
        ("say(error='no spine is seen; give another series', kind='input')", InputError, "give another series"),
        ("say(error='ZeroDivisionError', kind='fault')", RuntimeError, "ZeroDivisionError .*report it"),
        ("os.abort()", RuntimeError, "without a result"),
        ("(folder / 'graded.npz').write_text('half'); say(done='graded.npz')", RuntimeError, "could not be added"),
    ],
)
def test_a_grading_that_fails_leaves_the_scene_as_it_was(scene, volumes, temporary, script, kind, said):
    before = as_it_is(scene)
    one = grader(scene, worker(script))
    with pytest.raises(kind, match=said):
        one.grade_study(*volumes)
    assert one.state is RunState.FAILED
    assert as_it_is(scene) == before


def test_a_grading_that_is_cancelled_leaves_the_scene_as_it_was(scene, volumes, temporary):
    grader(scene, grades_at_once()).grade_study(*volumes)
    before = as_it_is(scene)
    one = grader(scene, patient_worker.behind_a_launcher)
    one.start(*volumes)
    while not any(event.kind == "progress" for event in one.poll()):
        assert one.state.is_active
    one.cancel()
    assert one.state is RunState.CANCELLING
    assert finish(one)[-1].kind == "cancelled"
    assert one.state is RunState.CANCELLED
    assert as_it_is(scene) == before


def test_a_result_that_breaks_off_while_it_is_added_is_taken_back(scene, volumes, temporary, monkeypatch):
    from ModicGraderLib.scene import build

    first = grader(scene, grades_at_once())
    first.grade_study(*volumes)
    before = set(as_it_is(scene))

    def fails(node):
        raise ZeroDivisionError("by nothing")

    monkeypatch.setattr(build.display, "show_corners", fails)
    with pytest.raises(RuntimeError, match="by nothing"):
        grader(scene, grades_at_once()).grade_study(*volumes)
    assert set(as_it_is(scene)) == before
    assert build.read_report(scene, first.name) == graded().report


def test_grading_a_volume_again_replaces_its_own_result_and_no_other(scene, volumes, temporary):
    from ModicGraderLib.scene.build import find_study, studies
    from ModicGraderLib.scene.nodes import add_volume

    other = add_volume(scene, "T2 of someone else", graded().study.t2.array, graded().study.t2.affine)
    notes = scene.AddNewNodeByClass("vtkMRMLTextNode", "My notes")
    of_others = grader(scene, grades_at_once())
    of_others.grade_study(None, other)
    kept = as_it_is(scene)
    first = grader(scene, grades_at_once())
    first.grade_study(*volumes)
    count = scene.GetNumberOfNodes()
    again = grader(scene, grades_at_once())
    again.grade_study(*volumes)
    assert again.name == first.name != of_others.name
    assert scene.GetNumberOfNodes() == count
    assert studies(scene) == {of_others.name: other, first.name: volumes[1]}
    for role in ("spine", "report", "machine_map", "evidence"):
        node = getattr(find_study(scene, of_others.name), role)
        assert kept[node.GetID()] == node.GetMTime()
    assert scene.IsNodePresent(notes)


def test_a_volume_that_was_removed_meanwhile_is_brought_by_the_result(scene, volumes, temporary):
    one = grader(scene, grades_at_once())
    one.start(*volumes)
    scene.RemoveNode(volumes[0])
    finish(one)
    assert one.state is RunState.DONE
    assert scene.IsNodePresent(one.nodes.t1)
    assert one.nodes.t2 is volumes[1]


def test_a_call_that_cannot_be_met_is_refused_at_once(scene, volumes, temporary):
    one = grader(scene, grades_at_once())
    with pytest.raises(InputError, match="neither T1 nor T2"):
        one.grade_study(None, None)
    with pytest.raises(InputError, match="the same volume"):
        one.grade_study(volumes[0], volumes[0])
    empty = scene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", "Empty")
    with pytest.raises(InputError, match="T1 holds no voxels"):
        one.grade_study(empty, volumes[1])
    assert one.state is RunState.IDLE


def test_the_worker_is_told_where_the_dicom_headers_are(scene, volumes, temporary, monkeypatch):
    import slicer

    header = temporary / "0001.dcm"
    header.touch()
    files = {"1.2.3": str(header), "4.5.6": str(temporary / "gone.dcm")}
    database = SimpleNamespace(fileForInstance=lambda instance: files.get(instance, ""))
    monkeypatch.setattr(slicer, "dicomDatabase", database, raising=False)
    one = grader(scene, worker("say(error=json.dumps(request['headers']), kind='input')"))
    for of_t1, of_t2, told in (
        ("4.5.6", "1.2.3 1.2.4", {"t2": str(header)}),
        ("7.8.9", None, {}),
    ):
        volumes[0].SetAttribute("DICOM.instanceUIDs", of_t1)
        volumes[1].SetAttribute("DICOM.instanceUIDs", of_t2)
        with pytest.raises(InputError) as error:
            one.grade_study(*volumes)
        assert json.loads(str(error.value)) == told


def assert_written(node, volume, path: Path, turn: np.ndarray | None = None) -> None:
    """The file of a node is the volume it was made of, turned (4x4, LPS)."""
    from ModicGraderLib.scene.volumes import write_volume

    write_volume(node, path, "T2")
    written = read_volume(path, "t2")
    np.testing.assert_allclose(written.affine, volume.affine if turn is None else turn @ volume.affine, atol=1e-4)
    np.testing.assert_array_equal(written.array, volume.array)
    assert b"My" not in path.read_bytes()[:2000]


def test_a_volume_is_handed_over_voxel_by_voxel_without_its_name(volumes, tmp_path):
    assert_written(volumes[1], graded().study.t2, tmp_path / "t2.nrrd")


def test_a_volume_is_handed_over_where_its_transform_puts_it(scene, volumes, tmp_path):
    from ModicGraderLib.scene.nodes import LPS_TO_RAS, to_matrix

    angle = np.deg2rad(10)
    turn = np.eye(4)
    turn[1:3, 1:3] = [[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]
    turn[:3, 3] = 5, -7, 12
    transform = scene.AddNewNodeByClass("vtkMRMLLinearTransformNode", "My transform")
    transform.SetMatrixTransformToParent(to_matrix(LPS_TO_RAS @ turn @ LPS_TO_RAS))
    volumes[1].SetAndObserveTransformNodeID(transform.GetID())
    assert_written(volumes[1], graded().study.t2, tmp_path / "t2.nrrd", turn)


def test_a_volume_that_is_bent_is_refused(scene, volumes, tmp_path):
    import vtk

    from ModicGraderLib.scene.volumes import write_volume

    bending = vtk.vtkThinPlateSplineTransform()
    landmarks = vtk.vtkPoints()
    for point in np.eye(4, 3) * 50:
        landmarks.InsertNextPoint(point)
    bending.SetSourceLandmarks(landmarks)
    bending.SetTargetLandmarks(landmarks)
    transform = scene.AddNewNodeByClass("vtkMRMLTransformNode", "My transform")
    transform.SetAndObserveTransformToParent(bending)
    volumes[1].SetAndObserveTransformNodeID(transform.GetID())
    with pytest.raises(InputError, match="harden the transform"):
        write_volume(volumes[1], tmp_path / "t2.nrrd", "T2")
