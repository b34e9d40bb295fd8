"""Graded studies as cases of a reading study: what `modicgrader grade` left in a folder, and the images it was made of.

A result holds no images, but its report says where they were. A table may say so instead; its columns are `COLUMNS`.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import SimpleITK as sitk

from ..anatomy import MODIC_TYPES
from ..corrections import machine_report
from ..csv_table import read_csv_table
from ..errors import InputError
from ..export.images import from_image
from ..graded import MACHINE_MAP, GradedStudy
from ..io import read_dicom_study, read_study
from ..localization.agreement import agree_on_discs
from ..localization.locate import load_network
from ..localization.spine import LocatedDisc, SpineLocation
from ..report import DiscReport, StudyReport
from ..study import SpineStudy

_LOG = logging.getLogger(__name__)

COLUMNS = ("study", "result", "t1", "t2", "patient", "truth")
"""Columns of a table of studies; only the first two are needed. Paths may be relative to the table."""

REPORT, SEGMENTATION, TRUTH = "report.json", "spine.seg.nrrd", "truth.json"

MOVED_BY_DISCS = {"shift_corrected_by_discs", "pixel_size_mismatch"}
"""Findings that say that T1 was graded at another place or scale than its header's (`agree_on_discs`)."""


@dataclass(frozen=True)
class GradedCase:
    """A graded study that can be read.

    Attributes
    ----------
    study, patient:
        Names, unique and not; they go into the key of the reading study and nowhere else.
    result:
        Folder of the results.
    t1, t2:
        The images: files, or DICOM folders.
    truth:
        `truth.json` of a simulated study, None where there is none.
    report:
        What the program said, without a reader's corrections.
    """

    study: str
    patient: str
    result: Path
    t1: Path
    t2: Path
    truth: Path | None
    report: StudyReport

    @property
    def stratum(self) -> str:
        """The rarest type that the program gives at any disc: III before I before II; a mixed grade has both of its.

        "0" where it gives none, or withholds all.
        """
        given = {type_ for disc in self.report.discs for type_ in (disc.modic.grade or "0").split("/")}
        return next((type_ for type_ in ("III", "I", "II") if type_ in given), MODIC_TYPES[0])


def find_cases(source: Path) -> list[GradedCase]:
    """The graded studies in a folder of result folders, or in a table (CSV), by name.

    Those graded on one contrast alone are counted in a warning and left out: readers shall see both.

    Raises
    ------
    InputError
        There are none, one is not whole, or its images are no longer there.
    """
    source = Path(source)
    if source.is_dir():
        folders = sorted(path.parent for path in source.glob(f"*/{REPORT}"))
        found = [_case({"study": folder.name, "result": str(folder)}, Path()) for folder in folders]
    else:
        found = [_case(row, source.parent) for row in _rows(source)]
    if not found:
        raise InputError(f"{source} holds no graded study; grade some with `modicgrader grade ... -o {source}/NAME`")
    cases = [case for case in found if case is not None]
    if not cases:
        raise InputError(
            f"{source} holds no study graded on both T1 and T2, which the pages show; grade some with `modicgrader "
            f"grade --t1 ... --t2 ... -o {source}/NAME`"
        )
    if len(cases) < len(found):
        # How many, not which: names of folders may be names of patients.
        _LOG.warning(
            "%d of %d studies are left out: they were graded on T1 or T2 alone, and pages show both",
            len(found) - len(cases),
            len(found),
        )
    names = [case.study for case in cases]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise InputError(f"{source.name} has the study {twice[0]!r} more than once; give each a name of its own")
    return cases


def load_case(case: GradedCase) -> GradedStudy:
    """All of a graded study that pictures need: images, places of the discs, spine labels, and the program's map."""
    study = _as_graded(case, read_dicom_study(case.t1) if case.t1 == case.t2 else read_study(case.t1, case.t2))
    labels = _labels(case, case.result / SEGMENTATION, study.reference.array.shape)
    maps = {}
    drawn = next(
        (path for name in (MACHINE_MAP, "modic_map") if (path := case.result / f"{name}.nii.gz").exists()), None
    )
    if drawn is not None:
        maps["modic_map"] = _labels(case, drawn, study.reference.array.shape)
    discs = tuple(_located(disc) for disc in case.report.discs)
    return GradedStudy(study, SpineLocation(discs, case.report.numbering, labels), case.report, maps)


