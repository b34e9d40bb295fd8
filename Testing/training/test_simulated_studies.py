"""Tests of simulated cohorts for recipes: a paper's mix of grades, and labels as readers would give them."""

from dataclasses import replace

import numpy as np
import pytest
from small_study import small_study

from ModicGraderLib.anatomy import ENDPLATE_LESIONS, GRADED_DISCS, MODIC_MAP_LABELS, vertebra_label
from ModicGraderLib.errors import InputError
from ModicGraderLib.recipes.recipe import CohortWish
from ModicGraderLib.simulation.case import Case, DiscState, EndplateState, MarrowLesion, Patient, VertebraState
from ModicGraderLib.simulation.truth import NARROWED_BELOW
from ModicGraderLib.training import simulated_cohort, simulated_studies
from ModicGraderLib.training.labelled_study import DiscLabels, LabelledStudy
from ModicGraderLib.training.simulated_studies import (
    CALLED_SHARE,
    CASES_EACH,
    NARROWING_STEPS,
    RECIPE_SEEDS,
    SimulatedStudies,
    expected_labels,
    labelled,
    narrowing_grade,
)

DAMOPOULOS = CohortWish(92, "modic", {"0": 429 / 552, "I": 39 / 552, "II": 84 / 552})
BASSANI = CohortWish(580, "endplate_lesion", dict(zip(ENDPLATE_LESIONS, (567, 485, 362, 145), strict=True)))
SPINENET = CohortWish(2009, "lower_marrow_change", {True: 0.15, False: 0.85})


def cases(source: SimulatedStudies) -> list[Case]:
    """The patients of a cohort, without their pictures: a stand-in for the simulator gives back the case."""
    drawn = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(simulated_studies, "simulate", lambda seed, case, slices: drawn.append(case) or case)
        patch.setattr(simulated_studies, "labelled", lambda case, name: case)
        return [source.read(study) for study in source.studies]


def shares(source: SimulatedStudies, wish: CohortWish) -> dict[str, float]:
    """Share of each wished label over the discs that will have one, with hidden changes taken off."""
    counts = dict.fromkeys(map(str, wish.mix), 0.0)
    for case in cases(source):
        for level in GRADED_DISCS:
            labels = expected_labels(case, level)
            if wish.label != "endplate_lesion" or not labels.excluded:
                value = str(getattr(labels, wish.label))
                is_change = wish.label != "endplate_lesion" and value not in ("0", "False")
                counts[value] += CALLED_SHARE if is_change else 1.0
    total = sum(counts.values())
    return {value: count / total for value, count in counts.items()}


@pytest.fixture(scope="module")
def damopoulos() -> SimulatedStudies:
    return SimulatedStudies(DAMOPOULOS, 25)


def test_a_cohort_has_the_mix_of_modic_types_of_the_paper_and_no_other_type(damopoulos):
    assert shares(damopoulos, DAMOPOULOS) == pytest.approx(DAMOPOULOS.mix, abs=0.04)
    assert {one.type for case in cases(damopoulos) for _, _, one in case.lesions} <= {"I", "II"}
    assert damopoulos.title == "25 simulated patients"
    assert damopoulos.narrowing_grades == 4


@pytest.mark.parametrize("wish", [BASSANI, SPINENET], ids=["Bassani", "SpineNet"])
def test_a_cohort_has_the_mix_of_any_other_label(wish):
    total = sum(wish.mix.values())
    wished = {str(value): share / total for value, share in wish.mix.items()}
    assert shares(SimulatedStudies(wish, 25), wish) == pytest.approx(wished, abs=0.05)


def test_a_cohort_without_changes_can_be_wished_for():
    healthy = SimulatedStudies(CohortWish(1, "modic", {"0": 1.0}), 3)
    assert {expected_labels(case, level).modic for case in cases(healthy) for level in GRADED_DISCS} == {"0"}


