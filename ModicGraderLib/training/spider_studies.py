"""SpiderStudies: the mid-sagittal slices of `spider_midsagittal` with their experts' grades, for the recipes."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path

import pandas as pd

from .. import __version__
from ..anatomy import DISCS_UPWARDS, MODIC_TYPES
from ..errors import InputError
from ..io import read_study
from .labelled_study import DiscLabels, LabelledStudy
from .located_study import located_study


class SpiderStudies:
    """A `StudySource` of real patients, one T1 and one T2 slice each (van der Graaf 2024, CC BY 4.0).

    Discs are those that the shipped localizer finds. Grades were given on the whole volumes: some changes lie beside
    the slices that are here. Endplate lesions are known as present or not (`upper_endplate_change`), not by class.

    Parameters
    ----------
    folder:
        `spider_midsagittal` of the data folder.

    Raises
    ------
    InputError
        There are no gradings in it.
    """

    narrowing_grades = 2

    def __init__(self, folder: Path) -> None:
        self._folder = Path(folder)
        gradings = self._folder / "gradings.csv"
        if not gradings.is_file():
            raise InputError(f"{self._folder} has no gradings.csv; give the folder `spider_midsagittal`")
        rows = pd.read_csv(gradings, dtype={"patient": str})
        self._rows = {f"spider-{patient}": some.to_dict("records") for patient, some in rows.groupby("patient")}
        self.studies = tuple(self._rows)
        self.title = f"{len(self.studies)} patients of SPIDER, one slice each"
        self.key = f"spider-{hashlib.sha256(gradings.read_bytes() + __version__.encode()).hexdigest()[:10]}"

    def read(self, study: str) -> LabelledStudy:
        """A patient, located anew each time."""
        if study not in self._rows:
            raise InputError(f"SPIDER has no study {study!r}; take one of `studies`")
        paths = (self._folder / "volumes" / f"{study.removeprefix('spider-')}_{name}.nii.gz" for name in ("t1", "t2"))
        volumes, location = located_study(read_study(*paths))
        labels = {row["level"]: spider_labels(row) for row in self._rows[study] if row["level"] in DISCS_UPWARDS}
        return LabelledStudy(study, study, volumes, location.discs, location.labels, labels=labels)


def spider_labels(row: Mapping[str, float]) -> DiscLabels:
    """Labels of a row of `gradings.csv`; None where it has a gap. Slips and Pfirrmann 5 are `excluded` as elsewhere."""
    modic, pfirrmann, narrowing, upper, lower, slip = (
        None if pd.isna(row[column]) else int(row[column])
        for column in (
            "modic_type",
            "pfirrmann_grade",
            "disc_narrowing",
            "upper_endplate_change",
            "lower_endplate_change",
            "spondylolisthesis",
        )
    )
    return DiscLabels(
        modic=None if modic is None else MODIC_TYPES[modic],
        pfirrmann=pfirrmann,
        narrowing=narrowing,
        endplate_lesion=None,
        upper_endplate_change=None if upper is None else bool(upper),
        lower_endplate_change=None if lower is None else bool(lower),
        # The Modic type is that of the whole disc: of a change it does not say which endplate bears it.
        upper_marrow_change=False if modic == 0 else None,
        lower_marrow_change=False if modic == 0 else None,
        excluded="slip" if slip else "Pfirrmann 5" if pfirrmann == 5 else "",
    )
