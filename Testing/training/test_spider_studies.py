"""Tests of SPIDER's slices as labelled studies: whose they are, what is known of each disc, and what is not."""

from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from painted_files import DISCS, LABELS, write_empty, write_picture
from painted_spine import PaintReader

from ModicGraderLib.errors import InputError
from ModicGraderLib.training import located_study
from ModicGraderLib.training.labelled_study import DiscLabels
from ModicGraderLib.training.spider_studies import SpiderStudies, spider_labels

HEADER = (
    "patient,level,modic_type,upper_endplate_change,lower_endplate_change,spondylolisthesis,disc_herniation,"
    "disc_narrowing,disc_bulging,pfirrmann_grade"
)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch) -> Path:
    """Patients 007, whose discs are graded, and 010, whose pictures show no spine."""
    monkeypatch.setattr(located_study, "load_network", PaintReader)
    rows = ["007,L5/S1,2,1,0,0,0,1,0,4", "007,L4/L5,0,0,0,0,1,0,0,2", "010,L5/S1,0,0,0,0,0,0,0,1"]
    (tmp_path / "gradings.csv").write_text("\n".join([HEADER, *rows]), encoding="utf-8")
    for contrast in ("t1", "t2"):
        write_picture(tmp_path / "volumes" / f"007_{contrast}.nii.gz", contrast)
        write_empty(tmp_path / "volumes" / f"010_{contrast}.nii.gz", contrast)
    return tmp_path


def test_a_patient_is_located_by_the_network_and_labelled_by_the_gradings(folder):
    source = SpiderStudies(folder)
    assert source.studies == ("spider-007", "spider-010")
    assert source.title == "2 patients of SPIDER, one slice each"
    study = source.read("spider-007")
    assert study.name == study.patient == "spider-007"
    assert [disc.level for disc in study.discs] == list(reversed(DISCS))
    for disc in study.discs:
        assert np.linalg.norm(disc.center - DISCS[disc.level].center) < 4
    assert np.mean((study.spine > 200) == (LABELS > 200)) > 0.97
    assert study.changes is None, "the gradings tell no voxel"
    assert set(study.labels) == {"L5/S1", "L4/L5"}
    assert study.labels["L5/S1"].modic == "II"


def test_pictures_without_a_spine_are_refused(folder):
    with pytest.raises(InputError, match="A lumbar spine was looked for and"):
        SpiderStudies(folder).read("spider-010")


def test_a_study_that_is_not_there_is_refused(folder):
    with pytest.raises(InputError, match="SPIDER has no study 'spider-008'"):
        SpiderStudies(folder).read("spider-008")


def test_a_folder_without_gradings_is_named_with_its_mend(tmp_path):
    with pytest.raises(InputError, match=r"has no gradings\.csv; give the folder `spider_midsagittal`$"):
        SpiderStudies(tmp_path)


def test_the_key_changes_with_the_gradings(folder):
    before = SpiderStudies(folder).key
    with (folder / "gradings.csv").open("a", encoding="utf-8") as file:
        file.write("\n010,L4/L5,1,0,0,0,0,0,0,3")
    assert SpiderStudies(folder).key != before


def graded(**answers: float) -> DiscLabels:
    columns = HEADER.split(",")[2:]
    return spider_labels({**dict.fromkeys(columns, 0), "pfirrmann_grade": 3, **answers})


def test_a_changed_disc_does_not_say_which_endplate_is_changed():
    assert graded() == DiscLabels("0", 3, 0, None, False, False, False, False)
    assert graded(modic_type=3, lower_endplate_change=1) == DiscLabels("III", 3, 0, None, False, True, None, None)


def test_slips_and_collapsed_discs_are_excluded_as_by_bassani():
    assert graded(pfirrmann_grade=5).excluded == "Pfirrmann 5"
    assert graded(pfirrmann_grade=5, spondylolisthesis=1).excluded == "slip"


def test_a_gap_in_the_gradings_stays_unknown():
    gap = float("nan")
    labels = graded(modic_type=gap, pfirrmann_grade=gap, disc_narrowing=gap, upper_endplate_change=gap)
    assert labels == DiscLabels(lower_endplate_change=False)


def test_the_shared_gradings_have_the_counts_of_their_readme(real_data):
    source = SpiderStudies(real_data("spider_midsagittal"))
    assert len(source.studies) == 122
    counts = Counter(spider_labels(row).modic for rows in source._rows.values() for row in rows)
    assert counts == {"0": 536, "I": 1, "II": 306, "III": 4}
