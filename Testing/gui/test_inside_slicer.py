"""The tests that Slicer itself runs (`ModicGraderTest`), run here under the stand-ins."""

from __future__ import annotations

import sys

import pytest

pytestmark = pytest.mark.slicer


def test_what_slicer_tests_passes_under_the_stand_ins(host):
    host.open_module("ModicGrader/ModicGrader.py")
    sys.modules["ModicGrader"].ModicGraderTest().runTest()