def test_patients_differ_in_how_many_changes_they_have(damopoulos):
    changed = [sum(expected_labels(case, level).modic != "0" for level in GRADED_DISCS) for case in cases(damopoulos)]
    assert min(changed) == 0 and max(changed) >= 3


def test_the_first_patients_of_a_large_cohort_are_the_small_one(damopoulos):
    small = SimulatedStudies(DAMOPOULOS, 4)
    assert small.studies == damopoulos.studies[:4]
    assert small.key == damopoulos.key, "what was cut for a small budget serves the larger one"


def test_the_key_changes_with_whatever_changes_a_study():
    keys = {
        SimulatedStudies(wish, 1, **words).key
        for wish in (DAMOPOULOS, CohortWish(92, "modic", {"0": 0.5, "I": 0.5}), SPINENET)
        for words in ({}, {"slices": 5}, {"seeds": RECIPE_SEEDS[5000:]})
    }
    assert len(keys) == 9


def test_a_study_is_drawn_from_its_own_seed_with_the_slices_asked_for(monkeypatch):
    asked = []
    monkeypatch.setattr(simulated_studies, "labelled", lambda drawn, name: name)
    monkeypatch.setattr(simulated_studies, "simulate", lambda seed, case, slices: asked.append((seed, case, slices)))
    source = SimulatedStudies(DAMOPOULOS, 2, slices=7)
    for study in (*source.studies, source.studies[0]):
        assert source.read(study) == study
    assert [f"simulated-{seed}" for seed, _, _ in asked] == [*source.studies, source.studies[0]]
    assert asked[0] == asked[2] and {slices for _, _, slices in asked} == {7}
    with pytest.raises(InputError, match="not in this cohort"):
        source.read("simulated-1")


def test_recipes_share_no_patient_with_the_shipped_models():
    parts = (simulated_cohort.TRAINING_SEEDS, simulated_cohort.VALIDATION_SEEDS, simulated_cohort.TEST_SEEDS)
    assert not any(set(part) & set(RECIPE_SEEDS) for part in parts)
    assert len(RECIPE_SEEDS) > 2009 * CASES_EACH, "SpineNet's cohort is the largest"


@pytest.mark.parametrize(
    ("wish", "seeds", "said"),
    [
        (CohortWish(1, "modik", {"0": 1.0}), RECIPE_SEEDS, "'modik' is no label of a disc; wish for one of modic, "),
        (CohortWish(1, "excluded", {"": 1.0}), RECIPE_SEEDS, "'excluded' is no label"),
        (DAMOPOULOS, range(20), f"2 patients need {2 * CASES_EACH} seeds; give more than 20"),
    ],
)
def test_a_wish_that_cannot_be_met_says_why(wish, seeds, said):
    with pytest.raises(InputError, match=said):
        SimulatedStudies(wish, 2, seeds)


def changed(type_: str, height: float = 0.2, lesion: str = "normal") -> EndplateState:
    return EndplateState(lesion, marrow=(MarrowLesion(type_, height),))


CASE = Case(
    Patient("F", 61.5, 165),
    discs={
        "T12/L1": DiscState(1),
        "L1/L2": DiscState(5, height_factor=0.39),
        "L2/L3": DiscState(3, slip_mm=-4.0),
        "L3/L4": DiscState(2, height_factor=0.79, lower=EndplateState("schmorl_node")),
        "L4/L5": DiscState(4, 0.59, upper=changed("I", lesion="notched"), lower=changed("II")),
        "L5/S1": DiscState(4, upper=changed("III", 0.3)),
    },
    vertebrae={"T12": VertebraState("wedge", 0.3)},
)


def called_only(*numbers: int) -> LabelledStudy:
    """The case, of whose changes (numbered from 1) a reader calls some; whole bodies are changed."""
    drawn = small_study(3, CASE)
    lesions = np.zeros_like(drawn.lesions)
    for number, body in ((1, "L4"), (2, "L5")):
        lesions[drawn.labels == vertebra_label(body)] = number
    told = [{"number": one, "called": one in numbers} for one in (1, 2, 3)]
    truth = replace(drawn.truth, input={**drawn.truth.input, "simulated_changes": told})
    return labelled(replace(drawn, lesions=lesions, truth=truth), "simulated-3")


