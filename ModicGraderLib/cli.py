"""`modicgrader`: the command line. Heavy libraries are imported by the commands that need them."""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from . import __version__, cohort_cli, grade_cli, recipe_cli
from .cli_options import AsJson, check_output
from .errors import Cancelled, InputError
from .reader_study_cli import app as reader_study_app

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

# First: the help lists commands in this order.
grade_cli.add_to(app)


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


cohort_cli.add_to(app)
recipe_cli.add_to(app)
