"""Volume files with a DICOM file of the series they were made of: what only the header knows."""

from pathlib import Path

import numpy as np
import pytest
from dicom_factory import picture_stack, write_enhanced, write_series

from ModicGraderLib.errors import InputError
from ModicGraderLib.export.images import to_image, write_image
from ModicGraderLib.io import read_study, read_volume


def as_file(folder: Path, contrast: str) -> Path:
    """The volume of a DICOM folder as a file without its header."""
    volume = read_volume(folder, contrast)
    write_image(folder.parent / f"{contrast}.nrrd", to_image(volume.array, volume.affine))
    return folder.parent / f"{contrast}.nrrd"


@pytest.fixture
def pair(tmp_path):
    """T1 and STIR as files, and a DICOM file of either."""
    headers = {
        "t1": write_series(tmp_path / "a", picture_stack(), "t1")[0],
        "t2": write_series(tmp_path / "b", picture_stack(seed=1), "stir")[0],
    }
    return as_file(tmp_path / "a", "t1"), as_file(tmp_path / "b", "t2"), headers


def test_fat_suppression_and_parameters_are_known_as_if_dicom_had_been_read(pair, tmp_path):
    t1, t2, headers = pair
    study = read_study(t1, t2, headers=headers, align=False)
    from_dicom = read_study(tmp_path / "a", tmp_path / "b", align=False)
    assert study.t2.contrast == from_dicom.t2.contrast == "t2_fat_suppressed"
    assert study.quality == from_dicom.quality
    for one, other in zip(study.volumes, from_dicom.volumes, strict=True):
        assert one.source == {**other.source, "path": one.source["path"]}
        np.testing.assert_array_equal(one.array, other.array)


def test_without_headers_a_file_is_what_it_was_given_as(pair):
    t1, t2, _ = pair
    assert read_study(t1, t2, align=False).t2.contrast == "t2"


def test_files_given_the_wrong_way_round_are_refused(pair):
    t1, t2, headers = pair
    with pytest.raises(InputError, match=r"t2.nrrd was given as T1 but is fat-suppressed T2-weighted \(TR"):
        read_study(t2, t1, headers={"t1": headers["t2"], "t2": headers["t1"]})


def test_files_of_different_patients_are_refused(pair, tmp_path):
    t1, t2, headers = pair
    other = write_series(tmp_path / "c", picture_stack(), "stir", PatientID="another")[0]
    with pytest.raises(InputError, match="different patients"):
        read_study(t1, t2, headers={**headers, "t2": other})


def test_an_enhanced_file_is_a_header_too(pair, tmp_path):
    t1, t2, headers = pair
    path = write_enhanced(tmp_path / "d" / "one.dcm", picture_stack(), "t1")
    study = read_study(t1, t2, headers={**headers, "t1": path}, align=False)
    assert study.t1.source["repetition_time_ms"] > 0


def test_a_header_that_is_no_dicom_file_says_nothing(pair):
    t1, t2, _ = pair
    assert read_study(t1, t2, headers={"t2": t1}, align=False).t2.contrast == "t2"
