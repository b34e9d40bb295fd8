"""Finding and pairing series in a whole examination."""

import numpy as np
import pytest
from dicom_factory import ORIENTATIONS, SEQUENCES, picture_stack, write_enhanced, write_series
from pydicom import Dataset

from ModicGraderLib.errors import Cancelled, InputError
from ModicGraderLib.io import read_dicom_study, read_study
from ModicGraderLib.io.dicom_contrast import contrast_of
from ModicGraderLib.progress import Progress

T1, T2 = picture_stack(seed=1), picture_stack(seed=2)


@pytest.fixture
def examination(tmp_path):
    """A folder as scanners export it: localizer, axial T2, STIR, T1 and T2 with misleading names."""
    write_series(tmp_path / "1", picture_stack(3, seed=3), "localizer")
    write_series(tmp_path / "2", picture_stack(9, seed=4), "t2", ORIENTATIONS["axial"])
    write_series(tmp_path / "3", picture_stack(7, seed=5), "stir", SeriesDescription="t2 sag")
    write_series(tmp_path / "4", T1, "t1", SeriesDescription="t2_tse_sag")
    write_series(tmp_path / "4", T2, "t2", names=[f"x{i}" for i in range(5)], SeriesDescription="t1_tse_sag")
    (tmp_path / "README.txt").write_text("exported")
    return tmp_path


def test_the_sagittal_pair_is_found_by_parameters_not_by_name(examination):
    study = read_dicom_study(examination, align=False)
    np.testing.assert_array_equal(study.t1.array, T1[::-1])
    np.testing.assert_array_equal(study.t2.array, T2[::-1])
    assert (study.t1.contrast, study.t2.contrast) == ("t1", "t2") and study.quality == ()


def test_series_with_more_slices_is_preferred(examination):
    write_series(examination / "5", picture_stack(8, seed=6), "t2")
    assert read_dicom_study(examination, align=False).t2.array.shape[0] == 8


def test_incomplete_series_gives_way_to_a_complete_one(examination):
    write_series(examination / "5", picture_stack(12, seed=6), "t2", skip=(4,))
    np.testing.assert_array_equal(read_dicom_study(examination, align=False).t2.array, T2[::-1])


def test_stir_stands_in_where_there_is_no_plain_t2(tmp_path):
    write_series(tmp_path / "a", T1, "t1")
    write_series(tmp_path / "b", T2, "stir")
    study = read_dicom_study(tmp_path, align=False)
    assert study.t2.contrast == "t2_fat_suppressed"
    assert [finding.code for finding in study.quality] == ["t2_fat_suppressed"]


def test_enhanced_and_classic_series_make_a_pair(tmp_path):
    write_series(tmp_path, T1, "t1")
    write_enhanced(tmp_path / "t2.dcm", T2, "t2")
    study = read_dicom_study(tmp_path, align=False)
    np.testing.assert_array_equal(study.t1.array, T1[::-1])
    np.testing.assert_array_equal(study.t2.array, T2[::-1])


def test_the_files_of_each_series_are_remembered_beside_what_the_report_says_of_it(tmp_path):
    t1 = write_series(tmp_path, T1, "t1")
    t2 = write_enhanced(tmp_path / "t2.dcm", T2, "t2")
    study = read_dicom_study(tmp_path, align=False)
    assert sorted(study.t1.dicom) == sorted(t1) and study.t2.dicom == (t2,)
    assert not any(str(path.name) in str(study.t1.source) for path in t1)


def test_missing_contrast_is_told(tmp_path):
    write_series(tmp_path, T2, "t2")
    study = read_dicom_study(tmp_path)
    assert study.t1 is None and [finding.code for finding in study.quality] == ["t1_missing"]


def test_two_patients_in_one_folder_are_refused(examination):
    write_series(examination / "other", T1, "t1", PatientID="TEST-2")
    with pytest.raises(InputError, match="different patients"):
        read_dicom_study(examination)


