"""Tests of voxel typing: each way to type leaves the probability of a change as it is, and reads what is drawn."""

from dataclasses import replace

import numpy as np
import pytest
from graded_example import MODIC, example_graded_study
from hypothesis import given
from hypothesis import strategies as st

from ModicGraderLib.anatomy import MODIC_MAP_LABELS
from ModicGraderLib.mapping.marrow import fit_marrow
from ModicGraderLib.mapping.voxel_types import TYPE_MEANS, log_ratios, type_chances, type_posteriors

ratios = st.floats(-3, 3)


@given(ratios, ratios)
def test_posteriors_of_types_sum_to_one(t1, t2):
    posterior = type_posteriors(np.array(t1), np.array(t2))
    assert posterior.shape == (3,)
    assert posterior.min() >= 0 and posterior.sum() == pytest.approx(1)


def test_each_type_is_most_probable_at_its_own_mean():
    t1, t2 = np.array(list(TYPE_MEANS.values())).T
    np.testing.assert_array_equal(type_posteriors(t1, t2).argmax(0), range(3))


@pytest.fixture(scope="module")
def example():
    graded = example_graded_study()
    grid = graded.study.reference.grid
    volumes = {"t1": graded.study.t1, "t2": graded.study.t2}
    return graded, grid, {name: fit_marrow(one, graded.location.labels, grid) for name, one in volumes.items()}


def wrong_pixels(graded) -> np.ndarray:
    """Right about where there is a change, and sure of the one type that none of them has."""
    changed = graded.maps["modic_map"] > 0
    pixels = np.zeros((4, *changed.shape), np.float32)
    pixels[3], pixels[0] = 0.8 * changed, 1 - 0.8 * changed
    return pixels


@pytest.mark.parametrize("typing", ["rule", "gaussian"])
def test_the_signal_corrects_the_network_where_asked_to(example, typing):
    graded, grid, marrow = example
    typed = type_chances(wrong_pixels(graded), graded.study, marrow, grid, typing)
    np.testing.assert_allclose(typed[0], wrong_pixels(graded)[0], atol=1e-6)
    np.testing.assert_allclose(typed.sum(0), 1, atol=1e-5)
    for type_ in MODIC.values():
        label = MODIC_MAP_LABELS[type_]
        assert (typed.argmax(0) == label)[graded.maps["modic_map"] == label].mean() > 0.8


def test_the_network_may_type_alone(example):
    graded, grid, marrow = example
    np.testing.assert_array_equal(
        type_chances(wrong_pixels(graded), graded.study, marrow, grid, "network"), wrong_pixels(graded)
    )


@pytest.mark.parametrize("typing", ["rule", "gaussian"])
def test_without_both_contrasts_or_without_fat_the_network_types(example, typing):
    graded, grid, marrow = example
    pixels = wrong_pixels(graded)
    suppressed = replace(graded.study, t2=replace(graded.study.t2, contrast="t2_fat_suppressed"))
    for study, known in ((suppressed, marrow), (graded.study, {"t2": marrow["t2"]})):
        np.testing.assert_array_equal(type_chances(pixels, study, known, grid, typing), pixels)


def test_where_the_rule_sees_no_type_the_network_types(example):
    graded, grid, marrow = example
    flat = {name: replace(one, spread=100.0) for name, one in marrow.items()}
    np.testing.assert_allclose(
        type_chances(wrong_pixels(graded), graded.study, flat, grid, "rule"), wrong_pixels(graded), atol=1e-6
    )


def test_an_unknown_way_to_type_is_named(example):
    graded, grid, marrow = example
    with pytest.raises(ValueError, match="'majority'"):
        type_chances(wrong_pixels(graded), graded.study, marrow, grid, "majority")


def test_log_ratios_of_normal_marrow_have_mean_zero(example):
    graded, grid, marrow = example
    found = log_ratios(graded.study, {"t1": marrow["t1"]}, grid)
    assert set(found) == {"t1"}
    normal = (graded.location.labels == 3) & (graded.maps["modic_map"] == 0)
    assert abs(np.median(found["t1"][normal])) < 0.05
