"""Runs the tests that need Slicer's classes in another process, where a crash of the interpreter is one failed test.

A module of such tests says `pytestmark = pytest.mark.slicer`. It runs once as a whole; each of its tests then passes
or fails here as it did there.
"""

from __future__ import annotations

import functools
import os
import re
import subprocess
import sys

import pytest

from ModicGraderLib.scene import available

_INSIDE = "MODICGRADER_TEST_IN_OWN_PROCESS"


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "slicer: uses Slicer's classes, and runs in a process of its own")


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> bool | None:
    if _INSIDE in os.environ or not pyfuncitem.get_closest_marker("slicer"):
        return None
    if not available():
        pytest.fail("slicer-core is not installed; `make test` installs it", pytrace=False)
    passed, output = _run_apart(str(pyfuncitem.path), str(pyfuncitem.config.rootpath))
    if pyfuncitem.name not in passed:
        pytest.fail(f"failed in a process of its own:\n{output}", pytrace=False)
    return True


@functools.cache
def _run_apart(path: str, root: str) -> tuple[set[str], str]:
    """Names of the tests of a module that passed in a process of their own, and what that printed."""
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-v", "--tb=short", "--color=no", "-p", "no:cacheprovider", path],
        cwd=root,
        env={**os.environ, _INSIDE: "1"},
        capture_output=True,
        text=True,
        errors="replace",
    )
    output = f"{done.stdout}\n{done.stderr}\nexit code {done.returncode}"
    return set(re.findall(r"::(\S+) PASSED", done.stdout)), output
