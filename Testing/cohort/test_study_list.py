"""Tests of the lists of studies: manifests that need no labels, and folders of DICOM however they are sorted."""

from collections.abc import Callable
from pathlib import Path

import pytest
from dicom_factory import picture_stack, write_series
from pydicom.uid import generate_uid

from ModicGraderLib.cohort.study_list import StudyEntry, read_studies
from ModicGraderLib.errors import InputError
from ModicGraderLib.io import read_dicom_study
from ModicGraderLib.training.labelled_study import DiscLabels

UIDS = [generate_uid(entropy_srcs=[name]) for name in ("first", "second", "third")]
PIXELS = {
    contrast: picture_stack(slices=3, rows=64, columns=64, seed=seed) for seed, contrast in enumerate(("t1", "t2"))
}
SPACING = (4.0, 2.0, 2.0)


@pytest.fixture
def manifest(tmp_path) -> Callable[[str], Path]:
    def write(text: str) -> Path:
        (tmp_path / "studies.csv").write_text(text, encoding="utf-8")
        return tmp_path / "studies.csv"

    return write


def write_examination(folder: Path, uid: str, patient: str, **attributes: object) -> None:
    """A sagittal T1 and T2 of one examination, in a folder each."""
    identity = {"StudyInstanceUID": uid, "PatientID": patient, **attributes}
    for contrast, pixels in PIXELS.items():
        write_series(folder / contrast, pixels, contrast, spacing=SPACING, **identity)


def test_a_list_of_files_alone_is_enough(manifest, tmp_path):
    entries = read_studies(manifest("study,t1,t2\na,a1.nii.gz,a2.nii.gz\nb,,/data/b2.nii.gz\n"))
    assert entries == [
        StudyEntry("a", "a", t1=tmp_path / "a1.nii.gz", t2=tmp_path / "a2.nii.gz"),
        StudyEntry("b", "b", t2=Path("/data/b2.nii.gz")),
    ]


def test_labels_age_patient_and_numbering_are_taken_from_the_rows(manifest, tmp_path):
    text = "study,patient,dicom,age_years,lowest_disc,level,modic\n"
    entries = read_studies(manifest(text + "a,p,exam,61,L4/L5,L4/L5,II\na,p,exam,61,L4/L5,L3/L4,0\n"))
    labels = {"L4/L5": DiscLabels("II"), "L3/L4": DiscLabels("0")}
    assert entries == [StudyEntry("a", "p", None, None, tmp_path / "exam", None, 61.0, labels, "L4/L5")]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("study,t2\n../a,x\n", "the study '../a' cannot be the name of a folder; use letters, digits, - and _"),
        ("study,t2\n.a,x\n", "the study '.a' cannot be the name"),
        ("study,t2\na,x\nA,y\n", "the studies 'a' and 'A' differ only in case; rename one of them"),
        ("study,t2\na,x\na,x\n", "row 3, column level: '' repeats that of row 2 of the same study"),
        ("study,t2,dicom\na,x,y\n", "row 2, column dicom: 'y' stands beside T1 or T2; give either the examination"),
        ("study,t2,lowest_disc\na,x,L7\n", "row 2, column lowest_disc: 'L7' is no disc; write one of L5/S1"),
        ("study,dicom\na,\n", "row 2, column dicom: '' names no picture; give the T1"),
    ],
)
def test_what_cannot_be_a_study_is_told_with_its_mend(manifest, text, said):
    with pytest.raises(InputError) as error:
        read_studies(manifest(text))
    assert str(error.value).startswith(said)


def test_each_examination_of_a_folder_is_a_study_without_a_name(tmp_path):
    write_examination(tmp_path / "Adam^Anna" / "2020", UIDS[0], "A", PatientAge="047Y")
    write_examination(tmp_path / "Adam^Anna" / "2022", UIDS[1], "A", PatientAge="101Y")
    write_examination(tmp_path / "Berg^Bo", UIDS[2], "B")
    (tmp_path / "readme.txt").write_text("no DICOM")
    entries = read_studies(tmp_path)
    assert [(one.name, one.patient, one.age_years) for one in entries] == [
        ("0001", "0001", 47.0),
        ("0002", "0001", 90.0),
        ("0003", "0003", 50.0),
    ]
    assert [one.dicom.relative_to(tmp_path).as_posix() for one in entries] == [
        "Adam^Anna/2020",
        "Adam^Anna/2022",
        "Berg^Bo",
    ]
    assert all(one.examination is None for one in entries)
    shown = repr(entries)
    assert not any(word in shown for word in ("Adam", "Berg", str(tmp_path), *UIDS))


def test_examinations_that_share_a_folder_are_told_apart_when_they_are_read(tmp_path):
    write_examination(tmp_path, UIDS[0], "A", Manufacturer="One")
    write_examination(tmp_path / "more", UIDS[1], "B", Manufacturer="Two")
    entries = read_studies(tmp_path)
    assert [one.examination for one in entries] == [None, UIDS[0]], "only the outer folder holds both"
    makers = {
        read_dicom_study(one.dicom, examination=one.examination, align=False).t2.source["manufacturer"]
        for one in entries
    }
    assert makers == {"One", "Two"}


def test_a_folder_without_examinations_is_refused(tmp_path):
    with pytest.raises(InputError, match="holds no DICOM files of MR; give a folder of examinations, or a manifest"):
        read_studies(tmp_path)
