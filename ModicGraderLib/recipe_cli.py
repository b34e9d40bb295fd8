"""`modicgrader train`, `evaluate`, `reproduce` and `prepare`: the founding papers' systems, on one's own data too.

On several GPUs: `torchrun --nproc-per-node 4 -m ModicGraderLib train RECIPE ...`.
"""

from __future__ import annotations

from enum import Enum
from pathlib import Path
from typing import Annotated

import typer

from .cli_options import OutputFolder, check_output

Budget = Enum("Budget", {name: name for name in ("smoke", "small", "full")}, type=str)

Name = Annotated[str, typer.Argument(metavar="RECIPE", help="For example damopoulos2019; a wrong name lists all.")]
Data = Annotated[str, typer.Option(metavar="SOURCE", help="simulated, spider, or a manifest: see docs/manifest.md.")]
Variant = Annotated[str, typer.Option(metavar="NAME", help="Of the recipe; its page in docs/recipes lists them.")]
Weights = Annotated[
    Path | None, typer.Option(metavar="FILE", help="Weights to start from: .safetensors, or .pth of a state dict.")
]
Seed = Annotated[int, typer.Option(min=0, help="Of everything random in training.")]
Device = Annotated[str, typer.Option(help="auto, cpu, cuda, cuda:1, ... or mps.")]
Processes = Annotated[int, typer.Option(min=1, help="How many cut samples from the studies.")]

prepare_app = typer.Typer(help="Make a manifest of public data.", no_args_is_help=True)


def add_to(app: typer.Typer) -> None:
    """Add these commands to the command line."""
    for command in (train, evaluate, reproduce):
        app.command()(command)
    app.add_typer(prepare_app, name="prepare")


def train(
    recipe: Name,
    data: Data,
    output: OutputFolder,
    budget: Annotated[Budget, typer.Option(help="How much of the paper's protocol.")] = Budget.full,
    variant: Variant = "",
    pretrained: Weights = None,
    seed: Seed = 0,
    device: Device = "auto",
    processes: Processes = 1,
) -> None:
    """Train a paper's system on all studies of a source; the same call goes on where it was stopped."""
    check_output(output)
    from .recipes.commands import Settings, train

    settings = Settings(data, output, budget.value, variant, pretrained, seed, device, processes)
    _say(f"{recipe} is trained: {train(recipe, settings)}")


def evaluate(
    recipe: Name,
    run: Annotated[Path, typer.Option(metavar="DIR", help="Folder that `train` wrote.")],
    data: Data,
    output: OutputFolder,
    device: Device = "auto",
    processes: Processes = 1,
) -> None:
    """Apply a trained system: an answer for every disc, and measures where its labels are known."""
    check_output(output)
    from .recipes.commands import Settings, evaluate

    settings = Settings(data, output, device=device, processes=processes)
    for path in evaluate(recipe, run, settings):
        _say(str(path))


def reproduce(
    recipe: Annotated[str, typer.Argument(metavar="RECIPE|all", help="One recipe, or all, one after the other.")],
    data: Data,
    output: OutputFolder,
    budget: Annotated[Budget, typer.Option(help="How much of the paper's protocol.")] = Budget.small,
    variant: Variant = "",
    pretrained: Weights = None,
    seed: Seed = 0,
    device: Device = "auto",
    processes: Processes = 1,
) -> None:
    """Run a paper's protocol and set our figures beside its own, in tables.json and tables.md."""
    check_output(output)
    from .recipes.commands import Settings, reproduce

    settings = Settings(data, output, budget.value, variant, pretrained, seed, device, processes)
    for path in reproduce(recipe, settings):
        _say(str(path))


@prepare_app.command()
def spider(
    directory: Annotated[Path, typer.Argument(metavar="DIR", help="SPIDER as published: images, masks, gradings.")],
    output: Annotated[Path, typer.Option("--output", "-o", metavar="FILE", help="The manifest, a CSV file.")],
) -> None:
    """Make a manifest of a SPIDER download."""
    check_output(output.absolute().parent)
    from .terminal import shown_progress
    from .training.spider_download import prepare

    with shown_progress() as progress:
        manifest = prepare(directory, output, progress)
    _say(str(manifest))


def _say(text: str) -> None:
    from .training.ranks import is_first

    if is_first():
        print(text)
