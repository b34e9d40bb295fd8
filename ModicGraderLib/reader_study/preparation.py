"""A reading study as a folder: one page for every reader and session, the design, and the key.

Pages hold pictures and codes; whose they are stands in the key alone, which readers must not get.
"""

from __future__ import annotations

import hashlib
import json
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from .. import __version__
from ..errors import InputError
from ..export.page import css_color, template_environment
from ..export.pictures import MODIC_COLORS
from ..export.tables import write_table
from ..progress import Progress
from ..report import StudyReport
from .cases import GradedCase, find_cases, load_case
from .design import WASHOUT_DAYS, Session, draw_cases, draw_sessions
from .pictures import SLICES, case_pictures, without_machine

SCHEMA = "modicgrader-reader-study-1"

KEY = "key"
"""Folder of the tables that say which study each case is, what the machine says of it, and what is true."""


def prepare_study(
    source: Path,
    directory: Path,
    readers: Sequence[str],
    *,
    seed: int = 0,
    count: int | None = None,
    balanced: bool = False,
    washout_days: int = WASHOUT_DAYS,
    slices: int = SLICES,
    progress: Progress | None = None,
) -> list[Session]:
    """Draw cases and sessions (see `design`) and write the folder of a reading study; returns its sessions.

    Parameters
    ----------
    source:
        Graded studies, see `cases.find_cases`.
    directory:
        New or empty; all is made in a hidden folder beside it and then moved.

    Raises
    ------
    InputError
        There is something in `directory`, or cases or readers cannot be used.
    """
    directory, progress = Path(directory), progress or Progress()
    if directory.exists() and (not directory.is_dir() or any(directory.iterdir())):
        raise InputError(f"{directory} holds something already, perhaps a study that is being read; name a new folder")
    found = {case.study: case for case in find_cases(source)}
    codes = draw_cases(
        {name: case.stratum for name, case in found.items()},
        {name: case.patient for name, case in found.items()},
        count,
        balanced,
        seed,
    )
    sessions = draw_sessions(readers, list(codes), seed)
    cases = {code: found[study] for code, study in codes.items()}
    design = {
        "schema": SCHEMA,
        "version": __version__,
        "seed": seed,
        "washout_days": washout_days,
        "slices": slices,
        "sessions": [asdict(session) for session in sessions],
    }
    directory.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{directory.name}-", dir=directory.parent) as folder:
        unfinished = Path(folder) / "study"
        (unfinished / KEY).mkdir(parents=True)
        _write_key(unfinished / KEY, cases)
        (unfinished / "design.json").write_text(json.dumps(design, indent=2), encoding="utf-8")
        shown = {}
        for number, (code, case) in enumerate(cases.items(), 1):
            progress.step(0.9 * (number - 1) / len(cases), f"Drawing case {number} of {len(cases)}")
            shown[code] = case_pictures(load_case(case), slices)
        progress.step(0.9, "Writing the pages")
        # Two studies must not share what a browser keeps; what the pages show anyway tells them apart.
        name = hashlib.sha256(json.dumps([design, shown]).encode()).hexdigest()[:12]
        for session in sessions:
            page = session_page(session, shown, name, washout_days)
            (unfinished / f"{session.reader}-session-{session.number}.html").write_text(page, encoding="utf-8")
        unfinished.replace(directory)
    return sessions


def session_page(session: Session, shown: Mapping[str, dict[str, Any]], study: str, washout_days: int) -> str:
    """The page of a session: self-contained, and without the machine's words and map unless it is assisted.

    Parameters
    ----------
    shown:
        `pictures.case_pictures` of every case by its code.
    study:
        Name of the reading study, under which the browser keeps the answers.
    """
    drawn = ((code, shown[code]) for code in session.cases)
    cases = [{"code": code, **(case if session.assisted else without_machine(case))} for code, case in drawn]
    words = {"id": study, "reader": session.reader, "session": session.number, "assisted": session.assisted}
    template = template_environment("ReaderStudy").get_template("session.html.jinja")
    return template.render(
        session=session,
        washout_days=washout_days,
        type_colors={type_: css_color(type_) for type_ in MODIC_COLORS},
        study={**words, "cases": cases},
    )


def _write_key(folder: Path, cases: Mapping[str, GradedCase]) -> None:
    write_table(
        folder / "cases.csv",
        [{"case": code, "study": case.study, "patient": case.patient} for code, case in cases.items()],
    )
    write_table(folder / "machine.csv", list(_grades((code, case.report) for code, case in cases.items())))
    truths = {code: StudyReport.read(case.truth) for code, case in cases.items() if case.truth is not None}
    if truths:
        write_table(folder / "truth.csv", list(_grades(truths.items())))


def _grades(reports: Iterable[tuple[str, StudyReport]]) -> Iterable[dict[str, str]]:
    """Rows of `readings.GRADE_COLUMNS`; a grade that is withheld, or not known, is left out."""
    for code, report in reports:
        for disc in report.discs:
            if disc.modic.grade is not None:
                yield {"case": code, "level": disc.level, "modic": disc.modic.grade}
