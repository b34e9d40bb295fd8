"""Reading one DICOM series: geometry, order, rescale, compression, and what is refused."""

import numpy as np
import pytest
from dicom_factory import ORIENTATIONS, compress, picture_stack, slice_positions, write_enhanced, write_series
from hypothesis import given, settings
from hypothesis import strategies as st
from pydicom import dcmread
from pydicom.uid import JPEG2000Lossless, JPEGLosslessSV1, JPEGLSLossless, RLELossless
from scipy.spatial.transform import Rotation

from ModicGraderLib.errors import InputError
from ModicGraderLib.io import read_volume


def test_sagittal_series_keeps_every_pixel_where_its_header_says(tmp_path):
    pixels = picture_stack()
    write_series(tmp_path, pixels, "t1")
    volume = read_volume(tmp_path)
    assert volume.contrast == "t1"
    # The factory stacks along the normal of the picture, which points to the right: reading reverses the slices.
    np.testing.assert_array_equal(volume.array, pixels[::-1])
    np.testing.assert_allclose(volume.to_patient([4, 0, 0]), [-10, -48, 48])
    np.testing.assert_allclose(volume.spacing, [4, 1, 1])


@settings(max_examples=15, deadline=None)
@given(angles=st.tuples(*[st.floats(-25, 25)] * 3), flip=st.booleans(), seed=st.integers(0, 1000))
def test_oblique_and_flipped_pictures_keep_their_positions(tmp_path_factory, angles, flip, seed):
    folder = tmp_path_factory.mktemp("oblique")
    pixels = picture_stack(3, 96, 104, seed)
    axes = Rotation.from_euler("xyz", angles, degrees=True).apply([[0, 1, 0], [0, 0, -1]])
    orientation = [float(value) for value in (-axes if flip else axes).ravel()]
    write_series(folder, pixels, "t2", orientation, spacing=(4.4, 0.9, 1.1))
    volume = read_volume(folder)
    positions = slice_positions(3, orientation, 4.4, (-10.0, -48.0, 48.0))
    for index, row, column in ((0, 3, 7), (1, 50, 90), (2, 95, 0)):
        point = positions[index] + row * 0.9 * np.array(orientation[3:]) + column * 1.1 * np.array(orientation[:3])
        found = volume.to_index(point)
        np.testing.assert_allclose(found, np.round(found), atol=1e-3)
        assert volume.array[tuple(np.round(found).astype(int))] == pixels[index, row, column]
    assert volume.affine[0, 0] > 0 and volume.affine[2, 1] < 0 and volume.affine[1, 2] > 0


def test_file_names_do_not_decide_the_order(tmp_path):
    pixels = picture_stack()
    write_series(tmp_path, pixels, "t1", names=["e", "a.IMA", "d.dcm", "b", "c"])
    np.testing.assert_array_equal(read_volume(tmp_path).array, pixels[::-1])


def test_rescale_is_applied(tmp_path):
    pixels = picture_stack()
    write_series(tmp_path, pixels, "t1", RescaleSlope=2.0, RescaleIntercept=-5.0)
    np.testing.assert_allclose(read_volume(tmp_path).array, pixels[::-1] * 2.0 - 5.0)


def test_source_tells_the_sequence_and_nothing_of_the_patient(tmp_path):
    write_series(tmp_path / "x", picture_stack(), "t2")
    source = read_volume(tmp_path / "x").source
    assert source["repetition_time_ms"] == 3500.0 and source["echo_time_ms"] == 110.0
    assert source["echo_train_length"] == 17 and source["field_strength_t"] == 1.5
    assert source["slice_thickness_mm"] == 4.0 and source["spacing_between_slices_mm"] == 4.0
    assert source["manufacturer"] == "Maker" and source["model"] == "Model"
    text = str({key: value for key, value in source.items() if key != "path"}).lower()
    assert not any(secret in text for secret in ("phantom", "test-1", "1970", "1.2.826"))


@pytest.mark.parametrize("syntax", [RLELossless, JPEG2000Lossless, JPEGLSLossless, JPEGLosslessSV1])
def test_compressed_pixels_are_the_plain_ones(tmp_path, syntax):
    pixels = picture_stack()
    for path in write_series(tmp_path, pixels, "t1"):
        compress(path, syntax)
        assert dcmread(path).file_meta.TransferSyntaxUID == syntax
    np.testing.assert_array_equal(read_volume(tmp_path).array, pixels[::-1])


