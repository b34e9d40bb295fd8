"""Gao 2022: how segmented voxels become changes, endplates and types."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from gao_samples import BOXES, DISCS, drawn_study
from hypothesis import given, settings
from hypothesis import strategies as st
from painted_spine import sagittal_grid, true_labels

from ModicGraderLib.anatomy import MODIC_MAP_LABELS, vertebra_label, vertebrae_of
from ModicGraderLib.mapping.change_map import EndplateChange
from ModicGraderLib.mapping.marrow import BODY_LABELS
from ModicGraderLib.recipes.gao2022_map import change_chance, disc_type, modic_map, named_vertebrae, type_shares
from ModicGraderLib.training.labelled_study import LabelledStudy


def mapped(study: LabelledStudy, typing="rule", segmented=None):
    """The map of a study whose bodies and changes are segmented without fault, on the study's own grid."""
    if segmented is None:
        drawn = study.changes > 0
        segmented = np.stack([np.isin(study.spine, BODY_LABELS), drawn]).astype(np.float32)
    return modic_map(segmented, study.study.t1, study.study.t2, study.discs, typing)


STUDY = drawn_study()


def test_bodies_are_named_by_the_discs_below_them_and_specks_are_dropped():
    grid = sagittal_grid(3, (4.0, 1.5), (170, 110))
    truth = true_labels(BOXES, grid)
    bodies = np.isin(truth, BODY_LABELS)
    with_speck = bodies.copy()
    with_speck[1, 80:83, 105:108] = True  # a spinous process, behind the canal
    assert not bodies[1, 75:90, 100:].any()
    assert np.array_equal(named_vertebrae(with_speck, DISCS, grid), truth * bodies)


@pytest.mark.parametrize("given", [("L4/L5", "L5/S1"), ("L3/L4", "L5/S1"), ("L2/L3", "L5/S1"), ("L3/L4",)])
def test_where_few_discs_are_given_the_bodies_beside_them_are_named_and_no_others(given):
    grid = sagittal_grid(3, (4.0, 1.5), (170, 110))
    truth = true_labels(BOXES, grid)
    # A fracture: the bodies beside the disc are not the largest that no other disc tells apart.
    truth[(truth == vertebra_label("L3")) & (np.arange(110) < 50)] = 0
    beside = {vertebra_label(name) for level in given for name in vertebrae_of(level)}
    discs = [disc for disc in DISCS if disc.level in given]
    named = named_vertebrae(np.isin(truth, BODY_LABELS), discs, grid)
    assert np.array_equal(named, np.where(np.isin(truth, list(beside)), truth, 0))


def test_changes_are_mapped_where_few_discs_are_given_and_all_bodies_count_as_segmented():
    study = drawn_study(level="L4/L5")
    found = mapped(replace(study, discs=tuple(disc for disc in DISCS if disc.level in ("L4/L5", "L5/S1"))))
    assert found.changes["L4/L5"]["upper"].change.any()
    assert np.array_equal(found.bodies, np.isin(study.spine, BODY_LABELS))


def test_a_speck_next_to_a_disc_is_no_body():
    grid = sagittal_grid(3, (4.0, 1.5), (170, 110))
    truth = true_labels(BOXES, grid)
    bodies = np.isin(truth, BODY_LABELS)
    disc = next(one for one in DISCS if one.level == "L3/L4")
    row, column = np.round(grid.to_index(disc.center)[1:]).astype(int)
    bodies[1, row - 1 : row + 1, column - 1 : column + 1] = True
    named = named_vertebrae(bodies, [disc], grid)
    assert all(np.array_equal(named == label, truth == label) for label in map(vertebra_label, ("L3", "L4")))


@pytest.mark.parametrize("typing", ["rule", "gaussian"])
@pytest.mark.parametrize("type_", MODIC_MAP_LABELS)
def test_a_change_is_given_to_its_endplate_and_type(type_, typing):
    found = mapped(drawn_study(change=type_), typing)
    touched = {(level, name) for level, ends in found.changes.items() for name, one in ends.items() if one.change.any()}
    assert touched == {("L3/L4", "upper")}
    assert disc_type(found.shares["L3/L4"]) == type_
    assert found.shares["L4/L5"] is None and disc_type(found.shares["L4/L5"]) == "0"
    labels, counts = np.unique(found.types[found.changed], return_counts=True)
    assert labels[counts.argmax()] == MODIC_MAP_LABELS[type_]


