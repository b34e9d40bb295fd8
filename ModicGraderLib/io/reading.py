"""From files and folders to a checked `SpineStudy`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from ..errors import InputError
from ..progress import Progress
from ..report import QualityFinding
from ..study import Alignment, SpineStudy, Volume
from .alignment import align as align_volumes
from .checks import SMALL_OVERLAP, check_affine, check_pair, check_volume
from .dicom_contrast import describe, parameters_of
from .dicom_headers import frames_of
from .dicom_pairing import CONTRASTS, check_one_patient, choose_pair
from .dicom_series import Series, find_series
from .files import read_file
from .orientation import to_canonical

SILENT = Progress()
"""Reports nothing and is never cancelled."""

_WORDS = {
    "t1": "T1-weighted",
    "t2": "T2-weighted",
    "t1_fat_suppressed": "fat-suppressed T1-weighted",
    "t2_fat_suppressed": "fat-suppressed T2-weighted",
}


@dataclass(frozen=True)
class _Loaded:
    """A volume with the DICOM series it came from, if any; what identifies the patient stays in here."""

    volume: Volume
    series: Series | None = None


def read_volume(path: Path, contrast: str | None = None) -> Volume:
    """One sagittal MR series in canonical orientation.

    Parameters
    ----------
    path:
        A NIfTI, NRRD or MetaImage file, or a folder (searched with all below it) that holds one DICOM series.
    contrast:
        "t1" or "t2"; may be left out for DICOM, whose sequence parameters tell. In a folder of several series it
        picks the one that fits.

    Raises
    ------
    InputError
        It cannot be graded; the sentence says why, and how to mend it.
    """
    return _load(Path(path), contrast, Progress()).volume


def read_study(
    t1: Path | None,
    t2: Path | None,
    *,
    headers: Mapping[str, Path] | None = None,
    align: bool = True,
    progress: Progress = SILENT,
) -> SpineStudy:
    """The study of a T1 and a T2 series, each as `read_volume` takes it; either may be None.

    With `align` the shift between them that their geometry leaves is estimated, and corrected where that clearly
    helps. Whatever a reader should know is in the study's `quality`, with these codes: `t1_missing`, `t2_missing`,
    `t2_fat_suppressed`, `contrast_agent`, `single_slice`, `small_overlap`, `different_studies`, `shift_corrected`,
    `shift_noted`.

    `headers` may name, for the volume file that is read as "t1" or "t2", a DICOM file of the series it was made of:
    then contrast, parameters and patient are known as if DICOM had been read.

    Raises
    ------
    InputError
        Either cannot be graded, or they do not belong together.
    """
    if t1 is None and t2 is None:
        raise InputError("neither T1 nor T2 was given; give at least one of them")
    if t1 is not None and t2 is not None and Path(t1).resolve() == Path(t2).resolve() and Path(t1).is_file():
        raise InputError(f"T1 and T2 are the same file, {Path(t1).name}; give one series of each contrast")
    loaded = {
        contrast: None
        if path is None
        else _load(Path(path), contrast, progress.part(start, start + 0.35), (headers or {}).get(contrast))
        for contrast, path, start in (("t1", t1, 0.0), ("t2", t2, 0.35))
    }
    return _study(loaded["t1"], loaded["t2"], align, progress.part(0.7, 1.0))


def read_dicom_study(
    folder: Path, *, examination: str | None = None, align: bool = True, progress: Progress = SILENT
) -> SpineStudy:
    """The study in a folder of DICOM files: finds the series, tells them apart and takes the best sagittal pair.

    Findings are those of `read_study`. `examination` is the StudyInstanceUID of the only one to look at, where the
    folder holds several.

    Raises
    ------
    InputError
        No usable sagittal T1 or T2 series, more than one patient, or what was found cannot be graded.
    """
    folder = _existing(Path(folder))
    if not folder.is_dir():
        raise InputError(f"{folder.name} is not a folder; give a DICOM folder, or files as T1 and T2")
    series = find_series(folder, progress.part(0.0, 0.3))
    if examination is not None:
        series = [one for one in series if one.header.get("StudyInstanceUID") == examination]
    chosen = choose_pair(series, folder.name)
    loaded = [
        None if series is None else _load_series(series, folder, None, progress.part(start, start + 0.2))
        for series, start in zip(chosen, (0.3, 0.5), strict=True)
    ]
    return _study(*loaded, align, progress.part(0.7, 1.0))


def _existing(path: Path) -> Path:
    if not path.exists():
        raise InputError(f"{path} does not exist; check the path")
    return path


def _load(path: Path, contrast: str | None, progress: Progress, header: Path | None = None) -> _Loaded:
    if contrast not in (None, *CONTRASTS):
        raise InputError(f"{contrast!r} is no contrast; say t1 or t2")
    if _existing(path).is_dir():
        return _load_series(_single_series(path, contrast, progress.part(0.0, 0.5)), path, contrast, progress)
    if contrast is None:
        raise InputError(f"{path.name} does not carry its sequence parameters; say whether it is T1 or T2")
    progress.step(0.0, f"Reading {_WORDS[contrast]} volume")
    array, affine = read_file(path)
    source: dict = {"path": str(path)}
    frames = frames_of(header) if header is not None else []
    series = Series(tuple(frames)) if frames else None
    if series is not None:
        contrast = _agreed_contrast(series, contrast, path.name)
        source |= parameters_of(series.header)
    return _Loaded(_volume(array, affine, contrast, source, path.name), series)


def _single_series(folder: Path, contrast: str | None, progress: Progress) -> Series:
    """The one series of the folder, or the one that has the contrast asked for."""
    series = find_series(folder, progress)
    check_one_patient(series, folder.name)
    if len(series) > 1:
        wanted = CONTRASTS[contrast] if contrast else sum(CONTRASTS.values(), ())
        series = [one for one in series if one.plane == "sagittal" and one.contrast in wanted]
    if len(series) != 1:
        what = f"{_WORDS[contrast]} " if contrast else ""
        count = len(series) or "no"
        raise InputError(f"{folder.name} holds {count} sagittal {what}series where one is needed; give its own folder")
    return series[0]


def _load_series(series: Series, path: Path, contrast: str | None, progress: Progress) -> _Loaded:
    if series.plane != "sagittal":
        raise InputError(f"{series.name} is {series.plane}; give the sagittal series instead")
    contrast = _agreed_contrast(series, contrast, series.name)
    array, affine, parameters = series.read(progress)
    volume = _volume(array, affine, contrast, {"path": str(path), **parameters}, series.name, 0)
    return _Loaded(replace(volume, dicom=series.paths), series)


def _agreed_contrast(series: Series, given: str | None, name: str) -> str:
    """What the parameters say, which must not contradict what the user said; the user's word where they are silent."""
    found = series.contrast
    if found in ("other", "unknown"):
        if given is None:
            raise InputError(
                f"{name} is neither clearly T1- nor T2-weighted ({describe(series.header)}); say which it is"
            )
        return given
    if (given is not None and found not in CONTRASTS[given]) or found == "t1_fat_suppressed":
        asked = f"was given as {given.upper()} but " if given else ""
        raise InputError(
            f"{name} {asked}is {_WORDS[found]} ({describe(series.header)}); give a T1 without fat suppression "
            "as T1 and a T2 as T2"
        )
    return found


