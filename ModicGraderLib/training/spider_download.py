"""A download of SPIDER as its authors publish it, made into a manifest (`modicgrader prepare spider`).

Layout (van der Graaf 2024, doi 10.5281/zenodo.10159290): `images/` and `masks/` with `1_t1.mha`, `1_t2.mha` and, where
there is no plain T2 or beside it, `1_t2_SPACE.mha`; `radiological_gradings.csv` with a row a disc, counted from the
lowest upwards. Masks label discs 201, 202, ... likewise, as `anatomy.disc_label` does.
"""

from __future__ import annotations

import csv
import logging
import os
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pandas as pd

from ..anatomy import CORNERS, DISCS_UPWARDS, disc_label
from ..errors import InputError
from ..grid import Grid
from ..localization.candidates import Candidate
from ..localization.frames import locate_disc
from ..localization.prediction import SpinePrediction
from ..localization.spine import LocatedDisc
from ..progress import Progress
from ..whole_files import whole_file
from .manifest import read_mask
from .manifest_rows import CORNER_COLUMNS, VALUES
from .spider_studies import spider_labels

_LOG = logging.getLogger(__name__)

GRADINGS = "radiological_gradings.csv"

GRADES = {
    "Modic": "modic_type",
    "UP endplate": "upper_endplate_change",
    "LOW endplate": "lower_endplate_change",
    "Spondylolisthesis": "spondylolisthesis",
    "Disc narrowing": "disc_narrowing",
    "Pfirrman grade": "pfirrmann_grade",
}
"""Columns of the published gradings that a recipe uses, and their names in `spider_midsagittal/gradings.csv`."""

T2_NAMES = ("t2", "t2_SPACE")
"""Plain T2 first: the papers' recipes are made for thick slices."""

COLUMNS = ("study", "patient", "t1", "t2", "level", *VALUES, "excluded", *CORNER_COLUMNS)

MIN_DISC_VOXELS = 100
"""Smaller pieces of a mask are leftovers of discs at the edge of the picture."""


def prepare(directory: Path, out: Path, progress: Progress | None = None) -> Path:
    """Write the manifest of a download; discs lie where its masks say, on T2 where there is one.

    Warnings count the graded patients without pictures, who are left out; those without a mask of a graded disc, whose
    discs the localizer will find; and the graded discs that their patient's mask does not show, which will not be used.

    Raises
    ------
    InputError
        `directory` is no such download or lacks its masks, a mask cannot be read, or `out` is a folder.
    """
    directory, out = Path(directory), Path(out)
    if out.is_dir():
        raise InputError(f"{out} is a folder; name the file that the manifest shall be")
    gradings = _gradings(directory)
    rows, absent = [], 0
    patients = list(gradings.groupby("Patient"))
    for number, (patient, graded) in enumerate(patients):
        (progress or Progress()).step(number / len(patients), f"Reading patient {number + 1} of {len(patients)}")
        t1, t2 = _picture(directory, patient, ("t1",)), _picture(directory, patient, T2_NAMES)
        if t1 is None and t2 is None:
            absent += 1
            continue
        discs = _discs(directory / "masks" / (t2 or t1).name)
        name = f"spider-{patient:03d}"
        files = {"study": name, "patient": name, "t1": _written(t1, out), "t2": _written(t2, out)}
        rows += [{**files, **_disc_cells(row, discs)} for row in graded.to_dict("records")]
    if not rows:
        raise InputError(f"{directory / 'images'} has no picture of a graded patient; unpack images.zip there")
    if absent:
        _LOG.warning("%d of %d graded patients have no pictures in the download", absent, len(patients))
    _check_places(rows, directory / "masks")
    out.parent.mkdir(parents=True, exist_ok=True)
    with whole_file(out) as unfinished, unfinished.open("w", newline="", encoding="utf-8") as file:
        table = csv.DictWriter(file, COLUMNS)
        table.writeheader()
        table.writerows(rows)
    return out


