"""A graded study as DICOM, in the examination it came from: segmentations, structured report and printed page."""

from __future__ import annotations

import importlib.util
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import InputError
from ..graded import GradedStudy
from ..whole_files import whole_file
from .dicom_source import discreet, read_files, read_frames

if TYPE_CHECKING:
    from pydicom import Dataset

FILES = ("spine.dcm", "modic_changes.dcm", "report.dcm", "page.dcm")
"""What `write_dicom` may write."""

SERIES_NUMBERS = dict(zip(FILES, (9001, 9002, 9003, 9004), strict=True))
"""High, so that they stand behind the series that were acquired."""


def available() -> bool:
    """Whether highdicom is installed, with the pydicom that it needs here; Slicer brings both from 5.12 on."""
    return importlib.util.find_spec("highdicom") is not None and int(metadata.version("pydicom").split(".")[0]) >= 3


def write_dicom(graded: GradedStudy, folder: Path, *, page: Path | None = None) -> None:
    """Write a graded study as DICOM objects of the examination that its reference volume was read from.

    `spine.dcm` is a segmentation of vertebrae, discs and canal; `modic_changes.dcm` one of the changes, each type at
    each endplate, where there are any; `report.dcm` the structured report (TID 1500), which refers to both. Patient
    and study are those of the source, series and objects are new.

    Parameters
    ----------
    folder:
        There already.
    page:
        The printed report, a PDF; it becomes `page.dcm`.

    Raises
    ------
    InputError
        The study was not read from DICOM, its files are gone or lack what results must refer to, or highdicom is not
        installed.
    """
    if not available():
        raise InputError("DICOM results need highdicom and pydicom 3; install them, or leave DICOM results out")
    from .dicom_page import encapsulated
    from .dicom_report import structured_report
    from .dicom_segments import change_segmentation, change_segments, spine_segmentation

    reference = graded.study.reference
    with discreet():
        files = read_files(reference)
        source = read_frames(reference, files)
        others = [file for volume in graded.study.volumes[:-1] if volume.dicom for file in read_files(volume)]
        pictures = {file.SOPInstanceUID: file for file in (*files, *others)}  # two echoes may share a file
        made = {"spine.dcm": spine_segmentation(graded, source, SERIES_NUMBERS["spine.dcm"])}
        changes = change_segments(graded)
        if changes:
            number = SERIES_NUMBERS["modic_changes.dcm"]
            made["modic_changes.dcm"] = change_segmentation(changes, graded, source, number)
        made["report.dcm"] = structured_report(
            graded, list(pictures.values()), list(made.values()), changes, series=SERIES_NUMBERS["report.dcm"]
        )
        if page is not None:
            made["page.dcm"] = encapsulated(Path(page), files[0], series=SERIES_NUMBERS["page.dcm"])
        for name, dataset in made.items():
            _write(dataset, Path(folder) / name)


def _write(dataset: Dataset, path: Path) -> None:
    with whole_file(path) as unfinished:
        dataset.save_as(unfinished, enforce_file_format=True)
