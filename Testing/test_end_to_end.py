"""The shipped models from files to grades: on a simulated study with its truth, and on a real pair with its masks."""

from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk

from ModicGraderLib.anatomy import GRADED_DISCS, VERTEBRAE_UPWARDS, vertebrae_of
from ModicGraderLib.export.images import from_image
from ModicGraderLib.graded import GradedStudy
from ModicGraderLib.io import read_study
from ModicGraderLib.pipeline import grade_study
from ModicGraderLib.report import StudyReport
from ModicGraderLib.simulation.files import simulate_study


def grade(folder: Path) -> GradedStudy:
    return grade_study(read_study(folder / "t1.nii.gz", folder / "t2.nii.gz"), device="cpu")


@pytest.fixture(scope="module")
def simulated(tmp_path_factory) -> tuple[GradedStudy, StudyReport]:
    folder = tmp_path_factory.mktemp("simulated")
    paths = simulate_study(7, folder)
    return grade(folder), StudyReport.read(paths["truth"])


@pytest.fixture(scope="module")
def real_pair(real_data) -> tuple[GradedStudy, dict[str, np.ndarray]]:
    """The graded pair, and the centers of its vertebrae in LPS mm by name."""
    folder = real_data("real_volume_pair")
    mask, affine = from_image(sitk.ReadImage(str(folder / "t2_vertebrae.nii.gz")))
    centers = {}
    for label in range(1, 10):
        points = np.argwhere(mask == label)
        if len(points):
            centers[VERTEBRAE_UPWARDS[label - 1]] = affine[:3, :3] @ points.mean(0) + affine[:3, 3]
    return grade(folder), centers


@pytest.mark.parametrize("level", GRADED_DISCS)
def test_discs_of_a_simulated_study_are_found_within_a_third_of_their_width(simulated, level):
    graded, truth = simulated
    expected = next(disc for disc in truth.discs if disc.level == level)
    found = {disc.level: disc for disc in graded.report.discs}[level]
    offset = np.linalg.norm(np.subtract(found.center_lps_mm, expected.center_lps_mm))
    assert offset < expected.width_mm / 3
    assert np.dot(found.normal_lps, expected.normal_lps) > np.cos(np.radians(15))
    assert found.width_mm == pytest.approx(expected.width_mm, rel=0.25)


def test_a_simulated_study_is_numbered_from_its_sacrum(simulated):
    numbering = simulated[0].report.numbering
    assert (numbering.lowest_disc, numbering.source) == ("L5/S1", "model")


def test_reports_of_the_shipped_models_name_them(simulated):
    models = simulated[0].report.software["models"]
    assert {model["name"] for model in models} == {"spine-localizer", "disc-grader"}
    assert all(len(model["sha256"]) == 64 for model in models)


@pytest.mark.parametrize("level", GRADED_DISCS)
def test_discs_of_a_real_pair_lie_between_the_vertebrae_they_are_named_after(real_pair, level):
    graded, centers = real_pair
    above, below = (centers[name] for name in vertebrae_of(level))
    found = {disc.level: disc for disc in graded.report.discs}[level]
    along = (above - below) / np.linalg.norm(above - below)
    height = (np.array(found.center_lps_mm) - below) @ along / np.linalg.norm(above - below)
    assert 0.25 < height < 0.75
    beside = np.array(found.center_lps_mm) - below - height * (above - below)
    assert np.linalg.norm(beside) < found.width_mm / 2
    assert np.dot(found.normal_lps, along) > np.cos(np.radians(40))