def _check_places(rows: list[dict], masks: Path) -> None:
    """Warn of discs without a place; refuse a download in which all are."""
    placed = [row for row in rows if CORNER_COLUMNS[0] in row]
    if not placed:
        raise InputError(f"{masks} has no graded disc; unpack masks.zip there")
    patients, masked = ({row["patient"] for row in some} for some in (rows, placed))
    if without := len(patients - masked):
        text = "%d of %d patients have no mask that shows a graded disc; the localizer will find their discs"
        _LOG.warning(text, without, len(patients))
    if unseen := sum(row["patient"] in masked for row in rows) - len(placed):
        text = "%d of %d graded discs are missing or cut off in their patient's mask and will not be used"
        _LOG.warning(text, unseen, len(rows))


def _gradings(directory: Path) -> pd.DataFrame:
    """The rows of discs that have a name; columns stripped of blanks."""
    path = directory / GRADINGS
    if not path.is_file() or not (directory / "images").is_dir():
        raise InputError(f"{directory} has no {GRADINGS} or no folder `images`; give the folder of a SPIDER download")
    table = pd.read_csv(path).rename(columns=str.strip)
    if missing := [name for name in ("Patient", "IVD label", *GRADES) if name not in table]:
        raise InputError(f"{GRADINGS} has no column {missing[0]!r}; download it again")
    table = table.dropna(subset=["Patient", "IVD label"]).astype({"Patient": int, "IVD label": int})
    table = table.rename(columns=GRADES)
    named = table["IVD label"].between(1, len(DISCS_UPWARDS))
    return table[named].drop_duplicates(["Patient", "IVD label"])


def _picture(directory: Path, patient: int, names: tuple[str, ...]) -> Path | None:
    paths = (directory / "images" / f"{patient}_{name}.mha" for name in names)
    return next((path for path in paths if path.is_file()), None)


def _written(path: Path | None, out: Path) -> str:
    """A path as the manifest has it: relative where the pictures lie below it, so that both can be moved together."""
    if path is None:
        return ""
    path, folder = path.resolve(), out.resolve().parent
    return os.fspath(path.relative_to(folder) if path.is_relative_to(folder) else path)


def _disc_cells(row: dict, discs: dict[str, LocatedDisc]) -> dict[str, object]:
    level = DISCS_UPWARDS[row["IVD label"] - 1]
    labels = asdict(spider_labels(row))
    cells = {name: int(value) if isinstance(value, bool) else value for name, value in labels.items()}
    if level in discs:
        corners = np.array([discs[level].corners[name] for name in CORNERS])
        cells |= dict(zip(CORNER_COLUMNS, np.round(corners, 2).ravel().tolist(), strict=True))
    return {"level": level, **cells}


def _discs(mask: Path) -> dict[str, LocatedDisc]:
    if not mask.is_file():
        return {}
    return masked_discs(*read_mask(mask))


def masked_discs(labels: np.ndarray, grid: Grid) -> dict[str, LocatedDisc]:
    """Discs by level of a mask (slices, rows, columns) of `anatomy.disc_label`s, in canonical orientation.

    The corners are the ends of each disc's mask along its long axis, without the outermost 2 % of its pixels, on its
    middle slice; pixels must be square.
    """
    # A network's heatmaps would show the corners; without them the mask stands in.
    nothing = SpinePrediction(grid, *(np.broadcast_to(np.float32(0), (4, *grid.shape)),) * 3)
    discs = {}
    for level in DISCS_UPWARDS:
        places = np.argwhere(labels == disc_label(level))
        if len(places) >= MIN_DISC_VOXELS:
            slices = places[:, 0]
            candidate = Candidate(
                pixels={int(one): places[slices == one, 1:] for one in np.unique(slices)},
                confidence=1.0,
                slice_position=float(slices.mean()),
                center=places[:, 1:].mean(0),
            )
            discs[level] = locate_disc(level, candidate, nothing)
    return discs
