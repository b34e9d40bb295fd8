"""Tests of graded discs: their targets, and that they come back from the disk as they went."""

import io

import numpy as np
import pytest
from random_discs import COLUMNS, ROWS, random_disc

from ModicGraderLib.grading.tasks import BINARY_TASKS, OUTPUTS, PFIRRMANN
from ModicGraderLib.training.graded_discs import SIGNAL_STEPS, grade_targets, pack_discs, unpack_discs


def test_packed_discs_come_back():
    changes, anatomy = np.random.default_rng(0).integers(0, 256, (2, 3, ROWS, COLUMNS)).astype(np.uint8)
    discs = [
        random_disc(1, 3, patient="simulated-100001", changes=changes, anatomy=anatomy),
        random_disc(2, 1, patient="spider-002", level="T12/L1"),
        random_disc(3, 7, level="T10/T11"),
    ]
    file = io.BytesIO()
    np.savez_compressed(file, **pack_discs(discs))
    file.seek(0)
    with np.load(file, allow_pickle=False) as packed:
        back = unpack_discs(dict(packed))
    for before, after in zip(discs, back, strict=True):
        assert (before.patient, before.modic_type, before.pfirrmann) == (
            after.patient,
            after.modic_type,
            after.pfirrmann,
        )
        assert (before.disc.level, before.disc.grid.shape) == (after.disc.level, after.disc.grid.shape)
        np.testing.assert_allclose(after.disc.region[:2], before.disc.region[:2], atol=0.51 / SIGNAL_STEPS)
        for field in ("targets", "changes", "anatomy", "exposure"):
            np.testing.assert_array_equal(getattr(before, field), getattr(after, field))
        np.testing.assert_array_equal(before.disc.region[2:], after.disc.region[2:])
        np.testing.assert_array_equal(before.disc.scalars, after.disc.scalars)
        np.testing.assert_array_equal(before.disc.grid.affine, after.disc.grid.affine)


@pytest.mark.parametrize("grade", range(1, 6))
def test_a_pfirrmann_grade_answers_whether_it_exceeds_each_grade(grade):
    above = grade_targets({}, grade)[PFIRRMANN]
    assert above.tolist() == [1.0] * (grade - 1) + [0.0] * (5 - grade)


def test_answers_that_are_missing_stay_unknown():
    answers = {"modic_change": 1.0, "disc_bulging": 0.0, "disc_herniation": None, "spondylolisthesis": np.nan}
    targets = grade_targets(answers, 3)
    known = {name: target for name, target in zip(BINARY_TASKS, targets, strict=False) if not np.isnan(target)}
    assert known == {"modic_change": 1.0, "disc_bulging": 0.0}
    assert np.isnan(targets[PFIRRMANN.stop :]).all()
    assert len(targets) == OUTPUTS
