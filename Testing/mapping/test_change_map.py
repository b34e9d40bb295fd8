"""Tests of the change map: what the network sees in a region becomes changes of endplates, in their own place."""

from dataclasses import replace

import numpy as np
import pytest
from example_grades import painted_grades
from hypothesis import given, settings
from hypothesis import strategies as st
from painted_spine import grid_points, sagittal_grid, spine_boxes, true_discs, true_labels, turned
from scipy.spatial.transform import Rotation

from ModicGraderLib.anatomy import MODIC_MAP_LABELS, vertebra_label, vertebrae_of
from ModicGraderLib.mapping.change_map import (
    FRINGE_MM,
    MIN_AREA_MM2,
    NEIGHBORS_MM,
    TOUCH_MM,
    EndplateChange,
    map_changes,
    merge_maps,
    type_shares,
)
from ModicGraderLib.study import SpineStudy, Volume

TURN = Rotation.from_euler("xyz", (6, -5, 8), degrees=True).as_matrix()
BOXES = turned(spine_boxes(6, scoliosis_degrees=6), TURN)
DISCS = {disc.level: disc for disc in true_discs(BOXES)}
DISC = DISCS["L3/L4"]
REACH_MM = 8.0


def study_on(slices=11, spacing=(4.0, 1.0), size=(256, 140)) -> SpineStudy:
    grid = sagittal_grid(slices, spacing, size, TURN)
    return SpineStudy(None, Volume(np.zeros(grid.shape, np.float32), grid.affine, "t2"))


STUDY = study_on()
LABELS = true_labels(BOXES, STUDY.t2.grid)


def mapped(grades, disc=DISC, study=STUDY, labels=LABELS):
    return map_changes(disc, grades, labels, study, {})


def seen_where(inside, disc=DISC, chance=0.9, study=STUDY):
    """Grades that see a type II wherever `inside(depth, forward, slice)` holds in the vertebra above a disc.

    `depth` is the distance in mm from its endplate, `forward` that in front of the disc's middle. Their region is the
    whole study.
    """
    grid = study.t2.grid
    offset = grid_points(grid) - disc.center
    depth, forward = offset @ disc.normal - disc.height_mm / 2, offset @ disc.anterior
    there = inside(depth, forward, np.indices(grid.shape)[0]) & (depth > 0)
    pixels = np.zeros((4, *grid.shape), np.float32)
    pixels[2] = chance * there
    pixels[0] = 1 - pixels[2]
    return replace(painted_grades(disc, study.t2), pixels=pixels, grid=grid)


def depths(disc=DISC, study=STUDY, endplate="upper") -> np.ndarray:
    height = (grid_points(study.reference.grid) - disc.center) @ disc.normal
    return (height if endplate == "upper" else -height) - disc.height_mm / 2


@pytest.mark.parametrize("endplate", ["upper", "lower"])
@pytest.mark.parametrize("type_", MODIC_MAP_LABELS)
def test_a_change_comes_back_to_its_place_with_its_type(endplate, type_):
    changes = mapped(painted_grades(DISC, STUDY.t2, {endplate: type_}, depth_mm=REACH_MM))
    other = changes["lower" if endplate == "upper" else "upper"]
    one = changes[endplate]
    vertebra = vertebrae_of(DISC.level)[endplate == "lower"]
    depth = depths(endplate=endplate)
    expected = (vertebra_label(vertebra) == LABELS) & (depth >= 0) & (depth <= REACH_MM)
    found = np.zeros(LABELS.shape, bool)
    found[one.box] = one.change
    assert (found & expected).sum() * 2 / (found.sum() + expected.sum()) > 0.93
    assert type_shares(one)[type_] > 0.99
    assert not other.change.any() and type_shares(other) is None
    np.testing.assert_array_equal(one.body, LABELS[one.box] == vertebra_label(vertebra))


