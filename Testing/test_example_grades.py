"""Tests of the stand-in for the disc reader: that it says, and paints, what it was asked for."""

import numpy as np
import pytest
from example_grades import painted_grades
from graded_example import example_graded_study

from ModicGraderLib.anatomy import ENDPLATES, vertebra_label, vertebrae_of
from ModicGraderLib.grading.disc_input import SHAPE
from ModicGraderLib.grading.tasks import BINARY_TASKS
from ModicGraderLib.regions import resample

GRADED = example_graded_study()
REFERENCE = GRADED.study.reference


@pytest.mark.parametrize("disc", GRADED.location.discs, ids=lambda disc: disc.level)
@pytest.mark.parametrize("endplate", ENDPLATES)
def test_a_painted_change_lies_in_the_body_on_its_side_of_the_disc(disc, endplate):
    grades = painted_grades(disc, REFERENCE, {endplate: "II"})
    assert grades.pixels.shape == (4, grades.grid.shape[0], *SHAPE)
    np.testing.assert_allclose(grades.pixels.sum(0), 1, rtol=1e-6)
    changed = grades.pixels[2] > 0.5
    labels = resample(GRADED.location.labels, REFERENCE.grid, grades.grid, order=0, outside=0)
    body = vertebra_label(vertebrae_of(disc.level)[ENDPLATES.index(endplate)])
    # Where the body leans against the disc, a wedge of the slab lies beyond its endplate or in the disc's corner.
    assert (labels[changed] == body).mean() > 0.8
    away = (grades.grid.to_patient(np.argwhere(changed)) - disc.center) @ disc.normal
    assert (away > 0).all() if endplate == "upper" else (away < 0).all()


def test_painted_findings_agree_with_the_map_unless_said_otherwise():
    grades = painted_grades(GRADED.location.discs[4], REFERENCE, {"lower": "I/II"}, disc_bulging=0.7, lesion="notched")
    assert set(grades.findings) == set(BINARY_TASKS)
    expected = {"lower_marrow_change": 0.95, "upper_marrow_change": 0.05, "modic_change": 0.9525, "disc_bulging": 0.7}
    assert {name: grades.findings[name] for name in expected} == pytest.approx(expected)
    assert grades.modic_types["lower"].tolist() == [0.5, 0.5, 0]
    assert grades.endplate_lesion.argmax() == 2
    assert set(np.unique(grades.pixels[3])) == {0}


def test_a_painted_change_has_the_size_asked_for():
    disc = GRADED.location.discs[3]
    grades = painted_grades(disc, REFERENCE, {"upper": "III"}, depth_mm=6.0, reach=(0.25, 0.75))
    changed = grades.pixels[3] > 0.5
    pixel = np.linalg.norm(grades.grid.affine[:3, 1])
    depth, across = changed.any(2).sum(1) * pixel, changed.any(1).sum(1) * pixel
    np.testing.assert_allclose(depth, 6.0, atol=pixel)
    np.testing.assert_allclose(across, disc.width_mm / 2, atol=pixel)
