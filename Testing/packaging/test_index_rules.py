"""What Slicer's Extensions Index asks of every extension, checked before it does."""

from __future__ import annotations

import ast
import json
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from PIL import Image

ROOT = Path(__file__).parents[2]
NAME = "ModicGrader"
REPOSITORY = "https://github.com/ModicGrader/SlicerModicGrader"
RAW = "https://raw.githubusercontent.com/ModicGrader/SlicerModicGrader/main/"

CLONE_MB = 100
"""Greatest size of a clone, its history included."""

BUNDLED = {"numpy", "pillow", "pydicom", "scipy", "simpleitk"}
"""What Slicer 5.10 and 5.12 bring (SuperBuild/External_python-*.cmake)."""

COMMAND_LINE_ONLY = {"dicomweb-client", "rich", "typer"}
"""What only `modicgrader` in a terminal needs; the worker that Slicer launches does not."""

SINCE_5_12 = {"highdicom"}
"""What Slicer brings from 5.12 on; in 5.10 results are not written as DICOM."""

SLICER = {"ctk", "qt", "slicer", "vtk", "SampleData", "SimpleITK", "sitkUtils", "numpy", "scipy", "packaging"}
"""What a module may import when Slicer starts, beside the standard library and itself."""


def _cmake() -> str:
    return (ROOT / "CMakeLists.txt").read_text(encoding="utf-8")


def _setting(name: str) -> str:
    """A variable of CMakeLists.txt, which the Index finds only as one literal in double quotes."""
    found = re.findall(rf'^set\({name} "([^"$]+)"\)$', _cmake(), re.MULTILINE)
    assert len(found) == 1, f"{name} must be set once, to one literal in double quotes"
    return found[0]


def test_the_names_agree():
    assert (ROOT / f"{NAME}.json").is_file()
    assert re.findall(r"project\s*\(\s*([^\s)]+)", _cmake())[0] == NAME
    assert not NAME.lower().startswith("slicer")
    assert REPOSITORY.rsplit("/", 1)[1] == f"Slicer{NAME}"
    assert _setting("EXTENSION_HOMEPAGE") == REPOSITORY
    assert f'repository-code: "{REPOSITORY}"' in (ROOT / "CITATION.cff").read_text(encoding="utf-8").splitlines()


def test_the_catalogue_entry_is_as_its_schema_asks():
    entry = json.loads((ROOT / f"{NAME}.json").read_text(encoding="utf-8"))
    assert re.search(r"slicer-extension-catalog-entry-schema-v1\.0\.[12]\.json#?$", entry.pop("$schema"))
    assert entry.pop("tier") in range(1, 6)
    assert entry == {
        "build_dependencies": ["PyTorch"],
        "build_subdirectory": ".",
        "category": _setting("EXTENSION_CATEGORY"),
        "scm_revision": "main",
        "scm_url": REPOSITORY,
    }
    assert _setting("EXTENSION_DEPENDS").split() == ["PyTorch"]
    assert _setting("EXTENSION_CATEGORY") == "Quantification"


def test_the_pictures_of_the_extensions_manager_are_in_the_repository():
    addresses = [_setting("EXTENSION_ICONURL"), *_setting("EXTENSION_SCREENSHOTURLS").split()]
    assert len(addresses) >= 2
    for address in addresses:
        assert address.startswith(RAW)
        with Image.open(ROOT / address.removeprefix(RAW)) as picture:
            assert picture.format in ("PNG", "JPEG", "GIF")
            picture.verify()


def test_the_icon_is_the_one_that_the_script_draws():
    from draw_icon import FILES, SIZE, draw_icon

    drawn = draw_icon()
    for path in FILES:
        with Image.open(path) as icon:
            assert icon.size == (SIZE, SIZE) == (128, 128) and icon.mode == "RGBA"
            far = max(abs(a - b) for a, b in zip(icon.tobytes(), drawn.tobytes(), strict=True))
            assert far <= 2, "run: python Testing/draw_icon.py"


def test_the_license_has_a_name_that_the_index_knows():
    assert "Apache License" in (ROOT / "LICENSE.txt").read_text(encoding="utf-8")
    assert "LICENSE.txt" in (ROOT / "README.md").read_text(encoding="utf-8")


