"""Turned, shifted and zoomed copies of a region."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from ModicGraderLib.evidence.copies import SHIFT_PIXELS, TURN_DEGREES, Copy, draw_copies, taken
from ModicGraderLib.grading.disc_input import BORDER, SHAPE

FULL = (SHAPE[0] + 2 * BORDER, SHAPE[1] + 2 * BORDER)

copies = st.builds(
    Copy,
    st.floats(-TURN_DEGREES, TURN_DEGREES),
    st.floats(0.9, 1.15),
    st.tuples(*[st.floats(-SHIFT_PIXELS, SHIFT_PIXELS)] * 2),
)


def test_the_first_copy_is_the_region_without_its_border():
    region = torch.rand(2, 4, *FULL)
    same = taken(region, draw_copies(1, 0)[0])
    torch.testing.assert_close(same, region[..., BORDER:-BORDER, BORDER:-BORDER], atol=1e-5, rtol=0)


def test_copies_depend_on_the_seed_alone():
    assert draw_copies(5, 3) == draw_copies(5, 3)
    assert draw_copies(5, 3)[1:] != draw_copies(5, 4)[1:]
    assert len({copy.turn_degrees for copy in draw_copies(5, 3)}) == 5


@given(copy=copies, row=st.integers(20, SHAPE[0] - 21), column=st.integers(20, SHAPE[1] - 21))
@settings(deadline=None, max_examples=40)
def test_the_gradient_of_a_pixel_of_a_copy_comes_back_to_where_it_was_taken_from(copy, row, column):
    place = torch.stack(torch.meshgrid(*(torch.arange(side, dtype=torch.float32) for side in FULL), indexing="ij"))
    region = place[None].clone().requires_grad_()
    copied = taken(region, copy)
    (gradient,) = torch.autograd.grad(copied[0, 0, row, column], region)
    weight = gradient[0, 0].numpy()
    assert weight.sum() == pytest.approx(1, abs=1e-4)
    found = [(weight * axis).sum() for axis in place.numpy()]
    np.testing.assert_allclose(found, copied[0, :, row, column].detach(), atol=1e-2)


@given(copy=copies)
@settings(deadline=None, max_examples=20)
def test_a_copy_is_turned_zoomed_and_shifted_as_it_says(copy):
    place = torch.stack(torch.meshgrid(*(torch.arange(side, dtype=torch.float32) for side in FULL), indexing="ij"))
    row, column = taken(place[None], copy)[0].numpy()
    middle = (slice(40, 56), slice(48, 64))
    down = np.array([np.diff(row[middle], axis=0).mean(), np.diff(column[middle], axis=0).mean()])
    back = np.array([np.diff(row[middle], axis=1).mean(), np.diff(column[middle], axis=1).mean()])
    assert np.hypot(*down) == pytest.approx(copy.zoom, rel=1e-3)
    assert np.degrees(np.arctan2(down[1], down[0])) == pytest.approx(copy.turn_degrees, abs=0.05)
    assert down @ back == pytest.approx(0, abs=1e-3)
    shift = [row[47:49, 55:57].mean() - (FULL[0] - 1) / 2, column[47:49, 55:57].mean() - (FULL[1] - 1) / 2]
    np.testing.assert_allclose(shift, copy.shift, atol=0.01)
