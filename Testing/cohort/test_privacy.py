"""Tests of what is taken out of messages and studies so that nobody sees who the patient is."""

from dataclasses import replace
from pathlib import Path, PurePosixPath

import pytest
from graded_example import example_graded_study
from hypothesis import given
from hypothesis import strategies as st

from ModicGraderLib.cohort.child import from_words, to_words
from ModicGraderLib.cohort.privacy import nameless, without_names
from ModicGraderLib.cohort.study_list import StudyEntry

NAMES = (
    st.text("abcdefghijklmnopqrstuvwxyzÄéß^_- 0123456789", min_size=4, max_size=12)
    .map(str.strip)
    .filter(lambda name: len(name) > 3)
)
FILES = StudyEntry("a", "a", t1=Path("/scans/Quirk^Z/q_t1.nii.gz"), t2=Path("/scans/Quirk^Z/q_t2.nii.gz"))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("/scans/Quirk^Z/q_t1.nii.gz does not exist; check the path", "T1 does not exist; check the path"),
        ("q_t2.nii.gz is truncated; copy it again", "T2 is truncated; copy it again"),
        ("T1 and T2 are the same file, q_t1.nii.gz; give", "T1 and T2 are the same file, T1; give"),
        ("[Errno 13] '/scans/Quirk^Z'", "[Errno 13] 'a folder'"),
        ("of 1.2.840.113619.2.5.1 after 12.5 s, 0.1.0", "of a UID after 12.5 s, 0.1.0"),
    ],
)
def test_files_are_called_what_they_are(text, said):
    assert without_names(text, FILES) == said


def test_files_of_an_examination_are_files_and_folders(tmp_path):
    folder = tmp_path / "Quirk^Z"
    (folder / "2").mkdir(parents=True)
    (folder / "Quirk spine").mkdir()
    (folder / "Quirk spine" / "quirk.dcm").touch()
    entry = StudyEntry("a", "a", dicom=folder)
    text = f"{folder}: 2 slices of quirk.dcm in Quirk spine, which lies in Quirk^Z"
    assert (
        without_names(text, entry) == "the examination: 2 slices of a file in a folder, which lies in the examination"
    )


@given(NAMES, NAMES, st.sampled_from(["{0} is damaged", "no spine in {0}.", "({0}) '{1}'", "{1}: {0}, {2}"]))
def test_no_name_of_a_file_and_no_path_is_left(folder, name, text):
    path = PurePosixPath("/scans", folder, f"{name}.nii.gz")
    entry = StudyEntry("a", "a", t1=Path(path))
    left = without_names(text.format(path.name, path, path.parent), entry)
    assert path.name not in left and str(path.parent) not in left


def test_a_study_forgets_its_files_and_keeps_how_it_was_acquired():
    study = example_graded_study().study
    known = replace(study.t1, source={"path": "/scans/Quirk^Z", "echo_time_ms": 10.0}, dicom=(Path("/scans/q.dcm"),))
    study = replace(study, t1=known, t2=None)
    kept = nameless(study, keep_dicom=True)
    assert (kept.t1.source, kept.t1.dicom, kept.t2) == ({"echo_time_ms": 10.0}, (Path("/scans/q.dcm"),), None)
    assert nameless(study, keep_dicom=False).t1.dicom == ()


def test_an_entry_reaches_the_process_that_grades_as_it_was_but_for_its_labels():
    entry = StudyEntry("a", "p", None, None, Path("/scans/q"), "1.2.3", 61.0, {}, "L4/L5")
    assert from_words(to_words(entry)) == entry
    assert from_words(to_words(replace(FILES, labels={"L4/L5": None}))) == FILES