@pytest.mark.parametrize(("mixed", "parts"), [("I/II", {"I", "II"}), ("II/III", {"II", "III"})])
def test_a_mixed_change_has_both_types(mixed, parts):
    shares = type_shares(mapped(painted_grades(DISC, STUDY.t2, {"upper": mixed}))["upper"])
    assert sum(shares.values()) == pytest.approx(1)
    assert {name for name, share in shares.items() if share > 0.1} == parts


chances = st.floats(0, 1)


@settings(max_examples=8, deadline=None)
@given(st.lists(st.tuples(st.floats(0, 20), st.floats(-18, 18), st.integers(0, 10), chances), max_size=6))
def test_probabilities_sum_to_one_and_stay_in_the_body(blobs):
    grades = seen_where(lambda d, f, s: d < 0)
    pixels = grades.pixels.copy()
    for depth, forward, number, chance in blobs:
        blob = seen_where(
            lambda d, f, s, at=(depth, forward, number): (
                ((d - at[0]) ** 2 + (f - at[1]) ** 2 < 36) & (abs(s - at[2]) < 2)
            ),
            chance=chance,
        )
        pixels[2] = np.maximum(pixels[2], blob.pixels[2])
    pixels[0] = 1 - pixels[2]
    for one in mapped(replace(grades, pixels=pixels)).values():
        np.testing.assert_allclose(one.posterior.sum(0), 1, atol=1e-5)
        assert one.posterior.min() >= 0
        assert not one.posterior[1:, ~one.body].any()
        assert not (one.change & ~one.body).any()
        assert (one.posterior[1:].sum(0)[one.change] >= 0.5).all()


def test_what_does_not_touch_the_endplate_is_no_change_and_leaves_no_probability():
    def begins_at(least):
        return seen_where(lambda depth, forward, s: (depth > least) & (depth < TOUCH_MM + 9) & (abs(forward) < 12))

    distant, touching = begins_at(TOUCH_MM + 4), begins_at(TOUCH_MM - 2)
    assert mapped(touching)["upper"].change.any()
    one = mapped(distant)["upper"]
    assert not one.change.any()
    assert not one.posterior[1:].any()


def test_what_shows_on_one_slice_is_no_change():
    middle = STUDY.t2.array.shape[0] // 2
    assert not mapped(seen_where(lambda d, f, s: (d < REACH_MM) & (s == middle)))["upper"].change.any()
    assert mapped(seen_where(lambda d, f, s: (d < REACH_MM) & (s >= middle)))["upper"].change.any()


def test_one_slice_is_enough_where_the_next_is_far():
    study = study_on(slices=6, spacing=(NEIGHBORS_MM + 2, 1.0))
    one = seen_where(lambda d, f, s: (d < REACH_MM) & (s == 2), study=study)
    assert mapped(one, study=study, labels=true_labels(BOXES, study.t2.grid))["upper"].change.any()


def test_a_study_of_one_slice_has_changes_too():
    study = study_on(slices=1)
    labels = true_labels(BOXES, study.t2.grid)
    one = mapped(painted_grades(DISC, study.t2, {"upper": "I"}), study=study, labels=labels)["upper"]
    assert one.change.any() and type_shares(one)["I"] > 0.99


def test_a_speck_is_no_change():
    side = 0.5 * np.sqrt(MIN_AREA_MM2)
    assert not mapped(seen_where(lambda d, f, s: (d < side) & (abs(f) < side / 2)))["upper"].change.any()
    assert mapped(seen_where(lambda d, f, s: (d < 6 * side) & (abs(f) < 3 * side)))["upper"].change.any()


@pytest.mark.parametrize("spacing", [1.0, 1.5])
def test_thin_slices_between_those_that_were_read_are_changed_as_well(spacing):
    study = study_on(slices=33, spacing=(spacing, 1.0))
    labels = true_labels(BOXES, study.t2.grid)
    one = mapped(painted_grades(DISC, study.t2, {"upper": "II"}), study=study, labels=labels)["upper"]
    changed = np.flatnonzero(one.change.any((1, 2)))
    np.testing.assert_array_equal(np.diff(changed), 1)
    assert len(changed) > 0.85 * one.body.any((1, 2)).sum()


