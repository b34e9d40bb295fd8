"""Tests of SPIDER as its authors publish it, on a made-up folder of that layout."""

import logging
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from painted_files import DISCS, GRID, LABELS, write_mask, write_picture
from painted_spine import PaintReader

from ModicGraderLib.anatomy import CORNERS
from ModicGraderLib.errors import InputError
from ModicGraderLib.training import located_study
from ModicGraderLib.training.manifest import read_manifest
from ModicGraderLib.training.spider_download import masked_discs, prepare

HEADER = (
    "Patient,IVD label,Modic,UP endplate,LOW endplate,Spondylolisthesis,Disc herniation,Disc narrowing,"
    "Disc bulging,Pfirrman grade"
)
# Vertebrae are counted from L5 there, and discs as ours are.
MASK = np.where(LABELS > 200, LABELS, np.where(LABELS == 100, 100, np.maximum(LABELS.astype(int) - 1, 0)))


@pytest.fixture(scope="module")
def download(tmp_path_factory) -> Path:
    """Patient 1 has T1, T2, SPACE and masks, 12 only SPACE without a mask, 30 only T1; of 99 there are no pictures.

    The masks lack the disc L3/L4 and hold a leftover of T11/T12.
    """
    folder = tmp_path_factory.mktemp("spider")
    for name in ("1_t1", "1_t2", "1_t2_SPACE", "12_t2_SPACE", "30_t1"):
        write_picture(folder / "images" / f"{name}.mha", "t1" if name.endswith("t1") else "t2")
    mask = np.where(MASK == 203, 0, MASK)
    mask[1, :5, :5] = 207
    for name in ("1_t1", "1_t2", "30_t1"):
        write_mask(folder / "masks" / f"{name}.mha", mask.astype(np.int16))
    rows = [
        "1,1,2,1,0,0,0,1,0,4",
        "1,3,0,0,0,0,0,0,0,2",
        "1,6,0,0,0,1,0,0,0,2",
        "1,7,0,0,0,0,0,0,0,2",
        "12,2,1,0,1,0,0,0,1,3",
        "12,0,0,0,0,0,0,0,0,1",
        "30,1,3,0,0,0,0,0,0,5",
        "99,1,0,0,0,0,0,0,0,1",
    ]
    (folder / "radiological_gradings.csv").write_text("\n".join([HEADER, *rows]), encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def manifest(download, tmp_path_factory) -> Path:
    return prepare(download, tmp_path_factory.mktemp("out") / "made" / "spider.csv")


@pytest.fixture(scope="module")
def rows(manifest) -> pd.DataFrame:
    return pd.read_csv(manifest, dtype=str, keep_default_na=False).set_index(["study", "level"])


def test_each_graded_disc_with_a_picture_is_a_row_and_its_level_is_counted_from_the_sacrum(rows):
    assert list(rows.index) == [
        ("spider-001", "L5/S1"),
        ("spider-001", "L3/L4"),
        ("spider-001", "T12/L1"),
        ("spider-001", "T11/T12"),
        ("spider-012", "L4/L5"),
        ("spider-030", "L5/S1"),
    ]


def test_grades_become_labels(rows):
    first, second = rows.loc[("spider-001", "L5/S1")], rows.loc[("spider-001", "T12/L1")]
    names = ["modic", "pfirrmann", "narrowing", "upper_endplate_change", "lower_endplate_change"]
    assert list(first[names]) == ["II", "4", "1", "1", "0"]
    assert (first["upper_marrow_change"], second["upper_marrow_change"]) == ("", "0")
    assert (first["excluded"], second["excluded"]) == ("", "slip")
    assert (first["endplate_lesion"], first["patient"]) == ("", "spider-001")


def test_plain_t2_goes_before_space_and_either_before_none(rows):
    named = {
        study: (Path(some["t1"].iloc[0]).name, Path(some["t2"].iloc[0]).name) for study, some in rows.groupby("study")
    }
    assert named == {
        "spider-001": ("1_t1.mha", "1_t2.mha"),
        "spider-012": ("", "12_t2_SPACE.mha"),
        "spider-030": ("30_t1.mha", ""),
    }


def test_discs_lie_where_their_masks_are(rows):
    for study, level in (("spider-001", "L5/S1"), ("spider-001", "T12/L1"), ("spider-030", "L5/S1")):
        for corner in CORNERS:
            given = rows.loc[(study, level), [f"{corner}_{axis}" for axis in "xyz"]].astype(float)
            assert np.linalg.norm(given.to_numpy() - DISCS[level].corners[corner]) < 3
    for nowhere in (("spider-001", "L3/L4"), ("spider-001", "T11/T12"), ("spider-012", "L4/L5")):
        assert rows.loc[nowhere, "upper_anterior_x"] == ""


def test_a_mask_tells_each_disc_as_it_was_painted():
    found = masked_discs(LABELS, GRID)
    assert set(found) == set(DISCS)
    for level, disc in found.items():
        assert np.linalg.norm(disc.center - DISCS[level].center) < 1
        assert disc.normal @ DISCS[level].normal > 0.99 and disc.anterior @ DISCS[level].anterior > 0.99
        # Two pixels of 1.5 mm, and the ends that the quantiles leave out.
        assert disc.width_mm == pytest.approx(DISCS[level].width_mm, abs=2.5)


def test_leftovers_of_discs_at_the_edge_are_no_discs():
    labels = np.where(LABELS == 201, 201, 0)
    labels[1, :5, :5] = 209
    assert set(masked_discs(labels, GRID)) == {"L5/S1"}


def test_the_manifest_can_be_read_with_its_discs(manifest, monkeypatch):
    monkeypatch.setattr(located_study, "load_network", PaintReader)
    source = read_manifest(manifest)
    assert source.studies == ("spider-001", "spider-012", "spider-030")
    assert source.narrowing_grades == 2
    study = source.read("spider-001")
    assert [disc.level for disc in study.discs] == ["T12/L1", "L5/S1"]
    assert study.labels["L5/S1"].modic == "II"
    assert {disc.level for disc in source.read("spider-012").discs} == set(DISCS)


def test_paths_are_relative_where_the_pictures_lie_below_the_manifest(download, tmp_path):
    inside = pd.read_csv(prepare(download, download / "spider.csv"), dtype=str)
    assert inside["t1"].iloc[0] == str(Path("images/1_t1.mha"))
    outside = pd.read_csv(prepare(download, tmp_path / "spider.csv"), dtype=str)
    assert Path(outside["t1"].iloc[0]).is_absolute()
    assert [path.name for path in tmp_path.iterdir()] == ["spider.csv"]


def test_what_has_no_pictures_and_no_place_is_counted(download, tmp_path, caplog):
    with caplog.at_level(logging.WARNING):
        prepare(download, tmp_path / "spider.csv")
    assert caplog.messages == [
        "1 of 4 graded patients have no pictures in the download",
        "1 of 3 patients have no mask that shows a graded disc; the localizer will find their discs",
        "2 of 6 graded discs are missing or cut off in their patient's mask and will not be used",
    ]


def test_a_download_whose_masks_are_all_there_raises_no_warning(tmp_path, caplog):
    write_picture(tmp_path / "images" / "1_t2.mha", "t2")
    write_mask(tmp_path / "masks" / "1_t2.mha", MASK.astype(np.int16))
    (tmp_path / "radiological_gradings.csv").write_text(f"{HEADER}\n1,1,0,0,0,0,0,0,0,1", encoding="utf-8")
    prepare(tmp_path, tmp_path / "spider.csv")
    assert caplog.messages == []


@pytest.mark.parametrize("empty", [False, True])
def test_a_download_without_masks_is_refused(tmp_path, empty):
    write_picture(tmp_path / "images" / "1_t2.mha", "t2")
    if empty:
        (tmp_path / "masks").mkdir()
    (tmp_path / "radiological_gradings.csv").write_text(f"{HEADER}\n1,1,0,0,0,0,0,0,0,1", encoding="utf-8")
    with pytest.raises(InputError, match=r"masks has no graded disc; unpack masks\.zip there"):
        prepare(tmp_path, tmp_path / "spider.csv")
    assert not (tmp_path / "spider.csv").exists()


def test_a_folder_that_is_no_download_says_what_is_missing(tmp_path):
    with pytest.raises(InputError, match=r"has no radiological_gradings\.csv or no folder `images`; give the folder"):
        prepare(tmp_path, tmp_path / "out.csv")
    (tmp_path / "images").mkdir()
    gradings = tmp_path / "radiological_gradings.csv"
    gradings.write_text(HEADER.replace("Modic", "Modick") + "\n1,1,0,0,0,0,0,0,0,1", encoding="utf-8")
    with pytest.raises(InputError, match=r"has no column 'Modic'; download it again"):
        prepare(tmp_path, tmp_path / "out.csv")
    gradings.write_text(HEADER + "\n1,1,0,0,0,0,0,0,0,1", encoding="utf-8")
    with pytest.raises(InputError, match=r"images has no picture of a graded patient; unpack images\.zip there"):
        prepare(tmp_path, tmp_path / "out.csv")
    assert not (tmp_path / "out.csv").exists()


def test_a_manifest_cannot_take_the_place_of_a_folder(download, tmp_path):
    with pytest.raises(InputError, match="is a folder; name the file that"):
        prepare(download, tmp_path)