def _volume(array, affine, contrast: str, source: dict, name: str, through_plane: int | None = None) -> Volume:
    """The array (in the order of its source) and its affine as a checked volume in canonical orientation."""
    check_affine(affine, name)
    volume = Volume(*to_canonical(array, affine, name, through_plane), contrast, source)
    check_volume(volume, name)
    return volume


def _study(t1: _Loaded | None, t2: _Loaded | None, align: bool, progress: Progress) -> SpineStudy:
    findings = [finding for loaded in (t1, t2) if loaded for finding in _findings_of(loaded)]
    if t1 is None or t2 is None:
        findings += _findings_of_missing(t1, t2)
        return SpineStudy(t1 and t1.volume, t2 and t2.volume, quality=tuple(findings))
    findings += _findings_of_pair(t1, t2)
    volume, alignment = t1.volume, Alignment()
    if align:
        progress.step(0.0, "Aligning T1 with T2")
        volume, alignment, shifts = align_volumes(t1.volume, t2.volume)
        findings += shifts
    return SpineStudy(volume, t2.volume, alignment, tuple(findings))


def _findings_of(loaded: _Loaded) -> list[QualityFinding]:
    contrast, findings = loaded.volume.contrast, []
    if contrast == "t2_fat_suppressed":
        message = (
            "T2 is fat-suppressed: fatty (type II) marrow is dark in it, and grades trained on plain T2 are less sure."
        )
        findings.append(QualityFinding("t2_fat_suppressed", "warning", message))
    if loaded.series is not None and loaded.series.header.get("ContrastBolusAgent"):
        message = f"{contrast[:2].upper()} was acquired with contrast agent, which brightens inflamed marrow."
        findings.append(QualityFinding("contrast_agent", "warning", message))
    if loaded.volume.array.shape[0] == 1:
        message = f"{contrast[:2].upper()} is a single slice: what lies beside it is not seen."
        findings.append(QualityFinding("single_slice", "info", message))
    return findings


def _findings_of_missing(t1: _Loaded | None, t2: _Loaded | None) -> list[QualityFinding]:
    if t1 is None:
        message = "T1 was not given: the type of Modic changes cannot be told."
        return [QualityFinding("t1_missing", "warning", message)]
    message = "T2 was not given: Pfirrmann grade and the type of Modic changes cannot be told."
    return [QualityFinding("t2_missing", "warning", message)]


def _findings_of_pair(t1: _Loaded, t2: _Loaded) -> list[QualityFinding]:
    """What a reader should know of the two together; raises InputError where they do not belong together."""
    findings = []
    if t1.series is not None and t2.series is not None:
        check_one_patient([t1.series, t2.series], "the pair of T1 and T2")
        if t1.series.header.get("StudyInstanceUID") != t2.series.header.get("StudyInstanceUID"):
            message = "T1 and T2 are of different examinations; changes between them are read as one."
            findings.append(QualityFinding("different_studies", "warning", message))
    overlap = check_pair(t1.volume, t2.volume)
    if overlap < SMALL_OVERLAP:
        message = f"T1 and T2 share only {overlap:.0%} of the smaller picture; elsewhere one contrast is missing."
        findings.append(QualityFinding("small_overlap", "warning", message))
    return findings
