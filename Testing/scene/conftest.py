"""Fixtures of the tests of scenes."""

from __future__ import annotations

import pytest
from graded_example import example_graded_study


@pytest.fixture
def scene():
    """A scene of its own."""
    from ModicGraderLib.scene.host import Host

    host = Host()
    yield host.scene


@pytest.fixture
def nodes(scene):
    """Nodes of the example study in it."""
    from ModicGraderLib.scene.build import build_scene

    return build_scene(example_graded_study(), scene)
