"""write_results(): everything that `modicgrader grade` leaves behind, in one folder."""

from __future__ import annotations

import json
import logging
import shutil
import tempfile
from collections.abc import Collection
from pathlib import Path

import numpy as np

from .. import scene
from ..errors import InputError
from ..graded import MACHINE_MAP, GradedStudy
from . import dicom
from .fhir import fhir_bundle
from .images import to_image, write_image
from .page import report_page
from .printed import print_page
from .segmentation import write_segmentation
from .table_columns import ENDPLATE_COLUMNS, LEVEL_COLUMNS
from .tables import endplate_rows, level_rows, write_table

MAPS = ("modic_map", MACHINE_MAP, "modic_probability", "evidence")
FILES = (
    "levels.csv",
    "endplates.csv",
    "report.html",
    "report.pdf",
    "report.fhir.json",
    "spine.seg.nrrd",
    *(f"{name}.nii.gz" for name in MAPS),
    "scene.mrb",
    *(f"dicom/{name}" for name in dicom.FILES),
    "report.json",
)
"""Every file a result can hold, `report.json` last: where it is, the rest is there as well."""

USUAL = ("scene", "dicom")
"""What is written where it can be had: `scene.mrb` where Slicer's classes are installed, and the folder `dicom` of a
study that was read from DICOM. One that fails is left out with a warning, because nothing else depends on it."""

EXTRAS = ("dicom", "pdf", "fhir")
"""What is written, or else an error, where it is asked for."""

_LOGGER = logging.getLogger(__name__)


def write_results(
    graded: GradedStudy, directory: Path, *, extras: Collection[str] = (), without: Collection[str] = ()
) -> list[Path]:
    """Write a graded study into a folder and return the paths of its files.

    All files are made in a hidden folder beside `directory` and then moved, so a failure leaves an older result as it
    was. Files of an older result that the new one does not have are removed; whatever else lies there is kept.

    Parameters
    ----------
    directory:
        Made if it is not there.
    extras:
        Some of `EXTRAS`. With "pdf", the printed page is in the folder `dicom` too.
    without:
        Some of `USUAL`, to be left out.

    Raises
    ------
    InputError
        An extra cannot be had of this study or on this machine.
    """
    directory = Path(directory)
    directory.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{directory.name}-", dir=directory.parent) as folder:
        unfinished = Path(folder)
        _write_all(graded, unfinished)
        _write_extras(graded, unfinished, extras)
        if "dicom" not in (*extras, *without):
            _write_usual_dicom(graded, unfinished)
        if "scene" not in without:
            _write_usual_scene(graded, unfinished)
        return _move(unfinished, directory)


def _write_all(graded: GradedStudy, folder: Path) -> None:
    affine = graded.study.reference.affine
    write_table(folder / "levels.csv", level_rows(graded.report), [column.name for column in LEVEL_COLUMNS])
    write_table(folder / "endplates.csv", endplate_rows(graded.report), [column.name for column in ENDPLATE_COLUMNS])
    (folder / "report.html").write_text(report_page(graded), encoding="utf-8")
    write_segmentation(folder / "spine.seg.nrrd", graded.location.labels, affine)
    for name in MAPS:
        if name in graded.maps:
            array = graded.maps[name]
            kind = np.uint8 if name in ("modic_map", MACHINE_MAP) else np.float32
            write_image(folder / f"{name}.nii.gz", to_image(array.astype(kind), affine))
    (folder / "report.json").write_text(graded.report.to_json(), encoding="utf-8")


def _write_extras(graded: GradedStudy, folder: Path, extras: Collection[str]) -> None:
    if "fhir" in extras:
        bundle = fhir_bundle(graded.report)
        (folder / "report.fhir.json").write_text(json.dumps(bundle, indent=2, allow_nan=False), encoding="utf-8")
    if "pdf" in extras:
        print_page(folder / "report.html", folder / "report.pdf")
    if "dicom" in extras:
        _write_dicom(graded, folder)


def _write_usual_dicom(graded: GradedStudy, folder: Path) -> None:
    if not graded.study.reference.dicom or not dicom.available():
        return
    try:
        _write_dicom(graded, folder)
    except InputError as error:
        shutil.rmtree(folder / "dicom")
        _LOGGER.warning("no DICOM results: %s", error)


def _write_dicom(graded: GradedStudy, folder: Path) -> None:
    (folder / "dicom").mkdir()
    page = folder / "report.pdf"
    dicom.write_dicom(graded, folder / "dicom", page=page if page.exists() else None)


def _write_usual_scene(graded: GradedStudy, folder: Path) -> None:
    if not scene.available():
        return
    try:
        scene.write_scene(graded, folder / "scene.mrb")
    except scene.SceneError as error:
        _LOGGER.warning("no scene.mrb: %s", error)


def _move(unfinished: Path, directory: Path) -> list[Path]:
    directory.mkdir(exist_ok=True)
    if (unfinished / "dicom").exists():
        (directory / "dicom").mkdir(exist_ok=True)
    written = []
    for name in FILES:
        if (unfinished / name).exists():
            written.append((unfinished / name).replace(directory / name))
        else:
            (directory / name).unlink(missing_ok=True)
    if (directory / "dicom").is_dir() and not any((directory / "dicom").iterdir()):
        (directory / "dicom").rmdir()
    return written
