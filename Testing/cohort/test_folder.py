"""Tests of what of a cohort lies on disk: what belongs together, and the key for who keeps the identity."""

import csv
from dataclasses import replace
from pathlib import Path

from dicom_factory import STUDY, picture_stack, write_series

from ModicGraderLib.cohort.folder import digest
from ModicGraderLib.cohort.identity import write_key
from ModicGraderLib.cohort.study_list import StudyEntry
from ModicGraderLib.training.labelled_study import DiscLabels

LIST = Path("/data/studies.csv")
ENTRY = StudyEntry("a", "a", t1=Path("/data/a/t1.nii"), t2=Path("/data/a/t2.nii"))


def test_data_may_move_with_their_list_and_labels_and_ages_may_be_mended():
    moved = replace(ENTRY, t1=Path("/mnt/x/a/t1.nii"), t2=Path("/mnt/x/a/t2.nii"))
    assert digest([moved], Path("/mnt/x/studies.csv")) == digest([ENTRY], LIST)
    mended = replace(ENTRY, labels={"L4/L5": DiscLabels("II")}, age_years=50.0, patient="p")
    assert digest([mended], LIST) == digest([ENTRY], LIST)


def test_other_pictures_names_or_numberings_are_another_cohort():
    changes = {"name": "b", "t1": Path("/data/b/t1.nii"), "t2": None, "lowest_disc": "L4/L5", "examination": "1.2.3"}
    others = [digest([replace(ENTRY, **{name: value})], LIST) for name, value in changes.items()]
    assert len({digest([ENTRY], LIST), digest([ENTRY, ENTRY], LIST), *others}) == 2 + len(changes)


def test_the_key_says_of_each_study_where_it_is_and_what_dicom_calls_it(tmp_path):
    write_series(tmp_path / "t2", picture_stack(slices=1))
    (tmp_path / "t2" / "0.txt").write_text("no DICOM")
    entries = [
        replace(ENTRY, t1=None, t2=tmp_path / "t2"),
        StudyEntry("b", "b", t1=tmp_path / "b1.nii", t2=tmp_path / "b2.nii"),
        StudyEntry("c", "c", dicom=tmp_path, examination="1.2.3"),
    ]
    write_key(tmp_path / "key.csv", entries)
    with (tmp_path / "key.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert [row["study_instance_uid"] for row in rows] == [STUDY["StudyInstanceUID"], "", "1.2.3"]
    assert [row["path"] for row in rows][1] == f"{tmp_path / 'b1.nii'}; {tmp_path / 'b2.nii'}"
