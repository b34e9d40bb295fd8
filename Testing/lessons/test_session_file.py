"""Sessions that are saved, counted on, and gone on with."""

import csv
import json

import pytest

from ModicGraderLib.anatomy import GRADED_DISCS
from ModicGraderLib.errors import InputError
from ModicGraderLib.lessons.items import ITEMS
from ModicGraderLib.lessons.session import TeachingSession
from ModicGraderLib.lessons.session_file import load_session, save_session, write_session_table
from ModicGraderLib.lessons.wish import Wish

from .simulated_truth import simulated_truth

WISHES = (Wish(finding="modic_1", difficulty="easy"), Wish(name="modic-2"))


@pytest.fixture
def session():
    """Two cases are over, a third one is open."""
    one = TeachingSession(seed=3)
    for number, wish in enumerate(WISHES):
        one.begin(one.draw(wish), simulated_truth(number))
        one.answer("L4/L5", "modic_upper", "I")
        one.answer("L5/S1", "pfirrmann", 4)
        one.reveal(simulated_truth(number + 10) if number else None)
    one.begin(one.draw(Wish(name="modic-3")), simulated_truth(9))
    one.answer("L4/L5", "modic_upper", "III")
    return one


def test_a_saved_session_goes_on_as_if_it_had_not_been_closed(session, tmp_path):
    save_session(session, tmp_path / "session.json")
    again = load_session(tmp_path / "session.json")
    assert again.cases == session.cases
    assert again.score() == session.score()
    same = TeachingSession(3, session.cases)
    assert again.draw(WISHES[0]) == same.draw(WISHES[0])


def test_a_file_tells_nothing_of_the_case_that_is_open(session, tmp_path):
    save_session(session, tmp_path / "session.json")
    write_session_table(session, tmp_path / "session.csv")
    closed = TeachingSession(3, session.cases)
    save_session(closed, tmp_path / "closed.json")
    write_session_table(closed, tmp_path / "closed.csv")
    for kind in ("json", "csv"):
        assert (tmp_path / f"session.{kind}").read_bytes() == (tmp_path / f"closed.{kind}").read_bytes()


def test_the_table_has_a_row_for_every_item_of_every_disc(session, tmp_path):
    write_session_table(session, tmp_path / "session.csv")
    with (tmp_path / "session.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 2 * len(GRADED_DISCS) * len(ITEMS)
    first = next(row for row in rows if (row["level"], row["item"]) == ("L4/L5", "modic_upper"))
    verdict = next(one for one in session.cases[0].verdicts if (one.level, one.item) == ("L4/L5", "modic_upper"))
    assert (first["case"], first["finding"], first["difficulty"]) == ("1", "modic_1", "easy")
    assert (first["answer"], first["truth"], first["machine"]) == ("I", verdict.truth, "")
    assert first["right"] == str(int(verdict.right))
    assert {row["name"] for row in rows} == {"", "modic-2"}
    assert {row["answer"] for row in rows} == {"", "I", "4"}


def test_the_json_holds_the_score_without_values_that_json_does_not_know(session, tmp_path):
    save_session(session, tmp_path / "session.json")
    score = json.loads((tmp_path / "session.json").read_text(), parse_constant=pytest.fail)["score"]
    assert {one["task"] for one in score} == {"modic", "pfirrmann"}
    assert all(one["reader"]["kappa"] is None and one["reader"]["why_no_kappa"] for one in score)


def test_a_file_that_cannot_be_written_is_refused_and_leaves_nothing(session, tmp_path):
    (tmp_path / "session.json").mkdir()
    with pytest.raises(InputError, match=r"session\.json cannot be written"):
        save_session(session, tmp_path / "session.json")
    assert [path.name for path in tmp_path.iterdir()] == ["session.json"]


def spoiled(document, **words):
    return json.dumps({**document, **words})


@pytest.mark.parametrize(
    "spoil",
    [
        lambda document: "no JSON",
        lambda document: "[]",
        lambda document: spoiled(document, schema="modicgrader-report-1"),
        lambda document: spoiled(document, seed="x"),
        lambda document: spoiled(document, cases=[{}]),
        lambda document: spoiled(document, cases=document["cases"][1:]),
        lambda document: json.dumps(document).replace('"modic_upper": "I"', '"modic_upper": "IX"'),
        lambda document: json.dumps(document).replace('"finding": "modic_1"', '"finding": "gout"'),
        lambda document: json.dumps(document).replace('"difficulty": "easy"', '"difficulty": "harsh"'),
        lambda document: json.dumps(document).replace('"T12/L1"', '"L9/S9"'),
    ],
)
def test_what_is_no_session_is_refused_with_one_sentence(session, tmp_path, spoil):
    path = tmp_path / "session.json"
    save_session(session, path)
    path.write_text(spoil(json.loads(path.read_text())), encoding="utf-8")
    with pytest.raises(InputError, match=r"^session\.json is no .*; choose a saved") as refused:
        load_session(path)
    assert "\n" not in str(refused.value)


def test_a_file_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(InputError, match=r"session\.json cannot be read"):
        load_session(tmp_path / "session.json")
