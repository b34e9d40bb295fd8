"""Tests of tissues: their signal in closed form, the contrasts of the Modic types, and what age does to marrow."""

import numpy as np
import pytest

from ModicGraderLib.anatomy import PFIRRMANN_GRADES, VERTEBRAE_UPWARDS
from ModicGraderLib.simulation.case import Patient
from ModicGraderLib.simulation.tissues import (
    FAT_T1_MS,
    FAT_T2_MS,
    TYPICAL,
    Sequence,
    draw_tissues,
    mean_marrow_fat,
    spin_echo,
    water_and_fat,
)

T1_AT, T2_AT = {1.5: Sequence(510, 9.8), 3.0: Sequence(697, 13.8)}, {1.5: Sequence(3500, 106), 3.0: Sequence(3750, 120)}

CONTRASTS = {
    "lesion I": ((0.69, 1.25), (0.74, 1.29)),
    "lesion II": ((1.25, 1.42), (1.24, 1.45)),
    "lesion III": ((0.30, 0.20), (0.30, 0.20)),
    "csf": ((0.24, 2.2), (0.31, 2.7)),
    "fat": ((1.5, 1.75), (1.5, 1.75)),
    "muscle": ((0.5, 0.22), (0.5, 0.20)),
}
"""(T1, T2) signal at 1.5 T and at 3 T against marrow that is half fat: of the literature, muscle on T2 as on SPIDER."""


def signal(tissue, sequence, fat=(310.0, 128.0)):
    return float(spin_echo(np.array(tissue), sequence, *fat))


def against_marrow(name, sequence, field_t):
    fat = (np.interp(field_t, (1.5, 3.0), FAT_T1_MS), np.interp(field_t, (1.5, 3.0), FAT_T2_MS))
    return signal(TYPICAL[name].at(field_t), sequence, fat) / signal(TYPICAL["marrow"].at(field_t), sequence, fat)


def test_signal_is_that_of_the_spin_echo_equations():
    water = 0.8 * 0.7 * (1 - np.exp(-500 / 900)) * np.exp(-12 / 40)
    fat = 0.8 * 0.3 * (1 - np.exp(-500 / 310)) * np.exp(-12 / 128)
    assert water_and_fat(np.array([0.8, 0.3, 900, 40]), Sequence(500, 12), 310, 128) == pytest.approx((water, fat))
    assert signal((0.8, 0.3, 900, 40), Sequence(500, 12)) == pytest.approx(water + fat)


def test_an_inversion_nulls_fat_and_leaves_the_water_of_the_closed_form():
    sequence = Sequence(4000, 60, inversion_time_ms=float(np.log(2) * 310))
    water, fat = water_and_fat(np.array([1.0, 0.5, 1200, 90]), sequence, 310, 128)
    assert fat < 1e-4
    left = 1 - 2 * np.exp(-np.log(2) * 310 / 1200) + np.exp(-4000 / 1200)
    assert water == pytest.approx(0.5 * abs(left) * np.exp(-60 / 90), rel=1e-4)


def test_a_restoring_pulse_gives_fluid_its_steady_state():
    left, kept = np.exp(-1000 / 4300), np.exp(-2 * 124 / 2000)
    fluid = (1.0, 0.0, 4300.0, 2000.0)
    expected = (1 - left) / (1 - left * kept) * np.exp(-124 / 2000)
    assert signal(fluid, Sequence(1000, 124, restores=True)) == pytest.approx(expected, rel=1e-5)
    assert expected > 2 * signal(fluid, Sequence(1000, 124))


@pytest.mark.parametrize("field_t", [1.5, 3.0])
@pytest.mark.parametrize("name", CONTRASTS)
def test_contrasts_are_those_of_the_literature(name, field_t):
    expected = CONTRASTS[name][field_t > 2]
    ratios = [against_marrow(name, sequences[field_t], field_t) for sequences in (T1_AT, T2_AT)]
    assert ratios == pytest.approx(expected, rel=0.15)


def test_the_nucleus_darkens_with_its_pfirrmann_grade():
    brightness = [against_marrow(f"nucleus {grade}", T2_AT[1.5], 1.5) for grade in PFIRRMANN_GRADES]
    assert np.all(np.diff(brightness) < -0.03)
    assert brightness[0] > 0.8
    assert brightness[-1] < 0.25


@pytest.mark.parametrize("age", [25, 45, 65, 85])
def test_lesions_part_from_the_patients_own_marrow_in_the_direction_of_their_type(age):
    ratios = {"t1": {"I": [], "II": [], "III": []}, "t2": {"I": [], "II": [], "III": []}}
    for seed in range(100):
        field_t = (1.5, 3.0)[seed % 2]
        tissues = draw_tissues(Patient("FM"[seed % 4 // 2], age, 170), field_t, np.random.default_rng(seed))
        fat = (tissues.fat_t1_ms, tissues.fat_t2_ms)
        for contrast, sequence in (("t1", T1_AT[field_t]), ("t2", T2_AT[field_t])):
            marrow = signal(tissues.marrow["L4"], sequence, fat)
            for type_, lesion in tissues.lesion.items():
                ratios[contrast][type_].append(signal(lesion, sequence, fat) / marrow)
    darkest, brightest = (
        {
            contrast: {type_: np.percentile(seen, end) for type_, seen in types.items()}
            for contrast, types in ratios.items()
        }
        for end in (5, 95)
    )
    assert brightest["t1"]["I"] < 0.97 < 1.05 < darkest["t2"]["I"]
    assert min(darkest["t1"]["II"], darkest["t2"]["II"]) > 1.03
    assert max(brightest["t1"]["III"], brightest["t2"]["III"]) < 0.55


def test_marrow_grows_fatter_with_age_and_women_overtake_men():
    share = {(sex, age): mean_marrow_fat(Patient(sex, age, 170)) for sex in "FM" for age in (25, 50, 85)}
    assert share["M", 25] < share["M", 50] < share["M", 85]
    assert share["F", 25] < share["M", 25]
    assert share["F", 85] > share["M", 85]


def test_marrow_is_fatter_from_vertebra_to_vertebra_downwards():
    drawn = [draw_tissues(Patient("M", 50, 175), 1.5, np.random.default_rng(seed)).marrow for seed in range(40)]
    assert set(drawn[0]) == {*VERTEBRAE_UPWARDS, "S2", "S3"}
    rise = np.mean([marrow["L5"].fat - marrow["L1"].fat for marrow in drawn])
    assert rise == pytest.approx(0.04, abs=0.01)


def test_the_same_lot_draws_the_same_tissues_and_another_one_others():
    first, again, other = (draw_tissues(Patient("F", 50, 165), 3.0, np.random.default_rng(seed)) for seed in (1, 1, 2))
    assert first == again != other
