"""Runs a script as `Slicer --no-main-window --python-script SCRIPT ARGUMENTS` does; the exit code is the script's."""

from __future__ import annotations

import runpy
import sys

from PySide6 import QtCore

from . import install


def main(script: str) -> int:
    """Run a script whose arguments are in `sys.argv`, and then what it left to the event loop until it calls `exit`."""
    install(window=False)
    import slicer

    ended: list[int] = []
    # The real one leaves its event loop; there is none yet while the script runs.
    slicer.app._qt.exit = ended.append
    runpy.run_path(script, run_name="__main__")
    while not ended:
        QtCore.QCoreApplication.processEvents(QtCore.QEventLoop.ProcessEventsFlag.WaitForMoreEvents)
    return ended[0]


if __name__ == "__main__":
    sys.argv = sys.argv[1:]
    sys.exit(main(sys.argv[0]))
