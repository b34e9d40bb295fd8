"""Pictures of widgets and views, taken off screen."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from PySide6 import QtGui, QtWidgets

from .manners import incoming


def grab(widget: Any, path: Path, size: tuple[int, int] | None = None) -> None:
    """Write a picture of a widget. Raises `RuntimeError` where no font is there to write its text with."""
    if not QtGui.QFontDatabase.families():
        raise RuntimeError("Qt finds no font; install one with: apt-get install fonts-dejavu-core")
    shown = incoming(widget)
    # Qt lays out what is visible; off screen that needs no screen.
    was_visible = shown.isVisible()
    shown.show()
    for _ in range(3):
        QtWidgets.QApplication.processEvents()
        shown.resize(*size) if size else shown.adjustSize()
    if not shown.grab().save(str(path)):
        raise OSError(f"the picture could not be written to {path}")
    shown.setVisible(was_visible)
