"""Drawn patients, counted: they are as the sources of the tables describe them."""

from collections import Counter

import numpy as np
import pytest

from ModicGraderLib.anatomy import ENDPLATES, GRADED_DISCS
from ModicGraderLib.simulation.case import LESION_TYPES, Case, DiscState
from ModicGraderLib.simulation.epidemiology import (
    BASSANI_SHARES,
    MODIC_BY_PFIRRMANN,
    PFIRRMANN_COUNTS,
    WOMEN,
    draw_case,
    draw_patient,
)
from ModicGraderLib.simulation.lesion_lots import BALANCED_MIX, EPIDEMIOLOGICAL_MIX, HEIGHT_CLASS_SHARES, UPPER_LUMBAR
from ModicGraderLib.simulation.truth import NARROWED_BELOW

PATIENTS = 1500


@pytest.fixture(scope="module")
def cases() -> list[Case]:
    rng = np.random.default_rng(1)
    return [draw_case(rng) for _ in range(PATIENTS)]


def changed(disc: DiscState) -> bool:
    return bool(disc.upper.marrow or disc.lower.marrow)


def lumbar_discs(cases) -> list[tuple[str, DiscState, Case]]:
    return [(level, case.disc(level), case) for case in cases for level in GRADED_DISCS]


def test_the_same_seed_draws_the_same_patient():
    first, again, other = (draw_case(np.random.default_rng(seed)) for seed in (3, 3, 4))
    assert first == again != other


def test_patients_are_adults_of_both_sexes(cases):
    patients = [case.patient for case in cases]
    assert np.mean([one.sex == "F" for one in patients]) == pytest.approx(WOMEN, abs=0.05)
    assert min(one.age_years for one in patients) >= 20
    assert max(one.age_years for one in patients) <= 85
    tall = {sex: np.mean([one.stature_cm for one in patients if one.sex == sex]) for sex in "FM"}
    assert 9 < tall["M"] - tall["F"] < 17


def test_given_words_of_a_patient_are_kept():
    patient = draw_patient(np.random.default_rng(0), sex="M", age_years=58)
    assert (patient.sex, patient.age_years) == ("M", 58)


@pytest.mark.parametrize("level", GRADED_DISCS)
def test_pfirrmann_grades_are_as_frequent_as_readers_gave_them(cases, level):
    counted = Counter(case.disc(level).pfirrmann for case in cases)
    expected = np.array(PFIRRMANN_COUNTS[level]) / sum(PFIRRMANN_COUNTS[level])
    found = np.array([counted[grade] for grade in range(1, 6)]) / PATIENTS
    assert found == pytest.approx(expected, abs=0.06)


def test_discs_degenerate_with_age_and_with_their_neighbors(cases):
    grades = np.array([[case.disc(level).pfirrmann for level in GRADED_DISCS] for case in cases])
    ages = np.array([case.patient.age_years for case in cases])
    assert grades[ages > 65].mean() > grades[ages < 40].mean() + 0.6
    between = np.corrcoef(grades.T)[np.triu_indices(len(GRADED_DISCS), 1)]
    assert 0.3 < between.min() < between.max() < 0.75


@pytest.mark.parametrize("grade", range(1, 6))
def test_worn_discs_have_modic_changes_more_often(cases, grade):
    lumbar = [disc for level, disc, _ in lumbar_discs(cases) if level != "T12/L1" and disc.pfirrmann == grade]
    assert np.mean([changed(disc) for disc in lumbar]) == pytest.approx(MODIC_BY_PFIRRMANN[grade - 1], abs=0.06)


@pytest.mark.parametrize("mix", [BALANCED_MIX, EPIDEMIOLOGICAL_MIX])
def test_types_follow_the_mix_that_is_asked_for(mix):
    assert sum(mix.values()) == pytest.approx(1)
    rng = np.random.default_rng(2)
    types = Counter(lesion.type for _ in range(400) for _, _, lesion in draw_case(rng, mix).lesions)
    for type_ in LESION_TYPES:
        assert types[type_] / types.total() == pytest.approx(mix[type_], abs=0.04)


