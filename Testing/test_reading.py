"""Tests of what is said of a disc: when a type is given, and that whatever is withheld says why."""

import numpy as np
import pytest
from graded_example import example_graded_study
from hypothesis import given
from hypothesis import strategies as st

from ModicGraderLib.anatomy import ENDPLATES, GRADED_DISCS, MODIC_GRADES
from ModicGraderLib.grading.grader import DiscGrades
from ModicGraderLib.grading.tasks import BINARY_TASKS
from ModicGraderLib.localization.spine import SpineLocation
from ModicGraderLib.mapping.signal_rule import EndplateSignal
from ModicGraderLib.reading import DECIDED, NO_TYPE, ONE_CONTRAST, TYPED_AREA_MM2, read_disc
from ModicGraderLib.report import DiscReport

LOCATION = example_graded_study().location
chances = st.floats(0, 1)
areas = st.dictionaries(
    st.sampled_from(("I", "II", "III")), st.one_of(st.just(0.0), st.floats(TYPED_AREA_MM2, 800)), max_size=3
)
signals = st.one_of(st.none(), st.fixed_dictionaries({name: areas.map(EndplateSignal) for name in ENDPLATES}))


def read(change: float, found: dict[str, EndplateSignal] | None, disc: int = 4, **chances: float) -> DiscReport:
    findings = dict.fromkeys(BINARY_TASKS, 0.1) | {"modic_change": change} | chances
    return read_disc(LOCATION.discs[disc], DiscGrades(findings, np.array([0.0, 0.1, 0.2, 0.6, 0.1])), found, LOCATION)


def seen(upper: dict[str, float] | None = None, lower: dict[str, float] | None = None) -> dict[str, EndplateSignal]:
    return {"upper": EndplateSignal(upper or {}), "lower": EndplateSignal(lower or {})}


@given(chances, signals)
def test_probabilities_are_probabilities_and_withheld_grades_say_why(change, found):
    disc = read(change, found)
    for modic in (disc.modic, *(endplate.modic for endplate in disc.endplates.values())):
        assert sum(modic.probabilities.values()) == pytest.approx(1)
        assert min(modic.probabilities.values()) >= 0
        assert modic.grade in (None, *MODIC_GRADES)
        assert modic.any_change <= change
    withheld = {entry["grade"]: entry["reason"] for entry in disc.abstained}
    assert (disc.modic.grade is None) == ("modic" in withheld)
    for name, endplate in disc.endplates.items():
        assert endplate.modic.grade is not None or {"modic", f"{name}_endplate_modic"} & set(withheld)
    assert all(withheld.values())


@given(st.floats(0, DECIDED, exclude_max=True), signals)
def test_where_no_change_is_probable_the_grade_is_zero(change, found):
    disc = read(change, found)
    assert {disc.modic.grade, *(endplate.modic.grade for endplate in disc.endplates.values())} == {"0"}


@pytest.mark.parametrize(
    ("upper", "lower", "grade"),
    [
        ({"I": 100.0}, {}, "I"),
        ({}, {"II": 60.0}, "II"),
        ({"III": 280.0}, {"III": 140.0}, "III"),
        ({"I": 100.0, "II": 110.0}, {}, "I/II"),
        ({"II": 150.0}, {"III": 230.0}, "II/III"),
        ({"II": 200.0, "I": 40.0}, {}, "II"),
        # A mixture of types I and III has no name in the literature: the larger one is given.
        ({"I": 150.0}, {"III": 180.0}, "I"),
    ],
)
def test_the_type_of_a_change_is_what_the_signal_shows(upper, lower, grade):
    assert read(0.9, seen(upper, lower)).modic.grade == grade


def test_an_endplate_without_typed_marrow_has_no_change_of_its_own():
    disc = read(0.9, seen({"II": 120.0}))
    assert disc.endplates["upper"].modic.grade == "II"
    assert disc.endplates["upper"].marrow_change == pytest.approx(0.9)
    assert disc.endplates["lower"].modic.grade == "0"
    assert disc.endplates["lower"].marrow_change == 0


def test_a_probable_change_without_a_typical_signal_gets_no_type():
    disc = read(0.9, seen({"II": TYPED_AREA_MM2 - 1}))
    assert disc.modic.grade is None
    assert {"grade": "modic", "reason": NO_TYPE} in disc.abstained


@pytest.mark.parametrize("change", [0.1, 0.9])
def test_without_both_contrasts_a_probable_change_gets_no_type(change):
    disc = read(change, None)
    assert disc.modic.grade == ("0" if change < DECIDED else None)
    assert ({"grade": "modic", "reason": ONE_CONTRAST} in disc.abstained) == (change >= DECIDED)
    assert disc.modic.any_change == change


def test_findings_are_passed_on_under_their_names():
    disc = read(0.2, seen(), disc_narrowing=0.7, upper_endplate_change=0.6, disc_herniation=0.3, spondylolisthesis=0.05)
    assert (disc.narrowing.present, disc.narrowing.grade) == (0.7, 1)
    assert disc.endplates["upper"].endplate_change == 0.6
    assert disc.endplates["lower"].endplate_change == 0.1
    assert (disc.herniation, disc.spondylolisthesis) == (0.3, 0.05)
    assert disc.pfirrmann.grade == 4
    assert disc.pfirrmann.probabilities == pytest.approx({"1": 0.0, "2": 0.1, "3": 0.2, "4": 0.6, "5": 0.1})


@pytest.mark.parametrize("disc", range(6))
def test_disc_height_index_is_the_height_over_that_of_the_bodies_beside_it(disc):
    # The example's discs are 9 mm and its vertebrae 27 mm high.
    assert read(0.1, seen(), disc).height_index == pytest.approx(9 / 27, abs=0.03)


def test_a_disc_without_neighbors_has_no_height_index():
    alone = SpineLocation(LOCATION.discs[2:3], LOCATION.numbering, LOCATION.labels)
    findings = dict.fromkeys(BINARY_TASKS, 0.1)
    disc = read_disc(alone.discs[0], DiscGrades(findings, np.full(5, 0.2)), None, alone)
    assert disc.level == GRADED_DISCS[2]
    assert disc.height_index is None
