"""A scene becomes a graded study again: untouched, saved and opened, or edited by a reader."""

import dataclasses
from types import SimpleNamespace

import numpy as np
import pytest
from graded_example import example_graded_study

from ModicGraderLib.corrections import correct, machine_report, renumber
from ModicGraderLib.errors import InputError
from ModicGraderLib.graded import MACHINE_MAP

pytestmark = pytest.mark.slicer

GRADED = example_graded_study()
MAP, T2 = GRADED.maps["modic_map"], GRADED.study.t2
NOON = "2026-01-31T12:00:00+00:00"


def read(scene, **options):
    from ModicGraderLib.scene.read import read_graded

    return read_graded(scene, when=NOON, **options)


def alone(role: str):
    """The example with one contrast: without types and maps, and with labels on the grid of that contrast."""
    study = dataclasses.replace(GRADED.study, **{"t1": None, "t2": None, role: getattr(GRADED.study, role)})
    labels = np.zeros(study.reference.array.shape, np.uint8)
    labels[1:3, 40:80, 50:90], labels[2:4, 90:99, 50:90] = 2, 202
    location = dataclasses.replace(GRADED.location, labels=labels)
    return dataclasses.replace(GRADED, study=study, location=location, maps={})


def draw(node, identifier: str, mask: np.ndarray) -> None:
    """Make a mask (slices, rows, columns) the whole of a segment, by what the Segment Editor's effects call."""
    import slicer

    from ModicGraderLib.scene.nodes import oriented_image

    logic = slicer.vtkSlicerSegmentationsModuleLogic
    image = oriented_image(mask.astype(np.uint8), T2.affine)
    assert logic.SetBinaryLabelmapToSegment(image, node, identifier, logic.MODE_REPLACE)


def grown(label: int) -> np.ndarray:
    """Mask of the example's change with this label, a row of voxels wider in each slice."""
    mask = np.equal(MAP, label)
    return mask | np.roll(mask, 1, axis=1) | np.roll(mask, -1, axis=1)


def assert_same(back, expected) -> None:
    """Two graded studies hold exactly the same."""
    assert back.report == expected.report
    assert back.study.alignment == expected.study.alignment
    assert back.study.quality == expected.study.quality
    assert [one.contrast for one in back.study.volumes] == [one.contrast for one in expected.study.volumes]
    for one, other in zip(back.study.volumes, expected.study.volumes, strict=True):
        assert one.source == other.source
        assert one.array.dtype == other.array.dtype
        np.testing.assert_array_equal(one.array, other.array)
        np.testing.assert_array_equal(one.affine, other.affine)
    np.testing.assert_array_equal(back.location.labels, expected.location.labels)
    assert back.location.numbering == expected.location.numbering
    for one, other in zip(back.location.discs, expected.location.discs, strict=True):
        for field in dataclasses.fields(other):
            np.testing.assert_equal(getattr(one, field.name), getattr(other, field.name))
    assert back.maps.keys() == expected.maps.keys()
    for name, array in expected.maps.items():
        assert back.maps[name].dtype == array.dtype
        np.testing.assert_array_equal(back.maps[name], array)


@pytest.mark.parametrize("graded", [GRADED, alone("t1"), alone("t2")], ids=["both", "t1", "t2"])
def test_an_untouched_scene_is_exactly_what_it_was_built_from(scene, graded):
    from ModicGraderLib.scene.build import build_scene

    build_scene(graded, scene)
    assert_same(read(scene), graded)


def test_a_saved_and_opened_scene_is_exactly_what_it_was_built_from(tmp_path):
    from ModicGraderLib.scene import write_scene
    from ModicGraderLib.scene.host import open_scene

    report = renumber(correct(GRADED.report, "L4/L5", "pfirrmann", 2, "AB", NOON), "L4/L5", "AB", NOON)
    report = renumber(report, "L5/S1", "AB", NOON)
    graded = dataclasses.replace(GRADED, report=report)
    write_scene(graded, tmp_path / "scene.mrb")
    host = open_scene(tmp_path / "scene.mrb")
    assert_same(read(host.scene), graded)


