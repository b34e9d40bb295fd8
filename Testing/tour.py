"""The pictures of docs/tutorial.md, made by the running panel: `make tour`.

A simulated study is opened, graded, read, corrected and graded again with a cancel; then a lesson is given. Nothing is
drawn by hand: the panel and the slice views are photographed as they are.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import Host
import matplotlib.pyplot as plt
import slicer

from ModicGraderLib.lessons.items import ITEMS
from ModicGraderLib.simulation.files import simulate_study
from ModicGraderLib.simulation.teaching import find_case

SEED, CASE, LESSON = 7, "mixed-findings", "modic-1"
LEVEL_ROW = 4
"""Row of L4/L5."""

PANEL_SIZE = (520, 440)
"""Width and height in pixels of the panel alone."""

CANCEL_AT = 0.5
"""Part of the run after which it is cancelled, for the time line."""

LABEL_GAP = 0.06
"""Part of the run between two stages that are named in the time line."""

LONGEST_S = 900

Heard = list[tuple[float, float, str]]


def main(folder: Path) -> None:
    """Write all pictures into a folder."""
    Host.install()
    with tempfile.TemporaryDirectory() as temporary:
        files = simulate_study(SEED, Path(temporary) / "study", find_case(CASE))
        for name in ("t1", "t2"):
            slicer.util.loadVolume(str(files[name]))
        panel = Host.open_module("ModicGrader/ModicGrader.py")
        _section(panel, "inputs", "advanced")
        Host.grab(panel.parent, folder / "tutorial-inputs.png", PANEL_SIZE)
        whole = _graded(panel, folder / "tutorial-progress.png")
        _section(panel, "results")
        panel.ui.resultsTable.selectRow(LEVEL_ROW)
        _photograph(panel, folder / "tutorial-results.png")
        panel.ui.heatComboBox.setCurrentIndex(panel.ui.heatComboBox.findText("evidence"))
        panel.ui.alignedCheckBox.click()
        _photograph(panel, folder / "tutorial-evidence.png")
        panel.ui.heatComboBox.setCurrentIndex(panel.ui.heatComboBox.findText("none"))
        panel.ui.alignedCheckBox.click()
        _corrected(panel)
        _photograph(panel, folder / "tutorial-correction.png")
        cancelled = _cancelled(panel)
        _draw_time_line(whole, cancelled, folder / "tutorial-timeline.png")
        slicer.mrmlScene.Clear(False)
        _taught(panel, folder)
        panel.cleanup()


def _photograph(panel: Any, path: Path) -> None:
    slicer.app.processEvents()
    Host.grab_window(panel.parent, path)
    print(path, flush=True)


def _section(panel: Any, *names: str) -> None:
    """Open these sections and close the others, as a user does to have room."""
    for name in ("inputs", "advanced", "results", "correction", "export", "teaching"):
        getattr(panel.ui, f"{name}CollapsibleButton").setCollapsed(name not in names)


def _heard(panel: Any, until: Callable[[], bool]) -> Heard:
    """Press Apply and write down what the panel is told, until something is true; seconds, part done, stage."""
    began, heard, report = time.monotonic(), [], panel.onProgress

    def hear(fraction: float, text: str) -> None:
        heard.append((time.monotonic() - began, fraction, text))
        report(fraction, text)

    panel.onProgress = hear
    panel.ui.applyButton.click()
    Host.wait_until(until, LONGEST_S)
    del panel.onProgress
    return heard


def _graded(panel: Any, picture: Path) -> Heard:
    taken = []

    def is_over() -> bool:
        if panel.ui.progressBar.value > 100 * CANCEL_AT and not taken:
            taken.append(True)
            Host.grab(panel.parent, picture, PANEL_SIZE)
        return panel.ui.applyButton.text == "Apply"

    heard = _heard(panel, is_over)
    return [*heard, (heard[-1][0], 1.0, panel.ui.stageLabel.text)]


def _cancelled(panel: Any) -> Heard:
    heard = _heard(panel, lambda: panel.ui.progressBar.value > 100 * CANCEL_AT)
    pressed = time.monotonic()
    panel.ui.applyButton.click()
    Host.wait_until(lambda: panel.ui.applyButton.text == "Apply", LONGEST_S)
    return [*heard, (heard[-1][0] + time.monotonic() - pressed, heard[-1][1], panel.ui.stageLabel.text)]


def _corrected(panel: Any) -> None:
    _section(panel, "results", "correction")
    panel.ui.readerLineEdit.setText("A. Reader")
    panel.ui.resultsTable.selectRow(LEVEL_ROW)
    box = panel.ui.pfirrmannComboBox
    other = 2 if box.currentIndex != 2 else 3
    box.setCurrentIndex(other)
    box.activated(other)


def _draw_time_line(whole: Heard, cancelled: Heard, path: Path) -> None:
    figure, axes = plt.subplots(figsize=(10, 4), layout="constrained")
    for heard, color, name in ((whole, "tab:blue", "a whole run"), (cancelled, "tab:red", "a run that is cancelled")):
        seconds, fractions, _ = zip(*heard, strict=True)
        axes.step(seconds, [100 * one for one in fractions], where="post", color=color, label=name, marker="o", ms=3)
    lowest = -LABEL_GAP
    for seconds, fraction, text in whole:
        # Stages that follow each other at once would be written over each other.
        if fraction - lowest >= LABEL_GAP:
            axes.annotate(text, (seconds, 100 * fraction), (6, -9), textcoords="offset points", fontsize=7)
            lowest = fraction
    seconds, fraction, text = cancelled[-1]
    place = {"textcoords": "offset points", "ha": "center", "fontsize": 8, "color": "tab:red"}
    axes.annotate(text, (seconds, 100 * fraction), (0, 12), **place)
    axes.margins(x=0.1)
    axes.set_xlabel("seconds after Apply")
    axes.set_ylabel("done, %")
    axes.legend(loc="lower right")
    figure.savefig(path, dpi=110)
    print(path, flush=True)


def _taught(panel: Any, folder: Path) -> None:
    _section(panel, "teaching")
    teaching = panel.teaching
    teaching.ui.caseComboBox.setCurrentIndex(teaching.ui.caseComboBox.findText(find_case(LESSON)["title"]))
    teaching.ui.newCaseButton.click()
    Host.wait_until(lambda: bool(teaching.session.levels), LONGEST_S)
    _answer(teaching)
    _photograph(panel, folder / "tutorial-lesson.png")
    Host.wait_until(lambda: teaching.ui.revealButton.enabled, LONGEST_S)
    teaching.ui.revealButton.click()
    _photograph(panel, folder / "tutorial-revealed.png")


def _answer(teaching: Any) -> None:
    """A reader who calls everything by the first grade there is, and Pfirrmann by the third."""
    table = teaching.ui.answersTable
    for row in range(table.rowCount):
        for column, item in enumerate(ITEMS):
            box = table.cellWidget(row, column)
            choice = 3 if item == "pfirrmann" else 1
            box.setCurrentIndex(choice)
            box.activated(choice)


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "docs"))
