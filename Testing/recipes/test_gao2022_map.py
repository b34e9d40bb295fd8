"""Gao 2022: how segmented voxels become changes, endplates and types."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from gao_samples import BOXES, DISCS, drawn_study
from hypothesis import given, settings
from hypothesis import strategies as st
from painted_spine import sagittal_grid, true_labels

from ModicGraderLib.anatomy import MODIC_MAP_LABELS
from ModicGraderLib.mapping.marrow import BODY_LABELS
from ModicGraderLib.recipes.gao2022_map import change_chance, disc_type, modic_map, named_vertebrae, type_shares_of
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


@pytest.mark.parametrize("typing", ["rule", "gaussian"])
@pytest.mark.parametrize("type_", MODIC_MAP_LABELS)
def test_a_change_is_given_to_its_endplate_and_type(type_, typing):
    found = mapped(drawn_study(change=type_), typing)
    touched = {(level, name) for level, ends in found.changes.items() for name, one in ends.items() if one.change.any()}
    assert touched == {("L3/L4", "upper")}
    assert disc_type(found.changes["L3/L4"]) == type_
    assert type_shares_of(found.changes["L4/L5"]) is None
    labels, counts = np.unique(found.types[found.changed], return_counts=True)
    assert labels[counts.argmax()] == MODIC_MAP_LABELS[type_]


def test_inside_the_dead_band_the_rule_leaves_the_type_open():
    study = drawn_study(change="open")
    study = replace(study, changes=drawn_study(change="I").changes)
    found = mapped(study)
    # Noise alone leaves the dead band in two of ten voxels.
    assert (found.types[found.changed] == 0).mean() > 0.7
    shares = type_shares_of(found.changes["L3/L4"])
    assert sum(shares.values()) == pytest.approx(1) and max(shares.values()) < 0.5


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
