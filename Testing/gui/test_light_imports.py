"""The panel opens in a Slicer in which nothing has been installed yet."""

from __future__ import annotations

import subprocess
import sys
import textwrap
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

INSTALLED_LATER = ("torch", "monai", "jinja2", "rich", "typer", "safetensors", "skimage", "sklearn", "pandas")
"""Packages that are installed on Apply, or never in Slicer."""


def _import_without(packages: tuple[str, ...], statement: str) -> subprocess.CompletedProcess:
    code = f"""
        import sys

        class Absent:
            def find_spec(self, name, path=None, target=None):
                if name.split(".")[0] in {packages!r}:
                    raise ModuleNotFoundError(f"No module named {{name}}")

        sys.meta_path.insert(0, Absent())
        sys.path[:0] = [{str(ROOT)!r}, {str(ROOT / "Testing")!r}]
        {statement}
    """
    return subprocess.run([sys.executable, "-c", textwrap.dedent(code)], capture_output=True, text=True, cwd=ROOT)


def test_the_blocker_of_this_test_blocks():
    assert "No module named torch" in _import_without(("torch",), "import torch").stderr


def test_everything_the_panel_needs_is_imported_without_what_is_installed_later():
    names = [
        f"ModicGraderLib.{folder}.{path.stem}"
        for folder in ("scene", "lessons")
        for path in sorted((ROOT / "ModicGraderLib" / folder).glob("*.py"))
        if not path.stem.startswith("__")
    ]
    pure = ["ModicGraderLib.gui.rows", "ModicGraderLib.gui.quality", "ModicGraderLib.corrections"]
    done = _import_without(INSTALLED_LATER, f"import importlib; [importlib.import_module(n) for n in {names + pure!r}]")
    assert done.returncode == 0, done.stderr


def test_the_module_itself_is_opened_without_what_is_installed_later():
    statement = "import Host; Host.install(); Host.open_module('ModicGrader/ModicGrader.py')"
    done = _import_without(INSTALLED_LATER, statement)
    assert done.returncode == 0, done.stderr
