"""Tests of candidates, frames and labels on a painted spine: what was painted is what is found, in patient space."""

import numpy as np
import pytest
from painted_spine import paint, sagittal_grid, spine_boxes, true_discs, true_labels, turned
from scipy.spatial.transform import Rotation

from ModicGraderLib.anatomy import CANAL_LABEL, CORNERS, disc_label, vertebra_label
from ModicGraderLib.localization.candidates import find_candidates
from ModicGraderLib.localization.frames import locate_disc
from ModicGraderLib.localization.labels import label_spine
from ModicGraderLib.localization.spine import LocatedDisc
from ModicGraderLib.study import Volume

SPINES = {
    "straight": {"slices": 9, "scoliosis": 0.0, "turn": (0, 0, 0)},
    "oblique": {"slices": 9, "scoliosis": 0.0, "turn": (8, -7, 10)},
    "scoliotic": {"slices": 11, "scoliosis": 12.0, "turn": (5, 0, -6)},
    "one slice": {"slices": 1, "scoliosis": 0.0, "turn": (6, 0, 0)},
}


def angle(first: np.ndarray, second: np.ndarray) -> float:
    return float(np.degrees(np.arccos(np.clip(first @ second, -1, 1))))


class Painted:
    """A spine that was painted, and what is found of it."""

    def __init__(self, slices: int, scoliosis: float, turn: tuple):
        rotation = Rotation.from_euler("xyz", turn, degrees=True).as_matrix()
        # The patient turns in the scanner and the slices with him; scoliosis is his own.
        self.boxes = turned(spine_boxes(scoliosis_degrees=scoliosis), rotation)
        self.grid = sagittal_grid(slices, turn=rotation)
        self.prediction = paint(self.boxes, self.grid)
        self.candidates = find_candidates(self.prediction)
        self.truth = true_discs(self.boxes)
        self.found = [
            locate_disc(disc.level, one, self.prediction)
            for disc, one in zip(self.truth, self.candidates, strict=False)
        ]

    @property
    def pairs(self) -> list[tuple[LocatedDisc, LocatedDisc]]:
        return list(zip(self.truth, self.found, strict=True))


@pytest.fixture(scope="module", params=SPINES, ids=SPINES)
def painted(request) -> Painted:
    return Painted(**SPINES[request.param])


def test_each_disc_is_one_candidate_from_the_lowest_upwards(painted):
    assert len(painted.candidates) == len(painted.truth) == 6
    for candidate, disc in zip(painted.candidates, painted.truth, strict=True):
        expected = painted.grid.to_index(disc.center)
        pixel = np.linalg.norm(painted.grid.affine[:3, 1])
        assert np.linalg.norm(candidate.center - expected[1:]) * pixel < 2.0
        assert candidate.confidence > 0.8
    rows = [candidate.center[0] for candidate in painted.candidates]
    assert rows == sorted(rows, reverse=True)


def test_centers_are_found_within_a_millimeter_in_the_slice_and_a_slice_across(painted):
    for truth, found in painted.pairs:
        offset = np.abs(painted.grid.to_index(found.center) - painted.grid.to_index(truth.center))
        assert offset[0] < 1.0
        assert np.linalg.norm(offset[1:]) * 1.25 < 1.0


def test_normals_and_anterior_directions_are_found_within_three_degrees(painted):
    for truth, found in painted.pairs:
        assert angle(truth.normal, found.normal) < 3
        assert angle(truth.anterior, found.anterior) < 3
        assert abs(found.normal @ found.anterior) < 1e-9
        np.testing.assert_allclose([np.linalg.norm(found.normal), np.linalg.norm(found.anterior)], 1)


def test_widths_and_heights_are_found_within_one_and_a_half_millimeters(painted):
    for truth, found in painted.pairs:
        assert found.width_mm == pytest.approx(truth.width_mm, abs=1.5)
        assert found.height_mm == pytest.approx(truth.height_mm, abs=1.5)


