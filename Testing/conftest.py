"""Fixtures of the whole test suite, and the process of their own in which tests run that need Slicer's classes.

A module of such tests says `pytestmark = pytest.mark.slicer`. It runs once as a whole in another process, where a crash
of the interpreter is one failed test; each of its tests then passes or fails here as it did there.
"""

from __future__ import annotations

import functools
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType

import pytest
from hypothesis import settings

from ModicGraderLib.errors import InputError
from ModicGraderLib.scene import available
from ModicGraderLib.training.data_folder import data_folder

_INSIDE = "MODICGRADER_TEST_IN_OWN_PROCESS"

# How long a case takes depends on what else the machine does; slowness is measured by the benchmarks.
settings.register_profile("without deadline", deadline=None)
settings.load_profile("without deadline")


@pytest.fixture(scope="session")
def real_data() -> Callable[[str], Path]:
    """Path of a set of the real data by its name; the test is skipped, saying why, where it is not there."""

    def folder(name: str) -> Path:
        try:
            path = data_folder() / name
        except InputError as error:
            pytest.skip(str(error))
        if not path.is_dir():
            pytest.skip(f"the real data have no {name}: {path} is not there")
        return path

    return folder


@pytest.fixture
def host() -> Iterator[ModuleType]:
    """The package `Host`, installed, with an empty scene; an exception in a slot during the test makes it fail.

    Only for tests in a process of their own, since it makes an application.
    """
    import Host

    Host.install()
    yield Host
    faults = Host.reset()
    assert not faults, "\n".join(faults)


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "slicer: uses Slicer's classes, and runs in a process of its own")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Here, where they only ask how they went, tests of another process need no fixtures: these load Slicer and Qt."""
    for item in items:
        if _is_elsewhere(item):
            item.fixturenames.clear()


def _is_elsewhere(item: pytest.Item) -> bool:
    return _INSIDE not in os.environ and item.get_closest_marker("slicer") is not None


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> bool | None:
    if not _is_elsewhere(pyfuncitem):
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
    return set(re.findall(r"::(.+?) PASSED", done.stdout)), output
