"""Cuboids of known size, painted at the endplates of a straight, tilted spine of boxes, measure what they are."""

import numpy as np
import pytest
from box_spine import PIXEL_MM, SLICE_MM, SPINES, WIDTH_MM
from hypothesis import given, settings
from hypothesis import strategies as st
from painted_spine import BODY_MM, HALF_BREADTH_MM

from ModicGraderLib.anatomy import ENDPLATES, GRADED_DISCS
from ModicGraderLib.measurement.endplate_change import ChangeExtent, height_class, measure_change

places = {
    "spine": st.sampled_from(SPINES),
    "level": st.sampled_from(GRADED_DISCS),
    "endplate": st.sampled_from(ENDPLATES),
}


@settings(deadline=None, max_examples=40)
@given(
    **places,
    depth=st.floats(3, BODY_MM),
    ahead=st.tuples(st.floats(-18, 12), st.floats(6, 36)),
    left=st.tuples(st.floats(-23, 0), st.floats(9, 46)),
)
def test_a_cuboid_has_its_extent(spine, level, endplate, depth, ahead, left):
    ahead, left = (ahead[0], min(sum(ahead), 18)), (left[0], min(sum(left), 23))
    change = spine.cuboid(level, endplate, depth, ahead, left)
    found = spine.measure(level, endplate, change)
    length, breadth = ahead[1] - ahead[0], left[1] - left[0]
    # A voxel at either end, tilted; and slices are counted whole.
    assert found.height_percent == pytest.approx(100 * depth / BODY_MM, abs=100 * 1.5 * PIXEL_MM / BODY_MM)
    assert found.anteroposterior_percent == pytest.approx(100 * length / WIDTH_MM, abs=100 * 2 * PIXEL_MM / WIDTH_MM)
    share, most = length / WIDTH_MM, 2 * HALF_BREADTH_MM
    uncertain = 2 * PIXEL_MM / WIDTH_MM * breadth / most + SLICE_MM / most * share
    assert found.area_percent / 100 == pytest.approx(share * breadth / most, abs=1.3 * uncertain + 0.01)
    assert found.volume_mm3 == pytest.approx(change.sum() * SLICE_MM * PIXEL_MM**2)
    assert found.volume_percent == pytest.approx(found.area_percent * depth / BODY_MM, abs=6)


@settings(deadline=None, max_examples=20)
@given(**places, third=st.sampled_from(("anterior", "central", "posterior")))
def test_a_change_within_one_third_lies_there_alone(spine, level, endplate, third):
    middle = {"anterior": 12, "central": 0, "posterior": -12}[third]
    change = spine.cuboid(level, endplate, 8, (middle - 4, middle + 4), (-10, 10))
    assert spine.measure(level, endplate, change).location == (third,)


def test_a_change_along_the_whole_endplate_lies_in_all_thirds():
    change = SPINES[0].cuboid("L4/L5", "upper", 6, (-18, 18), (-23, 23))
    found = SPINES[0].measure("L4/L5", "upper", change)
    assert found.location == ("anterior", "central", "posterior")
    assert found.area_percent > 95
    assert found.anteroposterior_percent > 95


def test_a_speck_lies_where_it_is():
    change = SPINES[1].cuboid("L4/L5", "lower", 3, (10, 12), (-5, 5))
    assert SPINES[1].measure("L4/L5", "lower", change).location == ("anterior",)


@pytest.mark.parametrize("endplate", ENDPLATES)
def test_the_depth_below_a_node_counts_from_the_endplate(endplate):
    spine = SPINES[1]
    node = spine.cuboid("L3/L4", endplate, 7, (-5, 5), (-6, 6))
    change = spine.cuboid("L3/L4", endplate, 11, (-9, 9), (-10, 10)) & ~node
    body = spine.body("L3/L4", endplate) & ~node
    found = measure_change(spine.discs["L3/L4"], endplate, change, body, spine.reference)
    assert found.height_percent == pytest.approx(100 * 11 / BODY_MM, abs=6)


def test_where_nothing_is_changed_all_is_zero():
    nothing = np.zeros(SPINES[0].labels.shape, bool)
    assert SPINES[0].measure("L1/L2", "upper", nothing) == ChangeExtent()


@pytest.mark.parametrize(("percent", "expected"), [(5, "A"), (24.9, "A"), (25, "B"), (50, "B"), (50.1, "C"), (90, "C")])
def test_height_classes_part_at_a_quarter_and_a_half(percent, expected):
    assert height_class(percent) == expected
