"""`python -m ModicGraderLib.training`: train the shipped models from the data folder; an interrupted run goes on.

Steps, each with its results under `--output`:

    teacher     localization network from the T1 polygons alone (about 25 minutes on two cores)
    localizer   continued on the polygons, SPIDER's masks, and SPIDER's slices labelled by the teacher (25 minutes)
    cohort      simulated patients for the grader, each drawn once (40 minutes)
    pretrain    disc reader on the simulated patients alone (40 minutes)
    grader      its members, cross-validated on SPIDER's grades and simulated patients together (40 minutes)
    publish     into Resources/Models
    column      shape model of the lumbar column, which the simulator draws from, into Resources/Simulation (seconds)

What training on simulated patients gives the localizer is measured apart, in the folder `use` of the output; this step
makes no shipped model and is run only if named:

    localizers  localization networks on simulated, real and both kinds of data, with equal budgets
"""

from __future__ import annotations

import argparse
from pathlib import Path

import torch
from safetensors.torch import load_file

from .. import __version__
from ..localization.network import SpineNetwork
from . import grader_steps, grading_data, localizer, simulation_use
from .column_shape import save_column_shape
from .data_folder import data_folder
from .mask_source import read_mask_slices
from .polygon_source import read_polygon_slices
from .publish import publish
from .spider_source import read_self_labelled_slices
from .splits import training_part

STEPS = ("teacher", "localizer", "cohort", "pretrain", "grader", "publish", "column")
"""Steps that make the shipped models."""

USE_STEPS = ("localizers", "ablations")
"""Steps that measure what the parts are good for."""


def train_teacher(out: Path, steps: int) -> None:
    """T1 polygons alone: what it does on T2 and on SPIDER shows how well the method carries over."""
    slices = training_part(read_polygon_slices(data_folder() / "t1_vertebra_polygons"))
    localizer.train([slices], [1.0], out / "teacher", steps=steps)


def train_localizer(out: Path, steps: int) -> None:
    """All three sources, from the teacher's weights."""
    start = out / "teacher" / "weights.safetensors"
    sources = [
        read_polygon_slices(data_folder() / "t1_vertebra_polygons"),
        read_mask_slices(data_folder() / "spider_t2_space_masks"),
        read_self_labelled_slices(data_folder() / "spider_midsagittal", _network(start)),
    ]
    localizer.train(
        [training_part(source) for source in sources],
        [0.35, 0.25, 0.40],
        out / "localizer",
        steps=steps,
        learning_rate=1.2e-3,
        start=start,
    )


def _network(path: Path) -> SpineNetwork:
    network = SpineNetwork()
    network.load_weights(load_file(path))
    return network.eval()


def main() -> None:
    """Run the steps asked for."""
    parser = argparse.ArgumentParser(prog="python -m ModicGraderLib.training", description=__doc__.split("\n")[0])
    parser.add_argument(
        "steps",
        nargs="*",
        default=list(STEPS),
        metavar="STEP",
        help=f"of {', '.join(STEPS + USE_STEPS)}; the first {len(STEPS)} if none is named",
    )
    parser.add_argument("--output", type=Path, default=Path("runs"), help="where checkpoints and logs go")
    parser.add_argument("--teacher-steps", type=int, default=1200)
    parser.add_argument("--localizer-steps", type=int, default=1500)
    parser.add_argument("--patients", type=int, default=900, help="simulated patients to train the grader on")
    parser.add_argument("--validation", type=int, default=24, help="simulated patients to choose on")
    parser.add_argument("--pretrain-steps", type=int, default=15500)
    parser.add_argument("--grader-steps", type=int, default=750)
    parser.add_argument("--grader-repeats", type=int, default=1, help="members a fold")
    parser.add_argument("--use-patients", type=int, default=400, help="simulated patients for the step `localizers`")
    parser.add_argument("--use-measured", type=int, default=30, help="others on which it is measured")
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    call = parser.parse_args()
    if unknown := set(call.steps) - set(STEPS + USE_STEPS):
        parser.error(f"unknown step {', '.join(sorted(unknown))}; choose of {', '.join(STEPS + USE_STEPS)}")
    torch.set_num_threads(call.threads)
    if "teacher" in call.steps:
        train_teacher(call.output, call.teacher_steps)
    if "localizer" in call.steps:
        train_localizer(call.output, call.localizer_steps)
    grading = call.output / "grading"
    if "cohort" in call.steps:
        grading_data.draw(grading, call.patients, call.validation, call.threads)
    if "pretrain" in call.steps:
        grader_steps.pretrain(grading, call.pretrain_steps)
    if "grader" in call.steps:
        grader_steps.fine_tune(grading, call.grader_steps, call.grader_repeats)
    if "publish" in call.steps:
        publish("spine-localizer", call.output / "localizer" / "weights.safetensors", __version__)
        publish("disc-grader", grading / grader_steps.WEIGHTS, __version__)
    if "column" in call.steps:
        save_column_shape(data_folder())
    if "localizers" in call.steps:
        simulation_use.draw(call.output / "use", call.use_patients, call.use_measured, call.threads)
        simulation_use.train_localizers(call.output / "use", call.localizer_steps)


if __name__ == "__main__":
    main()