def test_inside_the_dead_band_the_rule_leaves_the_type_open():
    study = drawn_study(change="open")
    study = replace(study, changes=drawn_study(change="I").changes)
    found = mapped(study)
    # Noise alone leaves the dead band in two of ten voxels.
    assert (found.types[found.changed] == 0).mean() > 0.7
    shares = found.shares["L3/L4"]
    assert sum(shares.values()) == pytest.approx(1) and max(shares.values()) < 0.5


def test_a_change_that_the_rule_leaves_all_open_has_no_type():
    study = drawn_study(change="I")
    for volume in (study.study.t1, study.study.t2):
        volume.array[np.isin(study.spine, BODY_LABELS)] = 200.0
    found = mapped(study)
    assert found.changed.any() and not found.types.any()
    shares = found.shares["L3/L4"]
    assert list(shares.values()) == pytest.approx([1 / 3] * 3) and disc_type(shares) == "0"


@pytest.mark.parametrize("typing", ["rule", "gaussian"])
def test_without_marrow_to_compare_with_no_type_is_told(typing):
    study = drawn_study(change="III")
    alone = np.repeat((study.changes > 0).astype(np.float32)[None], 2, axis=0)
    found = mapped(study, typing, segmented=alone)
    assert found.changed.any() and disc_type(found.shares["L3/L4"]) == "0"


def endplate_change(rows, types):
    """A body of 20 x 20 pixels on a slice of which so many rows are changed, each of a type."""
    change = np.zeros((1, 20, 20), bool)
    change[:, :rows, 5:15] = True
    posterior = np.zeros((4, 1, 20, 20), np.float32)
    posterior[0] = ~change
    for row, type_ in enumerate(types):
        posterior[MODIC_MAP_LABELS[type_], :, row] = change[:, row]
    return EndplateChange((slice(0, 1), slice(0, 20), slice(0, 20)), np.ones((1, 20, 20), bool), posterior, change)


def test_the_rim_of_a_body_has_no_say_in_the_type_unless_nothing_else_is_changed():
    spacing = np.array([4.0, 1.0, 1.0])
    thick, thin = endplate_change(3, ("III", "III", "II")), endplate_change(2, ("III", "III"))
    assert disc_type(type_shares({"upper": thick}, spacing)) == "II"
    assert type_shares({"upper": thick, "lower": thin}, spacing) == {"I": 0, "II": 1, "III": 0}
    assert disc_type(type_shares({"upper": thin}, spacing)) == "III"
    # At half the distance between pixels the rim is twice as many of them.
    assert disc_type(type_shares({"upper": thick}, spacing / 2)) == "III"


def test_a_change_that_does_not_touch_an_endplate_is_not_mapped():
    assert not mapped(drawn_study(depth_mm=(9.0, 15.0))).changed.any()


def test_two_slices_are_asked_for_where_there_are_two():
    assert not mapped(drawn_study(slices=3, on_slices=slice(1, 2))).changed.any()
    assert mapped(drawn_study(slices=3, on_slices=slice(1, 3))).changed.any()
    assert mapped(drawn_study(slices=1)).changed.any()


def test_changes_outside_of_the_bodies_do_not_count():
    study = drawn_study()
    segmented = np.stack([np.isin(study.spine, BODY_LABELS), np.ones(study.spine.shape)]).astype(np.float32)
    found = mapped(study, segmented=segmented)
    assert not found.changed[~found.bodies].any()


@settings(max_examples=15)
@given(st.floats(0.0, 1.0))
def test_a_change_is_more_probable_than_not_just_where_one_is_mapped(chance):
    study = STUDY
    bodies = np.isin(study.spine, BODY_LABELS)
    segmented = np.stack([bodies, chance * (study.changes > 0)]).astype(np.float32)
    changes = mapped(study, segmented=segmented).changes["L3/L4"]
    assert (change_chance(changes) >= 0.5) == any(one.change.any() for one in changes.values())
