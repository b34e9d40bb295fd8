"""Sessions as files: JSON to go on with, CSV to count on. A case that is still open is in neither of them."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

from ..anatomy import GRADED_DISCS
from ..errors import InputError
from ..whole_files import write_text
from .items import ITEMS, check_grade
from .session import Draw, RevealedCase, Sheet, TeachingSession
from .wish import DIFFICULTIES, Wish

SCHEMA = "modicgrader-session-1"

COLUMNS = (
    "case", "seed", "name", "finding", "wished_difficulty", "difficulty",
    "level", "item", "answer", "truth", "machine", "right", "machine_right",
)  # fmt: skip
"""Of the CSV file, which has one row for every item of every disc; what is open, withheld or undecided is empty."""


def save_session(session: TeachingSession, path: Path) -> None:
    """Write the revealed cases of a session, and its score, as JSON; the file appears whole or not at all."""
    document = {
        "schema": SCHEMA,
        "seed": session.seed,
        "cases": [_case_words(case) for case in session.cases],
        "score": [asdict(score) for score in session.score()],
    }
    # A kappa that chance alone explains in every resampling has no interval, and JSON knows no NaN.
    _write(Path(path), json.dumps(_without_nan(document), indent=2, allow_nan=False))


def load_session(path: Path) -> TeachingSession:
    """The session that `save_session` wrote, to go on with; raises InputError where the file is none."""
    path = Path(path)
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(f"{path.name} cannot be read ({error.strerror}); choose a saved session") from error
    except ValueError as error:
        raise InputError(f"{path.name} is no JSON; choose a saved session") from error
    try:
        if document["schema"] != SCHEMA:
            raise InputError(f"it says {document['schema']!r} in place of {SCHEMA!r}")
        cases = [_case(number, words) for number, words in enumerate(document["cases"], 1)]
        return TeachingSession(_whole(document["seed"]), cases)
    except (InputError, KeyError, TypeError, AttributeError) as error:
        raise InputError(f"{path.name} is no session of ModicGrader ({error}); choose a saved one") from error


def write_session_table(session: TeachingSession, path: Path) -> None:
    """Write every item of every revealed case as CSV; the file appears whole or not at all."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    for case in session.cases:
        wish = case.draw.wish
        head = (case.number, case.draw.seed, wish.name, wish.finding, wish.difficulty, case.difficulty)
        for one in case.verdicts:
            right = (None if value is None else int(value) for value in (one.right, one.machine_right))
            writer.writerow((*head, one.level, one.item, one.answer, one.truth, one.machine, *right))
    _write(Path(path), text.getvalue())


def _case_words(case: RevealedCase) -> dict[str, Any]:
    return {
        "number": case.number,
        "seed": case.draw.seed,
        "wish": asdict(case.draw.wish),
        "difficulty": case.difficulty,
        "answers": case.answers,
        "truth": case.truth,
        "machine": case.machine,
    }


def _case(number: int, words: dict[str, Any]) -> RevealedCase:
    if words["number"] != number:
        raise InputError(f"case {number} is missing")
    if words["difficulty"] not in (None, *DIFFICULTIES):
        raise InputError(f"case {number} is {words['difficulty']!r} to read")
    truth = _sheet(words["truth"])
    machine = None if words["machine"] is None else _sheet(words["machine"])
    answers = _sheet(words["answers"])
    if answers.keys() != truth.keys():
        raise InputError(f"case {number} was not answered at the discs it shows")
    return RevealedCase(
        number, Draw(Wish(**words["wish"]), _whole(words["seed"])), words["difficulty"], answers, truth, machine
    )


def _sheet(words: dict[str, Any]) -> Sheet:
    for level, grades in words.items():
        if level not in GRADED_DISCS:
            raise InputError(f"{level!r} is no disc that is graded")
        for item in ITEMS:
            check_grade(item, grades[item])
    return {level: {item: grades[item] for item in ITEMS} for level, grades in words.items()}


def _whole(value: Any) -> int:
    if type(value) is not int or value < 0:
        raise InputError(f"the seed {value!r} is no whole number")
    return value


def _without_nan(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _without_nan(one) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [_without_nan(one) for one in value]
    return None if isinstance(value, float) and value != value else value


def _write(path: Path, text: str) -> None:
    try:
        write_text(path, text)
    except OSError as error:
        raise InputError(f"{path.name} cannot be written ({error.strerror}); choose another folder") from error
