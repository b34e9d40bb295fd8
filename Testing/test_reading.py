"""Tests of what is said of a disc: the grades agree with the map, and whatever is withheld says why."""

from dataclasses import replace

import numpy as np
import pytest
from example_grades import painted_grades, shares_of
from graded_example import example_graded_study
from hypothesis import given, settings
from hypothesis import strategies as st

from ModicGraderLib.anatomy import ENDPLATES, MODIC_GRADES, PFIRRMANN_GRADES
from ModicGraderLib.grading.abstention import GIVE_ALL, GRADES, Thresholds
from ModicGraderLib.grading.decisions import CHANGE_CALLED
from ModicGraderLib.grading.disc_grades import DiscGrades
from ModicGraderLib.mapping.change_map import EndplateChange, map_changes
from ModicGraderLib.reading import ONE_CONTRAST, called, read_disc
from ModicGraderLib.report import DiscReport

GRADED = example_graded_study()
STUDY, LOCATION = GRADED.study, GRADED.location
DISC = LOCATION.discs[3]

Changes = dict[str, EndplateChange]


def mapped(grades: DiscGrades) -> Changes:
    """The map at the endplates of the disc, typed by its grades alone."""
    return map_changes(DISC, grades, LOCATION.labels, STUDY, {})


def read(grades: DiscGrades, changes: Changes | None, thresholds: Thresholds = GIVE_ALL) -> DiscReport:
    return read_disc(DISC, grades, changes, LOCATION, STUDY.reference, thresholds)


def with_chances(grades: DiscGrades, upper: float, lower: float, disc: float | None = None) -> DiscGrades:
    """The same grades with other probabilities of a change; that of the disc follows from the endplates if None."""
    findings = {
        "upper_marrow_change": upper,
        "lower_marrow_change": lower,
        "modic_change": 1 - (1 - upper) * (1 - lower) if disc is None else disc,
    }
    return replace(grades, findings=grades.findings | findings)


QUIET = painted_grades(DISC, STUDY.reference)
MAPS = {grade: painted_grades(DISC, STUDY.reference, {"upper": grade}) for grade in ("I", "II/III")}
MAPS = {None: None, **{grade: mapped(one) for grade, one in {"0": QUIET, **MAPS}.items()}}
chances = st.floats(0, 1)


@settings(max_examples=40)
@given(chances, chances, st.sampled_from(list(MAPS)), st.lists(chances, min_size=len(GRADES), max_size=len(GRADES)))
def test_probabilities_are_probabilities_and_withheld_grades_say_why(upper, lower, shown, least):
    disc = read(with_chances(QUIET, upper, lower), MAPS[shown], Thresholds.from_array(np.array(least)))
    readings = {"modic": disc.modic, **{f"{name}_endplate_modic": disc.endplates[name].modic for name in ENDPLATES}}
    for modic in readings.values():
        assert sum(modic.probabilities.values()) == pytest.approx(1)
        assert min(modic.probabilities.values()) >= 0
        assert modic.grade in (None, *MODIC_GRADES)
        assert 1 - modic.probabilities["0"] == pytest.approx(modic.any_change)
    withheld = [entry["grade"] for entry in disc.abstained]
    assert len(set(withheld)) == len(withheld)
    assert all(entry["reason"] for entry in disc.abstained)
    others = {"pfirrmann": disc.pfirrmann, "endplate_lesion": disc.endplate_lesion, "narrowing": disc.narrowing}
    for name, reading in (readings | others).items():
        assert (reading.grade is None) == (name in withheld)


@settings(max_examples=40)
@given(chances, chances)
def test_the_disc_has_a_change_exactly_where_an_endplate_has_one(upper, lower):
    disc = read(with_chances(QUIET, upper, lower), MAPS["0"])
    own = {endplate.modic.grade for endplate in disc.endplates.values()}
    assert (disc.modic.grade == "0") == (own == {"0"})
    assert (disc.modic.grade == "0") == (disc.modic.any_change < CHANGE_CALLED)


@pytest.mark.parametrize("endplate", ENDPLATES)
@pytest.mark.parametrize("grade", MODIC_GRADES[1:])
def test_the_type_of_a_change_is_what_the_map_shows(endplate, grade):
    grades = painted_grades(DISC, STUDY.reference, {endplate: grade})
    disc = read(replace(grades, modic_types=dict.fromkeys(ENDPLATES, np.full(3, 1 / 3))), mapped(grades))
    other = next(name for name in ENDPLATES if name != endplate)
    assert (disc.modic.grade, disc.endplates[endplate].modic.grade) == (grade, grade)
    assert disc.endplates[other].modic.grade == "0"
    said = [disc.endplates[endplate].modic.probabilities[name] for name in ("I", "II", "III")]
    np.testing.assert_allclose(said, 0.95 * shares_of(grade), atol=0.02)


