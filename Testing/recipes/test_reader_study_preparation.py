"""From graded studies to the folder of a reading study, and through the command line to its figures."""

import csv
import json
import re
import shutil
from dataclasses import replace

import numpy as np
import pytest
from graded_example import MODIC, example_graded_study
from page_browser import PageBrowser
from painted_spine import PaintReader, painted_volume, sagittal_grid, spine_boxes

from ModicGraderLib import cli
from ModicGraderLib.corrections import correct
from ModicGraderLib.errors import InputError
from ModicGraderLib.evaluation import metrics
from ModicGraderLib.export import write_results
from ModicGraderLib.export.images import to_image, write_image
from ModicGraderLib.export.page import css_color
from ModicGraderLib.export.pictures import EVIDENCE, gray_windows, level_pictures
from ModicGraderLib.grading.grader import Ensemble
from ModicGraderLib.grading.network import DiscReader
from ModicGraderLib.grading.tasks import OUTPUTS
from ModicGraderLib.io import read_study
from ModicGraderLib.pipeline import Models, grade_study
from ModicGraderLib.reader_study import agreement, cases
from ModicGraderLib.reader_study.cases import find_cases, load_case
from ModicGraderLib.reader_study.pictures import case_pictures
from ModicGraderLib.reader_study.preparation import prepare_study
from ModicGraderLib.report import StudyReport

NAMES = ("Smith John", "Doe Jane", "Roe Richard")


@pytest.fixture(scope="module")
def graded(tmp_path_factory):
    """A folder of three graded studies beside their images, one of them with its truth."""
    folder = tmp_path_factory.mktemp("graded")
    study = example_graded_study()
    for name in NAMES:
        (folder / name).mkdir()
        for volume in study.study.volumes:
            path = folder / name / f"{volume.contrast}.nii.gz"
            if name == NAMES[0]:
                write_image(path, to_image(volume.array, volume.affine))
            else:
                shutil.copy(folder / NAMES[0] / path.name, path)
            study.report.input[volume.contrast] = {"path": str(path)}
        write_results(study, folder / name, without=("scene",))
    shutil.copy(folder / NAMES[0] / "report.json", folder / NAMES[0] / "truth.json")
    return folder


@pytest.fixture(scope="module")
def prepared(graded, tmp_path_factory):
    folder = tmp_path_factory.mktemp("prepared") / "study"
    sessions = prepare_study(graded, folder, ["A", "B"], seed=3, slices=3)
    return folder, sessions


def rows(path):
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def pages(folder, sessions, assisted):
    return [
        (folder / f"{one.reader}-session-{one.number}.html").read_text(encoding="utf-8")
        for one in sessions
        if one.assisted is assisted
    ]


def test_a_study_is_loaded_as_it_was_graded(graded):
    loaded = load_case(find_cases(graded)[0])
    example = example_graded_study()
    assert np.array_equal(loaded.location.labels, example.location.labels)
    assert np.array_equal(loaded.maps["modic_map"], example.maps["modic_map"])
    for ours, theirs in zip(loaded.location.discs, example.location.discs, strict=True):
        assert ours.level == theirs.level
        assert np.allclose(ours.center, theirs.center)
        assert np.allclose(ours.corners["upper_anterior"], theirs.corners["upper_anterior"])


@pytest.mark.parametrize(("scale", "code"), [(1.1, "pixel_size_mismatch"), (1.0, "shift_corrected_by_discs")])
def test_a_t1_that_its_discs_moved_is_loaded_where_it_was_graded(painted, scale, code):
    folder, told = painted(scale)
    assert code in {finding.code for finding in told.report.quality}
    (case,) = find_cases(folder)
    assert np.allclose(load_case(case).study.t1.affine, told.study.t1.affine, atol=1e-4)
    assert not np.allclose(read_study(case.t1, case.t2).t1.affine, told.study.t1.affine, atol=5)


def test_a_t1_that_is_not_moved_again_is_refused(painted, monkeypatch):
    folder, _ = painted(1.1)
    monkeypatch.setattr(cases, "agree_on_discs", lambda study, network: (study, []))
    with pytest.raises(InputError, match="T1 of one is no longer moved onto T2 as when it was graded; grade"):
        load_case(*find_cases(folder))


