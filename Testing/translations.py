"""Collects what the module says to its users, for translators.

    python Testing/translations.py

writes `ModicGrader/Resources/Translations/ModicGrader_en-US.ts`, the template that Qt Linguist and Slicer's Language
Packs read. Qt's own `lupdate` knows neither `_()` nor the contexts that `slicer.i18n` looks texts up by.
"""

from __future__ import annotations

import ast
import re
import string
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree

ROOT = Path(__file__).parents[1]
FOLDERS = (ROOT / "ModicGrader", ROOT / "ModicGraderLib" / "gui")
"""What speaks to users through `_()`; all else of the library is English."""

TEMPLATE = ROOT / "ModicGrader" / "Resources" / "Translations" / "ModicGrader_en-US.ts"


SHOWN = re.compile(
    r"set(Text|ToolTip|Title|WindowTitle|PlaceholderText|StatusTip|HorizontalHeaderLabels|Prefix|Suffix)|addItems?|addTab"
    r"|(error|warning|info|confirmOkCancel|confirmYesNo)Display|showStatusMessage|Q(Label|PushButton|CheckBox|GroupBox)"
)
"""Functions and classes whose first text a user reads."""


def context(path: Path) -> str:
    """Under which name `slicer.i18n.tr` looks up the texts of a Python file."""
    return f"{path.parent.name}.{path.stem}" if (path.parent / "__init__.py").exists() else path.stem


def calls(path: Path) -> Iterator[tuple[str, ast.expr]]:
    """Context and text of every call of `_(text)` and `translate(context, text)` in a Python file."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.args:
            if node.func.id == "_":
                yield context(path), node.args[0]
            elif node.func.id == "translate":
                yield ast.literal_eval(node.args[0]), node.args[1]


def faults(path: Path) -> Iterator[str]:
    """What is wrong with the texts of a Python file: such a text is never translated, or breaks when it is."""
    for _, text in calls(path):
        if not isinstance(text, ast.Constant) or not isinstance(text.value, str):
            yield f"{path.name}, line {text.lineno}: give a plain text, and values with .format(name=value) after it"
        elif not text.value.strip():
            yield f"{path.name}, line {text.lineno}: an empty text is translated into the header of the translation"
        elif any(name == "" or name.isdigit() for _, name, _, _ in _fields(text.value) if name is not None):
            yield f"{path.name}, line {text.lineno}: name what stands in braces, so that translators can move it"


def untold(path: Path) -> Iterator[str]:
    """Texts with words in them that a Python file shows without asking for their translation."""
    for call in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        name = getattr(getattr(call, "func", None), "attr", "")
        if isinstance(call, ast.Call) and SHOWN.fullmatch(name):
            for text in (node for argument in call.args for node in _literals(argument)):
                if re.search(r"[^\W\d_]{2}", text.value):
                    yield f"{path.name}, line {text.lineno}: {text.value!r} is shown without _()"


def _literals(node: ast.AST) -> Iterator[ast.Constant]:
    """Literal texts in an expression, but those that are arguments of a call."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node
    elif not isinstance(node, (ast.Call, ast.Subscript)):
        for child in ast.iter_child_nodes(node):
            yield from _literals(child)


def _fields(text: str) -> list:
    try:
        return list(string.Formatter().parse(text))
    except ValueError:  # a lone brace: a text that no one formats
        return []


def texts() -> dict[str, dict[str, str]]:
    """By context, every text and the file it stands in, as a path from the template; all sorted."""
    found: dict[str, dict[str, str]] = {}
    for folder in FOLDERS:
        for path in sorted(folder.rglob("*.py")):
            for name, text in calls(path):
                if isinstance(text, ast.Constant):  # `faults` tells of the others
                    found.setdefault(name, {})[text.value] = _from_template(path)
        for path in sorted(folder.rglob("*.ui")):
            root = ElementTree.parse(path).getroot()
            for element in root.iter("string"):
                # `notr` is what Qt Designer writes where "translatable" is not ticked, as for names of properties.
                if element.get("notr") != "true" and (element.text or "").strip():
                    found.setdefault(root.findtext("class"), {})[element.text] = _from_template(path)
    return {name: dict(sorted(found[name].items())) for name in sorted(found)}


def _from_template(path: Path) -> str:
    up = "/".join([".."] * len(TEMPLATE.parent.relative_to(ROOT).parts))
    return f"{up}/{path.relative_to(ROOT).as_posix()}"


def template() -> str:
    """The contents of the template."""
    root = ElementTree.Element("TS", version="2.1", language="en_US", sourcelanguage="en_US")
    for name, messages in texts().items():
        element = ElementTree.SubElement(root, "context")
        ElementTree.SubElement(element, "name").text = name
        for source, place in messages.items():
            message = ElementTree.SubElement(element, "message")
            ElementTree.SubElement(message, "location", filename=place)
            ElementTree.SubElement(message, "source").text = source
            ElementTree.SubElement(message, "translation", type="unfinished")
    ElementTree.indent(root, "    ")
    body = ElementTree.tostring(root, encoding="unicode")
    return f'<?xml version="1.0" encoding="utf-8"?>\n<!DOCTYPE TS>\n{body}\n'


if __name__ == "__main__":
    TEMPLATE.parent.mkdir(parents=True, exist_ok=True)
    TEMPLATE.write_text(template(), encoding="utf-8", newline="\n")
