"""Arrays on the library's grid to image files and back, without loss of geometry."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import SimpleITK as sitk

from ..whole_files import whole_file


def to_image(array: np.ndarray, affine: np.ndarray) -> sitk.Image:
    """An ITK image of an array (slices, rows, columns) whose affine maps (slice, row, column, 1) to LPS mm.

    ITK counts its axes the other way round (column, row, slice); its space is LPS as well.
    """
    columns = affine[:3, 2::-1]
    spacing = np.linalg.norm(columns, axis=0)
    image = sitk.GetImageFromArray(array)
    image.SetSpacing(spacing.tolist())
    image.SetDirection((columns / spacing).ravel().tolist())
    image.SetOrigin(affine[:3, 3].tolist())
    return image


def from_image(image: sitk.Image) -> tuple[np.ndarray, np.ndarray]:
    """The array (slices, rows, columns) of an ITK image and its 4x4 affine to LPS mm: the inverse of `to_image`."""
    affine = np.eye(4)
    affine[:3, 2::-1] = np.reshape(image.GetDirection(), (3, 3)) * image.GetSpacing()
    affine[:3, 3] = image.GetOrigin()
    return sitk.GetArrayFromImage(image), affine


def write_image(path: Path, image: sitk.Image, compress: bool = True) -> None:
    """Write an image in the format its name says; the file appears whole or not at all."""
    with whole_file(path) as unfinished:
        sitk.WriteImage(image, str(unfinished), compress)
