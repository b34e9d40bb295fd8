"""Tests of DICOM segmentations: every voxel comes back where it was, and every segment says what it is."""

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk
from graded_dicom import MIRRORED, graded_from_dicom, write_volume
from graded_example import example_graded_study
from pydicom import dcmread
from pydicom.uid import EnhancedMRImageStorage

from ModicGraderLib import __version__
from ModicGraderLib.export.dicom_codes import MODIC_VALUES
from ModicGraderLib.export.dicom_segments import change_segmentation, change_segments, spine_segmentation
from ModicGraderLib.export.dicom_source import read_files, read_frames
from ModicGraderLib.export.images import from_image
from ModicGraderLib.graded import MACHINE_MAP
from ModicGraderLib.io.reading import read_dicom_study
from ModicGraderLib.study import SpineStudy
from ModicGraderLib.terminology import DISC_CODES, MODIC_CHANGES, SPINE, VERTEBRA_CODES

EXAMPLE = example_graded_study()
T2_ONLY = replace(EXAMPLE, study=SpineStudy(None, EXAMPLE.study.t2))


def write(graded, folder: Path) -> None:
    """The segmentations of `write_dicom`, without the report, whose making takes most of the time."""
    t2 = graded.study.t2
    source = read_frames(t2, read_files(t2))
    spine_segmentation(graded, source, 1).save_as(folder / "spine.dcm")
    changes = change_segments(graded)
    if changes:
        change_segmentation(changes, graded, source, 2).save_as(folder / "modic_changes.dcm")


def part(first: int, last: int):
    """The example's slices from `first` to before `last`, T2 alone."""
    t2, slices = EXAMPLE.study.t2, slice(first, last)
    affine = t2.affine.copy()
    affine[:3, 3] += first * affine[:3, 0]
    return replace(
        EXAMPLE,
        study=SpineStudy(None, replace(t2, array=t2.array[slices], affine=affine)),
        location=replace(EXAMPLE.location, labels=EXAMPLE.location.labels[slices]),
        maps={name: one[slices] for name, one in EXAMPLE.maps.items()},
    )


def put(array: np.ndarray, affine: np.ndarray, volume) -> np.ndarray:
    """Labels read back, each voxel put where its place in the patient lies on the grid of a volume."""
    where = np.argwhere(array)
    index = volume.to_index(where @ affine[:3, :3].T + affine[:3, 3])
    assert np.abs(index - np.rint(index)).max() < 0.01, "voxels lie between those of the source"
    labels = np.zeros(volume.array.shape, int)
    labels[tuple(np.rint(index).astype(int).T)] = array[tuple(where.T)]
    assert (labels > 0).sum() == len(where), "two voxels lie at one place"
    return labels


def read_by_highdicom(path: Path, volume) -> np.ndarray:
    """Segment numbers on the grid of a volume."""
    import highdicom as hd

    read = hd.seg.segread(path).get_volume(combine_segments=True, allow_missing_positions=True)
    return put(read.array, read.affine, volume)


