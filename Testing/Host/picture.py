"""Pictures of the panel and of the views, taken off screen."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import slicer
from PySide6 import QtGui, QtWidgets

from ModicGraderLib.whole_files import whole_file

from .manners import incoming

PANEL_WIDTH = 520
"""Pixels for the panel in a picture of the whole window."""


def grab(widget: Any, path: Path, size: tuple[int, int] | None = None) -> None:
    """Write a picture of a widget (width, height). Raises `RuntimeError` where there is no font to write with."""
    _save(_drawn(widget, size), path)


def grab_window(panel: Any, path: Path, size: tuple[int, int] = (1600, 1000)) -> None:
    """Write a picture of what a user has before the eyes: the panel, and beside it the slice views of T1 and T2.

    The views are drawn by Slicer's displayable managers as `ModicGraderLib.scene.render` does for a scene's picture.
    """
    whole = QtGui.QImage(*size, QtGui.QImage.Format.Format_RGB32)
    whole.fill(QtGui.QColor("black"))
    painter = QtGui.QPainter(whole)
    painter.drawPixmap(0, 0, _drawn(panel, (PANEL_WIDTH, size[1])))
    if _views_show_something():
        painter.drawImage(PANEL_WIDTH, 0, _views((size[0] - PANEL_WIDTH, size[1])))
    painter.end()
    _save(whole, path)


def _drawn(widget: Any, size: tuple[int, int] | None) -> QtGui.QPixmap:
    if not QtGui.QFontDatabase.families():
        raise RuntimeError("Qt finds no font; install one with: apt-get install fonts-dejavu-core")
    shown = incoming(widget)
    was_visible = shown.isVisible()
    # Qt lays out what is visible; off screen that needs no screen. Hidden rows take a second pass to go.
    shown.show()
    for _ in range(3):
        QtWidgets.QApplication.processEvents()
        shown.resize(*size) if size else shown.adjustSize()
    picture = shown.grab()
    shown.setVisible(was_visible)
    return picture


def _views_show_something() -> bool:
    logics = slicer.app.layoutManager().mrmlSliceLogics()
    return any(one.GetSliceCompositeNode().GetBackgroundVolumeID() for one in logics)


def _views(size: tuple[int, int]) -> QtGui.QImage:
    from ModicGraderLib.scene.render import render_sagittal

    from . import running

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "views.png"
        render_sagittal(running(), path, size)
        return QtGui.QImage(str(path))


def _save(picture: QtGui.QPixmap | QtGui.QImage, path: Path) -> None:
    with whole_file(path) as unfinished:
        if not picture.save(str(unfinished)):
            raise OSError(f"the picture could not be written to {path}")