def _git(*arguments: str, given: str | None = None) -> str:
    done = subprocess.run(["git", *arguments], cwd=ROOT, input=given, capture_output=True, text=True, check=True)
    return done.stdout


def test_every_line_of_text_ends_as_on_unix():
    endings = [line.split("\t") for line in _git("ls-files", "-z", "--eol").split("\0") if line]
    assert [name for kinds, name in endings if re.search("crlf|mixed", kinds)] == []


def test_a_clone_is_small_enough_for_the_index():
    objects = [line.split()[0] for line in _git("rev-list", "--objects", "HEAD").splitlines()]
    sizes = _git("cat-file", "--batch-check=%(objectsize:disk)", given="\n".join(objects))
    history_mb = sum(map(int, sizes.split())) / 1e6
    files_mb = sum((ROOT / name).stat().st_size for name in _git("ls-files").splitlines()) / 1e6
    assert history_mb + files_mb < CLONE_MB


def _tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def _imported_at_file_scope(path: Path) -> set[str]:
    """Top packages that are imported when a file is, also inside an `if` or `try`, but not inside a function."""
    names, waiting = set(), list(_tree(path).body)
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.Import):
            names |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and not node.level:
            names.add(node.module.split(".")[0])
        elif isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            waiting += node.orelse
        elif not isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)):
            waiting += ast.iter_child_nodes(node)
    return names


def _module_files() -> list[Path]:
    return sorted([*(ROOT / NAME).glob("*.py"), *(ROOT / "ModicGraderLib" / "gui").glob("*.py")])


@pytest.mark.parametrize("path", _module_files(), ids=lambda path: path.name)
def test_a_module_imports_at_file_scope_only_what_every_slicer_has(path):
    allowed = SLICER | set(sys.stdlib_module_names) | {"ModicGraderLib"}
    assert _imported_at_file_scope(path) <= allowed


def test_nothing_happens_when_the_module_file_is_imported():
    """Definitions, imports and constants; and the one guarded line that finds the library beside the module."""
    definitions = (ast.Import, ast.ImportFrom, ast.FunctionDef, ast.ClassDef, ast.Assign, ast.AnnAssign)
    rest = [node for node in _tree(ROOT / NAME / f"{NAME}.py").body[1:] if not isinstance(node, definitions)]
    assert len(rest) <= 1
    assert all(isinstance(node, ast.If) and "sys.path" in ast.unparse(node) for node in rest)


def test_torch_is_left_to_the_pytorch_extension():
    for path in _module_files():
        text = path.read_text(encoding="utf-8")
        assert not re.search(r"pip_install\([^)]*torch", text) and not re.search(r"[\"']pip[\"']", text), path.name


def _names_and_bounds(lines: list[str]) -> dict[str, str]:
    """Bounds by the lower-case name of each requirement; empty where there is none."""
    parsed = [re.fullmatch(r"([A-Za-z0-9_.-]+)\s*(.*)", line).groups() for line in lines]
    return {name.lower(): bounds for name, bounds in parsed}


def test_slicer_installs_what_the_library_needs_and_slicer_lacks():
    lines = (ROOT / NAME / "Resources" / "requirements.txt").read_text(encoding="utf-8").splitlines()
    wanted = _names_and_bounds([line for line in lines if line and not line.startswith("#")])
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    needed = set(_names_and_bounds(project["dependencies"]))
    # PyTorch comes through the PyTorch extension, which knows what fits the computer.
    assert set(wanted) == needed - BUNDLED - SINCE_5_12 - COMMAND_LINE_ONLY - {"torch"}


def test_every_requirement_has_a_lower_bound_that_our_own_tests_pass():
    lines = (ROOT / NAME / "Resources" / "requirements.txt").read_text(encoding="utf-8").splitlines()
    locked = _names_and_bounds((ROOT / "requirements.lock").read_text(encoding="utf-8").splitlines()[2:])
    for name, bounds in _names_and_bounds([line for line in lines if line and not line.startswith("#")]).items():
        assert (least := re.fullmatch(r">=([0-9.]+)", bounds)), f"{name} must be given as {name}>=X.Y"
        tested = locked[name].removeprefix("==")
        assert [int(part) for part in least[1].split(".")] <= [int(part) for part in tested.split(".")]
