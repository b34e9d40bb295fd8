"""Tests of the simple simulated study: its files agree with each other and with its truth."""

import json

import jsonschema
import numpy as np
import pytest
import SimpleITK as sitk

from ModicGraderLib.anatomy import CANAL_LABEL, GRADED_DISCS, disc_label, vertebra_label, vertebrae_of
from ModicGraderLib.export.images import from_image
from ModicGraderLib.report import StudyReport
from ModicGraderLib.resources import resource_path
from ModicGraderLib.simulation.files import simulate_study
from ModicGraderLib.simulation.simple import simulate
from ModicGraderLib.simulation.simple_case import Case
from ModicGraderLib.simulation.simple_tissues import CSF, FAT, LESION, MARROW, T1_SEQUENCE, T2_SEQUENCE, spin_echo


@pytest.fixture(scope="module")
def study():
    return simulate(7)


@pytest.fixture(scope="module")
def labeled(study):
    """LPS mm (n, 3) of the voxels of a label."""
    return lambda label: study.t2.to_patient(np.argwhere(study.labels == label))


def test_the_same_seed_makes_the_same_study(study):
    again = simulate(7)
    assert np.array_equal(again.t1.array, study.t1.array)
    assert again.truth == study.truth
    assert Case.draw(np.random.default_rng(8)) != Case.draw(np.random.default_rng(7))


def test_files_hold_the_study_with_its_geometry(study, tmp_path):
    paths = simulate_study(7, tmp_path)
    for name, volume in (("t1", study.t1), ("t2", study.t2)):
        array, affine = from_image(sitk.ReadImage(str(paths[name])))
        assert np.allclose(array, volume.array, atol=0.51)
        assert np.allclose(affine, volume.affine, atol=1e-4)
    assert StudyReport.read(paths["truth"]) == study.truth


def test_truth_follows_the_schema_of_reports(study):
    schema = json.loads(resource_path("Schemas/modicgrader-report-1.schema.json").read_text(encoding="utf-8"))
    jsonschema.validate(study.truth.to_dict(), schema)


def test_t1_and_t2_differ_in_their_grid(study):
    assert study.t1.array.shape != study.t2.array.shape


@pytest.mark.parametrize("level", GRADED_DISCS)
def test_true_centers_and_corners_fit_the_labels(study, labeled, level):
    disc = next(disc for disc in study.truth.discs if disc.level == level)
    offset = labeled(disc_label(level)) - disc.center_lps_mm
    offset = offset[np.abs(offset[:, 0]) < 4]
    # A wedge has more of itself in front: its middle is that of its extent, not its center of mass.
    along = offset @ disc.anterior_lps
    across = (offset @ disc.normal_lps)[np.abs(along) < 3]
    assert abs(along.max() + along.min()) / 2 < 1.5
    assert abs(across.mean()) < 1.0
    assert abs(np.ptp(along) - disc.width_mm) < 5
    assert abs(np.ptp(across) - disc.height_mm) < 4
    above, below = (labeled(vertebra_label(name)).mean(axis=0) for name in vertebrae_of(level))
    assert (above - disc.center_lps_mm) @ disc.normal_lps > 0 > (below - disc.center_lps_mm) @ disc.normal_lps


def test_front_is_in_front_and_the_canal_behind(study, labeled):
    canal = labeled(CANAL_LABEL)
    for disc in study.truth.discs:
        assert disc.anterior_lps[1] < 0 < disc.normal_lps[2]
        near = canal[np.abs(canal[:, 2] - disc.center_lps_mm[2]) < 10]
        assert near[:, 1].mean() > disc.center_lps_mm[1] + disc.width_mm / 2


def test_each_patient_has_a_type_one_and_a_type_two_lesion(study):
    grades = [disc.modic.grade for disc in study.truth.discs]
    assert sorted(grade for grade in grades if grade != "0") == ["I", "II"]


@pytest.mark.parametrize(("type_", "t1_brighter"), [("I", False), ("II", True)])
def test_lesions_have_the_signal_that_defines_their_type(type_, t1_brighter):
    t1, t2 = (
        spin_echo(np.array(LESION[type_]), sequence) / spin_echo(np.array(MARROW), sequence)
        for sequence in (T1_SEQUENCE, T2_SEQUENCE)
    )
    assert (t1 > 1) == t1_brighter
    assert t2 > 1


def test_fluid_is_dark_on_t1_and_bright_on_t2():
    fluid, fat = np.array(CSF), np.array(FAT)
    assert spin_echo(fluid, T1_SEQUENCE) < 0.3 * spin_echo(fat, T1_SEQUENCE)
    assert spin_echo(fluid, T2_SEQUENCE) > spin_echo(fat, T2_SEQUENCE)
