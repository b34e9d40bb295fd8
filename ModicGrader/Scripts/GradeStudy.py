"""Grades a study from files, in Slicer without a window or in plain Python.

    Slicer --no-splash --no-main-window --python-script GradeStudy.py --t1 T1 --t2 T2 -o DIR
    python GradeStudy.py --t1 T1 --t2 T2 -o DIR

T1 and T2 are NIfTI, NRRD or MHA files or DICOM folders; either may be left out. DIR gets all that `modicgrader grade`
writes. Exit codes are those of the command line: 0 done, 1 a fault of ours, 2 the input or the call is wrong, 130
cancelled.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

# Run from its source tree, the library lies beside the module's folder and not yet on the path.
if (_root := Path(__file__).resolve().parents[2]).joinpath("ModicGraderLib").is_dir() and str(_root) not in sys.path:
    sys.path.append(str(_root))

from ModicGraderLib.anatomy import DISCS_UPWARDS
from ModicGraderLib.errors import InputError
from ModicGraderLib.launch import Event
from ModicGraderLib.scene import in_application
from ModicGraderLib.worker import DONE, GRADED, LET_GO, OUR_FAULT, WRONG_INPUT


def main(arguments: Sequence[str]) -> int:
    """Grade what the arguments name, and return the exit code; an error ends in one line on stderr."""
    try:
        called = _parser().parse_args(arguments)
    except SystemExit as end:
        return int(end.code or DONE)
    try:
        grade(called.t1, called.t2, called.output, called.lowest_disc, called.device)
    except InputError as error:
        return _say(str(error), WRONG_INPUT)
    except KeyboardInterrupt:
        return _say("cancelled; nothing was written", LET_GO)
    except Exception as error:
        return _say(f"{error} (a fault of ModicGrader; please report it as README.md says)", OUR_FAULT)
    return DONE


def grade(t1: Path | None, t2: Path | None, output: Path, lowest_disc: str | None, device: str) -> None:
    """Grade files in a process of its own and write the results, the scene among them, into a folder."""
    from ModicGraderLib.export import write_results
    from ModicGraderLib.handover import load_graded
    from ModicGraderLib.launch import Run, RunState
    from ModicGraderLib.scene.launcher import launcher

    # The files themselves, not nodes made of them: DICOM tells more of a series than a node remembers.
    images = {role: str(path.absolute()) if path else None for role, path in (("t1", t1), ("t2", t2))}
    options = {"lowest_disc": lowest_disc, "device": device, "temporary": True}
    with tempfile.TemporaryDirectory(prefix="ModicGrader-", ignore_cleanup_errors=True) as folder:
        run = Run(launcher())
        run.start(Path(folder), {"task": "grade", **images, **options})
        if run.wait(_tell) is not RunState.DONE:
            raise (RuntimeError if run.is_fault else InputError)(run.error)
        files = write_results(load_graded(Path(folder) / GRADED), output)
    for path in files:
        print(path)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="GradeStudy.py", description="Grade a study and write its results.")
    parser.add_argument("--t1", type=Path, metavar="PATH", help="T1: a volume file or a DICOM folder")
    parser.add_argument("--t2", type=Path, metavar="PATH", help="T2: a volume file or a DICOM folder")
    parser.add_argument("-o", "--output", type=Path, metavar="DIR", required=True, help="folder for the results")
    parser.add_argument("--lowest-disc", choices=DISCS_UPWARDS, help="lowest disc in view, if the numbering is wrong")
    parser.add_argument("--device", choices=("auto", "cpu", "cuda", "mps"), default="auto")
    return parser


def _tell(event: Event) -> None:
    if event.kind == "progress":
        print(f"{event.fraction:4.0%} {event.text}", file=sys.stderr)


def _say(text: str, code: int) -> int:
    print(f"GradeStudy.py: {' '.join(text.split())}", file=sys.stderr)
    return code


if __name__ == "__main__":
    code = main(sys.argv[1:])
    if not in_application():
        sys.exit(code)
    import slicer.util

    slicer.util.exit(code)
