"""Cases that are asked for, and how hard they are."""

import numpy as np
import pytest

from ModicGraderLib.errors import InputError
from ModicGraderLib.lessons.wish import (
    DIFFICULTIES,
    FINDINGS,
    MODIC_FINDINGS,
    Wish,
    case_words,
    difficulty_of,
    fulfills,
)
from ModicGraderLib.simulation.case_file import build_case
from ModicGraderLib.simulation.case_schema import check_case
from ModicGraderLib.simulation.teaching import find_case

from .simulated_truth import simulated_truth

SEEDS = range(30)


def case_of(seed, **wish):
    return build_case(case_words(Wish(**wish), seed), np.random.default_rng(seed))


def test_every_wish_becomes_a_case_file_that_can_be_simulated():
    for finding in ("any", *FINDINGS):
        for difficulty in ("any", *DIFFICULTIES):
            for seed in SEEDS:
                words = case_words(Wish(None, finding, difficulty), seed)
                check_case(words)
                build_case(words, np.random.default_rng(seed))


def test_the_words_of_a_drawn_case_do_not_name_what_they_show():
    assert all(case_words(Wish(), seed).keys() <= {"schema", "others", "discs"} for seed in SEEDS)


def test_the_same_seed_draws_the_same_case_and_another_one_another():
    words = [case_words(Wish(finding="modic_2"), seed) for seed in (1, 1, 2)]
    assert words[0] == words[1] != words[2]


@pytest.mark.parametrize(("finding", "types"), MODIC_FINDINGS.items())
def test_changes_are_of_the_type_that_was_asked_for(finding, types):
    drawn = {lesion.type for seed in SEEDS for _, _, lesion in case_of(seed, finding=finding).lesions}
    assert drawn == set(types)


@pytest.mark.parametrize("finding", ["endplate_lesion", "pfirrmann", "none"])
def test_cases_about_something_else_have_no_modic_change(finding):
    assert not any(case_of(seed, finding=finding).lesions for seed in SEEDS)


def test_a_healthy_spine_has_neither_worn_discs_nor_changed_endplates():
    for seed in SEEDS:
        for disc in case_of(seed, finding="none").discs.values():
            assert disc.pfirrmann <= 2
            assert (disc.upper.lesion, disc.lower.lesion) == ("normal", "normal")


def test_all_grades_of_wear_and_all_endplate_lesions_occur():
    worn = [case_of(seed, finding="pfirrmann") for seed in SEEDS]
    assert {disc.pfirrmann for case in worn for disc in case.discs.values()} == {1, 2, 3, 4, 5}
    words = [case_words(Wish(finding="endplate_lesion"), seed)["discs"] for seed in SEEDS]
    drawn = {side["endplate_lesion"] for discs in words for disc in discs.values() for side in disc.values()}
    assert drawn == {"wavy_irregular", "notched", "schmorl_node"}


def test_any_finding_is_each_of_them_at_times():
    words = [case_words(Wish(), seed) for seed in range(100)]
    types = {
        change["type"]
        for one in words
        for disc in one.get("discs", {}).values()
        for side in ("upper", "lower")
        for change in disc.get(side, {}).get("modic", ())
    }
    assert types == {"I", "II", "III", "I/II", "II/III"}
    assert any(one.get("others") == "healthy" for one in words)
    assert any("pfirrmann" in disc for one in words for disc in one.get("discs", {}).values())


def test_harder_changes_are_drawn_smaller_and_fainter():
    sizes = {}
    for difficulty in DIFFICULTIES:
        lesions = [
            one for seed in SEEDS for _, _, one in case_of(seed, finding="modic_1", difficulty=difficulty).lesions
        ]
        sizes[difficulty] = np.mean([one.strength * one.height * one.anterior_extent for one in lesions])
    assert sizes["easy"] > 2 * sizes["medium"] > 2 * sizes["hard"]


def test_a_teaching_case_is_taken_by_its_name():
    assert case_words(Wish(name="modic-1"), 0) == find_case("modic-1")


@pytest.mark.parametrize("wish", [{"name": "modic-9"}, {"finding": "modic_9"}, {"difficulty": "harsh"}])
def test_what_there_is_not_cannot_be_wished(wish):
    with pytest.raises(InputError, match="give one of"):
        Wish(**wish)


@pytest.mark.parametrize(
    ("changes", "difficulty"),
    [
        (((3.0, 60.0),), "easy"),
        (((2.9, 60.0),), "medium"),
        (((3.0, 59.0),), "medium"),
        (((2.5, 36.0),), "medium"),
        (((2.4, 80.0),), "hard"),
        (((9.0, 35.0),), "hard"),
        (((9.0, 90.0), (2.4, 90.0)), "hard"),
        ((), None),
    ],
)
def test_a_case_is_as_hard_as_the_hardest_of_its_changes(changes, difficulty):
    assert difficulty_of(simulated_truth(changes=changes)) == difficulty


def test_changes_that_no_reader_would_call_do_not_count():
    truth = simulated_truth(changes=((9.0, 90.0), (1.0, 5.0)))
    truth.input["simulated_changes"][1]["called"] = False
    assert difficulty_of(truth) == "easy"


@pytest.mark.parametrize(
    ("wish", "changes", "wanted"),
    [
        ({"finding": "modic_1", "difficulty": "easy"}, ((9.0, 90.0),), True),
        ({"finding": "modic_1", "difficulty": "hard"}, ((9.0, 90.0),), False),
        ({"finding": "modic_1"}, (), False),
        ({"difficulty": "hard"}, (), True),
        ({"finding": "pfirrmann", "difficulty": "hard"}, (), True),
        ({"name": "modic-1"}, ((1.6, 6.0),), True),
    ],
)
def test_a_case_that_is_not_what_was_wished_is_told(wish, changes, wanted):
    assert fulfills(simulated_truth(changes=changes), Wish(**wish)) is wanted