def test_upper_changes_are_small_and_in_front_and_lower_ones_of_all_sizes(cases):
    lesions = [(level in UPPER_LUMBAR, lesion) for case in cases for level, _, lesion in case.lesions]
    upper, lower = ([lesion for high, lesion in lesions if high == where] for where in (True, False))
    for some, where in ((upper, "upper"), (lower, "lower")):
        found = np.histogram([lesion.height for lesion in some], (0, 0.25, 0.5, 1))[0] / len(some)
        assert found == pytest.approx(HEIGHT_CLASS_SHARES[where], abs=0.03)
    assert np.mean([lesion.anterior > 0.3 for lesion in upper]) > 0.95
    assert np.mean([lesion.anterior > 0.3 for lesion in lower]) < 0.5


def test_strengths_reach_from_barely_visible_to_full_blown(cases):
    strengths = [lesion.strength for case in cases for _, _, lesion in case.lesions]
    low, middle, high = np.percentile(strengths, (5, 50, 95))
    assert low < 0.45 < middle < 0.85 < high <= 1


def test_type_one_lies_beside_changed_endplates(cases):
    shares = {}
    for type_ in ("I", "II"):
        discs = [
            disc
            for _, disc, _ in lumbar_discs(cases)
            if any(lesion.type == type_ for name in ENDPLATES for lesion in getattr(disc, name).marrow)
        ]
        shares[type_] = np.mean([{disc.upper.lesion, disc.lower.lesion} != {"normal"} for disc in discs])
    assert shares["I"] > 0.93
    assert shares["II"] < 0.85


def test_a_change_on_one_side_has_its_endplate_lesion_there(cases):
    for _, disc, _ in lumbar_discs(cases):
        lesions = (disc.upper.lesion != "normal", disc.lower.lesion != "normal")
        marrow = (bool(disc.upper.marrow), bool(disc.lower.marrow))
        assert sum(lesions) != 1 or sum(marrow) != 1 or lesions == marrow


@pytest.mark.parametrize("level", ["L1/L2", "L5/S1"])
def test_endplate_lesions_are_of_the_classes_that_their_level_has(cases, level):
    classes = Counter(
        lesion
        for case in cases
        if 40 < case.patient.age_years < 60
        for lesion in (case.disc(level).upper.lesion, case.disc(level).lower.lesion)
    )
    del classes["normal"]
    expected = np.array(BASSANI_SHARES[level]) / sum(BASSANI_SHARES[level])
    found = [classes[name] / classes.total() for name in ("wavy_irregular", "notched", "schmorl_node")]
    assert found == pytest.approx(expected, abs=0.07)


def test_nodes_grow_more_frequent_with_age(cases):
    def share(young: float, old: float) -> float:
        lesions = [
            getattr(disc, name).lesion
            for _, disc, case in lumbar_discs(cases)
            if young < case.patient.age_years < old
            for name in ENDPLATES
        ]
        return lesions.count("schmorl_node") / len(lesions)

    assert share(65, 86) > 2 * share(19, 40)


def test_no_disc_is_on_the_border_of_being_narrowed(cases):
    factors = [disc.height_factor for _, disc, _ in lumbar_discs(cases)]
    assert not [one for one in factors if abs(one - NARROWED_BELOW) < 0.015]
    collapsed = [disc.height_factor for _, disc, _ in lumbar_discs(cases) if disc.pfirrmann == 5]
    assert max(collapsed) <= 0.5


def test_slips_are_at_the_lowest_levels_and_with_age_in_women(cases):
    slipped = [(level, case) for level, disc, case in lumbar_discs(cases) if abs(disc.slip_mm) >= 3]
    levels = Counter(level for level, _ in slipped)
    assert levels["L5/S1"] > levels["L4/L5"] > levels["L3/L4"]
    degenerative = [case.patient for level, case in slipped if level == "L4/L5"]
    assert np.mean([one.sex == "F" for one in degenerative]) > 0.7
    assert np.median([one.age_years for one in degenerative]) > 55


def test_transitional_vertebrae_and_distractors_are_there_and_rare(cases):
    assert 0.05 < np.mean([case.transitional != "none" for case in cases]) < 0.10
    for found in ("hemangioma_mm", "focal_fat_mm"):
        share = np.mean([any(getattr(one, found) for one in case.vertebrae.values()) for case in cases])
        assert 0.1 < share < 0.6
    broken = {
        old: np.mean(
            [
                any(one.fracture != "none" for one in case.vertebrae.values())
                for case in cases
                if (case.patient.age_years > 65) == old
            ]
        )
        for old in (False, True)
    }
    assert broken[True] > 2 * broken[False] > 0
