"""write_results(): everything that `modicgrader grade` leaves behind, in one folder."""

from __future__ import annotations

import logging
import tempfile
from pathlib import Path

import numpy as np

from .. import scene
from ..graded import MACHINE_MAP, GradedStudy
from .images import to_image, write_image
from .page import report_page
from .segmentation import write_segmentation
from .tables import endplate_rows, level_rows, write_table

MAPS = ("modic_map", MACHINE_MAP, "modic_probability", "evidence")
FILES = (
    "levels.csv",
    "endplates.csv",
    "report.html",
    "spine.seg.nrrd",
    *(f"{name}.nii.gz" for name in MAPS),
    "scene.mrb",
    "report.json",
)
"""Every file a result can hold, `report.json` last: where it is, the rest is there as well."""

_LOGGER = logging.getLogger(__name__)


def write_results(graded: GradedStudy, directory: Path, *, with_scene: bool = True) -> list[Path]:
    """Write a graded study into a folder and return the paths of its files.

    All files are made in a hidden folder beside `directory` and then moved, so a failure leaves an older result as it
    was. Files of an older result that the new one does not have are removed; whatever else lies there is kept.

    Parameters
    ----------
    directory:
        Made if it is not there.
    with_scene:
        Write `scene.mrb` too, where Slicer's classes are installed. A scene that fails is left out with a warning,
        because nothing else depends on it.
    """
    directory = Path(directory)
    directory.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{directory.name}-", dir=directory.parent) as folder:
        unfinished = Path(folder)
        _write_all(graded, unfinished)
        if with_scene and scene.available():
            try:
                scene.write_scene(graded, unfinished / "scene.mrb")
            except scene.SceneError as error:
                _LOGGER.warning("no scene.mrb: %s", error)
        return _move(unfinished, directory)


def _write_all(graded: GradedStudy, folder: Path) -> None:
    affine = graded.study.reference.affine
    write_table(folder / "levels.csv", level_rows(graded.report))
    write_table(folder / "endplates.csv", endplate_rows(graded.report))
    (folder / "report.html").write_text(report_page(graded), encoding="utf-8")
    write_segmentation(folder / "spine.seg.nrrd", graded.location.labels, affine)
    for name in MAPS:
        if name in graded.maps:
            array = graded.maps[name]
            kind = np.uint8 if name in ("modic_map", MACHINE_MAP) else np.float32
            write_image(folder / f"{name}.nii.gz", to_image(array.astype(kind), affine))
    (folder / "report.json").write_text(graded.report.to_json(), encoding="utf-8")


def _move(unfinished: Path, directory: Path) -> list[Path]:
    directory.mkdir(exist_ok=True)
    written = []
    for name in FILES:
        if (unfinished / name).exists():
            written.append((unfinished / name).replace(directory / name))
        else:
            (directory / name).unlink(missing_ok=True)
    return written
