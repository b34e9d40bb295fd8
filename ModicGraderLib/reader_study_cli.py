"""`modicgrader reader-study`: prepare and analyze an AI-assisted reading study (Gao 2022)."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from .cli_options import AsJson, OutputFolder, check_output

app = typer.Typer(help="An AI-assisted reading study, as in Gao 2022.", no_args_is_help=True)


@app.command()
def prepare(
    output: Annotated[Path, typer.Option("--output", "-o", metavar="DIR", help="New folder for the study.")],
    studies: Annotated[
        Path,
        typer.Option(
            metavar="DIR|CSV",
            help="A folder of graded studies (results of `modicgrader grade`), or a table: study,result[,t1,t2,...].",
        ),
    ],
    readers: Annotated[list[str], typer.Option("--reader", metavar="CODE", help="A reader's code; repeat it.")],
    seed: Annotated[int, typer.Option(min=0, help="The same seed draws the same study.")] = 0,
    cases: Annotated[int | None, typer.Option(min=1, help="How many patients; all by default.")] = None,
    balanced: Annotated[
        bool, typer.Option("--balanced", help="Take cases of every Modic type that the machine sees in turn.")
    ] = False,
    washout_days: Annotated[int | None, typer.Option(min=0, help="Between a reader's sessions; 28 by default.")] = None,
    slices: Annotated[int | None, typer.Option(min=1, help="Slices shown of each disc; 5 by default.")] = None,
) -> None:
    """Draw cases, and make one page for every reader and session, without and with assistance."""
    from .reader_study.preparation import prepare_study
    from .terminal import shown_progress

    chosen = {"washout_days": washout_days, "slices": slices}
    with shown_progress() as progress:
        sessions = prepare_study(
            studies,
            output,
            readers,
            seed=seed,
            count=cases,
            balanced=balanced,
            progress=progress,
            **{name: value for name, value in chosen.items() if value is not None},
        )
    count = len(sessions[0].cases)
    print(f"{len(sessions)} sessions (cases in each: {count}) are in {output}; keep its key from the readers")


@app.command()
def analyze(
    readings: Annotated[list[Path], typer.Argument(metavar="READINGS...", help="The CSV files that the pages made.")],
    output: OutputFolder,
    reference: Annotated[
        list[str] | None,
        typer.Option(
            metavar="CODE|CSV",
            help="Compare every reader with what this one said without assistance, or with a table of grades "
            "(case,level,modic), as key/truth.csv; may be repeated.",
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Report agreement and time without and with assistance, with intervals and a paired test."""
    check_output(output)
    from .reader_study.agreement import analyze as analyze_readings
    from .reader_study.agreement import named_references
    from .reader_study.readings import read_readings
    from .reader_study.results import as_json as result_as_json
    from .reader_study.results import markdown, write_results
    from .terminal import print_json

    all_readings = read_readings(readings)
    result = analyze_readings(all_readings, named_references(reference or [], all_readings))
    write_results(result, output)
    print_json(result_as_json(result)) if as_json else print(markdown(result))
