"""Heat laid over a gray picture."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from ModicGraderLib.evidence.overlay import HEAT_FROM, tint


def test_without_heat_a_picture_stays_as_it_is():
    pixels = np.random.default_rng(0).integers(0, 256, (6, 7, 3), np.uint8)
    np.testing.assert_array_equal(tint(pixels, np.full((6, 7), HEAT_FROM)), pixels)


@given(dark=st.integers(0, 127), step=st.integers(8, 128), heat=st.floats(HEAT_FROM + 0.1, 1))
def test_heat_is_warm_on_every_gray_and_lets_it_shine_through(dark, step, heat):
    """A step of 8 grays is more than rounding takes away under the strongest heat."""
    warm, other = (
        tint(np.full((1, 1, 3), gray, np.uint8), np.full((1, 1), heat))[0, 0].astype(int)
        for gray in (dark, dark + step)
    )
    assert warm[0] > warm[2]
    assert (other > warm).any()


def test_values_outside_the_scale_are_drawn_as_its_ends():
    pixels = np.full((1, 2, 3), 90, np.uint8)
    np.testing.assert_array_equal(tint(pixels, np.array([[-1, 7.0]])), tint(pixels, np.array([[0, 1.0]])))
