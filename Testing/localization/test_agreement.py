"""Tests of the agreement of T1 and T2: a wrong pixel size or place in a header is mended by the discs themselves."""

from dataclasses import replace

import numpy as np
import pytest
from painted_spine import PaintReader, painted_volume, sagittal_grid, spine_boxes, turned
from scipy.spatial.transform import Rotation

from ModicGraderLib.localization.agreement import agree_on_discs
from ModicGraderLib.study import SpineStudy, Volume

TURN = Rotation.from_euler("xyz", (6, -5, 8), degrees=True).as_matrix()


@pytest.fixture(scope="module")
def reader() -> PaintReader:
    return PaintReader().eval()


@pytest.fixture(scope="module")
def study() -> SpineStudy:
    boxes = turned(spine_boxes(6), TURN)
    t1 = painted_volume(boxes, sagittal_grid(5, (4.4, 1.1), (280, 150), TURN), "t1")
    return SpineStudy(t1, painted_volume(boxes, sagittal_grid(5, (4.0, 1.0), (300, 160), TURN), "t2"))


def misplaced(volume: Volume, scale: float = 1.0, shift: tuple = (0, 0, 0)) -> Volume:
    """The volume with a header that is wrong: pixels scaled about the picture's middle, then moved (patient axes)."""
    plane = volume.affine[:3, 1:3] / volume.spacing[1:]
    stretch = np.eye(3) + (scale - 1) * plane @ plane.T
    affine = volume.affine.copy()
    affine[:3, :3] = stretch @ affine[:3, :3]
    affine[:3, 3] = stretch @ affine[:3, 3] + TURN @ np.asarray(shift, float)
    return replace(volume, affine=affine)


def distance(first: Volume, second: Volume) -> float:
    """Largest distance in mm of the places of the same voxels about the spine's middle half."""
    rows = np.linspace(0.25, 0.75, 5) * first.array.shape[1]
    index = np.array([(2, row, first.array.shape[2] / 2) for row in rows])
    return float(np.linalg.norm(first.to_patient(index) - second.to_patient(index), axis=1).max())


@pytest.mark.parametrize("scale", [0.8, 0.9, 1.1, 1.25])
@pytest.mark.parametrize("shift", [(0, 0, 0), (0, 6, -12)])
def test_a_wrong_pixel_size_is_mended_and_reported(reader, study, scale, shift):
    wrong = replace(study, t1=misplaced(study.t1, scale, shift))
    assert distance(wrong.t1, study.t1) > 5
    mended, findings = agree_on_discs(wrong, reader)
    assert distance(mended.t1, study.t1) < 1.5
    np.testing.assert_allclose(mended.t1.spacing[1:], study.t1.spacing[1:], rtol=0.015)
    assert mended.t2 is study.t2
    assert [finding.code for finding in findings] == ["pixel_size_mismatch"]


def test_through_plane_geometry_is_kept(reader, study):
    wrong = replace(study, t1=misplaced(study.t1, 1.25, (1.5, 4, 0)))
    mended, _ = agree_on_discs(wrong, reader)
    assert mended.t1.spacing[0] == pytest.approx(wrong.t1.spacing[0])
    across = study.t2.affine[:3, 0] / study.t2.spacing[0]
    assert (mended.t1.affine[:3, 3] - wrong.t1.affine[:3, 3]) @ across == pytest.approx(0, abs=1e-6)


@pytest.mark.parametrize("shift", [(0, 8, 0), (0, 0, -14)])
def test_a_shift_is_mended_and_reported(reader, study, shift):
    mended, findings = agree_on_discs(replace(study, t1=misplaced(study.t1, 1.0, shift)), reader)
    assert distance(mended.t1, study.t1) < 1.5
    assert [finding.code for finding in findings] == ["shift_corrected_by_discs"]
    assert f"{np.linalg.norm(shift):.0f} mm" in findings[0].message


def test_contrasts_that_agree_are_left_alone(reader, study):
    same, findings = agree_on_discs(study, reader)
    assert same is study
    assert findings == []


def test_one_contrast_alone_is_left_alone(reader, study):
    alone = replace(study, t1=None)
    assert agree_on_discs(alone, reader) == (alone, [])


def test_discs_that_do_not_fit_each_other_move_nothing(reader, study):
    # Another patient's T1, whose curve no shift and no scale brings onto this one's.
    other = painted_volume(turned(spine_boxes(6, lordosis=-1.5), TURN), sagittal_grid(5, turn=TURN), "t1")
    kept, findings = agree_on_discs(replace(study, t1=other), reader)
    assert kept.t1 is other
    assert findings == []


def test_too_few_discs_move_nothing(reader, study):
    few = painted_volume(turned(spine_boxes(3), TURN), sagittal_grid(5, turn=TURN), "t1")
    kept, findings = agree_on_discs(replace(study, t1=few), reader)
    assert kept.t1 is few
    assert findings == []
