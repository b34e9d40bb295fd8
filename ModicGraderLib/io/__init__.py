"""Files and DICOM folders in: pairing, orientation, alignment and sanity checks."""

from .reading import read_dicom_study, read_study, read_volume

__all__ = ["read_dicom_study", "read_study", "read_volume"]
