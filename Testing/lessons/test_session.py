"""A session: blind answers, the truth after them, and what comes of both."""

import numpy as np
import pytest

from ModicGraderLib.anatomy import GRADED_DISCS
from ModicGraderLib.errors import InputError
from ModicGraderLib.lessons.items import ITEMS, SIGNS
from ModicGraderLib.lessons.session import TeachingSession
from ModicGraderLib.lessons.wish import Wish

from .simulated_truth import simulated_truth

WISH = Wish(finding="modic_1", difficulty="easy")


@pytest.fixture
def session():
    one = TeachingSession(seed=3)
    one.begin(one.draw(WISH), simulated_truth(1))
    return one


def test_every_graded_disc_is_asked_from_head_to_foot(session):
    assert session.levels == GRADED_DISCS


def test_every_item_comes_back_beside_the_truth_and_the_machine(session):
    session.answer("L4/L5", "pfirrmann", 4)
    case = session.reveal(simulated_truth(2))
    assert [(one.level, one.item) for one in case.verdicts] == [(a, b) for a in GRADED_DISCS for b in ITEMS]
    truth, machine = simulated_truth(1), simulated_truth(2)
    here = {one.item: one for one in case.verdicts if one.level == "L4/L5"}
    disc, said = (next(d for d in report.discs if d.level == "L4/L5") for report in (truth, machine))
    assert here["pfirrmann"].answer == 4
    assert (here["pfirrmann"].truth, here["pfirrmann"].machine) == (disc.pfirrmann.grade, said.pfirrmann.grade)
    assert here["modic_upper"].truth == disc.endplates["upper"].modic.grade
    assert here["modic_lower"].machine == said.endplates["lower"].modic.grade
    assert here["narrowing"].truth == disc.narrowing.grade
    assert here["endplate_lesion"].look_at == SIGNS["endplate_lesion"][disc.endplate_lesion.grade]


def test_an_answer_is_right_where_it_is_the_truth_and_open_ones_are_neither(session):
    truth = next(disc for disc in simulated_truth(1).discs if disc.level == "L5/S1")
    session.answer("L5/S1", "narrowing", truth.narrowing.grade)
    session.answer("L5/S1", "pfirrmann", truth.pfirrmann.grade % 5 + 1)
    verdicts = {one.item: one.right for one in session.reveal().verdicts if one.level == "L5/S1"}
    assert verdicts == {
        "modic_upper": None,
        "modic_lower": None,
        "pfirrmann": False,
        "narrowing": True,
        "endplate_lesion": None,
    }


def test_an_answer_may_be_changed_and_taken_back_before_the_truth_is_told(session):
    session.answer("L4/L5", "modic_upper", "I")
    session.answer("L4/L5", "modic_upper", "II")
    session.answer("L4/L5", "narrowing", 1)
    session.answer("L4/L5", "narrowing", None)
    case = session.reveal()
    assert case.answers["L4/L5"] == dict.fromkeys(ITEMS) | {"modic_upper": "II"}


def test_an_answer_after_the_truth_was_told_is_refused_and_changes_nothing(session):
    session.answer("L4/L5", "pfirrmann", 4)
    case = session.reveal()
    before = session.score()
    with pytest.raises(InputError, match="before its case is revealed"):
        session.answer("L4/L5", "pfirrmann", case.truth["L4/L5"]["pfirrmann"])
    assert case.answers["L4/L5"]["pfirrmann"] == 4
    assert session.score() == before


def test_the_truth_is_not_told_before_anything_was_answered(session):
    with pytest.raises(InputError, match="nothing was answered"):
        session.reveal()
    session.answer("L4/L5", "pfirrmann", 4)
    assert session.reveal().number == 1


def test_a_session_tells_nothing_of_the_open_case_but_its_levels(session):
    public = {name: getattr(session, name) for name in dir(session) if not name.startswith("_")}
    told = {name: value for name, value in public.items() if not callable(value)}
    assert told == {"seed": 3, "cases": (), "next_number": 1, "levels": GRADED_DISCS}


