"""Tests of random views: whatever is bent, turned and recolored, labels, corners and picture stay together."""

import numpy as np
import pytest
import torch
from scipy import ndimage

from ModicGraderLib.anatomy import CORNERS
from ModicGraderLib.localization.network import DISC
from ModicGraderLib.training.spine_augmentation import SpineViews
from ModicGraderLib.training.spine_slices import NO_IDENTITY, UNKNOWN, SpineSlice

ROWS, COLUMNS = slice(120, 132), slice(90, 134)


@pytest.fixture
def one_disc() -> SpineSlice:
    """A bright disc whose corners are those of a rectangle, with two dark bodies."""
    image = np.full((260, 220), 60.0, np.float32)
    structure, identity = np.zeros((2, *image.shape), np.uint8)
    identity[:] = NO_IDENTITY
    image[ROWS, COLUMNS], structure[ROWS, COLUMNS], identity[ROWS, COLUMNS] = 200.0, DISC, 3
    ends = {"upper": ROWS.start, "lower": ROWS.stop - 1, "anterior": COLUMNS.start, "posterior": COLUMNS.stop - 1}
    corners = np.array([(1, at, *(ends[end] for end in name.split("_"))) for at, name in enumerate(CORNERS)], float)
    return SpineSlice("p", "test", "t1", image, 0.9, structure, identity, corners, np.ones(image.shape, bool))


def test_corners_stay_at_the_corners_of_their_disc_in_every_view(one_disc):
    views = SpineViews(size=192, seed=3)
    for _ in range(25):
        view = views(one_disc)
        disc = (view.structure == DISC).numpy()
        away = ndimage.distance_transform_edt(~disc)
        peaks = []
        for heat in view.corners.numpy():
            peak = np.unravel_index(heat.argmax(), heat.shape)
            if heat[peak] > 0.85 and min(peak) > 3 and max(peak) < 188:
                assert away[peak] < 2
                peaks.append(np.array(peak))
        if len(peaks) == 4:
            upper, lower = peaks[0] + peaks[1], peaks[2] + peaks[3]
            front, back = peaks[0] + peaks[2], peaks[1] + peaks[3]
            assert upper[0] < lower[0]
            assert front[1] < back[1]


def test_identity_and_structure_stay_together(one_disc):
    views = SpineViews(size=192, seed=4)
    for _ in range(10):
        view = views(one_disc)
        assert set(view.identity.unique().tolist()) <= {3, NO_IDENTITY}
        torch.testing.assert_close(view.identity == 3, view.structure == DISC)


def test_beyond_the_picture_nothing_is_known(one_disc):
    view = SpineViews(size=512, augment=False)(one_disc)
    beyond = view.structure == UNKNOWN
    assert beyond.any() and not beyond.all()
    assert not view.corners_known[beyond].any()
    assert (view.identity[beyond] == NO_IDENTITY).all()


def test_pictures_are_standardized_and_finite(one_disc):
    views = SpineViews(size=128, seed=5)
    for _ in range(10):
        image = views(one_disc).image
        assert image.shape == (1, 128, 128)
        assert torch.isfinite(image).all()
        assert abs(float(image.mean())) < 1e-3


def test_the_same_seed_draws_the_same_views(one_disc):
    first, second = SpineViews(seed=6)(one_disc), SpineViews(seed=6)(one_disc)
    torch.testing.assert_close(first.image, second.image)
    torch.testing.assert_close(first.corners, second.corners)
    assert not torch.equal(first.image, SpineViews(seed=7)(one_disc).image)
