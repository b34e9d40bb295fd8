"""`python -m ModicGraderLib.evaluation`: measure the shipped models and bring `docs/results.md` up to date.

All parts that need nothing but the data folder are measured, or those named with `--only`; each keeps its own place in
the page, so that a long evaluation can be done in pieces.

    localization  discs found and named, on held-out patients
    grading       SPIDER's discs, out of fold
    simulated     simulated patients through the whole pipeline
    doubt         what is withheld, and what that wins
    evidence      whether heatmaps show what they should
    ablations     what the parts of the disc grader are good for, from the training step of that name
    time          the whole pipeline on a 3D pair

With `--seeds validation` the tables are printed for those who choose, and the page stays as it is.

`--teacher WEIGHTS` adds what the network trained on T1 polygons alone does on SPIDER. `--use` measures what training on
simulated patients gives, and `--simulator` how real simulated patients look; both write into `docs/simulator.md`.

`--reproduction DIR` sets the papers' tables that `modicgrader reproduce` left in DIR into `docs/reproduction.md`,
and `--side-by-side DIR` sets the recipes that were trained in DIR beside our own default there.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from pathlib import Path

import torch

from ..io import read_study
from ..pipeline import Models, choose_device, grade_study
from ..training.data_folder import data_folder
from .ablation_table import ablation_section
from .doubt import section as doubt_section
from .evidence import section as evidence_section
from .grading import spider_section
from .localization_tables import localization_section, teacher_section
from .pages import wrapped, write_blocks
from .reproduction import reproduction_blocks
from .side_by_side import side_by_side
from .simulated_grading import SEEDS, STUDIES, simulated_section
from .simulated_use import simulated_use
from .simulator import compare_with_real

RESULTS_PAGE, SIMULATOR_PAGE = Path("docs/results.md"), Path("docs/simulator.md")
REPRODUCTION_PAGE = Path("docs/reproduction.md")

SIMULATED = 60
"""Simulated patients that `--simulator` compares with real ones."""

PARTS = ("localization", "grading", "simulated", "doubt", "evidence", "ablations", "time")


def main() -> None:
    """Measure what is asked for and write it into the pages."""
    call = _parser().parse_args()
    compared = call.output or REPRODUCTION_PAGE
    call.output = call.output or RESULTS_PAGE
    torch.set_num_threads(1 if call.simulator else 2)
    if call.simulator:
        compare_with_real(call.simulator, SIMULATOR_PAGE, Path("output/simulator"), Path("runs/simulator"))
        print(f"Written: {SIMULATOR_PAGE}")
    elif call.use:
        write_blocks(SIMULATOR_PAGE, {"use": simulated_use(call.use)})
        print(f"Written: {SIMULATOR_PAGE}")
    elif call.reproduction:
        for folder in call.reproduction:
            write_blocks(compared, reproduction_blocks(folder))
        print(f"Written: {compared}")
    elif call.side_by_side:
        blocks = side_by_side(call.side_by_side, call.runs, call.studies, choose_device("auto"))
        write_blocks(compared, {name: wrapped(block) for name, block in blocks.items()})
        print(f"Written: {compared}")
    elif call.teacher:
        _write(call.output, "teacher", lambda: teacher_section(call.teacher))
    else:
        for name, measure in _parts(call).items():
            if call.seeds == "test":
                _write(call.output, name, measure)
            else:
                print(f"\n## {name}\n\n{measure()}", flush=True)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m ModicGraderLib.evaluation", description=__doc__.split("\n")[0])
    parser.add_argument("--only", nargs="+", choices=PARTS, default=PARTS, help="parts to measure")
    parser.add_argument("--output", type=Path, help="page with a place for each part, if not our own in docs")
    parser.add_argument("--runs", type=Path, default=Path("runs/grading"), help="where training and caches are")
    parser.add_argument("--studies", type=int, default=STUDIES, help="simulated patients to grade")
    parser.add_argument(
        "--seeds", choices=SEEDS, default="test", help="simulated patients that only measure, or those to choose on"
    )
    parser.add_argument("--teacher", type=Path, help="weights.safetensors of the training step `teacher`")
    parser.add_argument(
        "--use", type=Path, nargs="?", const=Path("runs/use"), help="folder of the training's use steps"
    )
    parser.add_argument(
        "--simulator", type=int, nargs="?", const=SIMULATED, help="number of simulated patients to set beside real ones"
    )
    parser.add_argument(
        "--reproduction", type=Path, nargs="+", metavar="DIR", help="folders that `modicgrader reproduce all` left"
    )
    parser.add_argument("--side-by-side", type=Path, metavar="DIR", help="folder with the run of each trained recipe")
    return parser


def _parts(call: argparse.Namespace) -> dict[str, Callable[[], str]]:
    pictures = call.output.parent if call.seeds == "test" else call.runs
    parts = {
        "localization": localization_section,
        "grading": lambda: spider_section(call.runs, pictures / "grading-spider.png"),
        "simulated": lambda: simulated_section(
            call.seeds, call.studies, call.runs / call.seeds, pictures / "grading-simulated.png"
        ),
        "doubt": lambda: doubt_section(call.runs, pictures / "doubt.png"),
        "evidence": lambda: evidence_section(call.seeds, call.runs / "cohort", pictures / "evidence.png"),
        "ablations": lambda: ablation_section(call.runs),
        "time": _time,
    }
    return {name: parts[name] for name in PARTS if name in call.only}


def _write(page: Path, name: str, measure: Callable[[], str]) -> None:
    began = time.perf_counter()
    write_blocks(page, {name: wrapped(measure())})
    print(f"Written: {name} in {page}, after {time.perf_counter() - began:.0f} s", flush=True)


def _time() -> str:
    """Stage times of the whole of `grade_study` on the 3D pair, on two threads."""
    folder = data_folder() / "real_volume_pair"
    models = Models.shipped("cpu")
    began = time.perf_counter()
    study = read_study(folder / "t1.nii.gz", folder / "t2.nii.gz")
    read = time.perf_counter()
    graded = grade_study(study, models=models)
    done = time.perf_counter()
    levels = ", ".join(disc.level for disc in graded.report.discs)
    return (
        f"Levels found: {levels}. Reading and alignment {read - began:.1f} s, grading with map and evidence"
        f" {done - read:.1f} s, on two threads, without files and scene (`make bench` times the command as a whole)."
    )


if __name__ == "__main__":
    main()
