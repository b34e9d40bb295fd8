"""How `slicer.parameterNodeWrapper` keeps values of each type in a parameter node, and which values it takes."""

from __future__ import annotations

import enum
import pathlib
from dataclasses import dataclass
from typing import Annotated, Any, get_args, get_origin

import slicer


@dataclass(frozen=True)
class Default:
    """The value of a parameter that nobody set."""

    value: Any


@dataclass(frozen=True)
class WithinRange:
    """Takes numbers from `minimum` to `maximum` alone."""

    minimum: float
    maximum: float

    def validate(self, value: Any) -> None:
        """Raise `ValueError` for any other."""
        if not self.minimum <= value <= self.maximum:
            raise ValueError(f"Value must be within range [{self.minimum}, {self.maximum}], is {value}")


@dataclass(frozen=True)
class Minimum:
    """Takes numbers from `minimum` on."""

    minimum: float

    def validate(self, value: Any) -> None:
        """Raise `ValueError` for any other."""
        if value < self.minimum:
            raise ValueError(f"Value must be at least {self.minimum}, is {value}")


@dataclass(frozen=True)
class Maximum:
    """Takes numbers up to `maximum`."""

    maximum: float

    def validate(self, value: Any) -> None:
        """Raise `ValueError` for any other."""
        if value > self.maximum:
            raise ValueError(f"Value must be at most {self.maximum}, is {value}")


@dataclass(frozen=True)
class Choice:
    """Takes the given values alone."""

    choices: Any

    def validate(self, value: Any) -> None:
        """Raise `ValueError` for any other."""
        if value not in self.choices:
            raise ValueError(f"Value must be one of {self.choices}, is {value!r}")


@dataclass(frozen=True)
class Decimals:
    """How many decimals a widget shows."""

    value: int


@dataclass(frozen=True)
class SingleStep:
    """How far one step of a widget goes."""

    value: float


def split(annotated: Any) -> tuple[Any, tuple[Any, ...]]:
    """A type and its annotations."""
    if get_origin(annotated) is Annotated:
        return get_args(annotated)[0], get_args(annotated)[1:]
    return annotated, ()


class Kept:
    """A value of one type in a parameter node, under one name."""

    def __init__(self, annotated: Any):
        self.annotated = annotated
        self.type, annotations = split(annotated)
        self._validators = [one for one in annotations if hasattr(one, "validate")]
        self.given_default = next((one.value for one in annotations if isinstance(one, Default)), self._natural())

    def validate(self, value: Any) -> None:
        """Raise `ValueError` or `TypeError` where the parameter does not take a value."""
        if self.is_node and value is None:
            return
        taken = (int, float) if self.type is float else self.type
        if not isinstance(value, taken) or (self.type in (int, float) and isinstance(value, bool)):
            raise TypeError(f"Value must be of type {self.type}, is {type(value)}")
        for validator in self._validators:
            validator.validate(value)

    @property
    def is_node(self) -> bool:
        """Whether the value is a node of the scene."""
        return isinstance(self.type, type) and issubclass(self.type, slicer.vtkMRMLNode)

    def _natural(self) -> Any:
        if self.is_node:
            return None
        if issubclass(self.type, enum.Enum):
            return next(iter(self.type))
        return self.type()

    def is_in(self, node: Any, name: str) -> bool:
        """Whether the node has a value under the name."""
        return bool(node.HasParameter(name))

    def write(self, node: Any, name: str, value: Any) -> None:
        """Keep a value. Raises as `validate`."""
        self.validate(value)
        if self.is_node:
            node.SetParameter(name, "")
            node.SetNodeReferenceID(name, value.GetID() if value is not None else None)
        elif issubclass(self.type, enum.Enum):
            node.SetParameter(name, value.name)
        else:
            node.SetParameter(name, str(value))

    def read(self, node: Any, name: str) -> Any:
        """The value."""
        if self.is_node:
            return node.GetNodeReference(name)
        text = node.GetParameter(name)
        if self.type is bool:
            return text == "True"
        if issubclass(self.type, enum.Enum):
            return self.type[text]
        return self.type(text)


TAKEN = (bool, int, float, str, pathlib.Path)
"""Types that are kept as text. Slicer's own also takes lists, tuples, dictionaries and unions."""


def keep(annotated: Any) -> Kept:
    """How a type is kept. Raises `TypeError` for types that the stand-in does not know."""
    plain, _ = split(annotated)
    if plain in TAKEN or (isinstance(plain, type) and issubclass(plain, (slicer.vtkMRMLNode, enum.Enum))):
        return Kept(annotated)
    raise TypeError(f"the stand-in of parameterNodeWrapper keeps no {plain}")
