import numpy as np
import pytest
import SimpleITK as sitk
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from ModicGraderLib.export.images import from_image, to_image, write_image

angles = st.floats(-180, 180)
lengths = st.floats(0.2, 12)
places = st.floats(-500, 500)


@st.composite
def affines(draw) -> np.ndarray:
    """Any right-angled 4x4 affine, of either handedness."""
    affine = np.eye(4)
    affine[:3, :3] = Rotation.from_euler("xyz", [draw(angles) for _ in range(3)], degrees=True).as_matrix()
    affine[:3, 0] *= draw(st.sampled_from((-1, 1)))
    affine[:3, :3] *= [draw(lengths) for _ in range(3)]
    affine[:3, 3] = [draw(places) for _ in range(3)]
    return affine


@given(affines())
@settings(deadline=None)
def test_an_array_comes_back_from_an_image_where_it_was(affine):
    array = np.arange(2 * 3 * 4, dtype=np.int16).reshape(2, 3, 4)
    back, back_affine = from_image(to_image(array, affine))
    assert np.array_equal(back, array)
    np.testing.assert_allclose(back_affine, affine, atol=1e-9)


@given(affines(), st.tuples(st.integers(0, 1), st.integers(0, 2), st.integers(0, 3)))
@settings(deadline=None)
def test_itk_sees_every_voxel_where_the_affine_puts_it(affine, index):
    image = to_image(np.zeros((2, 3, 4), np.uint8), affine)
    place = image.TransformIndexToPhysicalPoint(index[::-1])
    np.testing.assert_allclose(place, affine[:3, :3] @ index + affine[:3, 3], atol=1e-6)


@pytest.mark.parametrize("name", ["volume.nii.gz", "volume.nrrd"])
def test_a_written_image_is_read_back_within_a_hundredth_of_a_millimeter(tmp_path, name):
    affine = np.array([[4.4, 0.1, -0.05, -11], [-0.3, -0.07, 0.9, 40], [0.2, -0.9, -0.08, 120], [0, 0, 0, 1.0]])
    affine[:3, :3] = np.linalg.qr(affine[:3, :3])[0] * (4.4, 0.9, 0.9)
    array = np.random.default_rng(0).normal(size=(3, 20, 10)).astype(np.float32)
    write_image(tmp_path / name, to_image(array, affine))
    back, back_affine = from_image(sitk.ReadImage(tmp_path / name))
    assert np.array_equal(back, array)
    np.testing.assert_allclose(back_affine, affine, atol=1e-3)
    assert [path.name for path in tmp_path.iterdir()] == [name]


def test_a_write_that_fails_leaves_the_older_file_alone(tmp_path):
    path = tmp_path / "volume.no_such_format"
    path.write_text("older")
    with pytest.raises(RuntimeError):
        write_image(path, to_image(np.zeros((1, 2, 2), np.uint8), np.eye(4)))
    assert path.read_text() == "older"
