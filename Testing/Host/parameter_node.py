"""The module `slicer.parameterNodeWrapper`: typed parameters in a node of the scene, tied to widgets by their name."""

from __future__ import annotations

import sys
import types
from typing import Any, get_type_hints

import slicer
import vtk

from . import parameter_types
from .connectors import connector_for
from .parameter_types import Kept, keep, split

PROPERTY = "SlicerParameterName"
"""Dynamic property of a widget: which parameter it shows, `pack.member` for one in a pack."""


def parameterPack(pack: type | None = None) -> Any:
    """Class decorator: a group of parameters with its own names, which may hold other packs."""
    return parameterPack if pack is None else _describe(pack, {"__init__": _make_pack, "__eq__": _same_pack})


def parameterNodeWrapper(wrapper: type | None = None) -> Any:
    """Class decorator: the class is made with a parameter node and reads and writes its parameters there."""
    if wrapper is None:
        return parameterNodeWrapper
    described = _describe(wrapper, {"__init__": _make_wrapper})
    for name in described.allParameters:
        setattr(described, name, property(lambda self, n=name: self.getValue(n), _setter(name)))
    for method in (getValue, setValue, default, dataType, connectGui, connectParametersToGui, disconnectGui):
        _add(described, method.__name__, method)
    for name in ("AddObserver", "RemoveObserver", "Modified", "StartModify", "EndModify"):
        _add(described, name, _forwarded(name))
    return described


def isParameterPack(candidate: Any) -> bool:
    """Whether a class or an object is a pack."""
    return getattr(candidate, "_is_parameterPack", False)


def _describe(described: type, methods: dict[str, Any]) -> type:
    """Read a class's annotations into `allParameters`: how each is kept (None for a pack) and its default."""
    parameters: dict[str, tuple[Kept | None, Any, Any]] = {}
    for name, annotated in get_type_hints(described, include_extras=True).items():
        plain = split(annotated)[0]
        kept = None if isParameterPack(plain) else keep(annotated)
        value = getattr(described, name, plain() if kept is None else kept.given_default)
        if kept is not None:
            kept.validate(value)
        parameters[name] = (kept, value, annotated)
    described.allParameters = parameters
    described._is_parameterPack = "__eq__" in methods
    for name, method in methods.items():
        setattr(described, name, method)
    return described


def _add(owner: type, name: str, value: Any) -> None:
    if hasattr(owner, name):
        raise ValueError(f"Cannot use reserved name '{name}' in a parameterNodeWrapper")
    setattr(owner, name, value)


def _setter(name: str) -> Any:
    return lambda self, value: self.setValue(name, value)


def _forwarded(name: str) -> Any:
    return lambda self, *arguments: getattr(self.parameterNode, name)(*arguments)


# --- Packs. A free pack holds its values; one that a wrapper hands out writes them into the node at once.


def _make_pack(self: Any, **values: Any) -> None:
    for name in values:
        if name not in self.allParameters:
            raise TypeError(f"__init__() got an unexpected keyword argument '{name}'")
    for name, (kept, value, _) in self.allParameters.items():
        value = values.get(name, value)
        if kept is not None:
            kept.validate(value)
        setattr(self, name, value)


def _same_pack(self: Any, other: Any) -> bool:
    if not isParameterPack(other):
        return NotImplemented
    return all(getattr(self, name) == getattr(other, name, None) for name in self.allParameters)


class _PackInNode:
    """A pack as a wrapper hands it out, read once: to set one member writes them all, as Slicer does."""

    def __init__(self, pack: type, node: Any, prefix: str):
        values = {name: _read(one, node, f"{prefix}.{name}") for name, one in pack.allParameters.items()}
        self.__dict__.update(_pack=pack, _node=node, _prefix=prefix, allParameters=pack.allParameters, **values)

    _is_parameterPack = True
    __eq__ = _same_pack
    __hash__ = None

    def __setattr__(self, name: str, value: Any) -> None:
        if name not in self.allParameters:
            raise AttributeError(f"{self._pack.__name__} has no parameter {name}")
        if (kept := self.allParameters[name][0]) is not None:
            kept.validate(value)
        self.__dict__[name] = value
        with slicer.util.NodeModify(self._node):
            for member, parameter in self.allParameters.items():
                _write(parameter, self._node, f"{self._prefix}.{member}", getattr(self, member))


def _read(parameter: tuple, node: Any, name: str) -> Any:
    kept, value, annotated = parameter
    if kept is None:
        return _PackInNode(split(annotated)[0], node, name)
    if not kept.is_in(node, name):  # as after a scene was closed, which empties the node
        kept.write(node, name, value)
    return kept.read(node, name)


