"""How plots of results are saved."""

from __future__ import annotations

from pathlib import Path

from matplotlib import pyplot
from matplotlib.figure import Figure
from PIL import Image

from ..whole_files import whole_file

DPI = 90


def save_figure(figure: Figure, path: Path, *, dpi: int = DPI, colors: int | None = None) -> None:
    """Write a figure of pyplot as a whole PNG file and close it.

    Parameters
    ----------
    colors:
        Size of a palette to reduce it to: 64 take a quarter of the bytes of plots, and no eye tells the difference.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with whole_file(path) as unfinished:
        figure.savefig(unfinished, dpi=dpi, facecolor="white")
        if colors:
            with Image.open(unfinished) as picture:
                smaller = picture.convert("RGB").quantize(colors, method=Image.Quantize.MAXCOVERAGE)
            smaller.save(unfinished, format="PNG", optimize=True)
    pyplot.close(figure)
