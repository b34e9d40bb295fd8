"""The process that grades studies for a worker: `python -m ModicGraderLib.cohort.child`, spoken to in lines of JSON.

On stdin stand first the settings, then one study after the other: the fields of its `StudyEntry`, and `folder`, where
its results belong. On stdout stand `{"ready": true}` once the networks are loaded, then for each study
`{"done": true}` or `{"error": "one sentence", "kind": "input" | "memory" | "fault"}`.

It ends when its stdin closes, which it does when who started it is gone, however that ended; and after a while without
work. What libraries print is thrown away, since it may name files and patients, unless `MODICGRADER_DEBUG` is set.
"""

from __future__ import annotations

import importlib
import json
import logging
import os
import queue
import signal
import sys
import threading
import traceback
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any

from .. import __version__
from ..errors import InputError, ModelError
from .privacy import without_names
from .settings import Settings
from .study_list import StudyEntry

IDLE_S = 300.0
"""Seconds without a study after which it ends: a cluster's worker may outlive the run that it worked for."""

DEBUG = "MODICGRADER_DEBUG"

PATHS = ("t1", "t2", "dicom")
"""Fields of `StudyEntry` that are paths."""

LIBRARY = Path(__file__).parents[1]

Grader = Callable[[StudyEntry, Path], None]


def to_words(entry: StudyEntry) -> dict[str, Any]:
    """A study as plain JSON values; what readers said of it stays behind."""
    words = {name: getattr(entry, name) for name in ("name", "patient", "examination", "age_years", "lowest_disc")}
    return words | {name: str(path) for name in PATHS if (path := getattr(entry, name)) is not None}


def from_words(words: dict[str, Any]) -> StudyEntry:
    """The study that `to_words` described."""
    return StudyEntry(**{name: Path(value) if name in PATHS else value for name, value in words.items()})


def main() -> None:
    """Grade the studies that stdin names until it closes."""
    # Ctrl-C reaches all processes of a terminal; the driver decides what becomes of its own.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    requests: queue.SimpleQueue[dict[str, Any]] = queue.SimpleQueue()
    threading.Thread(target=_listen, args=(sys.stdin.buffer, requests), daemon=True).start()
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "w", encoding="utf-8")
    _silence()
    try:
        grade = _grader(Settings.from_dict(requests.get()))
    except Exception as error:
        return _say(answers, **_told(error))
    _say(answers, ready=True)
    while True:
        try:
            request = requests.get(timeout=IDLE_S)
        except queue.Empty:
            return
        folder = Path(request.pop("folder"))
        entry = from_words(request)
        try:
            grade(entry, folder)
        except Exception as error:
            _say(answers, **_told(error, entry))
        else:
            _say(answers, done=True)


def _listen(stdin: IO[bytes], requests: queue.SimpleQueue[dict[str, Any]]) -> None:
    for line in stdin:
        requests.put(json.loads(line))
    # Nobody is there to read an answer: what this process is doing is of no use to anyone.
    os._exit(0)


def _say(answers: IO[str], **words: Any) -> None:
    print(json.dumps(words), file=answers, flush=True)


def _silence() -> None:
    if os.environ.get(DEBUG):
        os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
        return
    warnings.simplefilter("ignore")
    logging.disable()
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for stream in (sys.stdout, sys.stderr):
        os.dup2(nowhere, stream.fileno())


def _grader(settings: Settings) -> Grader:
    if settings.version != __version__:
        raise InputError(
            f"a worker has ModicGrader {__version__}, not {settings.version}; install the same version everywhere"
        )
    module, name = settings.grader.split(":")
    return getattr(importlib.import_module(module), name)(settings)


def _told(error: Exception, entry: StudyEntry | None = None) -> dict[str, str]:
    """An error as an answer, in one line without anything that tells who the patient is."""
    if os.environ.get(DEBUG):
        traceback.print_exception(error)
    if isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError":
        return {"kind": "memory", "error": "memory ran out; use fewer workers, or the device cpu"}
    if isinstance(error, (InputError, ModelError)):
        text = " ".join(str(error).split())
        return {"kind": "input", "error": without_names(text, entry) if entry else text}
    if isinstance(error, ModuleNotFoundError):
        return {"kind": "input", "error": f"the Python package {error.name} is not installed; README.md says how"}
    # What an unforeseen error says may hold anything, a header's values too; where it arose is enough to find it.
    text = f"{type(error).__name__} in {_place(error)} (a fault of ModicGrader; please report it)"
    return {"kind": "fault", "error": text}


def _place(error: Exception) -> str:
    """The innermost place in our code that an error came through."""
    frames = traceback.extract_tb(error.__traceback__)
    ours = [one for one in frames if LIBRARY in Path(one.filename).parents and one.filename != __file__]
    place = (ours or frames)[-1]
    return f"{Path(place.filename).stem}.{place.name}, line {place.lineno}"


if __name__ == "__main__":
    main()
