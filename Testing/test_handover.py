import dataclasses

import numpy as np
from graded_example import example_graded_study

from ModicGraderLib.handover import load_graded, save_graded, to_words


def test_a_graded_study_comes_back_whole(tmp_path):
    graded = example_graded_study()
    save_graded(graded, tmp_path / "graded.npz")
    back = load_graded(tmp_path / "graded.npz")
    assert back.report == graded.report
    assert back.study.alignment == graded.study.alignment
    assert back.study.quality == graded.study.quality
    assert back.location.numbering == graded.location.numbering
    assert np.array_equal(back.location.labels, graded.location.labels)
    assert back.maps.keys() == graded.maps.keys()
    assert all(np.array_equal(back.maps[name], graded.maps[name]) for name in graded.maps)
    for volume, expected in zip(back.study.volumes, graded.study.volumes, strict=True):
        assert (volume.contrast, volume.source) == (expected.contrast, expected.source)
        assert np.array_equal(volume.array, expected.array)
        assert np.array_equal(volume.affine, expected.affine)
    for disc, expected in zip(back.location.discs, graded.location.discs, strict=True):
        for field in dataclasses.fields(expected):
            np.testing.assert_equal(getattr(disc, field.name), getattr(expected, field.name))


def test_a_study_of_one_fat_suppressed_series_keeps_its_contrast(tmp_path):
    graded = example_graded_study()
    fat_suppressed = dataclasses.replace(graded.study.t2, contrast="t2_fat_suppressed")
    study = dataclasses.replace(graded.study, t1=None, t2=fat_suppressed)
    save_graded(dataclasses.replace(graded, study=study), tmp_path / "graded.npz")
    back = load_graded(tmp_path / "graded.npz").study
    assert back.t1 is None
    assert back.t2.contrast == "t2_fat_suppressed"


def test_the_dicom_files_are_handed_over_beside_the_words_that_a_scene_keeps(tmp_path):
    graded = example_graded_study()
    t2 = dataclasses.replace(graded.study.t2, dicom=(tmp_path / "DOE^JANE.dcm", tmp_path / "2.dcm"))
    graded = dataclasses.replace(graded, study=dataclasses.replace(graded.study, t2=t2))
    save_graded(graded, tmp_path / "graded.npz")
    back = load_graded(tmp_path / "graded.npz").study
    assert back.t2.dicom == t2.dicom and back.t1.dicom == ()
    assert "JANE" not in to_words(graded)
