"""Tests of manifests: what they may say, what is made of it, and how mistakes in them are told."""

from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import pytest
from painted_files import DISCS, GRID, LABELS, write_empty, write_mask, write_picture
from painted_spine import PaintReader

from ModicGraderLib.anatomy import CORNERS, DISCS_UPWARDS, MODIC_MAP_LABELS, moved_up, vertebra_label
from ModicGraderLib.errors import InputError
from ModicGraderLib.io import read_study
from ModicGraderLib.training import located_study, manifest
from ModicGraderLib.training.labelled_study import DiscLabels, LabelledStudy
from ModicGraderLib.training.manifest import ManifestStudies, read_manifest
from ModicGraderLib.training.manifest_rows import COLUMNS, CORNER_COLUMNS, VALUES
from ModicGraderLib.training.samples import Sample, cut_samples

BODY = np.isin(LABELS, vertebra_label("L5"))

Write = Callable[..., Path]


@pytest.fixture(scope="module")
def pictures(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("pictures")
    for contrast in ("t1", "t2"):
        write_picture(folder / f"{contrast}.nii.gz", contrast)
        write_empty(folder / f"empty_{contrast}.nii.gz", contrast)
    return folder


@pytest.fixture
def write(tmp_path, pictures, monkeypatch) -> Write:
    """Writes a manifest of rows, each a mapping of columns to cells, beside links to the pictures."""
    monkeypatch.setattr(located_study, "load_network", PaintReader)
    for path in pictures.iterdir():
        (tmp_path / path.name).symlink_to(path)

    def manifest(*rows: Mapping[str, object], comma: str = ",", encoding: str = "utf-8") -> Path:
        columns = list(dict.fromkeys(column for row in rows for column in row))
        lines = [comma.join(columns), *(comma.join(str(row.get(column, "")) for column in columns) for row in rows)]
        (tmp_path / "studies.csv").write_text("\n".join(lines) + "\n", encoding=encoding)
        return tmp_path / "studies.csv"

    return manifest


def row(**cells: object) -> dict[str, object]:
    """A row that nothing is wrong with, but for what is given."""
    return {"study": "a", "t1": "t1.nii.gz", "t2": "t2.nii.gz", "level": "L4/L5", "modic": "II", **cells}


def corner_cells(level: str) -> dict[str, float]:
    corners = np.array([DISCS[level].corners[name] for name in CORNERS])
    return dict(zip(CORNER_COLUMNS, corners.ravel().tolist(), strict=True))


def only(source: ManifestStudies) -> LabelledStudy:
    return source.read(*source.studies)


def test_a_study_has_the_discs_that_the_network_finds_and_the_labels_of_its_rows(write):
    source = read_manifest(write(row(), row(level="L5/S1", modic="0", pfirrmann=3)))
    assert source.studies == ("a",)
    assert source.title == "1 studies of 1 patients in studies.csv"
    study = only(source)
    assert (study.name, study.patient) == ("a", "a")
    assert {disc.level for disc in study.discs} == set(DISCS)
    assert study.labels == {"L4/L5": DiscLabels("II"), "L5/S1": DiscLabels("0", 3)}
    assert study.changes is None
    assert study.spine.shape == GRID.shape
    assert "age_years" not in study.study.t2.source


def test_every_column_is_read(write):
    write_mask(write(row()).parent / "changes.nii.gz", np.where(BODY, 2, 0).astype(np.uint8))
    cells = {
        "patient": "p",
        "changes": "changes.nii.gz",
        "age_years": "47.5",
        "lowest_disc": "L5/S1",
        "modic": "I/II",
        "pfirrmann": "5",
        "narrowing": "3",
        "endplate_lesion": "schmorl_node",
        "upper_endplate_change": "1",
        "lower_endplate_change": "0",
        "upper_marrow_change": "1",
        "lower_marrow_change": "",
        "excluded": "operated",
        **corner_cells("L4/L5"),
    }
    assert {*row(), *cells, "dicom"} == set(COLUMNS), "a column is not tested"
    source = read_manifest(write(row(**cells)))
    study = only(source)
    assert study.patient == "p"
    assert study.labels["L4/L5"] == DiscLabels("I/II", 5, 3, "schmorl_node", True, False, True, None, "operated")
    assert {volume.source["age_years"] for volume in study.study.volumes} == {47.5}
    assert (study.changes == np.where(BODY, MODIC_MAP_LABELS["II"], 0)).all()
    assert source.narrowing_grades == 4


def test_given_corners_are_the_discs(write):
    rows = [row(level=level, **corner_cells(level)) for level in ("L5/S1", "L2/L3")]
    study = only(read_manifest(write(*rows, row(level="L3/L4"))))
    assert [disc.level for disc in study.discs] == ["L2/L3", "L5/S1"]
    for disc in study.discs:
        painted = DISCS[disc.level]
        for name in ("center", "normal", "anterior"):
            np.testing.assert_allclose(getattr(disc, name), getattr(painted, name), atol=1e-6)
        assert (disc.width_mm, disc.height_mm) == pytest.approx((painted.width_mm, painted.height_mm))
    assert set(study.labels) == {"L5/S1", "L2/L3", "L3/L4"}


def test_the_spine_is_counted_as_the_given_corners_are(write):
    # The reader calls "L5/S1" what the manifest calls "L4/L5": a transitional vertebra below it.
    cells = corner_cells("L5/S1")
    study = only(read_manifest(write(row(level="L4/L5", **cells))))
    expected = {0, 100, *(label + 1 for label in np.unique(LABELS).tolist() if label not in (0, 100))}
    assert set(np.unique(study.spine).tolist()) == expected
    assert moved_up("L5/S1", 1) == "L4/L5"


def test_a_study_of_one_contrast_is_enough(write):
    cells = row()
    del cells["t1"]
    study = only(read_manifest(write(cells)))
    assert study.study.t1 is None and study.discs


def test_a_dicom_folder_stands_for_both_series(write, monkeypatch):
    monkeypatch.setattr(manifest, "read_dicom_study", lambda path: read_study(path / "t1.nii.gz", path / "t2.nii.gz"))
    study = only(read_manifest(write(row(t1="", t2="", dicom="."))))
    assert len(study.study.volumes) == 2 and study.labels == {"L4/L5": DiscLabels("II")}


def test_discs_are_counted_from_the_lowest_that_is_named(write):
    assert only(read_manifest(write(row(lowest_disc="L4/L5")))).discs[-1].level == "L4/L5"


def test_a_row_without_level_names_a_study_that_has_no_labels(write):
    source = read_manifest(write(row(level="", modic=""), row(study="b")))
    assert source.studies == ("a", "b")
    assert source.read("a").labels == {}


def test_spreadsheets_write_semicolons_a_mark_at_the_start_and_whole_numbers_with_a_point(write):
    path = write(row(modic="2.0", pfirrmann="3.0"), {}, comma=";", encoding="utf-8-sig")
    assert only(read_manifest(path)).labels == {"L4/L5": DiscLabels("II", 3)}


@pytest.mark.parametrize(
    ("written", "meant"), [("0", "0"), ("1", "I"), ("2", "II"), ("3", "III"), ("II/III", "II/III")]
)
def test_types_may_be_written_as_numbers(write, written, meant):
    path = write(row(modic=written))
    source = read_manifest(path)
    assert source._studies["a"].discs["L4/L5"].labels.modic == meant


def test_narrowing_in_two_grades_is_told_from_four(write):
    assert read_manifest(write(row(narrowing=1))).narrowing_grades == 2
    assert read_manifest(write(row(narrowing=1), row(level="L5/S1", narrowing=2))).narrowing_grades == 4


@pytest.mark.parametrize(
    ("cells", "said"),
    [
        ({"level": "L5/S2"}, "row 2, column level: 'L5/S2' is no disc; write one of L5/S1, "),
        ({"level": ""}, "row 2, column level: '' is no disc"),
        ({"modic": "IV"}, "row 2, column modic: 'IV' is no grade; write one of 0, I, II, III, "),
        ({"pfirrmann": "6"}, "row 2, column pfirrmann: '6' is no grade; write one of 1, 2, 3, 4, 5, or nothing"),
        ({"narrowing": "yes"}, "row 2, column narrowing: 'yes' is no grade; write one of 0, 1, 2, 3"),
        ({"endplate_lesion": "Schmorl"}, "row 2, column endplate_lesion: 'Schmorl' is no grade; write one of normal"),
        ({"upper_marrow_change": "x"}, "row 2, column upper_marrow_change: 'x' is no grade; write one of 0, 1"),
        ({"t2": "t3.nii.gz"}, "row 2, column t2: 't3.nii.gz' is not there; give a path from the manifest's folder"),
        ({"changes": "no.nii.gz"}, "row 2, column changes: 'no.nii.gz' is not there"),
        ({"t1": "", "t2": ""}, "row 2, column t2: '' names no picture; give the T1, the T2 or both"),
        ({"study": ""}, "row 2, column study: '' is empty; name the study"),
        ({"patient": ""}, "row 2, column patient: '' is empty; name the patient in every row"),
        ({"age_years": "old"}, "row 2, column age_years: 'old' is no number; write one with a decimal point"),
        ({"pfirman": "3"}, "row 1 of studies.csv has the unknown column 'pfirman'; write 'pfirrmann'"),
        ({"note": "3"}, "row 1 of studies.csv has the unknown column 'note'; remove it"),
        ({"upper_anterior_x": "3"}, "row 2, column upper_anterior_y: '' is missing; give all twelve coordinates"),
    ],
)
def test_a_mistake_is_told_with_its_row_its_column_and_the_mend(write, cells, said):
    with pytest.raises(InputError) as error:
        read_manifest(write(row(**cells)))
    assert str(error.value).startswith(said)


@pytest.mark.parametrize(
    ("cells", "said"),
    [
        ({"t2": "empty_t2.nii.gz"}, "row 3, column t2: 'empty_t2.nii.gz' differs from row 2 of the same study; make"),
        ({"patient": "q"}, "row 3, column patient: 'q' differs from row 2 of the same study; make them the same"),
        ({"level": "L4/L5"}, "row 3, column level: 'L4/L5' repeats that of row 2 of the same study; remove one"),
    ],
)
def test_rows_that_contradict_each_other_are_told_apart(write, cells, said):
    with pytest.raises(InputError) as error:
        read_manifest(write(row(patient="p"), row(**{"patient": "p", "level": "L5/S1", **cells})))
    assert str(error.value).startswith(said)


@pytest.mark.parametrize(
    ("axis", "said"),
    [("y", "puts the anterior corners behind the posterior ones; give LPS"), ("z", "puts the upper corners below")],
)
def test_corners_in_another_patient_space_are_noticed(write, axis, said):
    cells = {name: -value if name.endswith(axis) else value for name, value in corner_cells("L3/L4").items()}
    with pytest.raises(InputError, match=f"row 2, column upper_anterior_{axis}: .* {said}"):
        read_manifest(write(row(level="L3/L4", **cells)))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "has no column 'study'; add it"),
        ("study,t2,modic\na,t2.nii.gz,0", "row 1 of studies.csv has no column 'level'; add it"),
        ("study,level,modic\na,L5/S1,0", "has no column for a file; add at least one of t1, t2, dicom"),
        ("study,t2,level\na,t2.nii.gz,L5/S1", "has no column for a label; add at least one of modic, pfirrmann, "),
        ("study,t2,level,modic,modic", "has the column 'modic' twice; remove one"),
        ("study,t2,level,modic\n\n", "studies.csv lists no disc; add a row for each"),
        (
            "study,t2,level,modic\na,t2.nii.gz,L5/S1,0,1",
            "line 2 of studies.csv has 5 cells for 4 columns; quote its commas",
        ),
    ],
)
def test_a_table_that_is_no_manifest_says_what_it_lacks(tmp_path, text, said):
    (tmp_path / "t2.nii.gz").touch()
    (tmp_path / "studies.csv").write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match=said):
        read_manifest(tmp_path / "studies.csv")


