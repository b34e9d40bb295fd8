"""`modicgrader simulate` and the files it leaves behind."""

import json

import numpy as np
import pytest
import SimpleITK as sitk
from small_study import small_study

from ModicGraderLib import cli
from ModicGraderLib.export.images import from_image
from ModicGraderLib.report import StudyReport
from ModicGraderLib.simulation import files
from ModicGraderLib.simulation.case import LESION_TYPES, lesion_label
from ModicGraderLib.simulation.teaching import teaching_cases

NAMES = ["labels.nii.gz", "t1.nii.gz", "t2.nii.gz", "truth.json"]


@pytest.fixture
def quick(monkeypatch):
    """Studies that need no drawing and no scanner; returns the seeds and keywords with which they were asked for."""
    calls = []

    def simulate(seed, case=None, **pictures):
        calls.append((seed, pictures))
        return small_study(seed, case)

    monkeypatch.setattr(files, "simulate", simulate)
    return calls


def names_in(folder):
    return sorted(path.name for path in folder.iterdir())


def test_files_hold_the_study_with_its_geometry(tmp_path):
    study = small_study(1)
    paths = files.write_study(study, tmp_path / "study")
    assert names_in(tmp_path / "study") == NAMES
    for name, volume in (("t1", study.t1), ("t2", study.t2)):
        array, affine = from_image(sitk.ReadImage(str(paths[name])))
        assert np.allclose(array, volume.array, atol=0.51)
        assert np.allclose(affine, volume.affine, atol=1e-4)
    assert StudyReport.read(paths["truth"]) == study.truth


def test_labels_show_the_spine_and_over_it_the_types_of_the_changes(tmp_path):
    study = small_study(1)
    assert study.case.lesions
    labels, affine = from_image(sitk.ReadImage(str(files.write_study(study, tmp_path / "study")["labels"])))
    assert np.allclose(affine, study.t2.affine, atol=1e-4)
    assert np.array_equal(labels[study.lesions == 0], study.labels[study.lesions == 0])
    for number, (_, _, lesion) in enumerate(study.case.lesions, 1):
        assert set(labels[study.lesions == number]) == {lesion_label(lesion.type)}


def test_labels_of_changes_are_those_of_no_vertebra_disc_or_canal():
    labels = [lesion_label(type_) for type_ in LESION_TYPES]
    assert labels == [51, 52, 53, 54, 55]


def test_the_same_seed_writes_the_same_bytes(quick, tmp_path):
    first, again = (files.simulate_study(5, tmp_path / name) for name in ("first", "again"))
    assert [first[name].read_bytes() for name in first] == [again[name].read_bytes() for name in first]


def test_a_failure_leaves_an_older_study_as_it_was(quick, tmp_path, monkeypatch):
    paths = files.simulate_study(5, tmp_path / "study")
    before = {name: path.read_bytes() for name, path in paths.items()}

    def fail(self):
        raise OSError("the disk is full")

    monkeypatch.setattr(StudyReport, "to_json", fail)
    with pytest.raises(OSError, match="disk"):
        files.simulate_study(6, tmp_path / "study")
    assert {name: path.read_bytes() for name, path in paths.items()} == before
    assert names_in(tmp_path) == ["study"]


def test_the_command_writes_the_four_files(quick, tmp_path, capsys):
    assert cli.main(["simulate", "-o", str(tmp_path / "study"), "--seed", "3", "--json"]) == 0
    written = json.loads(capsys.readouterr().out)
    assert names_in(tmp_path / "study") == NAMES
    assert written.keys() == {"t1", "t2", "labels", "truth"}
    assert quick == [(3, {"slices": None, "eight_bit": None, "fat_suppressed": False})]


def test_options_say_how_the_pictures_are_taken(quick, tmp_path):
    options = ("--slices", "3", "--no-eight-bit", "--fat-suppressed")
    assert cli.main(["simulate", "-o", str(tmp_path / "study"), *options]) == 0
    assert quick == [(0, {"slices": 3, "eight_bit": False, "fat_suppressed": True})]


def test_a_teaching_case_by_name_says_what_to_look_at(quick, tmp_path, capsys):
    assert cli.main(["simulate", "-o", str(tmp_path / "study"), "--case", "mixed-findings"]) == 0
    assert "L4/L5: type I at both endplates" in capsys.readouterr().out
    drawn = StudyReport.read(tmp_path / "study/truth.json").input["simulated"]
    assert drawn["patient"]["age_years"] == 46
    assert [one["type"] for one in drawn["discs"]["L4/L5"]["upper"]["marrow"]] == ["I"]


def test_a_case_file_is_taken_by_its_path(quick, tmp_path):
    (tmp_path / "mine.json").write_text('{"schema": "modicgrader-case-1", "patient": {"age": 77}}')
    assert cli.main(["simulate", "-o", str(tmp_path / "study"), "--case", str(tmp_path / "mine.json")]) == 0
    assert StudyReport.read(tmp_path / "study/truth.json").input["simulated"]["patient"]["age_years"] == 77


def test_a_cohort_has_a_folder_for_each_seed(quick, tmp_path, capsys):
    assert cli.main(["simulate", "-o", str(tmp_path / "all"), "--seed", "8", "--count", "3", "--json"]) == 0
    assert names_in(tmp_path / "all") == ["0008", "0009", "0010"]
    assert all(names_in(folder) == NAMES for folder in (tmp_path / "all").iterdir())
    assert [seed for seed, _ in quick] == [8, 9, 10]
    assert len(json.loads(capsys.readouterr().out)) == 3
    files.simulate_study(9, tmp_path / "alone")
    assert (tmp_path / "alone/truth.json").read_bytes() == (tmp_path / "all/0009/truth.json").read_bytes()


def test_an_interrupted_cohort_keeps_the_studies_that_are_complete(quick, tmp_path, monkeypatch, capsys):
    def simulate(seed, case=None, **pictures):
        if seed == 2:
            raise KeyboardInterrupt
        return small_study(seed, case)

    monkeypatch.setattr(files, "simulate", simulate)
    assert cli.main(["simulate", "-o", str(tmp_path / "all"), "--count", "5"]) == 130
    assert capsys.readouterr().err == "modicgrader: cancelled; 2 of 5 studies were written\n"
    assert names_in(tmp_path / "all") == ["0000", "0001"]


def test_teaching_cases_are_listed_with_their_titles(capsys):
    assert cli.main(["simulate", "--list-cases"]) == 0
    printed = capsys.readouterr().out
    assert all(name in printed for name in teaching_cases())
    assert cli.main(["simulate", "--list-cases", "--json"]) == 0
    listed = json.loads(capsys.readouterr().out)
    assert [one["name"] for one in listed] == list(teaching_cases())
    assert all(one["title"] and one["look_at"] for one in listed)
