"""The module `ctk`: the widgets of CTK that the project uses, as thin widgets of Qt."""

from __future__ import annotations

import sys
import types

from PySide6 import QtCore, QtGui, QtWidgets
from PySide6.QtCore import Property, Signal

from . import dialogs
from .loader import register
from .manners import proxy_class


class ctkCollapsibleButton(QtWidgets.QAbstractButton):
    """A heading that hides or shows what its layout holds."""

    contentsCollapsed = Signal(bool)

    def __init__(self, *arguments):
        text, parent = _text_and_parent(arguments)
        super().__init__(parent)
        self._collapsed = False
        self.setText(text)
        self.setCheckable(True)
        self.setChecked(True)
        self._height = self.fontMetrics().height() + 8
        self.setContentsMargins(0, self._height, 0, 0)
        self.toggled.connect(lambda checked: self._set_collapsed(not checked))

    def _get_collapsed(self) -> bool:
        return self._collapsed

    def _set_collapsed(self, collapsed: bool) -> None:
        if collapsed == self._collapsed:
            return
        self._collapsed = collapsed
        self.setChecked(not collapsed)
        for child in self.findChildren(QtWidgets.QWidget, options=QtCore.Qt.FindDirectChildrenOnly):
            child.setVisible(not collapsed)
        self.setMaximumHeight(self._height if collapsed else 16777215)
        self.contentsCollapsed.emit(collapsed)

    collapsed = Property(bool, _get_collapsed, _set_collapsed)

    def setCollapsed(self, collapsed: bool) -> None:
        """Hide or show the contents."""
        self.collapsed = collapsed

    def childEvent(self, event: QtCore.QChildEvent) -> None:
        """A widget that is added to a collapsed button stays hidden."""
        if event.added() and event.child().isWidgetType() and getattr(self, "_collapsed", False):
            event.child().setVisible(False)

    def sizeHint(self) -> QtCore.QSize:
        """The heading alone, or with its contents."""
        inner = self.layout().totalSizeHint() if self.layout() and not self._collapsed else QtCore.QSize(0, 0)
        return QtCore.QSize(max(inner.width(), 120), max(inner.height(), self._height))

    def minimumSizeHint(self) -> QtCore.QSize:
        """As small as its contents allow."""
        inner = self.layout().totalMinimumSize() if self.layout() and not self._collapsed else QtCore.QSize(0, 0)
        return QtCore.QSize(inner.width(), max(inner.height(), self._height))

    def hitButton(self, position: QtCore.QPoint) -> bool:
        """Only the heading is a button."""
        return position.y() < self._height

    def paintEvent(self, _event: QtGui.QPaintEvent) -> None:
        """A bar with a triangle and the text."""
        painter = QtGui.QPainter(self)
        bar = QtCore.QRect(0, 0, self.width(), self._height)
        painter.fillRect(bar, self.palette().button().color().darker(108))
        arrow = QtWidgets.QStyle.PE_IndicatorArrowRight if self._collapsed else QtWidgets.QStyle.PE_IndicatorArrowDown
        option = QtWidgets.QStyleOption()
        option.initFrom(self)
        option.rect = QtCore.QRect(4, (self._height - 12) // 2, 12, 12)
        self.style().drawPrimitive(arrow, option, painter, self)
        painter.drawText(bar.adjusted(22, 0, 0, 0), QtCore.Qt.AlignVCenter, self.text())


class ctkSliderWidget(QtWidgets.QWidget):
    """A slider with a spin box for decimal numbers."""

    _STEPS = 1000
    valueChanged = Signal(float)

    def __init__(self, parent: QtWidgets.QWidget | None = None):
        super().__init__(parent)
        self._slider, self._box = QtWidgets.QSlider(QtCore.Qt.Horizontal), QtWidgets.QDoubleSpinBox()
        self._slider.setRange(0, self._STEPS)
        row = QtWidgets.QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.addWidget(self._slider, 1)
        row.addWidget(self._box)
        self._slider.sliderMoved.connect(lambda place: self._box.setValue(self._at(place)))
        self._box.valueChanged.connect(self._show)

    def _at(self, place: int) -> float:
        return self._box.minimum() + (self._box.maximum() - self._box.minimum()) * place / self._STEPS

    def _show(self, value: float) -> None:
        span = self._box.maximum() - self._box.minimum()
        self._slider.setValue(round(self._STEPS * (value - self._box.minimum()) / span) if span else 0)
        self.valueChanged.emit(value)

    def _of_box(name: str):
        def read(self):
            return getattr(self._box, name)()

        def write(self, value):
            getattr(self._box, f"set{name[0].upper()}{name[1:]}")(value)

        return read, write

    value = Property(float, *_of_box("value"))
    minimum = Property(float, *_of_box("minimum"))
    maximum = Property(float, *_of_box("maximum"))
    singleStep = Property(float, *_of_box("singleStep"))
    decimals = Property(int, *_of_box("decimals"))
    suffix = Property(str, *_of_box("suffix"))

    def setValue(self, value: float) -> None:
        """Set the number."""
        self.value = value


class _PathWidget(QtWidgets.QPushButton):
    """What the path widgets share: a path that can be changed."""

    _title = "Choose"

    def __init__(self, *arguments):
        path, parent = _text_and_parent(arguments)
        super().__init__(parent)
        self._path = ""
        self._set_path(path)

    def _get_path(self) -> str:
        return self._path

    def _set_path(self, path: str) -> None:
        changed = path != self._path
        self._path = path
        self.setText(path or "...")
        if changed:
            self._tell(path)

    def _choose(self) -> None:
        if chosen := dialogs.QFileDialog.getExistingDirectory(self, self._title, self._path):
            self._set_path(chosen)


class ctkDirectoryButton(_PathWidget):
    """A button that shows a folder and lets another be chosen."""

    directoryChanged = Signal(str)

    def __init__(self, *arguments):
        super().__init__(*arguments)
        self.clicked.connect(self.browse)

    def _tell(self, path: str) -> None:
        self.directoryChanged.emit(path)

    directory = Property(str, _PathWidget._get_path, _PathWidget._set_path)

    def browse(self) -> None:
        """Let the user choose a folder."""
        self._choose()


class ctkPathLineEdit(_PathWidget):
    """A line with a path. Its filters and its history are not here."""

    currentPathChanged = Signal(str)

    def _tell(self, path: str) -> None:
        self.currentPathChanged.emit(path)

    currentPath = Property(str, _PathWidget._get_path, _PathWidget._set_path)


class ctkMessageBox(dialogs.QMessageBox):
    """A message box; that it can be told not to come again is not here."""


def _text_and_parent(arguments: tuple) -> tuple[str, QtWidgets.QWidget | None]:
    text = next((one for one in arguments if isinstance(one, str)), "")
    return text, next((one for one in arguments if isinstance(one, QtWidgets.QWidget)), None)


WIDGETS = (ctkCollapsibleButton, ctkSliderWidget, ctkDirectoryButton, ctkPathLineEdit, ctkMessageBox)


def install() -> None:
    """Put the module in place."""
    module = types.ModuleType("ctk", __doc__)
    for widget in WIDGETS:
        setattr(module, widget.__name__, proxy_class(widget))
    register(*WIDGETS)
    sys.modules["ctk"] = module
