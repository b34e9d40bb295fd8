"""PythonQt's manners over PySide6's classes, for every class at once.

PythonQt, through which Slicer's Python sees Qt, reads properties without a call (`box.checked`), lets them be assigned,
connects signals by their signature (`box.connect("toggled(bool)", f)`) and refuses names that a class does not have.
Objects go out of here in a proxy with these manners, and come in stripped of it.
"""

from __future__ import annotations

import functools
import inspect
import sys
import traceback
import types
from collections.abc import Callable
from typing import Any

import shiboken6
from PySide6 import QtCore, QtWidgets

PROXIED = (
    QtCore.QObject,
    QtWidgets.QLayoutItem,
    QtWidgets.QTableWidgetItem,
    QtWidgets.QListWidgetItem,
    QtWidgets.QTreeWidgetItem,
)
"""Classes whose objects, or whose methods' results, have properties. Values such as `QColor` need no proxy."""

faults: list[str] = []
"""Tracebacks of exceptions in slots and in observers of nodes. Slicer prints them and goes on; a test must not."""

_connections: dict[tuple[int, str], list[tuple[Callable, Callable]]] = {}
"""What was connected by hand: the address of the sender and the signature, then function and slot."""


class ProxyType(type):
    """The type of the proxies' classes: static functions and enumerators are read from Qt's class."""

    def __getattr__(cls, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        return outgoing(getattr(cls._qt_class, name))


class Proxy(metaclass=ProxyType):
    """An object of Qt as PythonQt shows it; `qt` makes one subclass for each class of Qt that is asked for."""

    _qt_class: type

    def __init__(self, *arguments: Any):
        object.__setattr__(self, "_qt", self._qt_class(*map(incoming, arguments)))

    def __getattr__(self, name: str) -> Any:
        return outgoing(_attribute(self._qt, name))

    def __setattr__(self, name: str, value: Any) -> None:
        _assign(self._qt, "objectName" if name == "name" else name, incoming(value))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Proxy) and self._qt is other._qt

    def __hash__(self) -> int:
        return hash(self._qt)

    def __bool__(self) -> bool:
        return shiboken6.isValid(self._qt)

    def __dir__(self) -> list[str]:
        return sorted({*super().__dir__(), *(name for name in dir(self._qt) if not name.startswith("_"))})

    def className(self) -> str:
        """Name of the class in C++."""
        return type(self._qt).__name__

    def connect(self, signal: str, function: Callable) -> bool:
        """Call a function, with as many arguments as it takes, when a signal such as `clicked(bool)` is sent."""
        sender, signature = self._qt, _checked(self._qt, signal)
        slot = guarded(function)
        _bind(sender, signature, slot, "connect")
        key = (_address(sender), signature)
        if key not in _connections:
            sender.destroyed.connect(lambda *_: _connections.pop(key, None))
        _connections.setdefault(key, []).append((function, slot))
        return True

    def disconnect(self, signal: str, function: Callable) -> bool:
        """Take back `connect`; False where there was nothing to take back."""
        sender, signature = self._qt, _checked(self._qt, signal)
        made = _connections.get((_address(sender), signature), [])
        for number, (connected, slot) in enumerate(made):
            if connected == function:
                _bind(sender, signature, slot, "disconnect")
                del made[number]
                return True
        return False


class SignalOf:
    """A signal as an attribute: `button.clicked.connect(f)`."""

    def __init__(self, sender: Proxy, name: str):
        self._sender, self._name = sender, name

    def connect(self, function: Callable) -> bool:
        """Call a function when the signal is sent."""
        return self._sender.connect(self._signature(), function)

    def disconnect(self, function: Callable) -> bool:
        """Take back `connect`."""
        return self._sender.disconnect(self._signature(), function)

    def __call__(self, *arguments: Any) -> None:
        """Send the signal."""
        getattr(self._sender._qt, self._name).emit(*map(incoming, arguments))

    def _signature(self) -> str:
        return next(one for one in _signatures(self._sender._qt) if one.split("(")[0] == self._name)


@functools.cache
def proxy_class(qt_class: type) -> type[Proxy]:
    """The proxies' class for a class of Qt, derived from those of its base classes."""
    bases = tuple(proxy_class(base) for base in qt_class.__bases__ if issubclass(base, PROXIED))
    return ProxyType(qt_class.__name__, bases or (Proxy,), {"_qt_class": qt_class, "__doc__": qt_class.__doc__})


def outgoing(value: Any) -> Any:
    """What Qt handed out, as PythonQt would show it."""
    if isinstance(value, PROXIED):
        proxy = object.__new__(proxy_class(type(value)))
        object.__setattr__(proxy, "_qt", value)
        return proxy
    if type(value) in (list, tuple):
        return type(value)(map(outgoing, value))
    if inspect.isbuiltin(value) or inspect.ismethod(value) or inspect.isfunction(value):
        return _Method(value)
    return value


def incoming(value: Any) -> Any:
    """An argument as Qt wants it: without proxies; functions with their exceptions caught and kept."""
    if isinstance(value, Proxy):
        return value._qt
    if isinstance(value, ProxyType):
        return value._qt_class
    if type(value) in (list, tuple):
        return type(value)(map(incoming, value))
    if isinstance(value, _Method) or inspect.isfunction(value) or inspect.ismethod(value):
        return guarded(value)
    return value


