"""SpineNet 2016: training and test views, and hotspots mapped back."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from spinenet_samples import Squares, as_bytes, noise_sample

from ModicGraderLib.recipes.spinenet2016_tables import point
from ModicGraderLib.recipes.spinenet2016_views import (
    MIDDLE,
    SHAPE,
    SOURCE_SHAPE,
    Views,
    draw_views,
    hotspots,
    plain_views,
    read_views,
)
from ModicGraderLib.recipes.spinenet2016_views import test_views as all_test_views
from ModicGraderLib.training.labelled_study import DiscLabels


def test_there_are_exactly_54_test_views():
    views = all_test_views()
    picks = {
        (*map(float, shift), int(first), bool(flipped))
        for shift, first, flipped in zip(views.shift, views.first, views.flipped, strict=True)
    }
    places = (-16.0, 0.0, 16.0)
    assert picks == {(y, x, z, f) for y in places for x in places for z in (1, 2, 3) for f in (False, True)}
    assert len(views) == len(picks) == 54
    assert not views.turn.any()
    assert (views.scale == 1).all()


def test_test_views_are_the_pixels_at_their_places():
    volume = torch.rand(1, *SOURCE_SHAPE)
    views = all_test_views()
    copies = views.of(volume.expand(54, *SOURCE_SHAPE))
    for number in (0, 7, 31, 53):
        first, (row, column) = int(views.first[number]), (int(one) for one in views.shift[number])
        expected = volume[0, first : first + 9, 40 + row : 152 + row, 48 + column : 272 + column]
        expected = expected.flip(0) if views.flipped[number] else expected
        torch.testing.assert_close(copies[number], expected, atol=1e-4, rtol=0)
    torch.testing.assert_close(copies[0], plain_views(1).of(volume)[0])


def test_an_answer_comes_from_all_test_views():
    shown = []

    def network(copies):
        shown.append(copies)
        return {"narrowing": torch.stack([copies[:, 0, 0, 0], copies[:, 4, 55, 111]], 1)}

    volume = torch.rand(SOURCE_SHAPE)
    [(task, chances)] = read_views(network, volume).items()
    views = all_test_views().of(volume.expand(54, *SOURCE_SHAPE))
    torch.testing.assert_close(torch.cat(shown), views)
    expected = torch.stack([views[:, 0, 0, 0], views[:, 4, 55, 111]], 1).softmax(1)
    assert task == "narrowing"
    np.testing.assert_allclose(chances, expected, atol=1e-5)


def test_training_views_are_as_wide_as_the_papers():
    views = draw_views(20_000, torch.Generator().manual_seed(0))
    spans = {
        "turn": (views.turn.rad2deg(), -15, 15),
        "scale": (views.scale, 0.9, 1.1),
        "rows": (views.shift[:, 0], -24, 24),
        "columns": (views.shift[:, 1], -32, 32),
        "brightness": (views.brightness, -0.1, 0.1),
    }
    for name, (drawn, low, high) in spans.items():
        slack = 0.01 * (high - low)
        assert low <= drawn.min() < low + slack, name
        assert high - slack < drawn.max() <= high + 1e-4, name
    assert torch.bincount(views.first - MIDDLE + 2).tolist() == pytest.approx([4000] * 5, rel=0.1)
    assert views.flipped.float().mean().item() == pytest.approx(0.5, abs=0.02)


def test_a_larger_scale_shows_things_larger_and_a_turn_moves_the_front_down():
    volume = torch.zeros(1, *SOURCE_SHAPE)
    volume[:, :, 94:98, 99:102] = 1  # Beside the middle row, 60 pixels to the front.
    one = plain_views(1)
    row, column = center(replace(one, scale=torch.tensor([1.1])).of(volume)[0, 4])
    assert (row, column) == pytest.approx((55.5, 111.5 - 1.1 * 59.5), abs=0.2)
    row, column = center(replace(one, turn=torch.tensor([math.radians(15)])).of(volume)[0, 4])
    assert (abs(row - 55.5), column) == pytest.approx((59.5 * math.sin(math.radians(15)), 54.0), abs=0.3)


def center(image: torch.Tensor) -> tuple[float, float]:
    rows, columns = (torch.arange(side) for side in image.shape)
    return float((image.sum(1) * rows).sum() / image.sum()), float((image.sum(0) * columns).sum() / image.sum())


@settings(max_examples=15)
@given(st.integers(0, 2**32 - 1))
def test_what_a_view_shows_comes_back_to_where_it_was(seed):
    # Linear interpolation keeps a ramp as it is, but for where a view looks beyond the volume.
    axes = torch.meshgrid(*(torch.linspace(0.2, 0.8, size) for size in SOURCE_SHAPE), indexing="ij")
    ramp = (0.5 * axes[0] + 0.2 * axes[1] + 0.3 * axes[2])[None]
    views = draw_views(1, torch.Generator().manual_seed(seed))
    views = replace(views, brightness=torch.zeros(1))
    whole = views.of(torch.ones_like(ramp)) > 0.999
    found, seen = views.back(torch.where(whole, views.of(ramp), torch.nan))
    clear = (seen > 0.999) & ~found.isnan()
    assert clear.float().mean() > 0.2
    torch.testing.assert_close(found[clear], plain_views(1).of(ramp)[clear], atol=1e-3, rtol=0)


def test_what_a_view_did_not_see_is_marked():
    views = plain_views(1)
    moved = Views(
        views.turn, views.scale, torch.tensor([[16.0, 0.0]]), views.first + 1, views.flipped, views.brightness
    )
    found, seen = moved.back(torch.ones(1, *SHAPE))
    expected = torch.ones(SHAPE)
    expected[0], expected[:, :16] = 0, 0
    torch.testing.assert_close(seen[0], expected, atol=1e-4, rtol=0)
    torch.testing.assert_close(found, seen)


# Hotspots


def spot(number: int, row: int, column: int) -> torch.Tensor:
    """A volume that is bright at a place of its middle alone."""
    volume = torch.zeros(SOURCE_SHAPE)
    volume[MIDDLE + number, 38 + row : 43 + row, 46 + column : 51 + column] = 1
    return volume


def test_hotspots_lie_where_the_pixels_that_move_the_answer_are():
    heat = hotspots(Squares(), spot(2, 30, 80), "upper_marrow_change", 1, copies=24)
    assert heat.shape == SHAPE
    assert heat.min() >= 0
    number, row, column = np.unravel_index(heat.argmax(), heat.shape)
    assert number == 2
    assert (row, column) == pytest.approx((30, 80), abs=3)
    # Slices are kept apart: the same place in other slices stays cold.
    assert heat[4, row, column] < 0.2 * heat[2, row, column]


def test_hotspots_are_the_mean_over_the_copies_that_saw_a_pixel():
    def network(copies):
        return {"upper_marrow_change": copies.sum((1, 2, 3))[:, None]}

    # Every pixel counts as much, also those at the edge that many copies do not see.
    heat = hotspots(network, torch.full(SOURCE_SHAPE, 0.5), "upper_marrow_change", 0, copies=32)
    np.testing.assert_allclose(heat, 1, atol=1e-4)


def test_hotspots_explain_the_class_that_is_asked_for():
    assert not hotspots(Squares(), spot(4, 50, 100), "upper_marrow_change", 0, copies=2).any()


def test_the_same_seed_gives_the_same_hotspots():
    heats = [hotspots(Squares(), spot(4, 50, 100), "lower_marrow_change", 1, copies=2, seed=s) for s in (1, 1, 2)]
    assert (heats[0] == heats[1]).all()
    assert (heats[0] != heats[2]).any()


def test_the_pointing_game_knows_the_change_and_the_endplate():
    changes = np.zeros(SHAPE, np.uint8)
    changes[4, 25:36, 75:86], changes[4, 90:95, 75:86] = 1, 2
    labels = DiscLabels(upper_marrow_change=True, lower_marrow_change=True, lower_endplate_change=True, pfirrmann=1)
    sample = replace(noise_sample("a", labels), arrays={"volume": as_bytes(spot(4, 30, 80)), "changes": changes})
    upper, lower, defect = sorted(point(Squares(), [sample], copies=8), key=lambda one: one.task, reverse=True)
    assert (upper.task, upper.own_half, upper.hit) == ("upper_marrow_change", 1, 1)
    assert (lower.task, lower.own_half, lower.hit) == ("lower_marrow_change", 0, 0)
    assert upper.inside > lower.inside
    assert lower.area == pytest.approx(55 / math.prod(SHAPE))
    assert defect.task == "lower_endplate_change"
    assert math.isnan(defect.hit)