def test_changes_are_marked_by_type_where_a_reader_would_call_them():
    study, seen_in_part = called_only(1, 2), called_only(2)
    for body, type_ in (("L4", "I"), ("L5", "II")):
        assert (study.changes[study.spine == vertebra_label(body)] == MODIC_MAP_LABELS[type_]).all()
    assert (study.changes[study.spine == vertebra_label("L3")] == 0).all()
    assert (seen_in_part.changes[study.spine == vertebra_label("L4")] == 0).all()
    assert study.changes.dtype == np.uint8 and study.changes.shape == study.spine.shape


def test_a_study_has_its_true_discs_its_name_and_the_patients_age():
    study = called_only()
    assert study.name == study.patient == "simulated-3"
    assert [disc.level for disc in study.discs] == list(GRADED_DISCS)
    assert {volume.source["age_years"] for volume in study.study.volumes} == {61.5}
    assert set(study.labels) == set(GRADED_DISCS)


def test_labels_say_what_is_true_of_each_disc():
    labels = called_only().labels
    assert [labels[level].pfirrmann for level in GRADED_DISCS] == [1, 5, 3, 2, 4, 4]
    assert [labels[level].narrowing for level in GRADED_DISCS] == [0, 3, 0, 1, 2, 0]
    assert labels["L3/L4"].endplate_lesion == "schmorl_node"
    assert (labels["L3/L4"].upper_endplate_change, labels["L3/L4"].lower_endplate_change) == (False, True)
    assert labels["L4/L5"].endplate_lesion == "notched"
    assert labels["T12/L1"].modic == "0" and labels["T12/L1"].upper_marrow_change is False


def test_a_change_that_no_reader_would_call_is_neither_there_nor_absent():
    # In the small study each change is a few voxels, too few to be called.
    labels = called_only().labels["L4/L5"]
    assert (labels.modic, labels.upper_marrow_change, labels.lower_marrow_change) == (None, None, None)


def test_bassanis_exclusions_are_named():
    excluded = {level: expected_labels(CASE, level).excluded for level in GRADED_DISCS}
    assert excluded == {
        "T12/L1": "fracture",
        "L1/L2": "Pfirrmann 5",
        "L2/L3": "slip",
        "L3/L4": "",
        "L4/L5": "",
        "L5/S1": "large Modic change",
    }
    truth = called_only().labels
    # A change that is not called cannot exclude a disc.
    assert {level: one.excluded for level, one in truth.items()} == {**excluded, "L5/S1": ""}


@pytest.mark.parametrize(("percent", "why"), [(24.9, ""), (25.0, "large Modic change")])
def test_a_called_change_of_a_quarter_of_the_height_excludes_its_disc(percent, why):
    disc = next(one for one in small_study(3, CASE).truth.discs if one.level == "L4/L5")
    upper = replace(disc.endplates["upper"], height_percent=percent)
    disc = replace(disc, endplates={**disc.endplates, "upper": upper})
    assert simulated_studies.true_labels(disc, CASE).excluded == why


def test_what_a_case_will_be_called_joins_several_types():
    assert expected_labels(CASE, "L4/L5").modic == "I/II"
    assert expected_labels(CASE, "L5/S1").modic == "III"
    assert expected_labels(CASE, "L5/S1") == DiscLabels(
        "III", 4, 0, "normal", False, False, True, False, "large Modic change"
    )


def test_narrowing_begins_where_the_simulator_says_and_grows_in_equal_steps():
    assert NARROWING_STEPS[0] == NARROWED_BELOW
    assert np.allclose(np.diff(NARROWING_STEPS), -0.2)
    assert [narrowing_grade(height) for height in (1.1, 0.8, 0.79, 0.6, 0.59, 0.4, 0.39)] == [0, 0, 1, 1, 2, 2, 3]