def _write(parameter: tuple, node: Any, name: str, value: Any) -> None:
    kept, _, annotated = parameter
    if kept is not None:
        return kept.write(node, name, value)
    with slicer.util.NodeModify(node):
        for member, below in split(annotated)[0].allParameters.items():
            _write(below, node, f"{name}.{member}", getattr(value, member))
    return None


# --- Wrappers.


def _make_wrapper(self: Any, parameterNode: Any) -> None:
    self.parameterNode = parameterNode
    self._connections: dict[int, dict[str, Any]] = {}
    self._showing = False
    with slicer.util.NodeModify(parameterNode):
        for name, parameter in self.allParameters.items():
            _fill(parameter, parameterNode, name, parameter[1])


def _fill(parameter: tuple, node: Any, name: str, value: Any) -> None:
    """Write defaults where the node has no value yet."""
    kept, _, annotated = parameter
    if kept is None:
        for member, below in split(annotated)[0].allParameters.items():
            _fill(below, node, f"{name}.{member}", getattr(value, member))
    elif not kept.is_in(node, name):
        kept.write(node, name, value)


def _find(self: Any, name: str) -> tuple[tuple, str]:
    """A parameter by its dotted name. Raises `ValueError` where there is none."""
    parameters = self.allParameters
    *packs, last = name.split(".")
    for pack in packs:
        if pack not in parameters or parameters[pack][0] is not None:
            raise ValueError(f"Cannot find a param with the given name: {name}")
        parameters = split(parameters[pack][2])[0].allParameters
    if last not in parameters:
        raise ValueError(f"Cannot find a param with the given name: {name}")
    return parameters[last], name


def getValue(self: Any, name: str) -> Any:
    """The value of a parameter."""
    parameter, name = _find(self, name)
    return _read(parameter, self.parameterNode, name)


def setValue(self: Any, name: str, value: Any) -> None:
    """Set a parameter. Raises `TypeError` or `ValueError` for what it does not take."""
    parameter, name = _find(self, name)
    _write(parameter, self.parameterNode, name, value)


def default(self: Any, name: str) -> Any:
    """The value of a parameter that nobody set."""
    return parameter_types.Default(_find(self, name)[0][1])


def dataType(self: Any, name: str) -> Any:
    """The annotated type of a parameter."""
    return _find(self, name)[0][2]


def connectGui(self: Any, gui: Any) -> None:
    """Tie the widgets that name a parameter to it, in both directions. As in Slicer this gives no tag to undo it."""
    named = {one.property(PROPERTY): one for one in vars(gui).values() if one.property(PROPERTY)}
    self.connectParametersToGui(named)


def connectParametersToGui(self: Any, widgets: dict[str, Any]) -> int:
    """Tie parameters to widgets, in both directions; the tag for `disconnectGui`."""
    connectors = {name: connector_for(one, self.dataType(name)) for name, one in widgets.items()}
    self._tag = getattr(self, "_tag", -1) + 1
    for name, connector in connectors.items():
        connector.write(self.getValue(name))
        connector.listen(_taker(self, name, connector))
    self.parameterNode.AddObserver(vtk.vtkCommand.ModifiedEvent, lambda *_: _show(self))
    self._connections[self._tag] = connectors
    return self._tag


def disconnectGui(self: Any, tag: int) -> None:
    """Undo `connectParametersToGui`; nothing happens for a tag that it did not give."""
    for connector in self._connections.pop(tag, {}).values():
        connector.listen(None)


def _taker(self: Any, name: str, connector: Any) -> Any:
    """What takes a widget's value into the parameter, unless the widget only shows it."""

    def take() -> None:
        if not self._showing:
            self.setValue(name, connector.read())

    return take


def _show(self: Any) -> None:
    """Put the parameters into the widgets."""
    if self._showing:
        return
    self._showing = True
    try:
        for connectors in self._connections.values():
            for name, connector in connectors.items():
                connector.write(self.getValue(name))
    finally:
        self._showing = False


def install() -> None:
    """Put the module in place."""
    module = types.ModuleType("slicer.parameterNodeWrapper", __doc__)
    for one in (parameterNodeWrapper, parameterPack, isParameterPack):
        setattr(module, one.__name__, one)
    for name in ("Choice", "Decimals", "Default", "Maximum", "Minimum", "SingleStep", "WithinRange"):
        setattr(module, name, getattr(parameter_types, name))
    sys.modules["slicer.parameterNodeWrapper"] = slicer.parameterNodeWrapper = module
