"""Tests of simulated patients on their way through the pipeline: whose voxels are counted where, and what is kept."""

from dataclasses import replace

import numpy as np
import pytest
from painted_spine import sagittal_grid
from small_study import small_study

from ModicGraderLib.anatomy import ENDPLATES, GRADED_DISCS, vertebra_label
from ModicGraderLib.errors import InputError
from ModicGraderLib.evaluation import measured_studies
from ModicGraderLib.evaluation.measured_studies import (
    MAPPED_TYPES,
    TRUE_TYPES,
    MeasuredStudy,
    count_overlap,
    measure_seed,
    measure_studies,
    pack_measured,
    read_measured,
)
from ModicGraderLib.simulation.case import Case, DiscState, EndplateState, MarrowLesion, Patient

L4 = vertebra_label("L4")
UPPER, LOWER = range(2)


def study_with(type_: str, *, called: bool = True):
    """A spine of boxes with one change, a block of voxels in the lower half of L4: the upper endplate of L4/L5."""
    state = DiscState(upper=EndplateState(marrow=(MarrowLesion(type_, 0.3),)))
    drawn = small_study(0, Case(Patient("F", 50.0, 165.0), discs={"L4/L5": state}))
    lesions = np.zeros_like(drawn.lesions)
    bone = np.argwhere(drawn.labels == L4)
    low = bone[bone[:, 1] > np.percentile(bone[:, 1], 70)]
    lesions[tuple(low.T)] = 1
    for disc in drawn.truth.discs:
        disc.endplates["upper"].modic.grade = type_ if disc.level == "L4/L5" and called else "0"
    return replace(drawn, lesions=lesions)


def counts(overlap, level, endplate, true, mapped):
    return overlap[GRADED_DISCS.index(level), endplate, TRUE_TYPES.index(true), MAPPED_TYPES.index(mapped)]


def test_a_map_that_is_right_overlaps_with_nothing_else():
    drawn = study_with("II")
    found = (2 * (drawn.lesions > 0)).astype(np.uint8)
    overlap = count_overlap(drawn, found, drawn.t2.grid)
    assert counts(overlap, "L4/L5", UPPER, "II", "II") == (drawn.lesions > 0).sum() > 50
    assert overlap.sum() == (drawn.lesions > 0).sum()


def test_what_is_missed_and_what_is_of_another_type_is_counted():
    drawn = study_with("I/II")
    found = np.where(drawn.lesions > 0, 3, 0).astype(np.uint8)
    places = np.argwhere(found > 0)
    found[tuple(places[:20].T)] = 0
    overlap = count_overlap(drawn, found, drawn.t2.grid)
    assert counts(overlap, "L4/L5", UPPER, "I/II", "0") == 20
    assert counts(overlap, "L4/L5", UPPER, "I/II", "III") == len(places) - 20
    assert overlap.sum() == len(places)


def test_what_the_truth_does_not_call_counts_nowhere():
    drawn = study_with("I", called=False)
    assert count_overlap(drawn, (drawn.lesions > 0).astype(np.uint8), drawn.t2.grid).sum() == 0
    assert count_overlap(drawn, np.zeros_like(drawn.lesions), drawn.t2.grid).sum() == 0


@pytest.mark.parametrize(("rows", "level", "endplate"), [("top", "L3/L4", LOWER), ("bottom", "L4/L5", UPPER)])
def test_what_is_marked_falsely_counts_at_the_nearest_endplate(rows, level, endplate):
    drawn = study_with("I", called=False)
    drawn = replace(drawn, lesions=np.zeros_like(drawn.lesions))
    bone = np.argwhere(drawn.labels == L4)
    row = bone[:, 1].min() + 2 if rows == "top" else bone[:, 1].max() - 2
    found = ((drawn.labels == L4) & (np.arange(drawn.labels.shape[1])[:, None] == row)).astype(np.uint8)
    overlap = count_overlap(drawn, found, drawn.t2.grid)
    assert counts(overlap, level, endplate, "0", "I") == found.sum() == overlap.sum() > 10


def test_the_map_may_lie_on_another_grid_than_the_truth():
    drawn = study_with("II")
    finer = sagittal_grid(2, (4.0, 0.75), (340, 220))
    found = np.zeros(finer.shape, np.uint8)
    fraction = (drawn.lesions > 0).sum() * 1.5**2
    overlap = count_overlap(drawn, found, finer)
    assert counts(overlap, "L4/L5", UPPER, "II", "0") * 0.75**2 == pytest.approx(fraction, rel=0.1)


@pytest.mark.parametrize("graded", [True, False])
def test_a_measured_study_is_the_same_after_a_round_trip(tmp_path, graded):
    truth = small_study(3).truth
    overlap = np.arange(6 * 2 * 6 * 4).reshape(6, 2, 6, 4)
    one = MeasuredStudy("simulated-3", truth, truth if graded else None, overlap)
    np.savez_compressed(tmp_path / "3.npz", **pack_measured(one))
    back = read_measured(tmp_path / "3.npz")
    assert (back.patient, back.truth, back.report) == (one.patient, one.truth, one.report)
    assert (back.overlap == overlap).all()


def test_a_patient_in_whom_no_spine_is_seen_is_kept_with_what_was_missed(monkeypatch, tmp_path):
    drawn = study_with("II")
    # The boxes are painted alike in both contrasts, and files of the same picture twice are refused.
    drawn = replace(drawn, t1=replace(drawn.t1, array=drawn.t1.array / 2))
    monkeypatch.setattr(measured_studies, "simulate", lambda seed: drawn)
    monkeypatch.setattr(measured_studies.Models, "shipped", lambda device: None)

    def blind(*_, **__):
        raise InputError("No lumbar spine is seen.")

    monkeypatch.setattr(measured_studies, "grade_study", blind)
    np.savez_compressed(tmp_path / "7.npz", **measure_seed(7))
    back = read_measured(tmp_path / "7.npz")
    assert back.report is None and back.patient == "simulated-7"
    assert counts(back.overlap, "L4/L5", UPPER, "II", "0") == (drawn.lesions > 0).sum()


def test_a_measurement_that_was_stopped_goes_on(monkeypatch, tmp_path):
    asked = []

    def draw_now(folder, seeds, draw, processes):
        folder.mkdir(parents=True, exist_ok=True)
        for seed in seeds:
            if not (folder / f"{seed}.npz").exists():
                asked.append(seed)
                truth = small_study(seed).truth
                one = MeasuredStudy(f"simulated-{seed}", truth, truth, np.zeros((6, len(ENDPLATES), 6, 4)))
                np.savez_compressed(folder / f"{seed}.npz", **pack_measured(one))

    monkeypatch.setattr(measured_studies, "draw_cohort", draw_now)
    assert [one.patient for one in measure_studies([1], tmp_path)] == ["simulated-1"]
    assert [one.patient for one in measure_studies([2, 1], tmp_path)] == ["simulated-2", "simulated-1"]
    assert asked == [1, 2]
    # Other models or other code measure anew.
    monkeypatch.setattr(measured_studies, "_state", lambda: "another")
    measure_studies([1], tmp_path)
    assert asked == [1, 2, 1]
