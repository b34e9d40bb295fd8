"""Which nodes of a scene are proposed as T1 and T2."""

from __future__ import annotations

import numpy as np
import pytest

pytestmark = pytest.mark.slicer


def _add(scene, name: str, affine: np.ndarray):
    from ModicGraderLib.scene.nodes import add_volume

    return add_volume(scene, name, np.zeros((3, 4, 5), np.float32), affine)


def _sagittal() -> np.ndarray:
    affine = np.eye(4)
    affine[:3, 0], affine[:3, 1], affine[:3, 2] = (4, 0, 0), (0, 0, -0.7), (0, 0.7, 0)
    return affine


def _axial() -> np.ndarray:
    affine = np.eye(4)
    affine[:3, 0], affine[:3, 1], affine[:3, 2] = (0, 0, 4), (0, 0.7, 0), (0.7, 0, 0)
    return affine


def test_the_sagittal_pair_is_found_among_other_volumes():
    from ModicGraderLib.scene.host import Host
    from ModicGraderLib.scene.inputs import guess_inputs

    scene = Host().scene
    _add(scene, "localizer", _axial())
    _add(scene, "t2 axial", _axial())
    t2, t1 = _add(scene, "t2_tse_sag", _sagittal()), _add(scene, "t1_tse_sag", _sagittal())
    assert [node.GetID() for node in guess_inputs(scene)] == [t1.GetID(), t2.GetID()]


def test_volumes_that_a_result_has_made_are_not_proposed():
    from graded_example import example_graded_study

    from ModicGraderLib.scene.build import build_scene
    from ModicGraderLib.scene.host import Host
    from ModicGraderLib.scene.inputs import guess_inputs

    scene = Host().scene
    build_scene(example_graded_study(), scene)
    assert guess_inputs(scene) == (None, None)
