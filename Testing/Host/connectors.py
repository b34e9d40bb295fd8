"""Ties of `connectGui`: which widget shows parameters of which type, by the widget's exact class as in Slicer."""

from __future__ import annotations

import enum
import pathlib
from collections.abc import Callable
from typing import Any

from . import parameter_types
from .parameter_types import keep, split


class Connector:
    """One widget and one parameter.

    Parameters
    ----------
    widget:
        As PythonQt shows it.
    signal:
        Sent when the user changes the widget.
    read, write:
        Value of the widget, and the other way.
    """

    def __init__(self, widget: Any, signal: str, read: Callable[[], Any], write: Callable[[Any], None]):
        self._widget, self._signal, self._listener = widget, signal, None
        self.read, self.write = read, write

    def listen(self, listener: Callable[[], None] | None) -> None:
        """Call a function on each change; None ends that."""
        if self._listener is not None:
            self._widget.disconnect(self._signal, self._listener)
        self._listener = listener
        if listener is not None:
            self._widget.connect(self._signal, listener)


def _by_property(widget: Any, name: str, signal: str) -> Connector:
    return Connector(widget, signal, lambda: getattr(widget, name), lambda value: setattr(widget, name, value))


def _by_path(widget: Any, name: str, signal: str) -> Connector:
    return Connector(
        widget, signal, lambda: pathlib.Path(getattr(widget, name)), lambda value: setattr(widget, name, str(value))
    )


def _by_choice(widget: Any, words: list[str], values: list[Any]) -> Connector:
    """A combo box is filled with the choices; what the .ui file put there goes."""
    widget.clear()
    for word in words:
        widget.addItem(word)
    return Connector(
        widget,
        "currentIndexChanged(int)",
        lambda: values[widget.currentIndex],
        lambda value: setattr(widget, "currentIndex", values.index(value)),
    )


def connector_for(widget: Any, annotated: Any) -> Connector:
    """How a widget shows a parameter. Raises `RuntimeError` where Slicer could not tie the two."""
    kind, annotations = split(annotated)
    name = widget.className()

    def annotation(wanted: type) -> Any:
        return next((one for one in annotations if isinstance(one, wanted)), None)

    if kind is bool and name == "QCheckBox":
        return _by_property(widget, "checked", "toggled(bool)")
    if kind is bool and name == "QPushButton":
        widget.checkable = True
        return _by_property(widget, "checked", "toggled(bool)")
    if kind is str and name == "QLineEdit":
        return _by_property(widget, "text", "textChanged(QString)")
    if issubclass(kind, enum.Enum) and name == "QComboBox":
        label = getattr(kind, "label", lambda one: one.name)
        return _by_choice(widget, [label(one) for one in kind], list(kind))
    if name == "QComboBox" and annotation(parameter_types.Choice):
        choices = list(annotation(parameter_types.Choice).choices)
        return _by_choice(widget, list(map(str, choices)), choices)
    if (kind is float and name in ("QDoubleSpinBox", "ctkSliderWidget")) or (
        kind is int and name in ("QSpinBox", "QSlider")
    ):
        _bound(widget, annotation)
        return _by_property(widget, "value", f"valueChanged({'double' if kind is float else 'int'})")
    if kind is pathlib.Path and name == "ctkPathLineEdit":
        return _by_path(widget, "currentPath", "currentPathChanged(QString)")
    if kind is pathlib.Path and name == "ctkDirectoryButton":
        return _by_path(widget, "directory", "directoryChanged(QString)")
    if keep(annotated).is_node and name == "qMRMLNodeComboBox":
        widget.nodeTypes = [kind.__name__]
        return Connector(widget, "currentNodeChanged(vtkMRMLNode*)", widget.currentNode, widget.setCurrentNode)
    raise RuntimeError(f"Unable to create GUI connector from datatype '{annotated}' to widget type '{name}'")


def _bound(widget: Any, annotation: Callable[[type], Any]) -> None:
    """Give a widget of numbers its range, its step and its decimals. A slider must have a range."""
    within = annotation(parameter_types.WithinRange)
    minimum, maximum = annotation(parameter_types.Minimum), annotation(parameter_types.Maximum)
    lowest = within.minimum if within else minimum.minimum if minimum else None
    highest = within.maximum if within else maximum.maximum if maximum else None
    if widget.className() in ("ctkSliderWidget", "QSlider") and None in (lowest, highest):
        raise RuntimeError("Cannot have a connection to a slider where the type is unbounded.")
    widget.minimum = -(2**31) if lowest is None else lowest
    widget.maximum = 2**31 - 1 if highest is None else highest
    for wanted, name in ((parameter_types.Decimals, "decimals"), (parameter_types.SingleStep, "singleStep")):
        if annotation(wanted):
            setattr(widget, name, annotation(wanted).value)
