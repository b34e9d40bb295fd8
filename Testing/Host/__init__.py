"""A host for the Slicer module: stand-ins for what the Slicer application brings beyond `slicer-core`.

    import Host

    Host.install()
    widget = Host.open_module("ModicGrader/ModicGrader.py")
    Host.grab_window(widget.parent, "window.png")

The scene, its nodes, its logics and `slicer.util` are Slicer's own; the widgets are Qt's own, made by PySide6 and shown
with PythonQt's manners. README.md beside this file lists what each stand-in stands for.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

_host: Any = None


def install(window: bool = True) -> None:
    """Put `qt`, `ctk`, `SampleData` and the missing parts of `slicer` in place; a second call does nothing.

    Without a `window` there is no main window and no views, as under `Slicer --no-main-window`.
    """
    global _host
    if _host is not None:
        return
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    from ModicGraderLib.scene.host import Host

    from . import (
        application,
        ctk_module,
        i18n,
        manners,
        mrml_widgets,
        packaging_module,
        parameter_node,
        qt_module,
        sample_data,
        scripted,
    )

    _host = Host()
    for stand_in in (qt_module, ctk_module, i18n, packaging_module, sample_data, mrml_widgets):
        stand_in.install()
    application.install(_host, window)
    scripted.install()
    parameter_node.install()
    manners.keep_faults_of_observers()


def open_module(path: str | Path) -> Any:
    """Load a module's file and open its panel as Slicer does; the module's Python widget."""
    from .scripted import open_module as open_here

    return open_here(path)


def wait_until(happened: Any, seconds: float = 30.0) -> None:
    """Let the application work until something has happened. Raises `TimeoutError`."""
    from time import monotonic, sleep

    import slicer

    end = monotonic() + seconds
    while not happened():
        if monotonic() > end:
            raise TimeoutError(f"nothing happened within {seconds} s")
        slicer.app.processEvents()
        sleep(0.01)


def reset() -> list[str]:
    """Make all as it was after `install`: no module, an empty scene, no dialogs. Tracebacks of exceptions in slots."""
    import slicer

    from . import dialogs, manners, packaging_module, scripted

    scripted.close_modules()
    slicer.mrmlScene.Clear(False)
    faults = list(manners.faults)
    manners.faults.clear()
    dialogs.clear()
    packaging_module.ensured.clear()
    return faults


def grab(widget: Any, path: str | Path, size: tuple[int, int] | None = None) -> None:
    """Write a picture of a widget, laid out as on a screen of its size (width, height) or of the size it wants."""
    from . import picture

    picture.grab(widget, Path(path), size)


def grab_window(panel: Any, path: str | Path, size: tuple[int, int] = (1600, 1000)) -> None:
    """Write a picture (width, height) of a panel with the slice views of T1 and T2 beside it."""
    from . import picture

    picture.grab_window(panel, Path(path), size)


def running() -> Any:
    """The scene and the application's logic, as `ModicGraderLib.scene.render` wants them."""
    return _host