def test_what_is_no_text_or_not_there_is_named_with_its_mend(tmp_path):
    with pytest.raises(InputError, match=r"cannot be read; check its name$"):
        read_manifest(tmp_path / "none.csv")
    (tmp_path / "table.csv").write_bytes(b"\xd0\xcf\x11\xe0")
    with pytest.raises(InputError, match=r"table\.csv is no text in UTF-8; save it as CSV in UTF-8$"):
        read_manifest(tmp_path / "table.csv")


def test_a_mask_with_other_labels_is_refused(write):
    write_mask(write(row()).parent / "spine.nii.gz", LABELS)
    source = read_manifest(write(row(changes="spine.nii.gz")))
    with pytest.raises(InputError, match=r"spine\.nii\.gz has voxels labelled 4; mark Modic changes .* 1, 2 and 3$"):
        only(source)


def test_a_study_without_a_visible_spine_is_left_out_and_the_others_are_cut(write, caplog):
    empty = {"t1": "empty_t1.nii.gz", "t2": "empty_t2.nii.gz"}
    source = read_manifest(write(row(study="blank", **empty), row(study="good")))
    samples = cut_samples(source, centers, write(row()).parent / "samples")
    assert [one.study for one in samples] == ["good"]
    assert caplog.messages[0].startswith("blank is left out: A lumbar spine was looked for and")


