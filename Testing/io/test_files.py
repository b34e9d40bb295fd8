"""Reading volume files: canonical orientation, and what is refused."""

import nibabel as nib
import numpy as np
import pytest
import SimpleITK as sitk
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from ModicGraderLib.errors import InputError
from ModicGraderLib.io import read_study, read_volume
from ModicGraderLib.io.orientation import to_canonical

RAS_TO_LPS = np.diag([-1.0, -1.0, 1.0, 1.0])
SAGITTAL_LPS = np.array([[4.0, 0, 0, -10], [0, 0, 1, -48], [0, -1, 0, 48], [0, 0, 0, 1]])
"""Affine of (slice, row, column), already canonical."""


def noise(slices=5, rows=96, columns=100, seed=0):
    return np.random.default_rng(seed).random((slices, rows, columns)).astype(np.float32)


def write_nifti(path, array, affine_lps=SAGITTAL_LPS):
    nib.save(nib.Nifti1Image(array, RAS_TO_LPS @ affine_lps), path)
    return path


def refused(path, message, contrast="t1"):
    with pytest.raises(InputError, match=message) as error:
        read_volume(path, contrast)
    assert "\n" not in str(error.value)


@settings(max_examples=60)
@given(
    axes=st.permutations([0, 1, 2]),
    flips=st.lists(st.booleans(), min_size=3, max_size=3),
    angles=st.tuples(*[st.floats(-20, 20)] * 3),
    spacing=st.tuples(st.floats(2.5, 6), st.floats(0.3, 1.2), st.floats(0.3, 1.2)),
)
def test_any_axis_order_and_obliquity_becomes_canonical_and_keeps_positions(axes, flips, angles, spacing):
    array = noise(3, 5, 7)
    affine = np.eye(4)
    affine[:3, :3] = Rotation.from_euler("xyz", angles, degrees=True).as_matrix() @ SAGITTAL_LPS[:3, :3] / [4, 1, 1]
    affine[:3, :3] *= spacing
    shuffled, shuffled_affine = array.transpose(axes), affine[:, [*axes, 3]].copy()
    for axis in np.flatnonzero(flips):
        shuffled = np.flip(shuffled, axis)
        shuffled_affine[:3, 3] += shuffled_affine[:3, axis] * (shuffled.shape[axis] - 1)
        shuffled_affine[:3, axis] *= -1
    back, back_affine = to_canonical(shuffled, shuffled_affine, "x")
    np.testing.assert_array_equal(back, array)
    np.testing.assert_allclose(back_affine, affine, atol=1e-9)


@pytest.mark.parametrize("name", ["a.nii", "a.nii.gz", "a.nrrd", "a.mha", "a.mhd"])
def test_every_format_gives_the_same_oblique_volume(tmp_path, name):
    array = noise()
    rotation = Rotation.from_euler("xyz", [8, -12, 5], degrees=True).as_matrix()
    affine = SAGITTAL_LPS.copy()
    affine[:3, :3] = rotation @ affine[:3, :3]
    image = sitk.GetImageFromArray(array)
    image.SetSpacing([1.0, 1.0, 4.0])
    image.SetDirection((affine[:3, :3] / [4, 1, 1])[:, ::-1].ravel())
    image.SetOrigin(affine[:3, 3])
    sitk.WriteImage(image, tmp_path / name)
    volume = read_volume(tmp_path / name, "t2")
    np.testing.assert_array_equal(volume.array, array)
    np.testing.assert_allclose(volume.affine, affine, atol=1e-4)
    assert volume.contrast == "t2" and volume.array.dtype == np.float32


def test_slice_of_unit_spacing_is_accepted(tmp_path):
    affine = SAGITTAL_LPS / [[4, 1, 1, 1]]
    assert read_volume(write_nifti(tmp_path / "a.nii", noise(1), affine), "t1").array.shape == (1, 96, 100)


def test_last_axis_of_one_volume_is_accepted(tmp_path):
    assert read_volume(write_nifti(tmp_path / "a.nii", noise()[..., None]), "t1").array.shape == (5, 96, 100)


def test_missing_path_is_refused(tmp_path):
    refused(tmp_path / "none.nii.gz", "does not exist")


def test_unknown_extension_is_refused(tmp_path):
    (tmp_path / "a.png").write_bytes(b"x" * 500)
    refused(tmp_path / "a.png", "is no volume file; give one of .nii, .nii.gz")


@pytest.mark.parametrize("name", ["a.nii", "a.nii.gz", "a.nrrd", "a.mha", "a.mhd"])
def test_text_under_an_image_name_is_refused(tmp_path, name):
    (tmp_path / name).write_text("this is no image\n" * 100)
    refused(tmp_path / name, "not an image")


@pytest.mark.parametrize("name", ["a.nii", "a.nii.gz", "a.nrrd", "a.mha"])
@pytest.mark.parametrize("kept", [0.0, 0.4, 0.97])
def test_truncated_file_is_refused(tmp_path, name, kept):
    write_nifti(tmp_path / "whole.nii", noise())
    sitk.WriteImage(sitk.ReadImage(tmp_path / "whole.nii"), tmp_path / name)
    data = (tmp_path / name).read_bytes()
    (tmp_path / name).write_bytes(data[: int(len(data) * kept)])
    refused(tmp_path / name, "truncated")


