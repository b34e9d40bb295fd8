"""Tests of the training sources on the real data: levels, corners and who belongs to which part."""

import json
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from scipy import ndimage

from ModicGraderLib.errors import InputError
from ModicGraderLib.localization.network import CANAL, DISC, SACRUM, VERTEBRA
from ModicGraderLib.training.data_folder import data_folder, fold_of
from ModicGraderLib.training.mask_source import read_mask_slices
from ModicGraderLib.training.polygon_source import UPWARDS, polygon_endplates, read_polygon_slices, skips_a_vertebra
from ModicGraderLib.training.spine_augmentation import SpineViews
from ModicGraderLib.training.spine_slices import NO_IDENTITY, NOT_SACRUM_KNOWN, SpineSlice
from ModicGraderLib.training.splits import held_out_part, is_held_out, is_training, training_part


def subset(folder: Path, copy: Path, every: int) -> Path:
    """Each `every`th picture of a folder of masks, as links."""
    (copy / "images").mkdir(parents=True)
    (copy / "masks").mkdir()
    for path in sorted((folder / "images").glob("*.png"))[::every]:
        (copy / "images" / path.name).symlink_to(path)
        (copy / "masks" / path.name).symlink_to(folder / "masks" / path.name)
    return copy


@pytest.fixture(scope="module")
def polygons(real_data) -> list[dict]:
    return json.loads((real_data("t1_vertebra_polygons") / "vertebrae.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def polygon_slices(real_data, polygons, tmp_path_factory) -> list[SpineSlice]:
    folder = tmp_path_factory.mktemp("polygons")
    (folder / "images").symlink_to(real_data("t1_vertebra_polygons") / "images")
    (folder / "vertebrae.json").write_text(json.dumps(polygons[::20]), encoding="utf-8")
    return read_polygon_slices(folder)


@pytest.fixture(scope="module")
def mask_slices(real_data, tmp_path_factory) -> list[SpineSlice]:
    return read_mask_slices(subset(real_data("spider_t2_space_masks"), tmp_path_factory.mktemp("masks") / "set", 12))


def corner_table(one: SpineSlice) -> dict[int, np.ndarray]:
    """Corners (4, 2) of each disc that has all four, by its number from L5/S1 upwards."""
    table = {}
    for number in np.unique(one.corners[:, 0]).astype(int):
        rows = one.corners[one.corners[:, 0] == number]
        if len(rows) == 4:
            table[number] = rows[np.argsort(rows[:, 1]), 2:]
    return table


def test_every_polygon_patient_has_five_discs_with_corners_in_anatomical_order(polygons):
    assert len(polygons) > 300
    skipped = 0
    for record in polygons:
        vertebrae = {name: np.array(points)[:, ::-1] for name, points in record["vertebrae"].items()}
        if skips_a_vertebra(vertebrae):
            skipped += 1
            continue
        discs = polygon_endplates(vertebrae)
        assert len(discs) == 5
        for number, disc in enumerate(discs):
            front, back = disc[[0, 2]].mean(0), disc[[1, 3]].mean(0)
            assert front[1] < back[1], record["patient"]
            # "Up" is from the vertebra below to the one above; pictures may be tilted.
            up = vertebrae[UPWARDS[number + 1]].mean(0) - vertebrae[UPWARDS[number]].mean(0)
            assert (disc[:2].mean(0) - disc[2:].mean(0)) @ up > 0, record["patient"]
    # One publisher's record goes from S1 to L4, calling it L5.
    assert skipped == 1


def test_a_skipped_vertebra_is_noticed(polygons):
    vertebrae = {name: np.array(points)[:, ::-1] for name, points in polygons[0]["vertebrae"].items()}
    assert not skips_a_vertebra(vertebrae)
    between = 2 * vertebrae["L1"].mean(0) - vertebrae["L2"].mean(0) - vertebrae["L1"].mean(0)
    shifted = {name: points + between if name != "S1" else points for name, points in vertebrae.items()}
    assert skips_a_vertebra(shifted)


def test_polygon_slices_count_every_structure_from_the_sacrum_upwards(polygon_slices):
    assert len(polygon_slices) > 15
    for one in polygon_slices:
        assert set(corner_table(one)) == {0, 1, 2, 3, 4}
        assert set(np.unique(one.identity)) == {*range(11), NO_IDENTITY}
        heights = [np.argwhere(one.identity == level)[:, 0].mean() for level in range(11)]
        assert (np.diff(heights) < 0).all()
        for level in range(11):
            expected = DISC if level % 2 else VERTEBRA if level else SACRUM
            assert (one.structure[one.identity == level] == expected).all()
        assert 0.2 < one.pixel_mm < 2


def test_masks_count_discs_upwards_from_the_lowest(mask_slices):
    assert len({one.patient for one in mask_slices}) > 10
    for one in mask_slices:
        discs = [level for level in np.unique(one.identity) if level % 2 and level != NO_IDENTITY]
        assert discs[:5] == [1, 3, 5, 7, 9]
        present = [level for level in np.unique(one.identity) if level < 13]
        heights = [np.argwhere(one.identity == level)[:, 0].mean() for level in present]
        assert (np.diff(heights) < 0).all(), one.patient
        # The sacrum is not labelled: below the lowest disc it may be anything, above it is excluded.
        assert not (one.structure == SACRUM).any()
        lowest = np.argwhere(one.identity == 1)[:, 0]
        assert np.argwhere(one.structure == NOT_SACRUM_KNOWN)[:, 0].max() > lowest.max()
        behind = ndimage.center_of_mass(one.structure == CANAL)[1]
        assert behind > ndimage.center_of_mass(one.structure == DISC)[1]


def test_corners_lie_at_the_edge_of_their_disc(polygon_slices, mask_slices):
    for one in [*polygon_slices, *mask_slices]:
        for number, corners in corner_table(one).items():
            if number > 4:  # At the top of the picture a body may be cut off, and its corners with it.
                continue
            away = ndimage.distance_transform_edt(one.identity != 2 * number + 1) * one.pixel_mm
            # Vertebrae show which way is up even where a picture was turned; SPIDER's sacrum has no label.
            below = 2 * number if (one.identity == 2 * number).any() else 2 * number + 1
            above, below = (np.argwhere(one.identity == level).mean(0) for level in (2 * number + 2, below))
            up = above - below
            assert (corners[:2].mean(0) - corners[2:].mean(0)) @ up > 0, one.patient
            assert corners[[0, 2], 1].mean() < corners[[1, 3], 1].mean(), one.patient
            inside = np.clip(np.round(corners).astype(int), 0, np.array(away.shape) - 1)
            assert np.median(away[tuple(inside.T)]) < 5, (one.patient, number)


def test_a_plain_view_keeps_corners_on_the_right_pixels(polygon_slices):
    views = SpineViews(augment=False)
    for one in polygon_slices[:6]:
        view = views(one)
        placed = np.argwhere(one.identity != NO_IDENTITY).mean(0)
        for _, corner, *at in one.corners:
            expected = (np.array(at) - placed) * one.pixel_mm / 1.25 + (views.size - 1) / 2
            row, column = np.round(expected).astype(int)
            assert view.corners[int(corner), row, column] > 0.9
        assert view.image.mean().abs() < 1e-4


def test_no_patient_is_both_trained_on_and_measured(polygons, mask_slices, polygon_slices):
    slices = [*polygon_slices, *mask_slices]
    training, held = training_part(slices), held_out_part(slices)
    assert training and held
    assert not {one.patient for one in training} & {one.patient for one in held}
    patients = [f"polygons-{record['patient']}" for record in polygons]
    assert not any(is_training(patient) and is_held_out(patient) for patient in patients)
    assert 0.6 < np.mean([is_training(patient) for patient in patients]) < 0.8


def test_a_patient_of_two_spider_sets_lies_in_one_fold(real_data, mask_slices):
    names = {
        f"spider-{path.name.split('_')[0]}" for path in real_data("spider_midsagittal").glob("volumes/*_t1.nii.gz")
    }
    masked = {one.patient for one in mask_slices}
    assert len(masked & names) > 0.7 * len(masked)


def test_folds_depend_on_the_name_alone_and_are_of_like_size():
    patients = [f"spider-{number:03d}" for number in range(500)]
    folds = {patient: fold_of(patient, 5) for patient in patients}
    assert folds == {patient: fold_of(patient, 5) for patient in reversed(patients)}
    counts = Counter(folds.values())
    assert set(counts) == set(range(5))
    assert min(counts.values()) > 70


def test_a_missing_data_folder_is_named_with_its_mend(monkeypatch, tmp_path):
    monkeypatch.setenv("MODICGRADER_DATA", str(tmp_path / "nowhere"))
    with pytest.raises(InputError, match=r"set MODICGRADER_DATA to their folder\.$"):
        data_folder()
    monkeypatch.setenv("MODICGRADER_DATA", str(tmp_path))
    assert data_folder() == tmp_path
