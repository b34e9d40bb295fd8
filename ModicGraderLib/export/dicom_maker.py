"""Who makes the DICOM results: what each of them says of the program, and that it is research."""

from __future__ import annotations

from typing import Any

from pydicom.uid import generate_uid

from .. import __version__
from ..report import StudyReport
from .dicom_codes import SCHEME

MANUFACTURER = "The ModicGrader developers"
MODEL = "ModicGrader"
HOMEPAGE = "https://github.com/ModicGrader/SlicerModicGrader"

NO_SERIAL_NUMBER = "none"
"""DICOM wants one of every device; software has none."""

RESEARCH = "RESEARCH"
"""Content Qualification of what is not for patient care."""


def described(what: str) -> str:
    """The description of a series of results, for people."""
    return f"{MODEL} {what} (research use only)"


def new_object(what: str, series: int) -> dict[str, Any]:
    """Arguments of highdicom for a new object in a series of its own, whose number is `series`."""
    from highdicom import ContentQualificationValues
    from highdicom.coding_schemes import CodingSchemeIdentificationItem

    return {
        "series_instance_uid": generate_uid(prefix=None),
        "sop_instance_uid": generate_uid(prefix=None),
        "instance_number": 1,
        "series_number": series,
        "series_description": described(what),
        "manufacturer": MANUFACTURER,
        "manufacturer_model_name": MODEL,
        "device_serial_number": NO_SERIAL_NUMBER,
        "software_versions": __version__,
        "content_qualification": ContentQualificationValues.RESEARCH,
        "coding_schemes": [
            CodingSchemeIdentificationItem(SCHEME, f"{MODEL} codes", responsible_organization=MANUFACTURER)
        ],
    }


def version_of(report: StudyReport) -> str:
    """The version of the program that made a report."""
    return str(report.software.get("version", __version__))


def models_of(report: StudyReport) -> dict[str, str]:
    """The models that spoke in a report, with their checksums."""
    return {f"{one['name']} {one['version']}": f"sha256:{one['sha256']}" for one in report.software.get("models", [])}
