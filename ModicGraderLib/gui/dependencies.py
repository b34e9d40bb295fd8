"""The Python packages that a run needs beyond those of Slicer: asked for when the user presses Apply, never before."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from subprocess import CalledProcessError

import slicer
from packaging.requirements import Requirement
from slicer.i18n import tr as _

from ..errors import InputError

TORCH = Requirement("torch>=2.8")
"""Comes through the PyTorch extension, which chooses the build that fits the graphics card. Not older than what MONAI
asks for: else pip would replace it with a build that fits any computer."""


def ensure_dependencies() -> None:
    """Install what is missing, if the user agrees; returns at once where nothing is.

    Raises
    ------
    InputError
        The user declined, or it failed; the sentence says what to do.
    """
    # First: MONAI asks for PyTorch, and pip alone would take a build for any computer.
    if not _satisfied(TORCH):
        _install_torch()
    missing = [requirement for requirement in _requirements() if not _satisfied(requirement)]
    if missing:
        _install(missing)


def _requirements() -> list[Requirement]:
    file = Path(slicer.util.modulePath("ModicGrader")).parent / "Resources" / "requirements.txt"
    lines = file.read_text(encoding="utf-8").splitlines()
    return [Requirement(line) for line in lines if line and not line.startswith("#")]


def _satisfied(requirement: Requirement) -> bool:
    try:
        return requirement.specifier.contains(version(requirement.name), prereleases=True)
    except PackageNotFoundError:
        return False


def _install_torch() -> None:
    try:
        import PyTorchUtils
    except ImportError:
        raise InputError(
            _("ModicGrader needs the extension PyTorch; install it in the Extensions Manager and start Slicer again")
        ) from None
    try:
        logic = PyTorchUtils.PyTorchUtilsLogic()
        torch = logic.installTorch(askConfirmation=True, torchVersionRequirement=str(TORCH.specifier))
    except Exception as error:  # whatever the extension, pip or the import of PyTorch raises
        raise InputError(_failed("PyTorch", error)) from error
    if torch is None:
        raise InputError(_declined("PyTorch"))


def _install(missing: list[Requirement]) -> None:
    names = ", ".join(requirement.name for requirement in missing)
    try:
        import slicer.packaging
    except ImportError:
        _install_in_slicer_5_10(missing, names)
        return
    try:
        slicer.packaging.pip_ensure(missing, requester="ModicGrader")
    except CalledProcessError as error:
        raise InputError(_failed(names, error)) from error
    except RuntimeError:
        raise InputError(_declined(names)) from None


def _install_in_slicer_5_10(missing: list[Requirement], names: str) -> None:
    """Slicer has `slicer.packaging` from 5.12 on."""
    if not slicer.util.confirmOkCancelDisplay(_("ModicGrader needs to install {names}.").format(names=names)):
        raise InputError(_declined(names))
    try:
        slicer.util.pip_install([str(requirement) for requirement in missing])
    except CalledProcessError as error:
        raise InputError(_failed(names, error)) from error


def _declined(names: str) -> str:
    return _("nothing was done, for {names} may not be installed; try again and agree to install it").format(
        names=names
    )


def _failed(names: str, error: Exception) -> str:
    reason = " ".join(str(error).split())
    return _("{names} could not be installed ({reason}); look at the log and the network, then try again").format(
        names=names, reason=reason
    )
