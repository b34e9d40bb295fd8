"""Checks a case file against `modicgrader-case-1.schema.json` and says in one sentence how to mend it.

The schema is the one place that says what a case file may hold; this reads those keywords of JSON Schema that it uses.
"""

from __future__ import annotations

import json
from functools import cache
from typing import Any

from ..errors import InputError
from ..resources import resource_path

SCHEMA = "modicgrader-case-1"

_KINDS = {
    "object": (dict, "an object in braces"),
    "array": (list, "a list in brackets"),
    "string": (str, "a text"),
    "number": ((int, float), "a number"),
    "integer": ((int, float), "a whole number"),
}


def check_case(document: Any) -> None:
    """Raise InputError, naming the field, unless a parsed JSON document is a case."""
    _check(document, _schema(), "")


@cache
def _schema() -> dict[str, Any]:
    return json.loads(resource_path(f"Schemas/{SCHEMA}.schema.json").read_text(encoding="utf-8"))


def _check(value: Any, rule: dict[str, Any], path: str) -> None:
    if "$ref" in rule:
        rule = _schema()["$defs"][rule["$ref"].rsplit("/", 1)[1]]
    if not _fits(value, rule):
        raise InputError(f"{path or 'the case'} is {_shown(value)}; give {_wanted(rule)}")
    if isinstance(value, dict):
        _check_object(value, rule, path)
    elif isinstance(value, list):
        for number, item in enumerate(value):
            _check(item, rule["items"], f"{path}[{number}]")


def _check_object(value: dict[str, Any], rule: dict[str, Any], path: str) -> None:
    known = rule.get("properties") or dict.fromkeys(rule["propertyNames"]["enum"], rule["additionalProperties"])
    for name in rule.get("required", ()):
        if name not in value:
            raise InputError(f"{path or 'the case'} lacks {name!r}; give {_wanted(known[name])}")
    for name, item in value.items():
        if name not in known:
            raise InputError(f"{path or 'the case'} has no field {name!r}; give one of {', '.join(known)}")
        for other in rule.get("dependentRequired", {}).get(name, ()):
            if other not in value:
                raise InputError(f"{path} has {name!r} without {other!r}; give both")
        _check(item, known[name], f"{path}.{name}".removeprefix("."))


def _fits(value: Any, rule: dict[str, Any]) -> bool:
    """Whether a value by itself, whatever it contains, follows a rule."""
    if "const" in rule:
        return value == rule["const"]
    if "enum" in rule:
        return isinstance(value, str) and value in rule["enum"]
    if isinstance(value, bool) or not isinstance(value, _KINDS[rule["type"]][0]):
        return False
    if isinstance(value, str):
        return len(value) >= rule.get("minLength", 0)
    if isinstance(value, int | float):
        return rule["minimum"] <= value <= rule["maximum"] and (rule["type"] == "number" or value == int(value))
    return True


def _wanted(rule: dict[str, Any]) -> str:
    if "const" in rule:
        return f'"{rule["const"]}"'
    if "enum" in rule:
        return "one of " + ", ".join(f'"{word}"' for word in rule["enum"])
    words = _KINDS[rule["type"]][1]
    return f"{words} from {rule['minimum']} to {rule['maximum']}" if "minimum" in rule else words


def _shown(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 40 else f"{text[:37]}..."