def test_two_changes_of_different_types_are_mixed_by_their_size():
    small = {"depth_mm": 6.0, "reach": (0.0, 0.35)}
    large = {"depth_mm": 10.0, "reach": (0.0, 1.0)}
    upper, lower = (painted_grades(DISC, STUDY.reference, {name: grade}, **size) for name, grade, size in (
        ("upper", "I", small), ("lower", "II", large),
    ))  # fmt: skip
    grades = with_chances(QUIET, 0.95, 0.95)
    disc = read(grades, {"upper": mapped(upper)["upper"], "lower": mapped(lower)["lower"]})
    assert [disc.endplates[name].modic.grade for name in ENDPLATES] == ["I", "II"]
    assert disc.modic.grade == "II"
    assert disc.modic.probabilities["II"] > 3 * disc.modic.probabilities["I"] > 0


def test_a_change_that_is_not_mapped_gets_the_type_the_networks_suppose():
    grades = with_chances(replace(QUIET, modic_types=dict.fromkeys(ENDPLATES, np.array([0.1, 0.1, 0.8]))), 0.9, 0.1)
    for changes in (MAPS["0"], {}):
        disc = read(grades, changes)
        assert disc.modic.grade == disc.endplates["upper"].modic.grade == "III"
        assert disc.endplates["lower"].modic.grade == "0"


def test_where_only_the_disc_is_likely_changed_the_likelier_endplate_is_called():
    assert called(with_chances(QUIET, 0.30, 0.20)) == ("upper",)
    assert called(with_chances(QUIET, 0.20, 0.30)) == ("lower",)
    assert called(with_chances(QUIET, 0.15, 0.15)) == ()
    assert called(with_chances(QUIET, 0.60, 0.35)) == ("upper", "lower")
    disc = read(with_chances(QUIET, 0.30, 0.20), MAPS["I"])
    assert disc.modic.grade == disc.endplates["upper"].modic.grade == "I"
    assert disc.endplates["lower"].modic.grade == "0"


def test_a_called_change_is_measured_and_others_are_not():
    grades = painted_grades(DISC, STUDY.reference, {"upper": "II"}, depth_mm=8.0)
    disc = read(grades, mapped(grades))
    upper, lower = (disc.endplates[name] for name in ENDPLATES)
    # 8 of 27 mm, and somewhat more where the body leans against the disc.
    assert 28 < upper.height_percent < 40
    assert upper.volume_mm3 > 0
    assert isinstance(upper.location, list)
    assert lower.height_percent is None
    # What the map shows is not measured either where no change is called.
    assert read(with_chances(grades, 0.1, 0.1), mapped(grades)).endplates["upper"].height_percent is None


@pytest.mark.parametrize("change", [0.1, 0.9])
def test_without_both_contrasts_no_type_is_given_but_its_probability(change):
    disc = read(with_chances(QUIET, change, 0.0), None)
    assert disc.modic.grade is None
    assert disc.modic.any_change == pytest.approx(change)
    assert {"grade": "modic", "reason": ONE_CONTRAST} in disc.abstained
    assert all(endplate.modic.grade is None for endplate in disc.endplates.values())
    assert disc.pfirrmann.grade == 2


@pytest.mark.parametrize("name", GRADES)
def test_a_grade_in_doubt_is_withheld_alone_and_its_probabilities_stay(name):
    thresholds = Thresholds({**GIVE_ALL.least, name: np.inf})
    sure, doubtful = read(QUIET, MAPS["0"]), read(QUIET, MAPS["0"], thresholds)
    assert sure.abstained == []
    assert [entry["grade"] for entry in doubtful.abstained] == [name]
    for one, other in ((sure.modic, doubtful.modic), (sure.pfirrmann, doubtful.pfirrmann)):
        assert one.probabilities == other.probabilities
    assert doubtful.narrowing.present == sure.narrowing.present


def test_findings_are_passed_on_under_their_names():
    findings = {"disc_narrowing": 0.7, "upper_endplate_change": 0.6, "disc_herniation": 0.3, "spondylolisthesis": 0.04}
    disc = read(painted_grades(DISC, STUDY.reference, pfirrmann=4, lesion="schmorl_node", **findings), MAPS["0"])
    assert (disc.level, disc.narrowing.present, disc.narrowing.grade) == (DISC.level, 0.7, 1)
    assert disc.endplates["upper"].endplate_change == 0.6
    assert disc.endplates["lower"].endplate_change == pytest.approx(0.05)
    assert (disc.herniation, disc.spondylolisthesis) == (0.3, 0.04)
    assert disc.pfirrmann.grade == 4
    assert set(disc.pfirrmann.probabilities) == {str(grade) for grade in PFIRRMANN_GRADES}
    assert disc.pfirrmann.probabilities["4"] == pytest.approx(0.95)
    assert disc.endplate_lesion.grade == "schmorl_node"
    assert disc.endplate_lesion.probabilities["schmorl_node"] == pytest.approx(0.95)
