"""Tests of the signal rule: each type from its definition, and only where a change touches the endplate."""

from dataclasses import replace

import numpy as np
import pytest
from graded_example import LESION_MM, MODIC, WIDTH_MM, example_graded_study
from hypothesis import given
from hypothesis import strategies as st
from scipy import ndimage

from ModicGraderLib.anatomy import MODIC_MAP_LABELS, MODIC_TYPES, disc_label, vertebra_label
from ModicGraderLib.mapping.marrow import Marrow, fit_marrow
from ModicGraderLib.mapping.signal_rule import (
    BACKGROUND_MM2,
    DEAD_BAND,
    EDGE_MM,
    MIN_AREA_MM2,
    TOUCH_MM,
    EndplateSignal,
    marrow_scores,
    read_endplates,
    total_excess,
    type_shares,
    type_voxels,
)
from ModicGraderLib.study import SpineStudy

SCORES = {"I": (-3.0, 3.0), "II": (3.0, 2.0), "III": (-3.0, -3.0)}
"""z-scores on T1 and T2 that define each type."""


@pytest.fixture(scope="module")
def graded():
    return example_graded_study()


SPREAD = 0.1


def marked(graded, low_mm: float, high_mm: float, type_: str, reach_mm: float = 12.0, level: str = "L3/L4"):
    """Where a change lies in the vertebra above a disc between two depths, its type's scores, and the disc."""
    disc = next(disc for disc in graded.location.discs if disc.level == level)
    volume = graded.study.reference
    offset = volume.to_patient(np.stack(np.indices(volume.array.shape), axis=-1)) - disc.center
    depth = offset @ disc.normal - disc.height_mm / 2
    here = (depth >= low_mm) & (depth < high_mm) & (np.abs(offset @ disc.anterior) < reach_mm)
    return here, SCORES[type_], disc


def read(graded, here: np.ndarray, scores: tuple[float, float], disc):
    """The rule's reading of pictures whose marrow is even everywhere but `here`, where it has these z-scores."""
    reference = graded.study.reference
    t1, t2 = (np.exp(SPREAD * score * here).astype(np.float32) for score in scores)
    study = SpineStudy(replace(reference, array=t1, contrast="t1"), replace(reference, array=t2))
    even = Marrow(np.zeros(5), np.zeros(3), np.eye(3), SPREAD)
    return read_endplates(disc, graded.location.labels, study, {"t1": even, "t2": even})


@pytest.mark.parametrize("type_", SCORES)
def test_each_type_follows_from_its_definition(type_):
    assert type_voxels(*map(np.array, SCORES[type_])) == MODIC_MAP_LABELS[type_]


def test_fat_that_is_no_brighter_on_t2_is_type_two():
    assert type_voxels(np.array(3.0), np.array(0.0)) == MODIC_MAP_LABELS["II"]


@given(st.floats(-DEAD_BAND, DEAD_BAND), st.floats(-20, 20))
def test_marrow_that_is_normal_on_t1_has_no_type(t1, t2):
    assert type_voxels(np.array(t1), np.array(t2)) == 0


@given(st.floats(-20, 20), st.floats(-20, 20))
def test_a_type_never_contradicts_the_signal(t1, t2):
    type_ = int(type_voxels(np.array(t1), np.array(t2)))
    assert type_ != 1 or (t1 < 0 < t2)
    assert type_ != 2 or (t1 > 0 and t2 > -DEAD_BAND)
    assert type_ != 3 or (t1 < 0 and t2 < 0)


area_tables = st.dictionaries(st.sampled_from(tuple(MODIC_MAP_LABELS)), st.floats(0, 5000))


@given(st.lists(area_tables.map(EndplateSignal), max_size=2))
def test_shares_sum_to_one_and_exclude_no_type(signals):
    shares = type_shares(signals)
    assert sum(shares.values()) == pytest.approx(1)
    assert set(shares) == set(MODIC_TYPES[1:])
    assert min(shares.values()) > 0


@given(area_tables)
def test_what_a_normal_endplate_shows_is_no_excess(areas):
    signal = EndplateSignal(areas)
    assert total_excess([signal]) == pytest.approx(
        sum(max(area - BACKGROUND_MM2[name], 0) for name, area in areas.items())
    )
    assert total_excess([EndplateSignal(BACKGROUND_MM2)] * 2) == 0


@pytest.mark.parametrize("type_", SCORES)
def test_a_change_at_the_endplate_is_measured(graded, type_):
    found, typed = read(graded, *marked(graded, 0, 6, type_))
    assert found["upper"].areas_mm2[type_] == pytest.approx((6 - EDGE_MM) * 24, rel=0.15)
    assert sum(found["upper"].areas_mm2.values()) == found["upper"].areas_mm2[type_]
    assert sum(found["lower"].areas_mm2.values()) == 0
    assert set(np.unique(typed)) == {0, MODIC_MAP_LABELS[type_]}


def test_a_change_that_does_not_touch_the_endplate_is_left_out(graded):
    found, typed = read(graded, *marked(graded, TOUCH_MM + 2, TOUCH_MM + 8, "II"))
    assert not typed.any()
    assert sum(found["upper"].areas_mm2.values()) == 0


def test_a_speck_at_the_endplate_is_left_out(graded):
    assert not read(graded, *marked(graded, 0, 3, "I", reach_mm=0.3 * MIN_AREA_MM2 / 3))[1].any()


def test_a_change_within_the_disc_is_no_change_of_marrow(graded):
    disc = graded.location.discs[3]
    inside = ndimage.binary_erosion(graded.location.labels == disc_label(disc.level), iterations=2)
    assert inside.any()
    assert not read(graded, inside, SCORES["II"], disc)[1].any()


def test_a_vertebra_out_of_view_has_no_finding(graded):
    here, scores, disc = marked(graded, 0, 6, "II")
    cut = np.where(graded.location.labels == vertebra_label("L3"), 0, graded.location.labels)
    found, typed = read(replace(graded, location=replace(graded.location, labels=cut)), here, scores, disc)
    assert found["upper"] == EndplateSignal({})
    assert not typed.any()


def test_changes_drawn_into_a_study_are_found_with_their_type_and_size(graded):
    grid = graded.study.reference.grid
    marrow = {
        name: fit_marrow(volume, graded.location.labels, grid)
        for name, volume in (("t1", graded.study.t1), ("t2", graded.study.t2))
    }
    for disc in graded.location.discs:
        found, _ = read_endplates(disc, graded.location.labels, graded.study, marrow)
        areas = found["upper"].areas_mm2
        if disc.level in MODIC:
            assert max(areas, key=areas.get) == MODIC[disc.level]
            assert areas[MODIC[disc.level]] == pytest.approx(LESION_MM * WIDTH_MM / 2, rel=0.35)
        # Partial volume with a bright disc looks like a thin type I; only the grader tells it from a change.
        elsewhere = [found["lower"]] if disc.level in MODIC else list(found.values())
        assert max(sum(signal.areas_mm2.values()) for signal in elsewhere) < LESION_MM * WIDTH_MM / 2


def test_scores_of_normal_marrow_have_mean_zero_on_any_grid(graded):
    reference = graded.study.reference.grid
    marrow = {"t1": fit_marrow(graded.study.t1, graded.location.labels, reference)}
    scores = marrow_scores(graded.study, marrow, reference)
    assert set(scores) == {"t1"}
    assert scores["t1"].shape == graded.study.t2.array.shape
    assert abs(np.median(scores["t1"][graded.location.labels == vertebra_label("L3")])) < 0.5