def centers(study: LabelledStudy) -> list[Sample]:
    labelled = [disc for disc in study.discs if disc.level in study.labels]
    return [Sample(study.name, study.patient, d.level, study.labels[d.level], {"c": d.center}) for d in labelled]


def test_the_key_changes_with_the_table_and_with_the_files(write):
    path = write(row())
    first = read_manifest(path).key
    assert read_manifest(path).key == first
    relabelled = read_manifest(write(row(modic="0"))).key
    (path.parent / "t2.nii.gz").unlink()
    write_picture(path.parent / "t2.nii.gz", "t2")
    assert len({first, relabelled, read_manifest(path).key}) == 3


def test_the_page_on_manifests_names_every_column_and_value_and_its_example_is_right(tmp_path):
    page = (Path(__file__).parents[2] / "docs" / "manifest.md").read_text(encoding="utf-8")
    for column in (*COLUMNS[: -len(CORNER_COLUMNS)], CORNER_COLUMNS[0]):
        assert f"`{column}`" in page, column
    for values in VALUES.values():
        for value in values:
            assert f"`{value}`" in page, value
    example = page.split("```csv\n")[1].split("```")[0]
    for name in ("p01/t1.nii.gz", "p01/t2.nii.gz", "p02/t2"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    (tmp_path / "studies.csv").write_text(example, encoding="utf-8")
    source = read_manifest(tmp_path / "studies.csv")
    assert len(source.studies) == 2
    assert all(level in DISCS_UPWARDS for study in source._studies.values() for level in study.discs)
