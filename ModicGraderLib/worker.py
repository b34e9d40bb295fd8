"""What an application launches: `python -m ModicGraderLib.worker FOLDER` does what FOLDER/request.json asks for.

A request to grade is `{"task": "grade", "t1": "t1.nrrd", "t2": "t2.nrrd"}`, with `lowest_disc`, `device`, `threads`
and `only` as the command line has them; `headers` may name a DICOM file of each series, `{"t2": "0001.dcm"}`, as
`io.read_study` takes it. It leaves `graded.npz` in the folder. One to simulate is
`{"task": "simulate", "seed": 7, "case": "modic-1"}`, with `slices`, `eight_bit` and `fat_suppressed`; its `case` is a
name, a path or the contents of a case file, and it leaves a folder `study`.

On stdout stand JSON objects, one a line: first `{"pid": N}`, for the process that was launched may only be one that
launches another; then `{"fraction": 0.4, "text": "Finding the discs"}`; at last `{"done": "graded.npz"}` or
`{"error": "one sentence", "kind": "input" | "fault"}`. Any other line is a remark of some library.

The process leads a group of its own, so that whoever ends the group ends all of it. It is on a leash: it ends itself
once request.json is gone or nobody reads its stdout any more. A request that says `"temporary": true` gives the
folder into its hands: then it also takes the folder with it, so that no image outlives an application that crashed.
"""

from __future__ import annotations

import json
import logging
import os
import shutil
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from .errors import InputError, ModelError
from .progress import Progress
from .threads import limit_threads

REQUEST, GRADED, STUDY = "request.json", "graded.npz", "study"
"""Names in the folder: what is asked for, and what a grading and a simulation leave."""

DONE, OUR_FAULT, WRONG_INPUT, LET_GO = 0, 1, 2, 130
"""Exit codes, those of the command line."""

LEASH_S = 0.25
"""Seconds between two looks at the leash."""

OUT_OF_MEMORY = "the device has too little memory for this study; choose the device cpu, or close other programs"


def main(arguments: Sequence[str]) -> int:
    """Do what the request in a folder asks for, and return the exit code."""
    logging.basicConfig(format="%(levelname)s: %(message)s", level=logging.WARNING)
    _lead_group()
    caller = _Caller()
    caller.tell(pid=os.getpid())
    try:
        folder = _folder(arguments)
        request = _read_request(folder)
        task = _task(request)
        caller.hold_leash(folder, temporary=bool(request.get("temporary")))
        done = task(folder, request, Progress(lambda fraction, text: caller.tell(fraction=fraction, text=text)))
    except (InputError, ModelError) as error:
        caller.tell(error=" ".join(str(error).split()), kind="input")
        return WRONG_INPUT
    except ModuleNotFoundError as error:
        caller.tell(
            error=f"the Python package {error.name} is not installed; README.md says how to install", kind="input"
        )
        return WRONG_INPUT
    except Exception as error:
        if _is_out_of_memory(error):
            caller.tell(error=OUT_OF_MEMORY, kind="input")
            return WRONG_INPUT
        traceback.print_exc()
        caller.tell(error=" ".join(f"{type(error).__name__}: {error}".split()), kind="fault")
        return OUR_FAULT
    caller.tell(done=done)
    return DONE


class _Caller:
    """Who launched this process, and reads its stdout."""

    def __init__(self) -> None:
        self._temporary: Path | None = None

    def tell(self, **words: Any) -> None:
        """Say one object in ASCII on a line of its own, also after a library that left its line open."""
        self._write(f"\n{json.dumps(words)}\n".encode("ascii"))

    def hold_leash(self, folder: Path, *, temporary: bool) -> None:
        """From now on end this process when the request is gone or the caller is."""
        self._temporary = folder if temporary else None
        threading.Thread(target=self._watch, args=(folder / REQUEST,), daemon=True).start()

    def _watch(self, request: Path) -> None:
        while request.exists():
            # An empty line says nothing to a reader, and fails where there is none.
            self._write(b"\n")
            time.sleep(LEASH_S)
        _end_group()

    def _write(self, line: bytes) -> None:
        try:
            os.write(sys.__stdout__.fileno(), line)
        except OSError:
            if self._temporary is not None:
                shutil.rmtree(self._temporary, ignore_errors=True)
            _end_group()


