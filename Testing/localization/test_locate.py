"""Tests of prediction and location with a network that reads painted pictures."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from painted_spine import (
    PaintReader,
    paint,
    painted_volume,
    sagittal_grid,
    spine_boxes,
    true_discs,
    true_labels,
    turned,
)
from scipy import ndimage
from scipy.spatial.transform import Rotation

from ModicGraderLib.anatomy import DISCS_UPWARDS
from ModicGraderLib.errors import Cancelled, InputError
from ModicGraderLib.localization import locate
from ModicGraderLib.localization.candidates import find_candidates
from ModicGraderLib.localization.locate import load_network, locate_spine
from ModicGraderLib.localization.network import PIXEL_MM, STRIDE
from ModicGraderLib.localization.numbering import name_levels
from ModicGraderLib.localization.prediction import SLICE_STEP_MM, predict, prediction_grid
from ModicGraderLib.progress import Progress
from ModicGraderLib.study import SpineStudy, Volume

TURN = Rotation.from_euler("xyz", (6, -5, 8), degrees=True).as_matrix()
GRID = sagittal_grid(5, (4.0, 1.0), (300, 160), TURN)


@pytest.fixture(scope="module")
def reader() -> PaintReader:
    return PaintReader().eval()


def study_of(boxes, grid=GRID, t1_grid=None) -> SpineStudy:
    t1 = painted_volume(boxes, t1_grid, "t1") if t1_grid else None
    return SpineStudy(t1, painted_volume(boxes, grid, "t2"))


@given(
    st.tuples(st.integers(1, 60), st.integers(40, 600), st.integers(40, 600)),
    st.tuples(st.floats(0.8, 6), st.floats(0.3, 1.6), st.floats(0.3, 1.6)),
    st.floats(0.6, 1.6),
)
def test_the_prediction_covers_the_picture_on_slices_of_its_own(shape, spacing, scale):
    affine = np.eye(4)
    affine[:3, :3] = TURN @ np.diag(spacing)
    # No memory is needed to tell where a picture lies.
    reference = Volume(np.broadcast_to(np.float32(0), shape), affine, "t2")
    grid = prediction_grid(reference, scale)
    np.testing.assert_allclose(np.linalg.norm(grid.affine[:3, 1:3], axis=0), PIXEL_MM * scale)
    assert grid.shape[1] % STRIDE == grid.shape[2] % STRIDE == 0
    slices = reference.to_index(grid.to_patient(np.array([(number, 0, 0) for number in range(grid.shape[0])])))[:, 0]
    np.testing.assert_allclose(slices, np.round(slices), atol=1e-6)
    assert slices.min() >= -1e-6 and slices.max() <= shape[0] - 1 + 1e-6
    corners = np.array(np.meshgrid([0], [0, shape[1] - 1], [0, shape[2] - 1])).reshape(3, -1).T
    at = grid.to_index(reference.to_patient(corners))[:, 1:]
    assert (at >= -0.5).all() and (at <= np.array(grid.shape[1:]) - 0.5).all()
    if len(slices) > 1:
        assert np.diff(slices)[0] * spacing[0] < 2 * SLICE_STEP_MM or np.diff(slices)[0] == pytest.approx(1)


def test_where_one_contrast_ends_the_other_counts_alone(reader):
    boxes = turned(spine_boxes(6), TURN)
    high = sagittal_grid(5, (4.0, 1.0), (180, 160), TURN)
    both = predict(study_of(boxes, t1_grid=high), reader)
    alone = predict(study_of(boxes), reader)
    rows = slice(-40, None)  # Below the T1 picture.
    np.testing.assert_allclose(both.structures[:, :, rows], alone.structures[:, :, rows], atol=1e-5)
    np.testing.assert_allclose(both.structures.sum(0), 1, atol=1e-4)


@pytest.mark.parametrize("t1_grid", [None, sagittal_grid(6, (3.6, 1.1), (280, 150), TURN)], ids=["t2", "t1 and t2"])
def test_a_painted_spine_is_located(reader, t1_grid):
    boxes = turned(spine_boxes(6), TURN)
    location, findings = locate_spine(study_of(boxes, t1_grid=t1_grid), network=reader)
    truth = list(reversed(true_discs(boxes)))
    assert [disc.level for disc in location.discs] == [disc.level for disc in truth]
    for found, disc in zip(location.discs, truth, strict=True):
        assert np.linalg.norm(found.center - disc.center) < 2.5
        assert found.width_mm == pytest.approx(disc.width_mm, abs=3)
    labels = true_labels(boxes, GRID)
    assert (location.labels[labels > 0] == labels[labels > 0]).mean() > 0.85
    assert findings == []


@pytest.mark.parametrize("scale", [0.6, 1.7])
def test_a_wrong_pixel_size_is_seen_through(reader, scale):
    """The reader reads any size; what the second look changes is the width, which must be the header's in the end."""
    boxes = spine_boxes(6, width=35 * scale, height=9 * scale)
    location, _ = locate_spine(study_of(boxes, sagittal_grid(1, (4.0, scale), (300, 160))), network=reader)
    assert [disc.level for disc in location.discs] == list(DISCS_UPWARDS[5::-1])
    assert np.median([disc.width_mm for disc in location.discs]) == pytest.approx(35 * scale, rel=0.1)


