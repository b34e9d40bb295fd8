"""SpineNet 2016: what is cut of a study, and its labels as classes."""

from __future__ import annotations

import functools
from dataclasses import replace

import numpy as np
import pytest
from box_spine import Spine
from spinenet_samples import noise_sample

from ModicGraderLib.recipes.spinenet2016_discs import TASKS, classes_of, cut, grade_of, normalized, target_of
from ModicGraderLib.recipes.spinenet2016_views import (
    SHAPE,
    SOURCE_SHAPE,
)
from ModicGraderLib.study import SpineStudy, Volume
from ModicGraderLib.training.labelled_study import DiscLabels, LabelledStudy


@functools.cache
def straight_spine() -> Spine:
    return Spine(0)


def box_study(slices: slice = slice(None), slice_mm: float = 4.0, **kept) -> LabelledStudy:
    """Bodies of signal 100 that grow dimmer from slice to slice, discs of 40, anything else 10."""
    spine = straight_spine()
    signal = np.select([spine.labels == 0, spine.labels < 100, spine.labels > 200], [10.0, 100.0, 40.0], 10.0)
    signal = (signal * np.linspace(1, 3, len(signal))[:, None, None]).astype(np.float32)[slices]
    affine = spine.reference.affine.copy()
    affine[:3, 3] = spine.reference.to_patient([slices.start or 0, 0, 0])
    affine[0, 0] *= slice_mm / 4.0
    affine[0, 3] *= slice_mm / 4.0
    change = spine.cuboid("L4/L5", "upper", 8, (-5, 5), (-5, 5))[slices]
    study = SpineStudy(None, Volume(signal, affine, "t2"))
    labels = {"L4/L5": DiscLabels(pfirrmann=3, upper_marrow_change=True)}
    built = LabelledStudy(
        "s", "p", study, tuple(reversed(spine.discs.values())), spine.labels[slices], change.astype(np.uint8), labels
    )
    return replace(built, **kept)


def test_the_six_discs_are_cut_with_their_labels():
    samples = cut(box_study())
    assert [one.level for one in samples] == ["T12/L1", "L1/L2", "L2/L3", "L3/L4", "L4/L5", "L5/S1"]
    assert {one.arrays["volume"].shape for one in samples} == {SOURCE_SHAPE}
    assert {one.arrays["volume"].dtype for one in samples} == {np.dtype(np.uint8)}
    assert samples[4].labels.pfirrmann == 3
    assert samples[0].labels == DiscLabels()


def test_bodies_are_half_as_bright_as_can_be_on_every_slice():
    volume = cut(box_study())[2].arrays["volume"]
    # Above the disc, which is in the middle; the outermost slices lie beside the bodies.
    assert abs(volume[1:12, 55, 160].astype(int) - 128).max() <= 1
    assert abs(volume[6, 96, 160].astype(int) - 51) <= 1


def test_arches_behind_the_bodies_do_not_count_as_bodies():
    study = box_study()
    bodies = np.where(study.spine < 100, study.spine, 0)
    arches = np.where(study.spine == 0, np.roll(bodies, 36, axis=2), 0)
    # The signal rises towards the back, so that the arches, nearly as large as the bodies, would raise the median.
    ramp = np.broadcast_to(np.arange(1.0, 1 + study.spine.shape[2], dtype=np.float32), study.spine.shape)
    pictures = SpineStudy(None, replace(study.study.t2, array=ramp))
    volume, plain = (
        cut(replace(study, study=pictures, spine=spine))[2].arrays["volume"]
        for spine in (study.spine + arches, study.spine)
    )
    assert np.array_equal(volume, plain)
    assert abs(int(plain[6, 55, 160]) - 128) <= 2


def test_a_region_is_centered_on_its_disc_and_shows_some_two_fifths_of_each_vertebra():
    volume = cut(box_study())[2].arrays["volume"][6, 40:152, 48:272]
    disc = np.flatnonzero(abs(volume[:, 112].astype(int) - 51) < 20)
    assert disc.mean() == pytest.approx(55.5, abs=1)
    pixel_mm = 1.85 * 36 / 224
    assert len(disc) * pixel_mm == pytest.approx(9, abs=0.7)
    assert 0.35 < (112 - len(disc)) / 2 * pixel_mm / 26 < 0.5
    bright = np.flatnonzero(volume[20] > 100)
    assert (bright.mean(), len(bright) * pixel_mm) == (pytest.approx(111.5, abs=1.5), pytest.approx(36, abs=1.5))