def _as_graded(case: GradedCase, study: SpineStudy) -> SpineStudy:
    """The study with T1 where the program graded it; results say that T1 was moved, but not where to."""
    moved = MOVED_BY_DISCS & {finding.code for finding in case.report.quality}
    if not moved:
        return study
    agreed, findings = agree_on_discs(study, load_network())
    if moved != {finding.code for finding in findings}:
        raise InputError(f"T1 of {case.study} is no longer moved onto T2 as when it was graded; grade the study again")
    return agreed


def _rows(table: Path) -> list[dict[str, str]]:
    header, rows = read_csv_table(table, f"name a folder of results or a CSV of {', '.join(COLUMNS)}")
    missing = [name for name in COLUMNS[:2] if name not in header]
    if missing:
        raise InputError(f"{table.name} has no column {missing[0]!r}; its columns are {', '.join(COLUMNS)}")
    for number, row in rows:
        empty = [name for name in COLUMNS[:2] if not row[name]]
        if empty:
            raise InputError(f"line {number} of {table.name} has no {empty[0]}; every line needs study and result")
    return [row for _, row in rows]


def _case(row: dict[str, str], beside: Path) -> GradedCase | None:
    """The case of a table's line, None where it was graded on one contrast alone.

    Paths in the line are relative to the folder `beside`, those in reports to the present one.
    """
    study, result = row["study"], beside / row["result"]
    report = machine_report(StudyReport.read(result / REPORT))
    if len({"t1", "t2"} & report.input.keys()) == 1:
        return None
    t1, t2 = (_images(row, beside, report, contrast) for contrast in ("t1", "t2"))
    truth = _truth(row, beside, (result, t2.parent if t2.is_file() else t2))
    return GradedCase(study, row.get("patient") or study, result, t1, t2, truth, report)


def _images(row: dict[str, str], beside: Path, report: StudyReport, contrast: str) -> Path:
    graded = str(report.input.get(contrast, {}).get("path", ""))
    path = beside / row[contrast] if row.get(contrast) else Path(graded)
    if not (row.get(contrast) or graded) or not path.exists():
        raise InputError(
            f"the {contrast.upper()} images of {row['study']} are not found{f' at {path}' if path.name else ''}; "
            f"say where they are in a CSV with the columns {', '.join(COLUMNS)}"
        )
    return path


def _truth(row: dict[str, str], beside: Path, folders: tuple[Path, ...]) -> Path | None:
    if row.get("truth"):
        path = beside / row["truth"]
        if not path.exists():
            raise InputError(f"the truth of {row['study']} is not at {path}; correct or empty its field in the table")
        return path
    return next((folder / TRUTH for folder in folders if (folder / TRUTH).exists()), None)


def _labels(case: GradedCase, path: Path, shape: tuple[int, ...]) -> np.ndarray:
    """Labels (slices, rows, columns) uint8 of a file of the result."""
    try:
        labels, _ = from_image(sitk.ReadImage(str(path)))
    except RuntimeError as error:
        raise InputError(f"{path.name} of {case.study} cannot be read; grade the study again") from error
    if labels.shape != shape:
        raise InputError(f"{path.name} of {case.study} does not fit its T2 images; grade the study again")
    return labels.astype(np.uint8)


def _located(disc: DiscReport) -> LocatedDisc:
    corners = {name: np.array(corner) for name, corner in disc.corners_lps_mm.items()}
    axes = (np.array(vector) for vector in (disc.center_lps_mm, disc.normal_lps, disc.anterior_lps))
    return LocatedDisc(disc.level, *axes, disc.width_mm, disc.height_mm, corners, disc.confidence)
