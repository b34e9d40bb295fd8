"""Draws the picture of a report in the documentation: its sheets of paper side by side.

    make demo
    python Testing/draw_report.py output/demo/report.html docs/report.png

The system's browser prints the page, and `pdftoppm` (Debian: poppler-utils) draws the sheets.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

from PIL import Image

from ModicGraderLib.export.printed import print_page

DOTS_PER_INCH = 100
COLORS = 256

GAP, EDGE = 12, (150, 156, 162)
"""Pixels between and around the sheets, and their color."""


def draw_report(html: Path) -> Image.Image:
    """The sheets on which a report is printed, side by side."""
    with tempfile.TemporaryDirectory() as folder:
        pdf = Path(folder) / "report.pdf"
        print_page(html, pdf)
        subprocess.run(["pdftoppm", "-r", str(DOTS_PER_INCH), "-png", pdf, Path(folder) / "sheet"], check=True)
        sheets = [Image.open(path).convert("RGB") for path in sorted(Path(folder).glob("sheet-*.png"))]
    width, height = (max(sheet.size[axis] for sheet in sheets) for axis in (0, 1))
    drawn = Image.new("RGB", (GAP + len(sheets) * (width + GAP), height + 2 * GAP), EDGE)
    for number, sheet in enumerate(sheets):
        drawn.paste(sheet, (GAP + number * (width + GAP), GAP))
    return drawn


if __name__ == "__main__":
    page, picture = map(Path, sys.argv[1:])
    draw_report(page).quantize(COLORS, Image.Quantize.FASTOCTREE, dither=Image.Dither.NONE).save(picture, optimize=True)
