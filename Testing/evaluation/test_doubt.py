"""Tests of how doubt is measured: on patients whose threshold was fitted on others."""

import numpy as np
import pytest

from ModicGraderLib.evaluation.doubt import HEAD, doubt_rows, draw_curves, given_out_of_fold, risk_curve
from ModicGraderLib.grading.abstention import Judged


def judged(seed: int = 0, patients: int = 120) -> Judged:
    """Grades that are as often wrong as their confidence says."""
    random = np.random.default_rng(seed)
    confidence = random.uniform(0.5, 1.0, 6 * patients)
    names = np.repeat([f"patient-{number}" for number in range(patients)], 6)
    return Judged(confidence, random.random(len(confidence)) > confidence, names)


def test_the_curve_goes_from_the_surest_grades_to_all():
    one = Judged(np.array([0.9, 0.6, 0.8]), np.array([False, True, False]), np.array(["a", "b", "c"]))
    coverage, risk = risk_curve(one)
    assert coverage.tolist() == pytest.approx([1 / 3, 2 / 3, 1])
    assert risk.tolist() == pytest.approx([0, 0, 1 / 3])


def test_withholding_lowers_the_risk_of_patients_the_threshold_has_not_seen():
    one = judged()
    given = given_out_of_fold(one, 0.18)
    assert 0.3 < given.mean() < 1
    assert one.wrong[given].mean() < 0.18 < one.wrong.mean()


def test_a_patient_does_not_set_its_own_threshold():
    one = judged()
    held = one.patients == "patient-0"
    flipped = Judged(one.confidence, np.where(held, ~one.wrong, one.wrong), one.patients)
    assert (given_out_of_fold(one, 0.18)[held] == given_out_of_fold(flipped, 0.18)[held]).all()


def test_a_row_tells_what_is_given_and_how_much_of_it_is_wrong():
    (row,) = doubt_rows({"narrowing": judged()})
    assert len(row) == len(HEAD)
    assert row[:3] == ("narrowing", 120, 720)
    (hopeless,) = doubt_rows({"narrowing": Judged(judged().confidence, np.ones(720, bool), judged().patients)})
    assert hopeless[-2:] == ("0%", "none given")


def test_the_curves_are_drawn(tmp_path):
    draw_curves({"simulated": {"narrowing": judged()}}, tmp_path / "doubt.png")
    assert [path.name for path in tmp_path.iterdir()] == ["doubt.png"]