class _Method:
    """A method of Qt between the two worlds. It takes positional arguments alone, as PythonQt's methods do."""

    def __init__(self, method: Callable):
        self._method = method

    def __call__(self, *arguments: Any) -> Any:
        return outgoing(self._method(*map(incoming, arguments)))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Method) and self._method == other._method

    def __hash__(self) -> int:
        return hash(self._method)


def guarded(function: Callable) -> Callable:
    """A slot that calls a function with as many arguments as it takes and keeps its exception in `faults`."""
    taken = _arguments_taken(function)

    def slot(*arguments: Any) -> None:
        try:
            function(*map(outgoing, arguments[:taken]))
        except Exception:
            faults.append(traceback.format_exc())
            traceback.print_exc()

    return slot


def keep_faults_of_observers() -> None:
    """Keep the exceptions that VTK only prints: those of functions that observe a node or the scene."""
    before = sys.excepthook

    def hook(kind: type[BaseException], error: BaseException, trace: types.TracebackType | None) -> None:
        faults.append("".join(traceback.format_exception(kind, error, trace)))
        before(kind, error, trace)

    sys.excepthook = hook


def _arguments_taken(function: Callable) -> int | None:
    """How many positional arguments a function takes at most; None for any number."""
    try:
        parameters = inspect.signature(function).parameters.values()
    except ValueError:
        return None
    if any(one.kind is one.VAR_POSITIONAL for one in parameters):
        return None
    return sum(one.kind in (one.POSITIONAL_ONLY, one.POSITIONAL_OR_KEYWORD) for one in parameters)


def _attribute(owner: Any, name: str) -> Any:
    """A property's value, a signal or a method, in PythonQt's order. Raises `AttributeError`."""
    if name.startswith("_"):
        raise AttributeError(f"{type(owner).__name__} has no attribute {name}")
    if not isinstance(owner, QtCore.QObject):
        return getattr(owner, name)
    if name == "name":
        return owner.objectName()
    if owner.metaObject().indexOfProperty(name) >= 0:
        return _read(owner, name)
    if name.encode() in [bytes(one) for one in owner.dynamicPropertyNames()]:
        return owner.property(name)
    member = getattr(owner, _SYNONYMS.get(name, name))
    return SignalOf(outgoing(owner), name) if isinstance(member, QtCore.SignalInstance) else member


_SYNONYMS = {"exec_": "exec", "delete": "deleteLater"}
"""Names that PythonQt gives to methods whose own name Python keeps for itself, or kept once."""


def _read(owner: QtCore.QObject, name: str) -> Any:
    # By the getter rather than by `property()`, which cannot convert every enumeration.
    if isinstance(inspect.getattr_static(type(owner), name, None), QtCore.Property):
        return getattr(owner, name)
    capital = name[0].upper() + name[1:]
    for getter in (name, f"is{capital}", f"has{capital}"):
        if callable(member := getattr(owner, getter, None)):
            return member()
    return owner.property(name)


def _assign(owner: Any, name: str, value: Any) -> None:
    if isinstance(owner, QtCore.QObject):
        if isinstance(inspect.getattr_static(type(owner), name, None), QtCore.Property):
            return setattr(owner, name, value)
        if owner.metaObject().indexOfProperty(name) >= 0:
            if setter := getattr(owner, f"set{name[0].upper()}{name[1:]}", None):
                return setter(value)
            if owner.setProperty(name, value):
                return None
        elif name.encode() in [bytes(one) for one in owner.dynamicPropertyNames()]:
            owner.setProperty(name, value)
            return None
    raise AttributeError(f"{type(owner).__name__} has no attribute {name} that can be set")


def _signatures(sender: QtCore.QObject) -> list[str]:
    """Signatures of an object's signals: Qt's own, and those a stand-in gives in `SIGNALS` by its Python signals."""
    meta = sender.metaObject()
    methods = [meta.method(number) for number in range(meta.methodCount())]
    own = [one.methodSignature().toStdString() for one in methods if one.methodType() == QtCore.QMetaMethod.Signal]
    return [*getattr(sender, "SIGNALS", {}), *own]


def _checked(sender: QtCore.QObject, signal: str) -> str:
    """A signal's signature as Qt writes it. Raises `ValueError` where the sender has no such signal."""
    signature = bytes(QtCore.QMetaObject.normalizedSignature(signal)).decode()
    if signature not in _signatures(sender):
        raise ValueError(f"{type(sender).__name__} has no signal {signal}")
    return signature


def _bind(sender: QtCore.QObject, signature: str, slot: Callable, action: str) -> None:
    """Connect or disconnect a slot."""
    stand_in = getattr(sender, "SIGNALS", {}).get(signature)
    if stand_in is not None:
        getattr(getattr(sender, stand_in), action)(slot)
    else:
        getattr(QtCore.QObject, action)(sender, QtCore.SIGNAL(signature), slot)


def _address(owner: QtCore.QObject) -> int:
    return shiboken6.getCppPointer(owner)[0]
