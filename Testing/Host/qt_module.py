"""The module `qt`: every class of Qt that PySide6 brings, with PythonQt's manners."""

from __future__ import annotations

import sys
import types
from typing import Any

from PySide6 import QtCore, QtGui, QtWidgets

from . import dialogs
from .loader import QUiLoader
from .manners import PROXIED, proxy_class

_SOURCES = (QtWidgets, QtGui, QtCore)

_OWN = types.SimpleNamespace(
    QDesktopServices=dialogs.QDesktopServices,
    QFileDialog=dialogs.QFileDialog,
    QMessageBox=dialogs.QMessageBox,
    QUiLoader=QUiLoader,
)
"""Classes that would wait for a user, or that act outside this process."""


class QtModule(types.ModuleType):
    """Looks a class up when it is first asked for, as an attribute."""

    def __getattr__(self, name: str) -> Any:
        found = (getattr(source, name) for source in (_OWN, *_SOURCES) if hasattr(source, name))
        value = next(found, None) if name.startswith("Q") else None
        if value is None:
            raise AttributeError(f"module 'qt' has no attribute {name!r}")
        shown = proxy_class(value) if isinstance(value, type) and issubclass(value, PROXIED) else value
        setattr(self, name, shown)
        return shown


def install() -> None:
    """Put the module in place."""
    sys.modules["qt"] = QtModule("qt", __doc__)
