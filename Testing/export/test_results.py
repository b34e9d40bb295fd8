"""Tests of the folder that a grading leaves behind."""

import csv
import json
from html.parser import HTMLParser

import jsonschema
import numpy as np
import pytest
import SimpleITK as sitk
from graded_example import example_graded_study

from ModicGraderLib import scene
from ModicGraderLib.export import results, write_results
from ModicGraderLib.export.images import from_image
from ModicGraderLib.report import StudyReport
from ModicGraderLib.resources import resource_path

MAPS = ("modic_map", "modic_probability", "evidence")


@pytest.fixture(scope="module")
def graded():
    return example_graded_study()


@pytest.fixture
def folder(graded, tmp_path):
    write_results(graded, tmp_path / "result", without=("scene",))
    return tmp_path / "result"


def rows(path):
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def report_schema():
    return json.loads(resource_path("Schemas/modicgrader-report-1.schema.json").read_text(encoding="utf-8"))


def test_every_file_promised_is_written(graded, tmp_path):
    written = write_results(graded, tmp_path / "new/result", without=("scene",))
    expected = {"report.json", "report.html", "levels.csv", "endplates.csv", "spine.seg.nrrd"}
    expected |= {f"{name}.nii.gz" for name in MAPS}
    assert {path.name for path in written} == expected
    assert {path.name for path in (tmp_path / "new/result").iterdir()} == expected
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["result"]


def test_report_follows_its_schema_and_reads_back(graded, folder):
    jsonschema.validate(json.loads((folder / "report.json").read_text()), report_schema())
    assert StudyReport.read(folder / "report.json") == graded.report


@pytest.mark.parametrize(
    "spoil",
    [
        lambda report: report["discs"][0]["modic"].update(grade="IV"),
        lambda report: report["discs"][0]["modic"]["probabilities"].update(I=1.2),
        lambda report: report["discs"][0].pop("corners_lps_mm"),
        lambda report: report["discs"][0].update(level="L6/S1"),
        lambda report: report.update(patient_name="somebody"),
    ],
)
def test_schema_refuses_a_spoiled_report(graded, spoil):
    report = graded.report.to_dict()
    spoil(report)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(report, report_schema())


def test_levels_have_one_row_a_disc_and_withheld_grades_are_empty(graded, folder):
    table = rows(folder / "levels.csv")
    assert [row["level"] for row in table] == [disc.level for disc in graded.report.discs]
    assert table[0]["pfirrmann"] == ""
    assert "pfirrmann" in table[0]["abstained"]
    assert table[4]["modic"] == "II"
    assert float(table[4]["center_s_mm"]) == pytest.approx(graded.report.discs[4].center_lps_mm[2])


def test_endplates_have_one_row_each_on_the_right_vertebra(folder):
    table = rows(folder / "endplates.csv")
    assert len(table) == 12
    assert [(row["endplate"], row["vertebra"]) for row in table[-2:]] == [("upper", "L5"), ("lower", "S1")]
    assert table[-2]["height_class"] == "A"
    assert table[-2]["height_class_B_probability"] == "0.31"


def test_measures_stand_beside_their_uncertainty_and_are_empty_where_there_is_none(graded, folder):
    level, endplate = rows(folder / "levels.csv")[4], rows(folder / "endplates.csv")[-2]
    assert (level["listhesis_mm"], level["listhesis_mm_uncertainty"]) == ("-1.2", "2.3")
    assert level["height_index_uncertainty"] == ""
    assert (endplate["volume_mm3"], endplate["volume_mm3_uncertainty"]) == ("2100.0", "500.0")
    assert rows(folder / "endplates.csv")[0]["volume_mm3"] == ""


@pytest.mark.parametrize("name", MAPS)
def test_maps_lie_on_the_grid_of_t2(graded, folder, name):
    array, affine = from_image(sitk.ReadImage(str(folder / f"{name}.nii.gz")))
    assert np.allclose(array, graded.maps[name])
    assert np.allclose(affine, graded.study.reference.affine, atol=1e-4)


def test_a_second_run_replaces_the_first_and_keeps_what_is_not_ours(graded, folder):
    (folder / "notes.txt").write_text("mine")
    (folder / "report.html").write_text("old")
    fewer = type(graded)(graded.study, graded.location, graded.report, maps={})
    write_results(fewer, folder, without=("scene",))
    assert (folder / "notes.txt").read_text() == "mine"
    assert (folder / "report.html").read_text() != "old"
    assert not any((folder / f"{name}.nii.gz").exists() for name in MAPS)


def test_a_failure_leaves_the_older_result_untouched(graded, folder, monkeypatch):
    before = {path.name: path.read_bytes() for path in folder.iterdir()}

    def fail(*_):
        raise OSError("the disk is full")

    monkeypatch.setattr(results, "write_segmentation", fail)
    with pytest.raises(OSError, match="disk is full"):
        write_results(graded, folder)
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before
    assert [path.name for path in folder.parent.iterdir()] == ["result"]


def test_a_scene_that_fails_costs_nothing_but_itself(graded, tmp_path, monkeypatch, caplog):
    def fail(*_):
        raise scene.SceneError("Slicer's classes ended their process")

    monkeypatch.setattr(scene, "available", lambda: True)
    monkeypatch.setattr(scene, "write_scene", fail)
    written = write_results(graded, tmp_path / "result")
    assert "report.json" in {path.name for path in written}
    assert "scene.mrb" not in {path.name for path in written}
    assert "ended their process" in caplog.text


class Page(HTMLParser):
    """Addresses and words of a page."""

    def __init__(self, text):
        super().__init__()
        self.addresses, self.words = [], []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.addresses += [value for name, value in attrs if name in ("href", "src", "srcset", "action")]

    def handle_data(self, data):
        self.words.append(data)


def test_page_holds_all_its_pictures_and_names_no_address(folder):
    page = Page((folder / "report.html").read_text(encoding="utf-8"))
    seen = ("L4/L5", "L5/S1")  # The heat in L4 comes into the picture of the disc above it, but is not its own.
    assert len(page.addresses) == 2 + 2 * 6 + len(seen)
    assert all(address.startswith("data:image/jpeg;base64,") for address in page.addresses)
    assert (folder / "report.html").stat().st_size < 3_000_000


def test_page_says_what_a_reader_must_know(folder):
    words = " ".join(" ".join(Page((folder / "report.html").read_text(encoding="utf-8")).words).split())
    for said in (
        "L4/L5 type II at the inferior endplate of L4, 22 % of the vertebral height (class A), anterior.",
        "Pfirrmann 5 at L5/S1, 4 at L4/L5, 3 at L3/L4, 2 at L1/L2 and L2/L3; narrowed: L4/L5 and L5/S1.",
        "The disc touches the edge of the image.",
        "Withheld: Pfirrmann grade (T12/L1)",
        "it is no diagnosis",
        "saw types I and III almost only on simulated patients",
        "44 ± 7°",
        "22 ± 11",
        "−1.2 ± 2.3",
    ):
        assert said in words


def test_page_shows_text_from_outside_as_text(graded, tmp_path):
    graded.study.t1.source["path"] = "<script>alert(1)</script>"
    write_results(graded, tmp_path / "result", without=("scene",))
    assert "<script>" not in (tmp_path / "result/report.html").read_text(encoding="utf-8")
