"""Fixtures of the whole test suite."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import settings

from ModicGraderLib.errors import InputError
from ModicGraderLib.training.data_folder import data_folder

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