def test_volumes_of_the_user_are_read_whatever_the_order_of_their_axes(scene):
    from ModicGraderLib.scene.build import build_scene
    from ModicGraderLib.scene.nodes import add_volume

    given = {}
    for role, volume in (("t1", GRADED.study.t1), ("t2", GRADED.study.t2)):
        affine = volume.affine[:, [1, 0, 2, 3]].copy()
        affine[:3, 3] += affine[:3, 0] * (volume.array.shape[1] - 1)
        affine[:3, 0] *= -1
        given[role] = add_volume(scene, f"My {role}", volume.array[:, ::-1].transpose(1, 0, 2), affine)
    build_scene(GRADED, scene, volumes=given)
    assert_same(read(scene), GRADED)


def test_a_study_loaded_from_the_dicom_database_is_exported_as_dicom_too(scene, tmp_path, monkeypatch):
    import slicer
    from graded_dicom import graded_from_dicom
    from pydicom import dcmread

    from ModicGraderLib.export import write_results
    from ModicGraderLib.scene.build import build_scene
    from ModicGraderLib.scene.nodes import add_volume

    graded = graded_from_dicom(tmp_path / "source")
    files = {str(dcmread(path).SOPInstanceUID): path for path in (tmp_path / "source").rglob("*.dcm")}
    database = SimpleNamespace(fileForInstance=lambda instance: str(files.get(instance, "")))
    monkeypatch.setattr(slicer, "dicomDatabase", database, raising=False)
    volumes = {
        one.contrast: add_volume(scene, f"My {one.contrast}", one.array, one.affine) for one in graded.study.volumes
    }
    for volume in graded.study.volumes:
        instances = [instance for instance, path in files.items() if path in volume.dicom]
        volumes[volume.contrast].SetAttribute("DICOM.instanceUIDs", " ".join(instances))
    build_scene(graded, scene, volumes=volumes)
    names = {path.name for path in write_results(read(scene), tmp_path / "result", without=("scene",))}
    assert {"spine.dcm", "modic_changes.dcm", "report.dcm"} <= names


def test_a_volume_that_was_moved_is_not_taken_for_the_one_that_was_graded(scene):
    import vtk

    from ModicGraderLib.scene import SceneError
    from ModicGraderLib.scene.build import build_scene
    from ModicGraderLib.scene.nodes import add_volume

    given = {"t2": add_volume(scene, "My T2", T2.array, T2.affine)}
    build_scene(GRADED, scene, volumes=given)
    matrix = vtk.vtkMatrix4x4()
    given["t2"].GetIJKToRASMatrix(matrix)
    matrix.SetElement(2, 3, matrix.GetElement(2, 3) + 5)
    given["t2"].SetIJKToRASMatrix(matrix)
    with pytest.raises(SceneError, match="T2 volume of ModicGrader study lies elsewhere"):
        read(scene)
    scene.RemoveNode(given["t2"])
    with pytest.raises(SceneError, match="no longer holds the T2 volume"):
        read(scene)


def test_an_edited_change_is_measured_anew_and_recorded_beside_the_program_s(scene, nodes):
    draw(nodes.modic, "modic_ii", grown(2))
    back = read(scene, reader="AB")
    (one,) = back.report.corrections
    assert (one.level, one.field, one.reader, one.when) == ("L4/L5", "modic_map", "AB", NOON)
    assert one.machine["upper"]["voxels"] == {"I": 0, "II": int((MAP == 2).sum()), "III": 0}
    assert one.reader_value["upper"]["voxels"] == {"I": 0, "II": int(grown(2).sum()), "III": 0}
    assert one.reader_value["lower"] == one.machine["lower"]
    disc, before = back.report.discs[4], GRADED.report.discs[4]
    voxel_mm3 = abs(np.linalg.det(T2.affine[:3, :3]))
    assert disc.endplates["upper"].volume_mm3 == pytest.approx(grown(2).sum() * voxel_mm3)
    assert disc.endplates["upper"].location == ["anterior", "central"]
    assert disc.endplates["upper"].uncertainty["volume_mm3"] > 0
    assert disc.endplates["lower"] == before.endplates["lower"]
    assert disc.modic == before.modic
    assert back.report.discs[5] == GRADED.report.discs[5]
    np.testing.assert_array_equal(back.maps[MACHINE_MAP], MAP)
    np.testing.assert_array_equal(back.maps["modic_map"] == 2, grown(2))
    assert machine_report(back.report) == GRADED.report


