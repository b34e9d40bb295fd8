"""The module uses nothing of Qt, CTK and Slicer but what the tables in README.md list, and what they list is there."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
USERS = sorted([*(ROOT / "ModicGrader").rglob("*.py"), *(ROOT / "ModicGraderLib").rglob("*.py")])
MODULES = ("qt", "ctk", "slicer", "SampleData")


def tables() -> dict[str, set[str]]:
    """The names of the first column, and what the second lists for them."""
    listed: dict[str, set[str]] = {}
    for line in (ROOT / "Testing/Host/README.md").read_text(encoding="utf-8").splitlines():
        cells = [re.findall(r"`([^`]+)`", cell) for cell in line.strip("|").split("|")]
        if line.startswith("| `"):
            for name in cells[0]:
                listed.setdefault(name, set()).update(cells[1])
    return listed


def uses(path: Path) -> set[str]:
    """Dotted names that a file uses of the modules, those it imports from them included."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Attribute):
            found.add(dotted(node))
        elif isinstance(node, ast.Call) and dotted(node.func) in ("getattr", "hasattr"):
            found |= {f"{dotted(node.args[0])}.{one.value}" for one in node.args[1:2] if isinstance(one, ast.Constant)}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found |= {f"{node.module}.{one.name}" for one in node.names}
    return {name for name in found if name.split(".")[0] in MODULES and name != "slicer.util"}


def dotted(node: ast.expr) -> str:
    if isinstance(node, ast.Attribute):
        return f"{dotted(node.value)}.{node.attr}"
    return node.id if isinstance(node, ast.Name) else ""


def not_listed(names: set[str], listed: dict[str, set[str]]) -> set[str]:
    """The names that no table lists. `slicer.app` on the way to `slicer.app.connect` is no use of its own."""
    return {
        name
        for name in names
        if not is_listed(name, listed) and not any(other.startswith(f"{name}.") for other in names)
    }


def is_listed(name: str, listed: dict[str, set[str]]) -> bool:
    parts = name.split(".")
    if name in listed or name.startswith("slicer.vtk"):
        return True
    if name.startswith(("qt.", "slicer.mrmlScene.")):  # what follows the class or the scene is Qt's or Slicer's own
        return ".".join(parts[:2]) in listed
    return any(".".join(parts[end:]) in listed.get(".".join(parts[:end]), ()) for end in range(1, len(parts)))


def test_the_module_and_the_library_use_only_what_the_tables_list():
    listed = tables()
    missing = {str(path.relative_to(ROOT)): not_listed(uses(path), listed) for path in USERS}
    missing = {path: names for path, names in missing.items() if names}
    assert not missing, "add these to the tables of Testing/Host/README.md, if Slicer's source has them"


def test_only_signals_of_the_table_are_connected_by_hand():
    listed = {name for name in tables() if "(" in name}
    connected = {
        node.args[0].value
        for path in USERS
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr in ("connect", "disconnect")
        and node.args
        and isinstance(node.args[0], ast.Constant)
    }
    assert connected <= listed


@pytest.mark.slicer
def test_what_the_tables_list_is_there(host):
    import importlib

    import slicer

    importlib.import_module("SampleData")
    for name, calls in tables().items():
        if name.split(".")[0] not in MODULES:
            continue
        owner = resolve(name)
        for call in calls:
            assert has(owner, call), f"{name} has no {call}"
    assert slicer.util.mainWindow() is not None


@pytest.mark.slicer
def test_the_stand_ins_have_nothing_but_what_the_tables_list(host):
    for name, calls in tables().items():
        if name.split(".")[0] not in MODULES:
            continue
        owner = resolve(name)
        kind = owner._qt_class if isinstance(owner, type) and hasattr(owner, "_qt_class") else type(plain(owner))
        if not kind.__module__.startswith("Host."):
            continue
        # What Qt's class has too is overridden, for Qt to call: how large a widget is, how it is painted.
        own = {one for one in vars(kind) if not one.startswith("_") and not hasattr(kind.__mro__[1], one)}
        extra = own - {call.split("(")[0] for call in calls} - {"SIGNALS"}
        assert not extra, f"{name} has what is in no table: {extra}"


def plain(owner: object) -> object:
    """What is behind a proxy."""
    return getattr(owner, "_qt", owner)


def resolve(name: str):
    """The object of a dotted name; a method on the way is called."""
    import importlib

    first, *rest = name.split(".")
    owner = importlib.import_module(first)
    for part in rest:
        owner = getattr(owner, part)
        if type(owner).__name__ == "_Method":
            owner = owner()
    return owner


def has(owner: object, call: str) -> bool:
    from Host.manners import ProxyType, _signatures

    for part in call.split(".")[:-1]:
        owner, call = getattr(owner, part), call.split(".")[-1]
    made = owner() if isinstance(owner, ProxyType) and owner.__name__ not in NOT_MADE else owner
    return call in _signatures(made._qt) if "(" in call else hasattr(made, call)


NOT_MADE = ("QDesktopServices", "qMRMLSliceWidget")
"""Classes whose objects need something to begin with."""