@pytest.mark.parametrize("syntax", [None, RLELossless, JPEG2000Lossless])
def test_enhanced_file_gives_the_same_volume_as_classic_files(tmp_path, syntax):
    pixels = picture_stack()
    write_series(tmp_path / "classic", pixels, "t2")
    path = write_enhanced(tmp_path / "enhanced" / "all.dcm", pixels, "t2")
    if syntax:
        compress(path, syntax)
    classic, enhanced = read_volume(tmp_path / "classic"), read_volume(tmp_path / "enhanced")
    np.testing.assert_array_equal(enhanced.array, classic.array)
    np.testing.assert_allclose(enhanced.affine, classic.affine)
    assert enhanced.contrast == "t2" and enhanced.source["echo_time_ms"] == 110.0
    assert enhanced.source["echo_train_length"] == 17


def test_each_enhanced_frame_has_its_own_rescale(tmp_path):
    pixels = picture_stack()
    slopes = [1.0, 2.0, 3.0, 4.0, 5.0]
    write_enhanced(tmp_path / "all.dcm", pixels, slopes=slopes)
    np.testing.assert_allclose(read_volume(tmp_path).array, (pixels * np.array(slopes)[:, None, None])[::-1])


def test_single_slice_takes_its_thickness_from_the_header(tmp_path):
    write_series(tmp_path, picture_stack(1), "t1", spacing=(4.4, 1.0, 1.0))
    volume = read_volume(tmp_path)
    assert volume.array.shape == (1, 96, 96) and volume.spacing[0] == pytest.approx(4.4)


def test_the_same_file_twice_counts_once(tmp_path):
    paths = write_series(tmp_path / "a", picture_stack(), "t1")
    (tmp_path / "a" / "copy.dcm").write_bytes(paths[0].read_bytes())
    assert read_volume(tmp_path).array.shape[0] == 5


def _refused(path, message, contrast=None):
    with pytest.raises(InputError, match=message) as error:
        read_volume(path, contrast)
    assert "\n" not in str(error.value)


def test_missing_slice_is_refused(tmp_path):
    write_series(tmp_path, picture_stack(6), "t1", skip=(2,))
    _refused(tmp_path, "lacks slices")


def test_two_images_at_one_position_are_refused(tmp_path):
    write_series(tmp_path, picture_stack(), "t1", SeriesInstanceUID="1.2.3")
    write_series(tmp_path / "again", picture_stack(seed=1), "t1", SeriesInstanceUID="1.2.3")
    _refused(tmp_path, "several images at one position")


@pytest.mark.parametrize("plane", ["axial", "coronal"])
def test_series_of_another_plane_is_refused(tmp_path, plane):
    write_series(tmp_path, picture_stack(), "t2", ORIENTATIONS[plane])
    _refused(tmp_path, f"is {plane}; give the sagittal")


def test_ct_is_refused(tmp_path):
    write_series(tmp_path, picture_stack(), "t1", Modality="CT")
    _refused(tmp_path, "CT images but no MR")


def test_truncated_pixels_are_refused(tmp_path):
    path = write_series(tmp_path, picture_stack(), "t1")[2]
    path.write_bytes(path.read_bytes()[:-5000])
    _refused(tmp_path, "002.dcm cannot be read")


@pytest.mark.parametrize(("is_really", "given"), [("t1", "t2"), ("t2", "t1"), ("stir", "t1")])
def test_contrast_that_contradicts_the_parameters_is_refused(tmp_path, is_really, given):
    write_series(tmp_path, picture_stack(), is_really)
    _refused(tmp_path, f"was given as {given.upper()} but is .*TR .*TE", given)


def test_series_without_parameters_takes_the_users_word(tmp_path):
    write_series(tmp_path, picture_stack(), "t1", RepetitionTime=None, EchoTime=None)
    assert read_volume(tmp_path, "t2").contrast == "t2"
    _refused(tmp_path, "say which it is")


def test_folder_without_images_is_refused(tmp_path):
    (tmp_path / "notes.txt").write_text("nothing")
    _refused(tmp_path, "holds no DICOM images")
