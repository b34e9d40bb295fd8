"""The extension is configured, built and installed with CMake against a stand-in for Slicer, and must arrive whole."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import cmake
import pytest

ROOT = Path(__file__).parents[2]
STUB = Path(__file__).parent / "stub_slicer"
MODULES = Path("lib/Slicer-5.12/qt-scripted-modules")
"""Where Slicer looks for scripted modules, below the folder of an installed extension."""

CMAKE = Path(cmake.CMAKE_BIN_DIR)

NO_COMPILER = [
    f"-DCMAKE_{language}_COMPILER{value}" for language in ("C", "CXX") for value in (f"={CMAKE / 'cmake'}", "_FORCED=1")
]
"""`project(ModicGrader)` asks for compilers; nothing is compiled, so that any program does and none is tried out."""


def tracked_files() -> list[Path]:
    """Files of the repository, relative to its root, also those that are new and not yet added."""
    listed = _run("git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", cwd=ROOT).stdout
    return [Path(name) for name in listed.split("\0") if name and (ROOT / name).is_file()]


def shipped_files() -> dict[Path, Path]:
    """Where each file that users need must arrive, below `MODULES`, by its place in the repository."""
    places = {Path("LICENSE.txt"): Path("ModicGraderLib/LICENSE.txt")}
    for path in tracked_files():
        top, inner = path.parts[0], Path(*path.parts[1:])
        if path.name == "CMakeLists.txt":
            continue
        if top == "ModicGrader":
            places[path] = inner
        elif top == "ModicGraderLib" and path.suffix == ".py":
            places[path] = path
        elif top == "Resources":
            places[path] = Path("ModicGraderLib", path)
    return places


def _run(*command: str | Path, cwd: Path, check: bool = True) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(list(map(str, command)), cwd=cwd, capture_output=True, text=True)
    assert not check or done.returncode == 0, done.stdout + done.stderr
    return done


def _cmake(*arguments: str | Path, cwd: Path, program: str = "cmake", check: bool = True):
    return _run(CMAKE / program, *arguments, cwd=cwd, check=check)


def _configure(source: Path, build: Path, check: bool = True) -> subprocess.CompletedProcess[str]:
    return _cmake("-S", source, "-B", build, f"-DSlicer_DIR={STUB}", *NO_COMPILER, cwd=source, check=check)


@pytest.fixture(scope="session")
def build(tmp_path_factory) -> Path:
    build = tmp_path_factory.mktemp("build")
    _configure(ROOT, build)
    _cmake("--build", build, cwd=ROOT)
    return build


@pytest.fixture(scope="session")
def installed(build, tmp_path_factory) -> Path:
    prefix = tmp_path_factory.mktemp("extension")
    _cmake("--install", build, "--prefix", prefix, cwd=ROOT)
    return prefix / MODULES


def test_every_file_that_users_need_arrives_unchanged(installed):
    missing = [
        str(source)
        for source, place in shipped_files().items()
        if not (installed / place).is_file() or (installed / place).read_bytes() != (ROOT / source).read_bytes()
    ]
    assert not missing, "these files stay behind; list them in the CMakeLists.txt of their folder:\n" + "\n".join(
        missing
    )


def test_nothing_arrives_that_is_not_in_the_repository(installed):
    arrived = {path.relative_to(installed) for path in installed.rglob("*") if path.is_file()}
    assert arrived == set(shipped_files().values())


def test_the_module_alone_is_taken_for_a_module_by_slicer(installed):
    # Slicer takes every file of that folder that ends in .py for a module, and does not look into subfolders.
    assert [path.name for path in installed.glob("*.py")] == ["ModicGrader.py"]


def test_the_installed_library_finds_its_models(installed):
    check = "import ModicGraderLib.models as m; print([m.verify(x['name']).name for x in m.registry()], m.__file__)"
    printed = _run(sys.executable, "-P", "-c", f"import sys; sys.path.insert(0, '.'); {check}", cwd=installed).stdout
    assert "disc-grader.safetensors" in printed and "spine-localizer.safetensors" in printed
    assert str(installed) in printed


def test_every_installed_package_of_the_library_can_be_imported(installed):
    packages = sorted(path.parent.relative_to(installed) for path in installed.rglob("__init__.py"))
    names = [".".join(package.parts) for package in packages]
    code = "import sys, importlib; sys.path.insert(0, '.'); [importlib.import_module(name) for name in sys.argv[1:]]"
    _run(sys.executable, "-P", "-c", code, *names, cwd=installed)


OPEN = """
import sys
sys.path[:0] = [sys.argv[1], sys.argv[2]]
import Host
Host.install()
widget = Host.open_module(sys.argv[1] + "/ModicGrader.py")
import ModicGraderLib
print(ModicGraderLib.__file__, widget.resourcePath("UI/ModicGrader.ui"), sep="\\n")
"""
"""Opens the installed module as Slicer does: stand-ins come from the checkout, all else from the installed place."""


def test_the_installed_module_opens_with_its_own_library_and_panel(installed):
    printed = _run(sys.executable, "-P", "-c", OPEN, installed, ROOT / "Testing", cwd=installed).stdout
    paths = [Path(line) for line in printed.splitlines()[-2:]]
    assert paths == [installed / "ModicGraderLib" / "__init__.py", installed / "Resources" / "UI" / "ModicGrader.ui"]


def test_the_tests_of_the_module_run_in_slicer_with_ctest(build):
    tests = _cmake("-N", cwd=build, program="ctest").stdout
    assert re.search(r"py_ModicGrader\n", tests) and "py_nomainwindow_" in tests


@pytest.mark.parametrize("fault", ["a file that is not listed", "a listed file that is gone", "a file from outside"])
def test_a_fault_in_the_lists_is_found(fault, tmp_path):
    """A small extension of the same make, with one fault each; what the tests above rest on is seen to find it."""
    source, library = tmp_path / "source", tmp_path / "source" / "ModicGraderLib"
    library.mkdir(parents=True)
    listed = {"a listed file that is gone": "gone.py", "a file from outside": "../outside.py"}.get(fault, "one.py")
    for path in (library / "one.py", library / "two.py", source / "outside.py", source / "LICENSE.txt"):
        path.touch()
    shutil.copytree(ROOT / "Resources" / "Schemas", source / "Resources")
    (source / "CMakeLists.txt").write_text(
        "cmake_minimum_required(VERSION 3.16.3...3.19.7 FATAL_ERROR)\nproject(ModicGrader)\n"
        "find_package(Slicer REQUIRED)\ninclude(${Slicer_USE_FILE})\nadd_subdirectory(ModicGraderLib)\n"
    )
    lists = (ROOT / "ModicGraderLib" / "CMakeLists.txt").read_text()
    lists = re.sub(r"(set\(LIBRARY_PYTHON_SCRIPTS\n).*?\n  \)", rf"\g<1>  {listed}\n  )", lists, flags=re.DOTALL)
    (library / "CMakeLists.txt").write_text(lists)
    configured = _configure(source, tmp_path / "build", check=False)
    if fault != "a file that is not listed":
        assert configured.returncode != 0 and listed in configured.stderr
        return
    _cmake("--build", tmp_path / "build", cwd=source)
    _cmake("--install", tmp_path / "build", "--prefix", tmp_path / "extension", cwd=source)
    arrived = {path.name for path in (tmp_path / "extension" / MODULES / "ModicGraderLib").glob("*.py")}
    assert arrived == {"one.py"}