def _lead_group() -> None:
    """Windows knows no groups, and the first process of a session leads its own already."""
    if hasattr(os, "setpgid") and os.getpgrp() != os.getpid():
        os.setpgid(0, 0)


def _end_group() -> None:
    """End this process from any of its threads, and whatever it has started."""
    if hasattr(os, "killpg"):
        os.killpg(os.getpid(), signal.SIGKILL)
    os._exit(LET_GO)


def _folder(arguments: Sequence[str]) -> Path:
    if len(arguments) != 1:
        raise InputError(f"the worker takes one folder that holds a {REQUEST}; {len(arguments)} arguments were given")
    return Path(arguments[0])


def _read_request(folder: Path) -> dict[str, Any]:
    try:
        request = json.loads((folder / REQUEST).read_text(encoding="utf-8"))
    except OSError:
        raise InputError(f"the folder holds no {REQUEST}; write one that says what to do") from None
    except ValueError:
        raise InputError(f"{REQUEST} is no JSON; write it again") from None
    if not isinstance(request, dict):
        raise InputError(f"{REQUEST} holds no JSON object; write one with a task")
    return request


def _task(request: dict[str, Any]) -> Callable[[Path, dict[str, Any], Progress], str]:
    tasks = {"grade": _grade, "simulate": _simulate}
    if request.get("task") not in tasks:
        raise InputError(f"{request.get('task')!r} is no task; ask for one of {', '.join(tasks)}")
    return tasks[request["task"]]


def _grade(folder: Path, request: dict[str, Any], progress: Progress) -> str:
    # Only here: the process must have said its number before it spends seconds on imports.
    from .io import read_study

    progress.step(0.0, "Reading the images")
    paths = {role: folder / request[role] if request.get(role) else None for role in ("t1", "t2")}
    headers = {role: folder / path for role, path in request.get("headers", {}).items()}
    study = read_study(paths["t1"], paths["t2"], headers=headers, progress=progress.part(0.0, 0.1))
    # The folder is gone when the report is read.
    study = study.without_folders()
    progress.step(0.1, "Starting the networks")
    from .handover import save_graded
    from .pipeline import grade_study
    from .whole_files import whole_file

    limit_threads(request.get("threads"))
    graded = grade_study(
        study,
        lowest_disc=request.get("lowest_disc"),
        device=request.get("device") or "auto",
        only=frozenset(request["only"]) if request.get("only") else None,
        progress=progress.part(0.1, 0.95),
    )
    progress.step(0.95, "Handing over the results")
    with whole_file(folder / GRADED) as unfinished:
        save_graded(graded, unfinished)
    return GRADED


def _simulate(folder: Path, request: dict[str, Any], progress: Progress) -> str:
    from .simulation.case_schema import check_case
    from .simulation.teaching import find_case

    progress.step(0.0, "Drawing the patient")
    asked = request.get("case")
    if isinstance(asked, dict):
        check_case(asked)
    case = find_case(asked) if isinstance(asked, str) else asked
    from .simulation.files import simulate_study

    limit_threads(request.get("threads"))
    pictures = {name: request[name] for name in ("slices", "eight_bit", "fat_suppressed") if name in request}
    progress.step(0.1, "Taking the images")
    simulate_study(int(request.get("seed", 0)), folder / STUDY, case, **pictures)
    return STUDY


def _is_out_of_memory(error: Exception) -> bool:
    """Whether memory ran out: Python's own error, or that of torch, which is not imported for the question."""
    return isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
