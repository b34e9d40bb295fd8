"""What is asked of Slicer before a run, where packages are there, missing, declined or cannot be had."""

import subprocess
import sys
import types
from importlib.metadata import PackageNotFoundError, requires

import pytest
from packaging.requirements import Requirement

pytestmark = pytest.mark.slicer


@pytest.fixture
def dependencies(host, monkeypatch):
    import slicer

    from ModicGraderLib.gui import dependencies

    monkeypatch.setattr(slicer.util, "modulePath", lambda name: f"{name}/{name}.py")
    return dependencies


@pytest.fixture
def asked(host, monkeypatch):
    """What Slicer was asked to install; nothing ever is."""
    import slicer.packaging

    calls = []
    monkeypatch.setattr(slicer.packaging, "pip_ensure", lambda wanted, **words: calls.append((wanted, words)))
    return calls


@pytest.fixture
def without(dependencies, monkeypatch):
    """Call it with names of packages that shall seem missing."""

    def hide(*names):
        def installed(name, real=dependencies.version):
            if name in names:
                raise PackageNotFoundError(name)
            return real(name)

        monkeypatch.setattr(dependencies, "version", installed)

    return hide


def _extension(monkeypatch, installTorch) -> None:
    module = types.ModuleType("PyTorchUtils")
    module.PyTorchUtilsLogic = lambda: types.SimpleNamespace(installTorch=installTorch)
    monkeypatch.setitem(sys.modules, "PyTorchUtils", module)


def test_where_all_is_there_nothing_is_asked(dependencies, asked):
    dependencies.ensure_dependencies()
    assert not asked


def test_missing_packages_are_installed_by_slicer_with_its_own_question(dependencies, asked, without):
    without("monai", "jinja2")
    dependencies.ensure_dependencies()
    ((wanted, words),) = asked
    assert sorted(one.name for one in wanted) == ["jinja2", "monai"]
    assert all(one.specifier for one in wanted) and words == {"requester": "ModicGrader"}


def test_pytorch_comes_first_and_through_its_extension(dependencies, asked, without, monkeypatch):
    without("torch", "monai")
    _extension(monkeypatch, lambda **words: asked.append(words) or object())
    dependencies.ensure_dependencies()
    assert asked[0] == {"askConfirmation": True, "torchVersionRequirement": ">=2.8"}
    assert [one.name for one in asked[1][0]] == ["monai"]


def test_a_pytorch_that_is_new_enough_for_us_is_so_for_the_monai_that_is_installed_beside_it(dependencies):
    (asked_for,) = (one for one in map(Requirement, requires("monai")) if one.name == "torch" and one.marker is None)
    (least,) = dependencies.TORCH.specifier
    assert asked_for.specifier.contains(least.version)


def test_without_the_pytorch_extension_the_user_is_told_to_install_it(dependencies, asked, without, monkeypatch):
    without("torch")
    monkeypatch.setitem(sys.modules, "PyTorchUtils", None)
    with pytest.raises(dependencies.InputError, match="needs the extension PyTorch; install it"):
        dependencies.ensure_dependencies()


def _fail(**words):
    raise ValueError("no wheel\nfor this computer")


@pytest.mark.parametrize(
    ("answer", "told"),
    [(lambda **words: None, "agree"), (_fail, "no wheel for this computer")],
    ids=["declined", "failed"],
)
def test_a_pytorch_that_is_declined_or_fails_ends_in_one_sentence(dependencies, without, monkeypatch, answer, told):
    without("torch")
    _extension(monkeypatch, answer)
    with pytest.raises(dependencies.InputError, match=told) as caught:
        dependencies.ensure_dependencies()
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("error", "told"),
    [(RuntimeError("declined"), "agree"), (subprocess.CalledProcessError(1, "pip"), "could not be installed")],
    ids=["declined", "failed"],
)
def test_packages_that_are_declined_or_fail_end_in_one_sentence(dependencies, without, monkeypatch, error, told):
    import slicer.packaging

    def refuse(*arguments, **words):
        raise error

    monkeypatch.setattr(slicer.packaging, "pip_ensure", refuse)
    without("monai")
    with pytest.raises(dependencies.InputError, match=f"monai.*{told}|{told}.*monai"):
        dependencies.ensure_dependencies()


@pytest.mark.parametrize("agrees", [True, False])
def test_slicer_5_10_asks_and_installs_without_its_packaging(dependencies, without, monkeypatch, agrees):
    import slicer

    installed = []
    monkeypatch.setitem(sys.modules, "slicer.packaging", None)
    monkeypatch.setattr(slicer.util, "confirmOkCancelDisplay", lambda text: agrees)
    monkeypatch.setattr(slicer.util, "pip_install", installed.append)
    without("safetensors")
    if agrees:
        dependencies.ensure_dependencies()
        assert len(installed) == 1 and installed[0][0].startswith("safetensors>=")
    else:
        with pytest.raises(dependencies.InputError, match="safetensors"):
            dependencies.ensure_dependencies()
        assert not installed
