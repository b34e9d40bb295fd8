"""What would wait for a user or leave this process: message boxes, file dialogs, the browser. Here it is written down.

A test says beforehand what the user will answer, `answer(...)`, and looks afterwards at what was `shown`. A question
that no answer was given for fails: off screen it would wait forever.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import Any

from PySide6 import QtCore, QtGui, QtWidgets


@dataclass(frozen=True)
class Shown:
    """A dialog, or a page in the browser: the class that showed it, its title, its text."""

    kind: str
    title: str
    text: str


shown: list[Shown] = []
_answers: deque[Any] = deque()


def answer(*values: Any) -> None:
    """What the user will answer to the next dialogs: a button, a file name, a text."""
    _answers.extend(values)


def clear() -> None:
    """Forget everything."""
    shown.clear()
    _answers.clear()


def _ask(kind: str, title: str, text: str) -> Any:
    shown.append(Shown(kind, title, text))
    if not _answers:
        raise RuntimeError(f"{kind} waits for an answer that the test did not give: {title}: {text}")
    return _answers.popleft()


class QMessageBox(QtWidgets.QMessageBox):
    """Stands for QMessageBox and ctkMessageBox."""

    def exec(self) -> int:
        """Write the message down; the answer is the only button, or what the test said."""
        kind, title = type(self).__name__, self.windowTitle().strip()
        only_to_be_read = self.standardButtons() in (self.StandardButton.Ok, self.StandardButton.NoButton)
        if only_to_be_read:
            shown.append(Shown(kind, title, self.text()))
            return int(self.StandardButton.Ok)
        return int(_ask(kind, title, self.text()))

    @staticmethod
    def question(parent: Any, title: str, text: str, *_buttons: Any) -> int:
        """Ask."""
        return _ask("QMessageBox", title, text)

    @staticmethod
    def warning(parent: Any, title: str, text: str, *_buttons: Any) -> int:
        """Warn."""
        shown.append(Shown("QMessageBox", title, text))
        return QtWidgets.QMessageBox.StandardButton.Ok


class QFileDialog(QtWidgets.QFileDialog):
    """In PythonQt the static functions return the path alone, in PySide6 a pair."""

    @staticmethod
    def getOpenFileName(parent: Any = None, caption: str = "", folder: str = "", *_rest: Any) -> str:
        """The file that the user chooses; empty if none."""
        return str(_ask("QFileDialog", caption, folder))

    @staticmethod
    def getSaveFileName(parent: Any = None, caption: str = "", folder: str = "", *_rest: Any) -> str:
        """The file that the user will have written; empty if none."""
        return str(_ask("QFileDialog", caption, folder))

    @staticmethod
    def getExistingDirectory(parent: Any = None, caption: str = "", folder: str = "", *_rest: Any) -> str:
        """The folder that the user chooses; empty if none."""
        return str(_ask("QFileDialog", caption, folder))


class QDesktopServices(QtGui.QDesktopServices):
    """Opens nothing."""

    @staticmethod
    def openUrl(url: QtCore.QUrl) -> bool:
        """Write down which page would have been opened."""
        shown.append(Shown("QDesktopServices", "", url.toString()))
        return True