def test_corners_are_found_within_one_and_a_half_millimeters_in_the_slice(painted):
    for truth, found in painted.pairs:
        for name in CORNERS:
            offset = painted.grid.to_index(found.corners[name]) - painted.grid.to_index(truth.corners[name])
            assert np.linalg.norm(offset[1:]) * 1.25 < 1.5, (truth.level, name)


def test_without_heatmaps_the_ends_of_the_mask_stand_in_for_the_corners():
    painted = Painted(**SPINES["oblique"])
    painted.prediction.corners[:] = 0
    for truth, candidate in zip(painted.truth, painted.candidates, strict=True):
        found = locate_disc(truth.level, candidate, painted.prediction)
        assert np.linalg.norm(found.center - truth.center) < 3.0
        assert found.width_mm == pytest.approx(truth.width_mm, abs=4)
        assert angle(truth.normal, found.normal) < 4


def test_corners_of_the_front_that_lie_behind_those_of_the_back_are_not_believed():
    """As in noise, whose specks are so small that either end's corners are looked for beyond the other."""
    boxes = spine_boxes(3, width=12.0)
    prediction = paint(boxes, sagittal_grid(3, (4.0, 1.0), (200, 160)))
    middle = find_candidates(prediction)[1]
    rows, columns = np.indices(prediction.corners.shape[2:])
    for channel, name in enumerate(CORNERS):
        shift = 4 if name.endswith("anterior") else -4
        squared = (rows - middle.center[0]) ** 2 + (columns - middle.center[1] - shift) ** 2
        prediction.corners[channel] = np.exp(-squared / 8)
    disc = locate_disc("", middle, prediction)
    truth = true_discs(boxes)[1]
    assert disc.anterior @ truth.anterior > 0.99 and disc.width_mm == pytest.approx(truth.width_mm, abs=3)


def test_labels_name_what_was_painted(painted):
    reference = Volume(np.zeros(painted.grid.shape, np.float32), painted.grid.affine, "t2")
    labels = label_spine(painted.found, painted.prediction, reference)
    truth = true_labels(painted.boxes, painted.grid)
    names = [disc_label(disc.level) for disc in painted.truth] + [
        vertebra_label(name) for name in ("S1", "L5", "L4", "L3", "L2", "L1")
    ]
    assert set(np.unique(labels)) <= {0, CANAL_LABEL, vertebra_label("T12"), *names}
    for label in names:
        both = ((labels == label) & (truth == label)).sum()
        assert 2 * both / ((labels == label).sum() + (truth == label).sum()) > 0.85, label
    assert (labels[truth == CANAL_LABEL] == CANAL_LABEL).mean() > 0.8


def test_labels_lie_on_the_studys_own_grid():
    painted = Painted(**SPINES["straight"])
    own = sagittal_grid(12, (3.0, 0.9), (300, 170))
    labels = label_spine(painted.found, painted.prediction, Volume(np.zeros(own.shape, np.float32), own.affine, "t1"))
    assert labels.shape == own.shape
    assert labels.dtype == np.uint8
    for disc in painted.truth:
        assert labels[tuple(np.round(own.to_index(disc.center)).astype(int))] == disc_label(disc.level)


def test_bowel_far_from_the_spine_gets_no_label():
    painted = Painted(**SPINES["straight"])
    middle = painted.grid.shape[0] // 2
    column = round(painted.grid.to_index(painted.truth[3].center + 50 * painted.truth[3].anterior)[2])
    bowel = (slice(middle - 2, middle + 3), slice(100, 108), slice(column - 8, column + 8))
    painted.prediction.structures[:, *bowel] = np.eye(5)[3][:, None, None, None]
    reference = Volume(np.zeros(painted.grid.shape, np.float32), painted.grid.affine, "t2")
    assert not label_spine(painted.found, painted.prediction, reference)[bowel].any()
