"""Tests of simulated patients as the grader's training data: grades and changed pixels stay with their discs."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from painted_spine import PaintReader
from small_study import small_study

from ModicGraderLib.anatomy import ENDPLATES, GRADED_DISCS, MODIC_TYPES, vertebra_label, vertebrae_of
from ModicGraderLib.grading.disc_input import input_grid
from ModicGraderLib.grading.tasks import BINARY_TASKS, ENDPLATE_LESION, LESIONS, MODIC_TYPE, PFIRRMANN
from ModicGraderLib.report import DiscReport, ModicReading
from ModicGraderLib.simulation.case import LESION_TYPES, Case, DiscState, EndplateState, MarrowLesion, Patient
from ModicGraderLib.simulation.simulate import SimulatedStudy
from ModicGraderLib.training.graded_discs import HIDDEN, LOWER_ENDPLATE, OTHER_ENDPLATE, UNKNOWN
from ModicGraderLib.training.simulated_discs import changes_of, nearest, simulated_discs, true_targets


def changed(type_: str, **words: str) -> EndplateState:
    return EndplateState(marrow=(MarrowLesion(type_, 0.3),), **words)


CASE = Case(
    Patient("F", 60, 165),
    discs={
        "L3/L4": DiscState(3, upper=changed("I/II")),
        "L4/L5": DiscState(4, upper=changed("I", lesion="notched"), lower=changed("II")),
        "T10/T11": DiscState(2, lower=changed("III")),
    },
)
PLACES = {("L3/L4", "upper"): "L3", ("L4/L5", "upper"): "L4", ("L4/L5", "lower"): "L5", ("T10/T11", "lower"): "T12"}
"""Which body each change of the case fills (the last one for want of its own)."""


def with_grade(disc: DiscReport, endplate: str, grade: str | None, **words: Any) -> DiscReport:
    """A disc on one of whose endplates a Modic grade is read; keywords change that endplate further."""
    shares = {type_: float(type_ in (grade or "").split("/")) for type_ in MODIC_TYPES}
    own = replace(disc.endplates[endplate], modic=ModicReading(grade, shares), **words)
    return replace(disc, endplates={**disc.endplates, endplate: own})


@pytest.fixture(scope="module")
def drawn() -> SimulatedStudy:
    """The case, with whole bodies for changes and every change called, but for that of the lower endplate of L4/L5."""
    study = small_study(3, CASE)
    lesions = np.zeros_like(study.lesions)
    for number, (level, endplate, _) in enumerate(CASE.lesions, 1):
        lesions[study.labels == vertebra_label(PLACES[level, endplate])] = number
    discs = []
    for disc in study.truth.discs:
        for name in ENDPLATES:
            marrow = getattr(CASE.disc(disc.level), name).marrow
            hidden = (disc.level, name) == ("L4/L5", "lower")
            disc = with_grade(disc, name, None if hidden else marrow[0].type if marrow else "0")
        discs.append(disc)
    return replace(study, lesions=lesions, truth=replace(study.truth, discs=discs))


@pytest.mark.parametrize(
    ("level", "body", "code"),
    [
        ("L3/L4", "L3", 1 + LESION_TYPES.index("I/II")),
        ("L4/L5", "L4", 1 + LESION_TYPES.index("I")),
        # Drawn, but not seen by a reader.
        ("L4/L5", "L5", HIDDEN + 1 + LESION_TYPES.index("II") + LOWER_ENDPLATE),
        ("L5/S1", "L5", HIDDEN + 1 + LESION_TYPES.index("II") + OTHER_ENDPLATE),
        # Seen, but resting on the endplate of another disc.
        ("L3/L4", "L4", 1 + LESION_TYPES.index("I") + OTHER_ENDPLATE),
        ("L2/L3", "L3", 1 + LESION_TYPES.index("I/II") + OTHER_ENDPLATE),
        # Of discs above those that are graded nothing is known.
        ("T12/L1", "T12", HIDDEN + 1 + LESION_TYPES.index("III") + OTHER_ENDPLATE),
        ("L5/S1", "S1", 0),
    ],
)
def test_changed_pixels_say_their_type_and_whose_endplate_they_rest_on(drawn, level, body, code):
    disc = next(disc for disc in drawn.discs if disc.level == level)
    grid = input_grid(disc, drawn.t2)
    codes = changes_of(level, drawn, grid)
    assert codes.shape == grid.shape
    assert codes.dtype == np.uint8
    side = disc.normal if vertebrae_of(level)[0] == body else -disc.normal
    middle = disc.center + side * (disc.height_mm / 2 + 8)
    at = np.round(grid.to_index(middle)).astype(int)
    assert codes[tuple(at)] == code


def test_a_change_that_is_called_on_the_lower_endplate_says_so(drawn):
    discs = [with_grade(disc, "lower", "II") if disc.level == "L4/L5" else disc for disc in drawn.truth.discs]
    seen = replace(drawn, truth=replace(drawn.truth, discs=discs))
    disc = next(disc for disc in drawn.discs if disc.level == "L4/L5")
    codes = changes_of("L4/L5", seen, input_grid(disc, drawn.t2))
    assert 1 + LESION_TYPES.index("II") + LOWER_ENDPLATE in codes
    assert UNKNOWN not in codes


def test_targets_say_what_the_truth_says(drawn):
    disc = next(disc for disc in drawn.truth.discs if disc.level == "L4/L5")
    disc = replace(
        with_grade(with_grade(disc, "lower", "0", marrow_change=0.0), "upper", "I/II", marrow_change=1.0),
        modic=replace(disc.modic, grade="II/III"),
        herniation=1.0,
        bulging=0.0,
        spondylolisthesis=None,
    )
    disc.endplates["upper"].modic.probabilities = {"I": 0.4, "II": 0.6, "III": 0.0}
    outputs = true_targets(disc, CASE)
    targets = dict(zip(BINARY_TASKS, outputs, strict=False))
    assert targets["modic_change"] == targets["disc_herniation"] == targets["upper_marrow_change"] == 1
    assert targets["disc_bulging"] == targets["lower_marrow_change"] == targets["lower_endplate_change"] == 0
    assert targets["upper_endplate_change"] == 1
    assert np.isnan(targets["spondylolisthesis"])
    assert outputs[PFIRRMANN].tolist() == [1, 1, 1, 0]
    np.testing.assert_allclose(outputs[MODIC_TYPE["upper"]], [0.4, 0.6, 0.0])
    assert np.isnan(outputs[MODIC_TYPE["lower"]]).all()
    assert outputs[ENDPLATE_LESION["upper"]].tolist() == [float(one == "notched") for one in LESIONS]
    assert np.isnan(outputs[ENDPLATE_LESION["lower"]]).all()


@pytest.mark.parametrize(("grade", "expected"), [("0", 0.0), ("III", 1.0), (None, np.nan)])
def test_a_grade_that_is_withheld_is_no_target(drawn, grade, expected):
    disc = drawn.truth.discs[0]
    target = true_targets(replace(disc, modic=replace(disc.modic, grade=grade)), CASE)[0]
    np.testing.assert_equal(float(target), expected)


@pytest.fixture(scope="module")
def graded(drawn):
    return simulated_discs(drawn, PaintReader().eval(), "simulated-3")


def test_every_disc_that_is_found_is_graded_with_the_truth_of_its_place(drawn, graded):
    assert [one.disc.level for one in graded] == list(GRADED_DISCS)
    for one, truth in zip(graded, drawn.truth.discs, strict=True):
        assert one.patient == "simulated-3"
        assert one.pfirrmann == truth.pfirrmann.grade
        np.testing.assert_array_equal(one.targets, true_targets(truth, CASE))
        assert one.changes.shape == one.disc.region.shape[1:]
        assert np.isfinite(one.exposure).all()
        center = one.disc.grid.to_patient((np.array(one.disc.grid.shape) - 1) / 2)
        assert np.linalg.norm((center - truth.center_lps_mm)[1:]) < 4
    l4 = graded[GRADED_DISCS.index("L4/L5")]
    assert 1 in l4.changes and (l4.changes > HIDDEN).any()


def test_changes_lie_in_the_bodies_of_the_region(graded):
    one = graded[GRADED_DISCS.index("L3/L4")]
    own = one.changes == 1 + LESION_TYPES.index("I/II")
    assert own.any()
    assert one.disc.region[3][own].mean() > 0.9


def test_a_study_on_which_no_spine_is_seen_has_no_discs(drawn):
    blank = replace(
        drawn,
        t1=replace(drawn.t1, array=np.zeros_like(drawn.t1.array)),
        t2=replace(drawn.t2, array=np.zeros_like(drawn.t2.array)),
    )
    assert simulated_discs(blank, PaintReader().eval(), "p") == []


def test_a_disc_found_a_level_away_is_not_the_true_one(drawn):
    disc = drawn.discs[2]
    near = replace(disc, center=disc.center + 0.2 * disc.width_mm * disc.anterior)
    assert nearest(disc.center, disc.width_mm, [drawn.discs[0], near]) == 1
    beside = replace(disc, center=disc.center + 0.6 * disc.width_mm * disc.left)
    assert nearest(disc.center, disc.width_mm, [drawn.discs[0], beside]) == 1
    assert nearest(disc.center, disc.width_mm, [drawn.discs[0], drawn.discs[4]]) is None
    assert nearest(disc.center, disc.width_mm, []) is None