@pytest.mark.parametrize(
    "answer",
    [
        ("L4/L5", "pfirrmann", 6),
        ("L4/L5", "pfirrmann", "4"),
        ("L4/L5", "narrowing", True),
        ("L4/L5", "modic_upper", "IV"),
        ("L4/L5", "herniation", 1),
        ("T11/T12", "pfirrmann", 1),
    ],
)
def test_what_is_no_grade_is_refused(session, answer):
    with pytest.raises(InputError, match="give one of"):
        session.answer(*answer)


def test_an_endplate_without_true_grade_does_not_count(session):
    truth = simulated_truth(1)
    truth.discs[0].endplates["upper"].modic.grade = None
    session.begin(session.draw(WISH), truth)
    session.answer("T12/L1", "modic_upper", "I")
    verdict = session.reveal().verdicts[0]
    assert (verdict.answer, verdict.truth, verdict.right) == ("I", None, None)
    assert "does not count" in verdict.look_at
    assert session.score() == []


def test_a_disc_that_the_machine_missed_has_no_grades_of_it(session):
    machine = simulated_truth(1)
    machine.discs = machine.discs[1:]
    session.answer("T12/L1", "pfirrmann", 1)
    assert {one.machine for one in session.reveal(machine).verdicts if one.level == "T12/L1"} == {None}


def test_each_draw_is_another_patient_and_a_seed_repeats_them():
    def seeds():
        session = TeachingSession(seed=3)
        drawn = [session.draw(WISH).seed for _ in range(3)]
        session.begin(session.draw(WISH), simulated_truth(1))
        session.answer("L4/L5", "narrowing", 0)
        session.reveal()
        return [*drawn, session.draw(WISH).seed]

    assert len(set(seeds())) == 4
    assert seeds() == seeds()


def test_sessions_without_a_seed_differ():
    assert TeachingSession().draw(WISH) != TeachingSession().draw(WISH)


def test_a_case_given_up_is_not_counted(session):
    session.answer("L4/L5", "pfirrmann", 4)
    session.begin(session.draw(WISH), simulated_truth(5))
    assert session.cases == ()
    session.answer("L4/L5", "narrowing", 1)
    assert session.reveal().answers["L4/L5"]["pfirrmann"] is None


def read_all(session, seed, answers, machine=None):
    """Answer every item of a case from a report, and reveal it."""
    session.begin(session.draw(WISH), simulated_truth(seed))
    for disc in answers.discs:
        grades = {
            "modic_upper": disc.endplates["upper"].modic.grade,
            "modic_lower": disc.endplates["lower"].modic.grade,
            "pfirrmann": disc.pfirrmann.grade,
            "narrowing": disc.narrowing.grade,
            "endplate_lesion": disc.endplate_lesion.grade,
        }
        for item, grade in grades.items():
            session.answer(disc.level, item, grade)
    return session.reveal(machine)


def test_who_is_always_right_agrees_wholly_with_the_truth():
    session = TeachingSession(seed=0)
    for seed in range(5):
        read_all(session, seed, simulated_truth(seed), machine=simulated_truth(seed + 50))
    for score in session.score():
        assert score.reader.accuracy.value == 1
        assert score.reader.kappa.value == pytest.approx(1)
        assert score.machine.kappa.value < 0.5
        assert score.reader_there == score.reader


def test_the_session_counts_what_is_right_over_all_cases():
    session = TeachingSession(seed=0)
    for seed in range(2):
        read_all(session, seed, simulated_truth(seed + 50))
    grades = [
        (a.pfirrmann.grade, b.pfirrmann.grade)
        for seed in range(2)
        for a, b in zip(simulated_truth(seed).discs, simulated_truth(seed + 50).discs, strict=True)
    ]
    score = next(one for one in session.score() if one.task == "pfirrmann")
    assert (score.reader.right, score.reader.count) == (sum(np.equal(*pair) for pair in grades), 12)
    assert score.machine is None