def read_by_dcmqi(path: Path, volume, folder: Path) -> np.ndarray:
    """Segment numbers on the grid of a volume, as another implementation reads them."""
    tool = Path(sys.executable).with_name("segimage2itkimage")
    assert tool.exists(), "dcmqi is not installed; `make test` installs it"
    folder.mkdir()
    call = [tool, "--inputDICOM", path, "--outputDirectory", folder, "--outputType", "nrrd", "--mergeSegments"]
    done = subprocess.run(call, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr
    (image,) = folder.glob("*.nrrd")
    return put(*from_image(sitk.ReadImage(image)), volume)


def names_of(path: Path) -> list[str]:
    return [segment.SegmentLabel for segment in dcmread(path).SegmentSequence]


def labels_of(path: Path, numbers: np.ndarray) -> np.ndarray:
    """Our labels of the spine in place of segment numbers."""
    label = {structure.name: structure.label for structure in SPINE}
    return np.array([0, *(label[name] for name in names_of(path))])[numbers]


def types_of(path: Path, numbers: np.ndarray) -> np.ndarray:
    """Our labels of the Modic map in place of segment numbers."""
    label = {structure.name: structure.label for structure in MODIC_CHANGES}
    return np.array([0, *(label[name.split(",")[0]] for name in names_of(path))])[numbers]


@pytest.mark.parametrize("enhanced", [False, True])
@pytest.mark.parametrize("lies", MIRRORED)
def test_every_voxel_comes_back_where_it_was(lies, enhanced, tmp_path):
    graded = graded_from_dicom(tmp_path / "in", T2_ONLY, lies=lies, enhanced=enhanced)
    write(graded, tmp_path)
    spine, changes = tmp_path / "spine.dcm", tmp_path / "modic_changes.dcm"
    t2 = graded.study.t2
    assert np.array_equal(labels_of(spine, read_by_highdicom(spine, t2)), graded.location.labels)
    assert np.array_equal(types_of(changes, read_by_highdicom(changes, t2)), graded.maps["modic_map"])


@pytest.mark.parametrize("enhanced", [False, True])
def test_dcmqi_reads_the_same_voxels(enhanced, tmp_path):
    graded = graded_from_dicom(tmp_path / "in", T2_ONLY, lies=(True, False, True), enhanced=enhanced)
    write(graded, tmp_path)
    spine, changes = tmp_path / "spine.dcm", tmp_path / "modic_changes.dcm"
    t2 = graded.study.t2
    numbers = read_by_dcmqi(spine, t2, tmp_path / "spine")
    assert np.array_equal(labels_of(spine, numbers), graded.location.labels)
    numbers = read_by_dcmqi(changes, t2, tmp_path / "changes")
    assert np.array_equal(types_of(changes, numbers), graded.maps["modic_map"])


@pytest.mark.parametrize("enhanced", [False, True])
def test_a_single_slice_comes_back_too(enhanced, tmp_path):
    graded = graded_from_dicom(tmp_path / "in", part(2, 3), enhanced=enhanced)
    write(graded, tmp_path)
    spine = tmp_path / "spine.dcm"
    assert np.array_equal(labels_of(spine, read_by_highdicom(spine, graded.study.t2)), graded.location.labels)
    numbers = read_by_dcmqi(spine, graded.study.t2, tmp_path / "spine")
    assert np.array_equal(labels_of(spine, numbers), graded.location.labels)


def test_a_change_on_slices_with_a_gap_stays_on_them(tmp_path):
    graded = graded_from_dicom(tmp_path / "in", T2_ONLY)
    modic_map = graded.maps["modic_map"].copy()
    modic_map[[0, 2, 3]] = 0
    graded = replace(graded, maps={"modic_map": modic_map})
    write(graded, tmp_path)
    changes = tmp_path / "modic_changes.dcm"
    assert np.array_equal(types_of(changes, read_by_highdicom(changes, graded.study.t2)), modic_map)
    numbers = read_by_dcmqi(changes, graded.study.t2, tmp_path / "changes")
    assert np.array_equal(types_of(changes, numbers), modic_map)


def test_frames_name_the_source_frames_that_they_lie_on(tmp_path):
    graded = graded_from_dicom(tmp_path / "in", lies=(False, True, False))
    write(graded, tmp_path)
    places = {one.SOPInstanceUID: one.ImagePositionPatient for one in map(dcmread, graded.study.t2.dicom)}
    made = dcmread(tmp_path / "spine.dcm")
    for groups in made.PerFrameFunctionalGroupsSequence:
        (source,) = groups.DerivationImageSequence[0].SourceImageSequence
        assert np.allclose(
            groups.PlanePositionSequence[0].ImagePositionPatient, places[source.ReferencedSOPInstanceUID]
        )
    (series,) = made.ReferencedSeriesSequence
    assert {one.ReferencedSOPInstanceUID for one in series.ReferencedInstanceSequence} == set(places)


def test_frames_of_an_enhanced_series_are_named_by_file_and_number(tmp_path):
    graded = graded_from_dicom(tmp_path / "in", T2_ONLY, enhanced=True)
    write(graded, tmp_path)
    source = dcmread(graded.study.t2.dicom[0])
    made = dcmread(tmp_path / "spine.dcm")
    (series,) = made.ReferencedSeriesSequence
    assert [one.ReferencedSOPInstanceUID for one in series.ReferencedInstanceSequence] == [source.SOPInstanceUID]
    for groups in made.PerFrameFunctionalGroupsSequence:
        (item,) = groups.DerivationImageSequence[0].SourceImageSequence
        frame = source.PerFrameFunctionalGroupsSequence[item.ReferencedFrameNumber - 1]
        assert item.ReferencedSOPClassUID == EnhancedMRImageStorage
        places = (one.PlanePositionSequence[0].ImagePositionPatient for one in (groups, frame))
        assert np.allclose(*places)


def test_two_echoes_in_one_file_are_told_apart(tmp_path):
    """A proton-density echo and a T2 echo in one Enhanced file: what is read is T2, so T2's frames are named."""
    t2 = EXAMPLE.study.t2
    write_volume(tmp_path / "in", t2, enhanced=True)
    path = tmp_path / "in/enhanced.dcm"
    both = dcmread(path)
    count = int(both.NumberOfFrames)
    frames = [dcmread(path).PerFrameFunctionalGroupsSequence for _ in range(2)]
    for echo, groups in zip((20.0, 110.0), frames, strict=True):
        for group in groups:
            group.MREchoSequence = [both.SharedFunctionalGroupsSequence[0].MREchoSequence[0].__class__()]
            group.MREchoSequence[0].EffectiveEchoTime = echo
    del both.SharedFunctionalGroupsSequence[0].MREchoSequence
    both.PerFrameFunctionalGroupsSequence = [*frames[0], *frames[1]]
    both.NumberOfFrames, both.PixelData = 2 * count, both.PixelData * 2
    both.save_as(path)
    graded = replace(T2_ONLY, study=read_dicom_study(tmp_path / "in"))
    assert graded.study.t2.source["echo_time_ms"] == 110.0
    write(graded, tmp_path)
    made = dcmread(tmp_path / "spine.dcm")
    named = {
        int(groups.DerivationImageSequence[0].SourceImageSequence[0].ReferencedFrameNumber)
        for groups in made.PerFrameFunctionalGroupsSequence
    }
    assert named == set(range(count + 1, 2 * count + 1))


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    folder = tmp_path_factory.mktemp("dicom")
    graded = graded_from_dicom(folder / "in")
    write(graded, folder)
    return graded, dcmread(folder / "spine.dcm"), dcmread(folder / "modic_changes.dcm")


def test_segments_of_the_spine_are_coded_as_the_terminology_says(written):
    _, spine, _ = written
    by_name = {segment.SegmentLabel: segment for segment in spine.SegmentSequence}
    for name, codes in (("vertebra", VERTEBRA_CODES), ("disc", DISC_CODES)):
        for level, code in codes.items():
            if f"{level} {name}" in by_name:
                kind = by_name[f"{level} {name}"].SegmentedPropertyTypeCodeSequence[0]
                assert (kind.CodeValue, kind.CodingSchemeDesignator) == (code.value, "SCT")
    assert {"L5/S1 disc", "S1 vertebra", "Spinal canal"} <= set(by_name)


def test_segments_have_the_colors_that_slicer_shows(written):
    from highdicom.color import CIELabColor

    _, spine, changes = written
    for dataset, structures in ((spine, SPINE), (changes, MODIC_CHANGES)):
        wanted = {structure.name: structure.color for structure in structures}
        for segment in dataset.SegmentSequence:
            shown = CIELabColor.from_dicom_value(tuple(segment.RecommendedDisplayCIELabValue)).to_rgb()
            assert np.abs(np.subtract(shown, wanted[segment.SegmentLabel.split(",")[0]])).max() <= 1


def test_a_change_says_its_type_and_its_endplate(written):
    _, _, changes = written
    first, second = changes.SegmentSequence
    assert [first.SegmentLabel, second.SegmentLabel] == [
        "Modic II, L4 inferior endplate",
        "Modic I, L5 inferior endplate",
    ]
    region = first.AnatomicRegionSequence[0]
    assert region.CodeMeaning == "L4 vertebra"
    assert region.AnatomicRegionModifierSequence[0].CodeMeaning == "Inferior"
    modifier = first.SegmentedPropertyTypeCodeSequence[0].SegmentedPropertyTypeModifierCodeSequence[0]
    assert modifier.CodeValue == MODIC_VALUES["II"].value
    assert first.TrackingUID != second.TrackingUID


def test_a_change_at_no_endplate_in_view_is_not_lost(written, tmp_path):
    graded, *_ = written
    modic_map = np.zeros_like(graded.maps["modic_map"])
    where = np.argwhere(graded.location.labels == 1)[:40]  # the top of S1, whose lower endplate has no disc
    modic_map[tuple(where.T)] = 3
    top = np.argwhere(graded.location.labels == graded.location.labels[graded.location.labels < 100].max())[:40]
    modic_map[tuple(top.T)] = 1
    write(replace(graded, maps={"modic_map": modic_map}), tmp_path)
    changes = tmp_path / "modic_changes.dcm"
    assert np.array_equal(types_of(changes, read_by_highdicom(changes, graded.study.t2)), modic_map)


def test_the_program_is_named_with_its_models(written):
    _, spine, _ = written
    segment = spine.SegmentSequence[0]
    algorithm = segment.SegmentationAlgorithmIdentificationSequence[0]
    assert segment.SegmentAlgorithmType == "AUTOMATIC"
    assert (algorithm.AlgorithmName, algorithm.AlgorithmVersion) == ("ModicGrader", __version__)
    assert algorithm.AlgorithmParameters == f"example 1=sha256:{'0' * 64}"


def test_a_map_that_a_reader_edited_is_semiautomatic(written, tmp_path):
    graded, *_ = written
    edited = replace(graded, maps={**graded.maps, MACHINE_MAP: graded.maps["modic_map"]})
    write(edited, tmp_path)
    kinds = {one.SegmentAlgorithmType for one in dcmread(tmp_path / "modic_changes.dcm").SegmentSequence}
    assert kinds == {"SEMIAUTOMATIC"}
    assert {one.SegmentAlgorithmType for one in dcmread(tmp_path / "spine.dcm").SegmentSequence} == {"AUTOMATIC"}


def test_one_voxel_takes_one_bit_and_empty_frames_none(written):
    graded, spine, changes = written
    for dataset in (spine, changes):
        assert len(dataset.PixelData) <= dataset.NumberOfFrames * dataset.Rows * dataset.Columns // 8 + 1
    modic_map = graded.maps["modic_map"]
    assert changes.NumberOfFrames == sum((modic_map == label).any((1, 2)).sum() for label in (1, 2, 3))


@pytest.mark.parametrize("maps", [{}, {"modic_map": np.zeros_like(EXAMPLE.maps["modic_map"])}])
def test_without_a_change_there_is_no_segmentation_of_changes(maps, written, tmp_path):
    graded, *_ = written
    write(replace(graded, maps=maps), tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["spine.dcm"]
