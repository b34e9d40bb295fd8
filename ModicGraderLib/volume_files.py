"""Writing a volume with its place in the patient."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import SimpleITK as sitk


def write_volume(path: Path, array: np.ndarray, affine: np.ndarray) -> None:
    """Write an array as a compressed image file; the extension of `path` chooses the format.

    Parameters
    ----------
    array:
        (slices, rows, columns), of any real type that the format knows.
    affine:
        4x4, maps (slice, row, column, 1) to LPS mm. Its columns are at right angles to each other.
    """
    spacing = np.linalg.norm(affine[:3, :3], axis=0)
    image = sitk.GetImageFromArray(array)
    # ITK names axes from the fastest to the slowest: (column, row, slice).
    image.SetSpacing(spacing[::-1].tolist())
    image.SetDirection((affine[:3, :3] / spacing)[:, ::-1].ravel().tolist())
    image.SetOrigin(affine[:3, 3].tolist())
    sitk.WriteImage(image, str(path), useCompression=True)
