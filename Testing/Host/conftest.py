"""Every test here has the stand-ins in place, and may ask for a small panel from a .ui file."""

from pathlib import Path

import pytest

UI = Path(__file__).with_name("example.ui")


@pytest.fixture(autouse=True)
def installed(request):
    """Install the stand-ins; not for tests that run in this process."""
    if request.node.get_closest_marker("slicer"):
        request.getfixturevalue("host")


@pytest.fixture
def panel():
    import slicer

    widget = slicer.util.loadUI(str(UI))
    ui = slicer.util.childWidgetVariables(widget)
    widget.setMRMLScene(slicer.mrmlScene)
    ui.keep = widget
    return ui