@pytest.fixture
def painted(tmp_path, monkeypatch):
    """Grades a study whose T1 has a wrong header, by stand-ins for the networks; gives its folder and what came out."""
    monkeypatch.setattr(cases, "load_network", lambda: PaintReader().eval())

    def make(scale):
        t1, t2 = (painted_volume(spine_boxes(), sagittal_grid(3, (4.0, 1.25)), contrast) for contrast in ("t1", "t2"))
        affine = t1.affine.copy()
        affine[:3, 1:3] *= scale
        affine[2, 3] += 24  # more than `read_study` moves by itself
        paths = [tmp_path / "one" / f"{volume.contrast}.nii.gz" for volume in (t1, t2)]
        paths[0].parent.mkdir()
        # One picture given twice would be refused.
        write_image(paths[0], to_image(t1.array * 2, affine))
        write_image(paths[1], to_image(t2.array, t2.affine))
        grader = Ensemble((DiscReader().eval(),), np.ones(OUTPUTS), np.zeros(OUTPUTS))
        models = Models(PaintReader().eval(), grader)
        told = grade_study(read_study(*paths), models=models, only=frozenset({"report"}))
        write_results(told, tmp_path / "one", without=("scene",))
        return tmp_path, told

    return make


def test_a_study_of_one_contrast_is_left_out_with_a_warning_that_names_nobody(graded, tmp_path, caplog):
    for name, contrasts in zip(NAMES, (("t1", "t2"), ("t1",), ("t2",)), strict=True):
        (tmp_path / name).mkdir()
        report = json.loads((graded / name / "report.json").read_text())
        report["input"] = {contrast: report["input"][contrast] for contrast in contrasts}
        (tmp_path / name / "report.json").write_text(json.dumps(report))
    assert [case.study for case in find_cases(tmp_path)] == [NAMES[0]]
    assert caplog.messages == ["2 of 3 studies are left out: they were graded on T1 or T2 alone, and pages show both"]
    shutil.rmtree(tmp_path / NAMES[0])
    with pytest.raises(InputError, match="holds no study graded on both T1 and T2, which the pages show; grade some"):
        find_cases(tmp_path)


def test_pictures_show_neighboring_slices_of_both_contrasts_and_the_map_only_where_it_is():
    study = example_graded_study()
    shown = case_pictures(study, slices=3)
    assert [disc["level"] for disc in shown["discs"]] == [disc.level for disc in study.location.discs]
    for disc in shown["discs"]:
        assert [[one["contrast"] for one in pictures] for pictures in disc["slices"]] == [["T1", "T2"]] * 3
        assert len({one["plain"] for pictures in disc["slices"] for one in pictures}) == 6
        # The map of the example lies above the lowest two discs.
        assert any(one["marked"] for pictures in disc["slices"] for one in pictures) == (disc["level"] in MODIC)
    assert [len(one["labels"]) for one in shown["overview"]] == [6, 6]


def test_the_middle_slice_is_that_of_the_report():
    study = example_graded_study()
    disc, windows = study.location.discs[4], gray_windows(study)
    shown = case_pictures(study, slices=3)["discs"][4]["slices"][1]
    assert [one["marked"] for one in shown] == [
        one.address for one in level_pictures(study, disc, windows) if one.shows != EVIDENCE
    ]
    plain = level_pictures(replace(study, maps={}), disc, windows)
    assert [one["plain"] for one in shown] == [one.address for one in plain]


def test_slices_beyond_the_last_are_not_made_up():
    study = example_graded_study()
    shown = case_pictures(study, slices=21)
    assert {len(disc["slices"]) for disc in shown["discs"]} == {study.study.reference.array.shape[0]}


def test_one_page_is_made_for_every_reader_and_session_and_the_key_lies_apart(prepared):
    folder, sessions = prepared
    assert {path.name for path in folder.iterdir()} == {
        *(f"{reader}-session-{number}.html" for reader in "AB" for number in (1, 2)),
        "design.json",
        "key",
    }
    design = json.loads((folder / "design.json").read_text())
    assert (design["seed"], design["washout_days"]) == (3, 28)
    assert [one["assisted"] for one in design["sessions"]] == [one.assisted for one in sessions]
    assert sorted(row["study"] for row in rows(folder / "key/cases.csv")) == sorted(NAMES)
    codes = {row["study"]: row["case"] for row in rows(folder / "key/cases.csv")}
    assert {row["case"] for row in rows(folder / "key/truth.csv")} == {codes[NAMES[0]]}
    machine = {(row["case"], row["level"]): row["modic"] for row in rows(folder / "key/machine.csv")}
    assert len(machine) == 18
    assert machine["case-01", "L4/L5"] == "II"
    assert not [path for path in folder.parent.iterdir() if path != folder]