def test_the_neighbors_change_in_the_same_body_is_not_claimed():
    # L4 has a change at its upper endplate, which the region of the disc below it shows as well.
    below = DISCS["L4/L5"]
    height = 26.0
    grades = seen_where(lambda depth, f, s: (depth > height - 7) & (depth < height), below)
    one = mapped(grades, below)["upper"]
    assert one.body.any() and not one.change.any() and not one.posterior[1:].any()


def test_a_body_changed_throughout_is_shared_between_its_endplates():
    below = DISCS["L4/L5"]
    whole = mapped(seen_where(lambda depth, f, s: depth < 26, below), below)["upper"]
    own = np.median(depths(below)[whole.box][whole.change & (depths(below)[whole.box] > 0)])
    assert 4 < own < 9
    assert 0.35 < whole.change.sum() / whole.body.sum() < 0.65


def test_a_deep_change_that_hardly_meets_the_other_endplate_is_of_one_endplate():
    below = DISCS["L4/L5"]
    deep = mapped(seen_where(lambda depth, f, s: (depth < 18) | ((depth < 26) & (abs(f) < 2)), below), below)["upper"]
    assert deep.change.sum() / deep.body.sum() > 0.6


def test_a_vertebra_out_of_view_has_no_change():
    cut = np.where(vertebra_label("L3") == LABELS, 0, LABELS)
    assert set(mapped(painted_grades(DISC, STUDY.t2, {"upper": "I", "lower": "II"}), labels=cut)) == {"lower"}


def test_soft_edges_belong_to_the_change():
    sharp = seen_where(lambda d, f, s: d < REACH_MM)
    soft = seen_where(lambda d, f, s: d < REACH_MM + FRINGE_MM, chance=0.3)
    pixels = np.where(sharp.pixels[2] > 0.5, sharp.pixels, soft.pixels)
    one = mapped(replace(sharp, pixels=pixels))["upper"]
    edge = one.body & ~one.change & (depths()[one.box] < REACH_MM + FRINGE_MM - 1)
    assert edge.any()
    assert np.median(one.posterior[2][edge]) == pytest.approx(0.3, abs=0.05)


SHAPE = (2, 4, 5)


def claim(chance: float, type_: int, part: tuple[slice, slice, slice], decided: bool = True) -> EndplateChange:
    shape = tuple(one.stop - one.start for one in part)
    posterior = np.zeros((4, *shape), np.float32)
    posterior[0], posterior[type_] = 1 - chance, chance
    return EndplateChange(part, np.ones(shape, bool), posterior, np.full(shape, decided))


PART = (slice(0, 2), slice(1, 3), slice(0, 5))
OVERLAP = (slice(0, 1), slice(2, 4), slice(1, 4))


def test_the_more_probable_of_two_changes_is_mapped():
    for order in (1, -1):
        maps = merge_maps([claim(0.7, 1, PART), claim(0.9, 3, OVERLAP)][::order], SHAPE)
        assert (maps["modic_map"][OVERLAP] == 3).all()
        assert maps["modic_map"][1, 1, 0] == 1 and maps["modic_map"][0, 0, 0] == 0
        np.testing.assert_allclose(maps["modic_probability"][OVERLAP], 0.9)
        assert maps["modic_map"].dtype == np.uint8 and maps["modic_probability"].dtype == np.float32


def test_what_is_not_decided_is_probable_but_not_mapped():
    without = claim(0.9, 3, OVERLAP).without_decision()
    maps = merge_maps([claim(0.7, 1, PART), without], SHAPE)
    assert set(np.unique(maps["modic_map"])) == {0, 1}
    np.testing.assert_allclose(maps["modic_probability"][OVERLAP], 0.9)


def test_no_changes_make_empty_maps():
    assert not any(array.any() for array in merge_maps([], SHAPE).values())