def test_a_picture_without_a_spine_is_refused_with_one_sentence(reader):
    with pytest.raises(InputError, match=r"no disc .*; give sagittal pictures that show at least two\.$"):
        locate_spine(study_of([]), network=reader)
    with pytest.raises(InputError, match="one disc"):
        locate_spine(study_of(spine_boxes(1)), network=reader)


@pytest.mark.parametrize(("seed", "blur_pixels"), [(8, 2), (20, 2), (28, 5)])
def test_the_shipped_network_sees_no_spine_in_noise(seed, blur_pixels):
    """Each of these gave five faint "discs" in a row that let itself be counted."""
    picture = np.random.default_rng(seed).random((3, 300, 256)).astype(np.float32)
    picture = 100 * ndimage.gaussian_filter(picture, (0, blur_pixels, blur_pixels))
    noise = Volume(picture, sagittal_grid(3, (4.0, 1.0), (300, 256)).affine, "t2")
    with pytest.raises(InputError, match="sagittal pictures"):
        locate_spine(SpineStudy.of(noise), network=load_network())


def test_contrasts_that_do_not_lie_upon_each_other_still_show_a_spine(reader):
    study = study_of(spine_boxes(6), t1_grid=sagittal_grid(5, (4.0, 1.0), (400, 160)))
    affine = study.t1.affine.copy()
    affine[2, 3] += 10.0  # More than a disc, less than a body.
    study = replace(study, t1=replace(study.t1, affine=affine))
    blurred = name_levels(find_candidates(predict(study, reader)), predict(study, reader)).candidates
    assert sum(one.confidence >= locate.CLEAR for one in blurred) < locate.MIN_CLEAR_DISCS, [
        one.confidence for one in blurred
    ]
    heard: list[float] = []
    assert locate_spine(study, network=reader, progress=Progress(lambda fraction, _: heard.append(fraction)))[0].discs
    assert heard == sorted(heard)


def test_a_missing_sacrum_and_a_missing_disc_are_reported(reader, monkeypatch):
    boxes = [box for box in spine_boxes(6) if box.identity not in (0, 5)]
    monkeypatch.setattr(locate, "predict", lambda *_, **__: paint(boxes, GRID))
    _, findings = locate_spine(study_of(boxes), network=reader)
    assert [(finding.code, finding.level) for finding in findings] == [
        ("sacrum_not_in_view", None),
        ("disc_not_found", "L3/L4"),
    ]


def test_an_open_count_is_reported(reader, monkeypatch):
    monkeypatch.setattr(locate, "predict", lambda *_, **__: paint(spine_boxes(6), GRID, certainty=1 / 15))
    _, findings = locate_spine(study_of(spine_boxes(6)), network=reader)
    assert [finding.code for finding in findings] == ["numbering_unsure", "transitional_vertebra_suspected"]
    _, findings = locate_spine(study_of(spine_boxes(6)), network=reader, lowest_disc="L5/S1")
    assert "numbering_unsure" not in [finding.code for finding in findings]


def test_progress_runs_forward_also_when_the_picture_is_read_again(reader):
    heard: list[float] = []
    study = study_of(spine_boxes(6, width=60.0, height=14.0), sagittal_grid(9, size=(300, 200)))
    locate_spine(study, network=reader, progress=Progress(lambda fraction, _: heard.append(fraction)))
    assert heard == sorted(heard)
    assert heard[0] >= 0 and heard[-1] <= 1


def test_location_can_be_cancelled(reader):
    with pytest.raises(Cancelled):
        locate_spine(study_of(spine_boxes(6)), network=reader, progress=Progress(is_cancelled=lambda: True))
