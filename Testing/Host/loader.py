"""`qt.QUiLoader`: reads .ui files that hold widgets of CTK and MRML."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree

from PySide6 import QtCore, QtUiTools, QtWidgets

from .manners import outgoing

_stand_ins: dict[str, type[QtWidgets.QWidget]] = {}


def register(*classes: type[QtWidgets.QWidget]) -> None:
    """Let .ui files hold these widgets."""
    _stand_ins.update({one.__name__: one for one in classes})


class QUiLoader(QtCore.QObject):
    """Stands for QUiLoader, with the widgets that Slicer's plugins bring to it."""

    def load(self, file: QtCore.QIODevice) -> QtWidgets.QWidget:
        """The widget that a .ui file describes.

        Raises `ValueError` where it holds a widget that no stand-in is there for, or connects what does not exist.
        Connections are made here: their signatures speak of C++ classes that Qt in Python does not know.
        """
        document = ElementTree.fromstring(bytes(file.readAll()))
        connections = document.find("connections")
        if connections is not None:
            document.remove(connections)
        self._check(document)
        loader = QtUiTools.QUiLoader()
        for stand_in in _stand_ins.values():
            loader.registerCustomWidget(stand_in)
        buffer = QtCore.QBuffer()
        buffer.setData(ElementTree.tostring(document))
        buffer.open(QtCore.QIODevice.OpenModeFlag.ReadOnly)
        widget = loader.load(buffer)
        for connection in connections if connections is not None else ():
            _connect(widget, *(connection.findtext(tag) for tag in ("sender", "signal", "receiver", "slot")))
        return widget

    @staticmethod
    def _check(document: ElementTree.Element) -> None:
        declared = {one.findtext("class") for one in document.iter("customwidget")}
        used = {one.get("class") for one in document.iter("widget")}
        for name in used:
            if name not in _stand_ins and not hasattr(QtWidgets, name):
                raise ValueError(f"the .ui file holds a {name}, for which there is no stand-in")
            if name in _stand_ins and name not in declared:
                raise ValueError(f"the .ui file does not declare {name} among its custom widgets")


def _connect(widget: QtWidgets.QWidget, sender: str, signal: str, receiver: str, slot: str) -> None:
    source, target = (
        widget if widget.objectName() == name else widget.findChild(QtWidgets.QWidget, name)
        for name in (sender, receiver)
    )
    if source is None or target is None:
        raise ValueError(f"the .ui file connects {sender} with {receiver}, which are not both there")
    outgoing(source).connect(signal, getattr(outgoing(target), slot.split("(")[0]))
