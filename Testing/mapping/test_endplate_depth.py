"""Tests of depth below an endplate: true distances in bodies at any angle, and it follows a notched endplate."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from painted_spine import BODY_MM, grid_points, sagittal_grid, spine_boxes, true_discs, true_labels, turned
from scipy.spatial.transform import Rotation

from ModicGraderLib.anatomy import ENDPLATES, vertebra_label, vertebrae_of
from ModicGraderLib.mapping.endplate_depth import endplate_depths

angles = st.tuples(*[st.floats(-12, 12)] * 3)


@settings(max_examples=6, deadline=None)
@given(angles, st.floats(-4, 4), st.floats(0.5, 1.5))
def test_depth_is_the_distance_from_the_endplate_in_a_turned_spine(angle, scoliosis, pixel):
    turn = Rotation.from_euler("xyz", angle, degrees=True).as_matrix()
    boxes = turned(spine_boxes(4, lordosis=0.1, scoliosis_degrees=scoliosis), turn)
    grid = sagittal_grid(7, (4.0, pixel), (int(220 / pixel), int(110 / pixel)), turn)
    labels = true_labels(boxes, grid)
    disc = true_discs(boxes)[1]
    for endplate, vertebra in zip(ENDPLATES, vertebrae_of(disc.level), strict=True):
        body = labels == vertebra_label(vertebra)
        height = (grid_points(grid) - disc.center) @ disc.normal
        true = (height if endplate == "upper" else -height) - disc.height_mm / 2
        near, far = endplate_depths(disc, endplate, body, grid)
        assert np.isinf(near[~body]).all() and np.isinf(far[~body]).all()
        # Columns at the front and back wall of a tilted body may begin or end there.
        assert np.percentile(np.abs(near - true)[body], 90) < pixel + 1.0
        assert np.percentile(np.abs(near + far - BODY_MM)[body], 90) < 2 * pixel + 2.0


def test_depth_follows_a_notch():
    boxes = spine_boxes(4)
    grid = sagittal_grid(3, (4.0, 1.0), (220, 110))
    disc = true_discs(boxes)[1]
    offset = grid_points(grid) - disc.center
    above = offset @ disc.normal - disc.height_mm / 2
    notch = (above < 6) & (np.abs(offset @ disc.anterior) < 5)
    body = (true_labels(boxes, grid) == vertebra_label(vertebrae_of(disc.level)[0])) & ~notch
    near, _ = endplate_depths(disc, "upper", body, grid)
    below_notch = body & (np.abs(offset @ disc.anterior) < 3) & (above < 8)
    assert below_notch.any() and near[below_notch].max() < 4.5


def test_a_body_that_is_not_there_has_no_depth():
    grid = sagittal_grid(2, (4.0, 1.0), (20, 20))
    disc = true_discs(spine_boxes(2))[0]
    near, far = endplate_depths(disc, "upper", np.zeros(grid.shape, bool), grid)
    assert np.isinf(near).all() and np.isinf(far).all()