@pytest.mark.parametrize(
    "other", [{"PatientID": "TEST-2"}, {"PatientName": "Other^One"}, {"PatientBirthDate": "19800101"}]
)
def test_folders_of_different_patients_are_refused_without_naming_them(tmp_path, other):
    write_series(tmp_path / "a", T1, "t1")
    write_series(tmp_path / "b", T2, "t2", **other)
    with pytest.raises(InputError, match="different patients") as error:
        read_study(tmp_path / "a", tmp_path / "b")
    assert not any(value in str(error.value) for value in ("TEST", "Phantom", "Other", "19"))


def test_empty_identifiers_are_no_difference(tmp_path):
    write_series(tmp_path / "a", T1, "t1")
    write_series(tmp_path / "b", T2, "t2", PatientName="", PatientBirthDate=None)
    assert read_study(tmp_path / "a", tmp_path / "b", align=False).quality == ()


def test_swapped_folders_are_refused(tmp_path):
    write_series(tmp_path / "a", T1, "t1")
    write_series(tmp_path / "b", T2, "t2")
    with pytest.raises(InputError, match="was given as T1 but is T2-weighted"):
        read_study(tmp_path / "b", tmp_path / "a")


def test_one_examination_can_be_named_twice(examination):
    study = read_study(examination / "4", examination / "4", align=False)
    np.testing.assert_array_equal(study.t1.array, T1[::-1])


def test_only_axial_series_are_refused_with_what_was_found(tmp_path):
    write_series(tmp_path, T2, "t2", ORIENTATIONS["axial"])
    with pytest.raises(InputError, match=r"no sagittal T1- or T2-weighted series .*axial t2"):
        read_dicom_study(tmp_path)


def test_reading_can_be_cancelled(examination):
    with pytest.raises(Cancelled):
        read_dicom_study(examination, progress=Progress(is_cancelled=lambda: True))


def _header(sequence="t1", **attributes):
    header = Dataset()
    for keyword, value in {**SEQUENCES.get(sequence, {}), **attributes}.items():
        setattr(header, keyword, value)
    return header


@pytest.mark.parametrize(
    ("header", "contrast"),
    [
        (_header("t1"), "t1"),
        (_header("t2"), "t2"),
        (_header("stir"), "t2_fat_suppressed"),
        (_header("localizer"), "other"),
        (_header("t1", RepetitionTime=2200.0, EchoTime=20.0, InversionTime=860.0), "t1"),  # T1 FLAIR
        (_header("t1", RepetitionTime=2500.0, EchoTime=30.0), "other"),  # proton density
        (_header("t2", EchoTime=900.0), "other"),  # myelogram
        (_header("t2", ScanOptions=["PFP", "FS"]), "t2_fat_suppressed"),
        (_header("t2", SpectrallySelectedSuppression="FAT"), "t2_fat_suppressed"),
        (_header("t1", ScanOptions="FAST_GEMS, FS"), "t1_fat_suppressed"),
        (_header("t2", ImageType=["DERIVED", "PRIMARY", "DIXON", "WATER"]), "t2_fat_suppressed"),
        (_header("t2", ImageType=["DERIVED", "PRIMARY", "DIXON", "FAT"]), "other"),
        (_header("t2", ImageType=["ORIGINAL", "PRIMARY", "DIXON", "IN_PHASE"]), "t2"),
        (_header("t2", SeriesDescription="sag t2 dixon T2w in"), "t2"),
        (_header("t2", SeriesDescription="t2_tse_dixon_sag_W"), "t2_fat_suppressed"),
        (_header("", SeriesDescription="SAG T1 TSE"), "t1"),
        (_header("", SeriesDescription="SAG STIR"), "t2_fat_suppressed"),
        (_header("", SeriesDescription="sagittal"), "unknown"),
    ],
)
def test_contrast_follows_from_the_sequence(header, contrast):
    assert contrast_of(header) == contrast