def test_no_page_and_no_design_says_whose_pictures_they_are(prepared, graded):
    folder, _ = prepared
    for path in (*folder.glob("*.html"), folder / "design.json"):
        # A picture is letters by chance.
        text = re.sub("base64,[A-Za-z0-9+/=]*", "", path.read_text(encoding="utf-8"))
        for word in (*NAMES, "Smith", "Doe", "Roe", str(graded), "nii.gz"):
            assert word not in text


def test_pages_without_assistance_hold_no_grade_and_no_map(prepared):
    folder, sessions = prepared
    blind, assisted = (pages(folder, sessions, one) for one in (False, True))
    assert len(blind) == len(assisted) == 2
    for text in assisted:
        assert f'border-color: {css_color("II")}"></span> type II' in text
        assert "Modic II; any change 94" in text
        assert re.search(r'"marked": "data:image/jpeg', text)
    for text in blind:
        assert "border-color: #" not in text
        assert "any change" not in text
        assert not re.search(r'"marked": "data', text)
        assert text.count('"machine": null') == 18


def test_pages_open_at_the_first_disc(prepared):
    folder, sessions = prepared
    browser = PageBrowser(pages(folder, sessions, True)[0], stored={})
    browser.click("begin")
    assert browser.see("where") == "Case 1 of 3, T12/L1"
    assert browser.see("picture0", "src").startswith("data:image/jpeg;base64,")
    assert browser.see("machine").startswith("T12/L1: Modic 0; any change 6")


def test_the_machine_speaks_for_itself_where_a_reader_corrected_it(graded, tmp_path):
    folder = tmp_path / "graded" / "one"
    shutil.copytree(graded / NAMES[1], folder)
    study = example_graded_study()
    study.report.input |= json.loads((folder / "report.json").read_text())["input"]
    corrected = correct(study.report, "L4/L5", "modic", "III", "someone")
    write_results(replace(study, report=corrected), folder, without=("scene",))
    assert StudyReport.read(folder / "report.json").discs[4].modic.grade == "III"
    (case,) = find_cases(tmp_path / "graded")
    assert {disc.level: disc.modic.grade for disc in case.report.discs}["L4/L5"] == "II"
    assert case.stratum == "I"


def test_a_table_may_say_where_the_images_are_and_who_is_the_same_patient(graded, tmp_path):
    table = graded / "studies.csv"
    table.write_text(
        "study,result,t1,t2,patient\n"
        + "\n".join(f"{n},{n},{NAMES[0]}/t1.nii.gz,{NAMES[0]}/t2.nii.gz,p" for n in NAMES)
    )
    assert {case.t2 for case in find_cases(table)} == {graded / NAMES[0] / "t2.nii.gz"}
    prepare_study(table, tmp_path / "study", ["A"], slices=1)
    assert len(rows(tmp_path / "study/key/cases.csv")) == 1


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("study\nx\n", "has no column 'result'; its columns are study, result, t1"),
        ("study,result\nx,\n", "line 2 of table.csv has no result"),
        ("study,result\nx,absent\n", "cannot be read"),
        ("study,result\n", "holds no graded study"),
        ("study,result,t2\nx,{0},absent.nii\n", "the T2 images of x are not found at"),
        ("study,result,t1\nx,{1},\n", "the T1 images of x are not found; say where they are in a CSV"),
        ("study,result,truth\nx,{0},absent.json\n", "the truth of x is not at"),
        ('study,result\n"x" y,{0}\n', "line 2 of table.csv is no CSV (',' expected after '\"'); close its quotes"),
        ("study,result\nx,{0}\nx,{0}\n", "has the study 'x' more than once"),
    ],
)
def test_what_is_wrong_with_a_table_is_told(graded, tmp_path, text, sentence):
    elsewhere = json.loads((graded / NAMES[1] / "report.json").read_text()) | {"input": {}}
    (tmp_path / "without").mkdir()
    (tmp_path / "without" / "report.json").write_text(json.dumps(elsewhere))
    table = tmp_path / "table.csv"
    table.write_text(text.format(graded / NAMES[1], "without"))
    with pytest.raises(InputError) as error:
        find_cases(table)
    assert sentence in str(error.value)


