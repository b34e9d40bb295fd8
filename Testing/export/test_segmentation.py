import numpy as np
import pytest
import SimpleITK as sitk
from graded_example import example_graded_study

from ModicGraderLib.anatomy import CANAL_LABEL
from ModicGraderLib.export.images import from_image
from ModicGraderLib.export.segmentation import write_segmentation
from ModicGraderLib.terminology import MODIC_CHANGES


@pytest.fixture(scope="module")
def graded():
    return example_graded_study()


def _segments(image: sitk.Image) -> list[dict[str, str]]:
    segments = []
    while image.HasMetaDataKey(f"Segment{len(segments)}_ID"):
        prefix = f"Segment{len(segments)}_"
        keys = [key for key in image.GetMetaDataKeys() if key.startswith(prefix)]
        segments.append({key.removeprefix(prefix): image.GetMetaData(key) for key in keys})
    return segments


def test_labels_and_geometry_are_kept(graded, tmp_path):
    write_segmentation(tmp_path / "spine.seg.nrrd", graded.location.labels, graded.study.t2.affine)
    labels, affine = from_image(sitk.ReadImage(tmp_path / "spine.seg.nrrd"))
    assert np.array_equal(labels, graded.location.labels)
    np.testing.assert_allclose(affine, graded.study.t2.affine, atol=1e-6)


def test_every_segment_has_a_name_a_color_and_a_code(graded, tmp_path):
    write_segmentation(tmp_path / "spine.seg.nrrd", graded.location.labels, graded.study.t2.affine)
    segments = _segments(sitk.ReadImage(tmp_path / "spine.seg.nrrd"))
    by_name = {segment["Name"]: segment for segment in segments}
    assert set(np.unique(graded.location.labels)) - {0} == {int(segment["LabelValue"]) for segment in segments}
    assert by_name["L4/L5 disc"]["LabelValue"] == "202"
    assert "SCT^84020006^L4/L5 disc" in by_name["L4/L5 disc"]["Tags"]
    assert by_name["Spinal canal"]["LabelValue"] == str(CANAL_LABEL)
    assert all(0 <= float(channel) <= 1 for segment in segments for channel in segment["Color"].split())


def test_the_extent_of_a_segment_runs_over_columns_rows_slices(tmp_path):
    labels = np.zeros((4, 6, 8), np.uint8)
    labels[1:3, 2:5, 3:7] = 201
    write_segmentation(tmp_path / "one.seg.nrrd", labels, np.eye(4))
    (segment,) = _segments(sitk.ReadImage(tmp_path / "one.seg.nrrd"))
    assert segment["Extent"] == "3 6 2 4 1 2"


def test_a_modic_map_is_written_with_the_types_that_occur(graded, tmp_path):
    write_segmentation(tmp_path / "m.seg.nrrd", graded.maps["modic_map"], graded.study.t2.affine, MODIC_CHANGES)
    segments = _segments(sitk.ReadImage(tmp_path / "m.seg.nrrd"))
    assert [segment["Name"] for segment in segments] == ["Modic I", "Modic II"]


def test_an_unknown_label_is_refused_and_nothing_is_written(tmp_path):
    with pytest.raises(ValueError, match="250"):
        write_segmentation(tmp_path / "bad.seg.nrrd", np.full((1, 2, 2), 250, np.uint8), np.eye(4))
    assert list(tmp_path.iterdir()) == []