def test_slices_that_a_narrow_series_does_not_have_are_zero():
    volume = cut(box_study(slice(4, 11)))[2].arrays["volume"]
    assert [bool(one.any()) for one in volume] == [False] * 3 + [True] * 7 + [False] * 3


def test_a_single_slice_stands_in_place_of_each_and_so_does_its_change():
    of_all, of_one = (
        {one.level: one for one in cut(box_study(part))}["L4/L5"].arrays for part in (slice(None), slice(7, 8))
    )
    assert (of_one["volume"] == of_all["volume"][6]).all()
    assert len(of_one["volume"]) == len(of_all["volume"])
    assert abs(int(of_one["volume"][6, 55, 160]) - 128) <= 1
    assert (of_one["changes"] == of_all["changes"][4]).all()
    assert of_one["changes"].shape == SHAPE


@pytest.mark.parametrize("slice_mm", [1.0, np.nextafter(1.0, 2.0)], ids=["upright", "oblique, with its rounding"])
def test_thin_slices_are_skipped_so_that_nine_span_the_disc(slice_mm):
    changed = np.zeros(straight_spine().labels.shape, np.uint8)
    changed[11] = 1
    [*_, sample, _] = cut(box_study(slice_mm=slice_mm, changes=changed))
    # The eleventh slice lies four after the middle one: that is the next that is taken.
    assert np.flatnonzero(sample.arrays["changes"].any((1, 2))).tolist() == [5]


def test_true_changes_are_told_by_the_body_that_bears_them():
    samples = {one.level: one for one in cut(box_study())}
    changes = samples["L4/L5"].arrays["changes"]
    assert changes.shape == SHAPE
    assert set(np.unique(changes)) == {0, 1}
    assert np.flatnonzero(changes.any((0, 2))).max() < 56
    assert "changes" not in samples["L1/L2"].arrays


def test_a_study_without_t2_has_nothing_for_spinenet():
    study = box_study()
    assert cut(replace(study, study=SpineStudy(replace(study.study.t2, contrast="t1"), None))) == []


def test_a_disc_without_signal_about_it_is_left_out():
    study = box_study()
    dark = replace(study.study.t2, array=np.zeros_like(study.study.t2.array))
    assert cut(replace(study, study=SpineStudy(None, dark))) == []


def test_a_slice_without_bodies_is_scaled_as_its_neighbor_and_bright_pixels_are_clipped():
    volume, bodies = np.full((3, 20, 20), 4.0), np.ones((3, 20, 20), bool)
    volume[2, 0, 0], volume[1], bodies[1] = 100, 8, False
    volume[2] *= 2
    scaled = normalized(volume, bodies)
    assert (scaled[0] == 0.5).all()
    assert (scaled[1] == 1.0).all()
    assert (scaled[2, 0, 0], scaled[2, 1, 1]) == (1.0, 0.5)


def test_labels_become_class_numbers_and_these_grades():
    labels = DiscLabels(pfirrmann=5, narrowing=2, upper_marrow_change=True, lower_endplate_change=False)
    assert [target_of(labels, task) for task in TASKS] == [4, 2, -1, 0, 1, -1]
    for task, classes in TASKS.items():
        for number in range(classes):
            value = grade_of(task, number)
            known = DiscLabels(**{task: value == "True" if task.endswith("change") else int(value)})
            assert target_of(known, task) == number
            assert str(getattr(known, task)) == value


def test_narrowing_has_two_classes_where_the_source_says_yes_or_no():
    yes, graded = (noise_sample("a", DiscLabels(narrowing=grade)) for grade in (1, 3))
    assert classes_of([yes]) == TASKS | {"narrowing": 2}
    assert classes_of([yes, graded]) == TASKS