def test_a_change_drawn_where_there_was_none_belongs_to_the_endplate_it_touches(scene, nodes):
    disc = GRADED.location.discs[1]
    index = np.stack(np.indices(MAP.shape), axis=-1)
    offset = T2.to_patient(index) - disc.center
    below, forward = -(offset @ disc.normal) - disc.height_mm / 2, offset @ disc.anterior
    mask = (below > 0) & (below < 8) & (np.abs(forward) < 5) & (index[..., 0] >= 1) & (index[..., 0] <= 3)
    draw(nodes.modic, "modic_i", mask | (MAP == 1))
    report = read(scene).report
    (one,) = report.corrections
    assert one.level == "L1/L2"
    assert one.reader_value["lower"]["voxels"]["I"] == mask.sum()
    assert one.reader_value["upper"] == one.machine["upper"]
    drawn = report.discs[1].endplates["lower"]
    assert drawn.height_percent == pytest.approx(100 * 8 / 27, abs=8)
    assert drawn.location == ["central"]
    assert any("no change is called in L2" in finding.message for finding in report.quality)


def test_what_is_drawn_far_from_any_endplate_has_a_volume_and_no_other_extent(scene, nodes):
    stray = np.zeros_like(MAP, bool)
    stray[0:2, 100:103, 5:9] = True
    draw(nodes.modic, "modic_i", stray | (MAP == 1))
    report = read(scene).report
    drawn = [one.reader_value[name] for one in report.corrections for name in one.reader_value]
    (own,) = [one for one in drawn if one["voxels"]["I"] == stray.sum()]
    assert own["volume_mm3"] == pytest.approx(stray.sum() * abs(np.linalg.det(T2.affine[:3, :3])))
    assert own["height_percent"] is None
    report.to_json()


def test_a_change_of_another_type_is_a_correction_although_its_extent_is_the_same(scene, nodes):
    from ModicGraderLib.scene.correct import prepare_map

    prepare_map(scene)
    draw(nodes.modic, "modic_iii", MAP == 2)
    draw(nodes.modic, "modic_ii", np.zeros_like(MAP))
    report = read(scene).report
    (one,) = report.corrections
    assert one.reader_value["upper"]["voxels"] == {"I": 0, "II": 0, "III": int((MAP == 2).sum())}
    assert "the change in L4 is of type II, but was drawn in the map as type III" in report.quality[-1].message


def test_a_change_that_was_erased_has_no_extent(scene, nodes):
    draw(nodes.modic, "modic_ii", np.zeros_like(MAP))
    disc = read(scene).report.discs[4]
    assert (disc.endplates["upper"].volume_mm3, disc.endplates["upper"].height_class) == (0.0, None)


def test_what_is_drawn_as_no_type_is_refused_and_an_empty_segment_is_not(scene, nodes):
    nodes.modic.GetSegmentation().AddEmptySegment("mine", "Segment_1")
    assert read(scene).report == GRADED.report
    draw(nodes.modic, "mine", MAP == 2)
    with pytest.raises(InputError, match=r"segment 'Segment_1' is no type .* name it one of: Modic I, Modic II"):
        read(scene)
    nodes.modic.GetSegmentation().GetSegment("mine").SetName("Modic III")
    assert (read(scene).maps["modic_map"][MAP == 2] == 3).all()


def test_what_a_reader_did_is_exported_from_an_opened_scene(scene, nodes, tmp_path):
    from ModicGraderLib.export import write_results
    from ModicGraderLib.scene import write_scene
    from ModicGraderLib.scene.host import open_scene

    draw(nodes.modic, "modic_ii", grown(2))
    edited = read(scene, reader="AB")
    write_scene(edited, tmp_path / "scene.mrb")
    host = open_scene(tmp_path / "scene.mrb")
    back = read(host.scene, reader="someone else")
    assert_same(back, edited)
    names = {path.name for path in write_results(back, tmp_path / "result", without=("scene",))}
    assert {"modic_map.nii.gz", "modic_map_machine.nii.gz"} <= names


def test_a_study_that_is_not_there_is_named(scene):
    from ModicGraderLib.scene import SceneError

    with pytest.raises(SceneError, match="no report of Mine"):
        read(scene, name="Mine")