def test_an_empty_folder_and_a_study_that_is_under_way_are_refused(graded, prepared, tmp_path):
    with pytest.raises(InputError, match="holds no graded study"):
        find_cases(tmp_path)
    with pytest.raises(InputError, match="holds something already"):
        prepare_study(graded, prepared[0], ["A"])


def test_from_the_command_line_to_kappas(graded, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(metrics, "BOOTSTRAPS", 50)
    monkeypatch.setattr(agreement, "PERMUTATIONS", 49)
    study = tmp_path / "study"
    call = ["reader-study", "prepare", "--studies", str(graded), "-o", str(study), "--slices", "1", "--cases", "2"]
    assert cli.main([*call, "--reader", "A", "--reader", "B", "--balanced"]) == 0
    assert "4 sessions (cases in each: 2)" in capsys.readouterr().out
    tables = [str(_read_all(page, tmp_path)) for page in sorted(study.glob("*.html"))]
    references = ["--reference", str(study / "key/machine.csv"), "--reference", "A"]
    assert cli.main(["reader-study", "analyze", *tables, "-o", str(tmp_path / "out"), *references, "--json"]) == 0
    printed = json.loads(capsys.readouterr().out)
    assert printed == json.loads((tmp_path / "out/reader-study.json").read_text())
    assert printed["between"][0]["kappa"]["assisted"]["value"] == 1.0
    assert {(one["first"], one["second"]) for one in printed["with_reference"]} == {
        ("A", "machine"),
        ("B", "machine"),
        ("B", "A"),
    }
    assert {one["seconds"]["without"]["value"] for one in printed["durations"]} == {12.0}


def _read_all(page, folder):
    """The answers of a reader who takes two seconds for every disc and calls the odd ones type II."""
    browser = PageBrowser(page.read_text(encoding="utf-8"), stored={})
    browser.click("begin")
    for number in range(12):
        browser.wait(2)
        browser.press("2" if number % 2 else "0")
        browser.press("Enter")
    browser.click("save")
    (file,) = browser.saved
    path = folder / file["name"]
    path.write_text(file["text"], encoding="utf-8")
    return path


def test_a_wrong_call_ends_in_one_line(tmp_path, capsys):
    table = tmp_path / "readings.csv"
    table.write_text("reader,session,assisted,case,level,modic,seconds\nA,1,0,case-01,L4/L5,IV,1\n")
    assert cli.main(["reader-study", "analyze", str(table), "-o", str(tmp_path / "out")]) == 2
    error = capsys.readouterr().err
    assert "line 2 of readings.csv: 'IV' is no modic" in error and error.count("\n") == 1
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("references", "sentence"),
    [
        (("old/truth.csv", "truth.csv"), "two references are named 'truth'; leave one out, or rename its table"),
        (("A", "A"), "two references are named 'A'; leave one out"),
        (("A.csv",), "the table A.csv has the name of the reader 'A'; rename the table"),
        (("A", "A.csv"), "the table A.csv has the name of the reader 'A'"),
    ],
)
def test_references_need_names_of_their_own(tmp_path, monkeypatch, capsys, references, sentence):
    monkeypatch.chdir(tmp_path)
    lines = [f"{who},{how},{how},case-01,L4/L5,I,1" for who in "AB" for how in (0, 1)]
    (tmp_path / "read.csv").write_text("\n".join(["reader,session,assisted,case,level,modic,seconds", *lines]))
    (tmp_path / "old").mkdir()
    for name in ("truth.csv", "old/truth.csv", "A.csv"):
        (tmp_path / name).write_text("case,level,modic\ncase-01,L4/L5,I\n")
    named = [word for name in references for word in ("--reference", name)]
    assert cli.main(["reader-study", "analyze", "read.csv", "-o", "out", *named]) == 2
    assert sentence in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_results_have_a_folder_before_readings_are_looked_at(tmp_path, capsys):
    (tmp_path / "out").write_text("a file")
    assert cli.main(["reader-study", "analyze", str(tmp_path / "none.csv"), "-o", str(tmp_path / "out")]) == 2
    assert "out is a file, so no results can be put there" in capsys.readouterr().err
