"""Simulated studies as the files that `modicgrader simulate` promises."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from ..export.images import to_image, write_image
from .case import lesion_label
from .case_file import build_case
from .simulate import SimulatedStudy, simulate

FILES = ("t1.nii.gz", "t2.nii.gz", "labels.nii.gz", "truth.json")
"""What a study consists of, `truth.json` last: where it is, the rest is there as well."""


def simulate_study(
    seed: int, directory: Path, request: Mapping[str, Any] | None = None, **pictures: Any
) -> dict[str, Path]:
    """Simulate a study and write it into a folder.

    Parameters
    ----------
    request:
        A checked case file; the patient is drawn from the epidemiology if None.
    pictures:
        How they are taken: the keywords of `simulate.simulate`.

    Returns
    -------
    dict
        Path of each file by its name without extensions.
    """
    case = None if request is None else build_case(request, np.random.default_rng(seed))
    return write_study(simulate(seed, case, **pictures), directory)


def write_study(study: SimulatedStudy, directory: Path) -> dict[str, Path]:
    """Write a study as `FILES`; all are made in a hidden folder beside `directory` and then moved.

    `labels.nii.gz` lies on the grid of T2: spine labels of `anatomy`, and over them Modic changes by
    `case.lesion_label`, also those that are too small or too faint to be graded.
    """
    directory = Path(directory)
    directory.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{directory.name}-", dir=directory.parent) as folder:
        unfinished = Path(folder)
        for volume in (study.t1, study.t2):
            array = np.round(volume.array).clip(0, np.iinfo(np.int16).max).astype(np.int16)
            write_image(unfinished / f"{volume.contrast[:2]}.nii.gz", to_image(array, volume.affine))
        write_image(unfinished / "labels.nii.gz", to_image(study_labels(study), study.t2.affine))
        (unfinished / "truth.json").write_text(study.truth.to_json(), encoding="utf-8")
        directory.mkdir(exist_ok=True)
        return {name.split(".")[0]: (unfinished / name).replace(directory / name) for name in FILES}


def study_labels(study: SimulatedStudy) -> np.ndarray:
    """(slices, rows, columns) uint8: spine labels with the types of the changes over them."""
    types = [0, *(lesion_label(lesion.type) for _, _, lesion in study.case.lesions)]
    return np.where(study.lesions > 0, np.array(types, np.uint8)[study.lesions], study.labels)
