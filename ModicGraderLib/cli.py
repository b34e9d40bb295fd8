"""`modicgrader`: the command line. Heavy libraries are imported by the commands that need them."""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Sequence
from enum import Enum
from pathlib import Path
from typing import Annotated

import typer

from . import __version__, recipe_cli
from .anatomy import DISCS_UPWARDS
from .cli_options import AsJson, OutputFolder, check_output
from .errors import Cancelled, InputError
from .reader_study_cli import app as reader_study_app
from .threads import limit_threads

DONE, OUR_FAULT, WRONG_INPUT, CANCELLED = 0, 1, 2, 130
"""Exit codes."""

CANCELLED_TEXT = "cancelled; nothing was written"

DEBUG = "MODICGRADER_DEBUG"
"""Environment variable; where it is set, a fault shows where it arose."""

app = typer.Typer(
    help="Grade the discs of the lumbar spine on sagittal T1 and T2 MRI. For research use.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
models_app = typer.Typer(help="The models that ModicGrader ships.", no_args_is_help=True)
app.add_typer(models_app, name="models")
app.add_typer(reader_study_app, name="reader-study")

Device = Enum("Device", {name: name for name in ("auto", "cpu", "cuda", "mps")}, type=str)
Output = Enum("Output", {name: name for name in ("report", "map", "evidence")}, type=str)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command and return its exit code; a wrong call or input ends in one line on stderr."""
    logging.basicConfig(format="modicgrader: %(message)s", level=logging.WARNING)
    try:
        code = app(arguments, prog_name="modicgrader", standalone_mode=False) or DONE
        # Typer turns Ctrl-C into this code.
        return _say(CANCELLED_TEXT, CANCELLED) if code == CANCELLED else code
    except Cancelled as cancelled:
        return _say(str(cancelled) or CANCELLED_TEXT, CANCELLED)
    except (typer.TyperException, InputError) as error:
        text = error.format_message() if isinstance(error, typer.TyperException) else str(error)
        # A call without arguments prints its help, which has said everything.
        return _say(text, WRONG_INPUT) if text else WRONG_INPUT
    except Exception as error:
        if os.environ.get(DEBUG):
            raise
        fault = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
        return _say(f"{fault} (a fault of ModicGrader; please report it as README.md says)", OUR_FAULT)


def _say(text: str, code: int) -> int:
    print(f"modicgrader: {' '.join(text.split())}", file=sys.stderr)
    return code


@app.callback(invoke_without_command=True)
def _version(version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False) -> None:
    if version:
        print(f"modicgrader {__version__}")


@app.command()
def grade(
    output: OutputFolder,
    dicom: Annotated[Path | None, typer.Argument(metavar="[DICOM_DIR]", help="Folder that holds the study.")] = None,
    t1: Annotated[Path | None, typer.Option(metavar="PATH", help="T1: NIfTI, NRRD, MHA or a DICOM folder.")] = None,
    t2: Annotated[Path | None, typer.Option(metavar="PATH", help="T2: NIfTI, NRRD, MHA or a DICOM folder.")] = None,
    device: Annotated[Device, typer.Option(help="Where the networks run.")] = Device.auto,
    threads: Annotated[int | None, typer.Option(min=1, help="Processor threads; all by default.")] = None,
    lowest_disc: Annotated[
        str | None, typer.Option(metavar="LEVEL", help="Name of the lowest disc in view, if the numbering is wrong.")
    ] = None,
    only: Annotated[list[Output] | None, typer.Option(help="Leave the rest out to save time; may be repeated.")] = None,
    as_json: AsJson = False,
) -> None:
    """Find, name and grade the discs of a study, and write the report, tables, maps and a Slicer scene."""
    _check_call(dicom, t1, t2, lowest_disc)
    check_output(output)
    limit_threads(threads)
    from .export import write_results
    from .io import read_dicom_study, read_study
    from .terminal import print_summary, shown_progress

    with shown_progress() as progress:
        reading = progress.part(0.0, 0.1)
        study = read_dicom_study(dicom, progress=reading) if dicom else read_study(t1, t2, progress=reading)
        # Only now: a wrong input need not wait for torch.
        from .pipeline import grade_study

        wanted = frozenset(one.value for one in only) if only else None
        graded = grade_study(
            study, lowest_disc=lowest_disc, device=device.value, only=wanted, progress=progress.part(0.1, 0.8)
        )
        progress.step(0.8, "Writing the results")
        files = write_results(graded, output, with_scene=wanted is None)
    print_summary(graded.report, output, files, as_json=as_json)


@app.command()
def simulate(
    output: Annotated[
        Path | None, typer.Option("--output", "-o", metavar="DIR", help="Folder for the study or the cohort.")
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="The same seed makes the same study.")] = 0,
    case: Annotated[
        str | None, typer.Option(metavar="FILE|NAME", help="A case file, or a teaching case by its name.")
    ] = None,
    count: Annotated[
        int | None, typer.Option(min=1, help="Make a cohort of so many seeds, one folder each: DIR/0000, ...")
    ] = None,
    slices: Annotated[int | None, typer.Option(min=1, help="Slices of each series; as in practice by default.")] = None,
    eight_bit: Annotated[
        bool | None, typer.Option(help="Store 8 bits, clipped, as published data do; by lot by default.")
    ] = None,
    fat_suppressed: Annotated[bool, typer.Option("--fat-suppressed", help="Take T2 with the fat suppressed.")] = False,
    list_cases: Annotated[bool, typer.Option("--list-cases", help="List the teaching cases and stop.")] = False,
    as_json: AsJson = False,
) -> None:
    """Make a simulated study with its truth: t1.nii.gz, t2.nii.gz, labels.nii.gz and truth.json."""
    from .simulation.teaching import find_case, teaching_cases
    from .terminal import print_cases, print_simulated, shown_progress

    if list_cases:
        return print_cases({name: find_case(name) for name in teaching_cases()}, as_json=as_json)
    if output is None:
        raise InputError("no folder was named; give -o DIR, or --list-cases")
    check_output(output)
    request = find_case(case) if case else None
    # Only now: a wrong case need not wait for torch.
    from .simulation.files import simulate_study

    folders = {output / f"{one:04d}": one for one in range(seed, seed + count)} if count else {output: seed}
    pictures = {"slices": slices, "eight_bit": eight_bit, "fat_suppressed": fat_suppressed}
    done = []
    with shown_progress() as progress:
        try:
            for folder, one in folders.items():
                progress.step(len(done) / len(folders), f"Simulating study {len(done) + 1} of {len(folders)}")
                done.append(simulate_study(one, folder, request, **pictures))
        except KeyboardInterrupt:
            raise Cancelled(f"cancelled; {len(done)} of {len(folders)} studies were written") from None
    print_simulated(done, output, request, as_json=as_json)


@app.command()
def compare(
    result: Annotated[Path, typer.Argument(metavar="REPORT", help="A report.json.")],
    truth: Annotated[
        Path, typer.Argument(metavar="TRUTH", help="The truth.json of the same study, or another report.")
    ],
    as_json: AsJson = False,
) -> None:
    """Show the grades of a report beside the truth, level by level."""
    from .comparison import compare as compare_reports
    from .report import StudyReport
    from .terminal import print_comparison

    print_comparison(compare_reports(*(StudyReport.read(path) for path in (result, truth))), as_json=as_json)


@models_app.command("list")
def list_models(as_json: AsJson = False) -> None:
    """List the models with their version, license and training data."""
    from .models import registry
    from .terminal import print_json

    if as_json:
        return print_json(registry())
    for model in registry():
        print(f"{model['name']} {model['version']} ({model['license']}): {model['description']}")
        for source in model["training_data"]:
            print(f"    trained on {source}")


@models_app.command("verify")
def verify_models(as_json: AsJson = False) -> None:
    """Check that the file of every model is there and whole."""
    from .models import registry, verify
    from .terminal import print_json

    names = [model["name"] for model in registry()]
    for name in names:
        verify(name)
    if as_json:
        return print_json({"verified": names})
    print(f"{len(names)} models are whole: {', '.join(names)}" if names else "no models are registered")


recipe_cli.add_to(app)


def _check_call(dicom: Path | None, t1: Path | None, t2: Path | None, lowest_disc: str | None) -> None:
    if dicom is None and t1 is None and t2 is None:
        raise InputError("no images were named; give --t1 PATH and --t2 PATH, or a DICOM folder")
    if dicom is not None and (t1 is not None or t2 is not None):
        raise InputError("a DICOM folder was named beside --t1 or --t2; give either the folder or the two series")
    if lowest_disc is not None and lowest_disc not in DISCS_UPWARDS:
        raise InputError(f"{lowest_disc!r} is no disc; --lowest-disc takes one of {', '.join(DISCS_UPWARDS)}")