@pytest.mark.parametrize(("value", "message"), [(np.nan, "NaN or infinite"), (np.inf, "NaN or infinite")])
def test_values_that_are_no_numbers_are_refused(tmp_path, value, message):
    array = noise()
    array[2, 30, 30] = value
    refused(write_nifti(tmp_path / "a.nii", array), message)


@pytest.mark.parametrize("value", [0.0, 7.0])
def test_empty_image_is_refused(tmp_path, value):
    refused(write_nifti(tmp_path / "a.nii", np.full((5, 96, 96), value, np.float32)), "is empty")


def test_4d_is_refused(tmp_path):
    refused(write_nifti(tmp_path / "a.nii", np.stack([noise(), noise()], axis=-1)), "holds 2 volumes")


def test_color_is_refused(tmp_path):
    image = sitk.GetImageFromArray(np.zeros((3, 96, 96, 3), np.uint8), isVector=True)
    sitk.WriteImage(image, tmp_path / "a.mha")
    refused(tmp_path / "a.mha", "several values per voxel")


def test_flat_picture_is_refused(tmp_path):
    sitk.WriteImage(sitk.GetImageFromArray(noise()[0]), tmp_path / "a.nii")
    refused(tmp_path / "a.nii", "flat picture")


def test_nifti_without_orientation_codes_is_refused(tmp_path):
    image = nib.Nifti1Image(noise(), RAS_TO_LPS @ SAGITTAL_LPS)
    image.set_sform(None, 0)
    image.set_qform(None, 0)
    nib.save(image, tmp_path / "a.nii")
    refused(tmp_path / "a.nii", "does not say how it lies")


@pytest.mark.parametrize(
    ("name", "header"),
    [
        ("a.nrrd", "NRRD0004\ntype: float\ndimension: 3\nsizes: 100 96 5\nendian: little\nencoding: raw\n\n"),
        (
            "a.mha",
            "ObjectType = Image\nNDims = 3\nDimSize = 100 96 5\nElementType = MET_FLOAT\nElementDataFile = LOCAL\n",
        ),
    ],
)
def test_file_without_directions_is_refused(tmp_path, name, header):
    (tmp_path / name).write_bytes(header.encode() + noise().tobytes())
    refused(tmp_path / name, "does not say how it lies")


@pytest.mark.parametrize(("order", "plane"), [([1, 0, 2], "axial"), ([2, 1, 0], "coronal")])
def test_other_planes_are_refused(tmp_path, order, plane):
    directions = SAGITTAL_LPS[:, [*order, 3]] / np.array([4, 1, 1, 1])[[*order, 3]] * [4, 1, 1, 1]
    refused(write_nifti(tmp_path / "a.nii", noise(), directions), f"is {plane}; give the sagittal")


def test_small_field_of_view_is_refused(tmp_path):
    affine = SAGITTAL_LPS * [1, 0.5, 0.5, 1]
    refused(write_nifti(tmp_path / "a.nii", noise(), affine), "shows only 48 x 50 mm")


def test_few_pixels_are_refused(tmp_path):
    refused(write_nifti(tmp_path / "a.nii", noise(5, 40, 40), SAGITTAL_LPS * [1, 3, 3, 1]), "only 40 x 40 pixels")


def test_absurd_spacing_is_refused(tmp_path):
    refused(write_nifti(tmp_path / "a.nii", noise(), SAGITTAL_LPS * [1, 0.001, 0.001, 1]), "no usable geometry")


def test_file_without_a_named_contrast_is_refused(tmp_path):
    refused(write_nifti(tmp_path / "a.nii", noise()), "say whether it is T1 or T2", None)


def test_neither_contrast_is_refused():
    with pytest.raises(InputError, match="neither T1 nor T2"):
        read_study(None, None)


def test_one_file_for_both_contrasts_is_refused(tmp_path):
    path = write_nifti(tmp_path / "a.nii", noise())
    with pytest.raises(InputError, match="the same file"):
        read_study(path, path)


def test_a_copy_of_the_file_is_refused(tmp_path):
    first, second = (write_nifti(tmp_path / name, noise()) for name in ("a.nii", "b.nii.gz"))
    with pytest.raises(InputError, match="the same image"):
        read_study(first, second)


def test_volumes_apart_in_space_are_refused(tmp_path):
    t1 = write_nifti(tmp_path / "a.nii", noise(seed=1))
    far = SAGITTAL_LPS.copy()
    far[2, 3] += 500
    with pytest.raises(InputError, match="do not overlap in space"):
        read_study(t1, write_nifti(tmp_path / "b.nii", noise(seed=2), far))


def test_small_overlap_is_told(tmp_path):
    t1 = write_nifti(tmp_path / "a.nii", noise(seed=1))
    far = SAGITTAL_LPS.copy()
    far[2, 3] += 60
    study = read_study(t1, write_nifti(tmp_path / "b.nii", noise(seed=2), far), align=False)
    assert [finding.code for finding in study.quality] == ["small_overlap"]


@pytest.mark.parametrize(("missing", "code"), [("t1", "t1_missing"), ("t2", "t2_missing")])
def test_one_contrast_alone_is_accepted_and_told(tmp_path, missing, code):
    path = write_nifti(tmp_path / "a.nii", noise())
    study = read_study(**{"t1": path, "t2": path, missing: None})
    assert len(study.volumes) == 1 and [finding.code for finding in study.quality] == [code]
