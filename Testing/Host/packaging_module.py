"""The module `slicer.packaging`: says what is installed, installs nothing and writes down what was asked for."""

from __future__ import annotations

import re
import sys
import types
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import slicer
from packaging.requirements import Requirement

ensured: list[list[str]] = []
"""What `pip_ensure` was asked for, call by call."""


def load_requirements(path: str | Path) -> list[Requirement]:
    """The requirements in a file; comments and options of pip are left out."""
    lines = [line.strip() for line in Path(path).read_text(encoding="utf-8").splitlines()]
    return [Requirement(line) for line in lines if line and not line.startswith(("#", "-"))]


def pip_check(requirements: str | Requirement | list[str | Requirement]) -> bool:
    """Whether requirements are satisfied here."""
    return all(map(_satisfied, _several(requirements)))


def pip_ensure(
    requirements: str | Requirement | list[str | Requirement],
    constraints: str | Path | None = None,
    skip_packages: list[str] | None = None,
    prompt_install: bool = True,
    prompt_restart: bool = True,
    requester: str | None = None,
    skip_in_testing: bool = True,
    show_progress: bool = True,
) -> None:
    """Write down the requirements. Raises `RuntimeError`, as when the user declines, where one is not satisfied."""
    wanted = _several(requirements)
    ensured.append(list(map(str, wanted)))
    if not all(map(_satisfied, wanted)):
        raise RuntimeError("The user declined to install the required packages")


def _several(requirements: str | Requirement | list[str | Requirement]) -> list[Requirement]:
    if isinstance(requirements, str):
        requirements = re.split(r"\s+(?=\w)", requirements.strip()) if ";" not in requirements else [requirements]
    if isinstance(requirements, Requirement):
        requirements = [requirements]
    return [one if isinstance(one, Requirement) else Requirement(one) for one in requirements]


def _satisfied(requirement: Requirement) -> bool:
    try:
        return requirement.specifier.contains(version(requirement.name), prereleases=True)
    except PackageNotFoundError:
        return False


def install() -> None:
    """Put the module in place."""
    module = types.ModuleType("slicer.packaging", __doc__)
    module.load_requirements, module.pip_check, module.pip_ensure = load_requirements, pip_check, pip_ensure
    sys.modules["slicer.packaging"] = slicer.packaging = module
