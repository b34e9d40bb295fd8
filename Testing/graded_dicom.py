"""The graded example as if it had been read from DICOM: its findings, and its pictures as series of any order."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
from dicom_factory import write_enhanced, write_series
from graded_example import example_graded_study

from ModicGraderLib.corrections import correct, correct_map, map_reading
from ModicGraderLib.graded import GradedStudy
from ModicGraderLib.io.reading import read_dicom_study
from ModicGraderLib.report import StudyReport
from ModicGraderLib.study import Volume

MIRRORED = [(turned, rows, columns) for turned in (False, True) for rows in (False, True) for columns in (False, True)]
"""Every way a sagittal picture can lie in its file: rows and columns exchanged, either of them backwards."""

NOON = "2026-01-31T12:00:00+00:00"
"""When the example was corrected."""

COMPLETE = {
    "PatientSex": "F",
    "StudyTime": "101500",
    "StudyID": "1",
    "AccessionNumber": "A1",
    "ReferringPhysicianName": "Referring^Doctor",
    "SeriesNumber": 4,
    "InstanceNumber": 1,
    "PositionReferenceIndicator": "",
}
"""What real series have beyond what `dicom_factory` writes."""


def write_volume(
    folder: Path,
    volume: Volume,
    lies: tuple[bool, bool, bool] = (False, False, False),
    enhanced: bool = False,
    **attributes: object,
) -> None:
    """Write a volume as a DICOM series; `lies` is one of `MIRRORED`, `attributes` are those of `write_series`."""
    turned, rows_back, columns_back = lies
    array, steps, origin = np.rint(volume.array).astype(np.uint16), volume.affine[:3, :3].T.copy(), volume.affine[:3, 3]
    if turned:
        array, steps = array.transpose(0, 2, 1), steps[[0, 2, 1]]
    back = [False, rows_back, columns_back]
    back[0] = float(np.cross(_sign(back[2]) * steps[2], _sign(back[1]) * steps[1]) @ steps[0]) < 0
    for axis in np.flatnonzero(back):
        array, origin = np.flip(array, axis), origin + (array.shape[axis] - 1) * steps[axis]
        steps[axis] *= -1
    spacing = np.linalg.norm(steps, axis=1)
    directions = [float(value) for value in (*steps[2] / spacing[2], *steps[1] / spacing[1])]
    place = {"orientation": directions, "spacing": tuple(map(float, spacing)), "origin": tuple(origin)}
    sequence = volume.contrast
    if enhanced:
        write_enhanced(folder / "enhanced.dcm", array, sequence, **place, **{**COMPLETE, **attributes})
    else:
        names = [f"{number:03d}.dcm" for number in np.random.default_rng(0).permutation(len(array))]
        write_series(folder, array, sequence, **place, names=names, **{**COMPLETE, **attributes})


def graded_from_dicom(folder: Path, graded: GradedStudy | None = None, **written: object) -> GradedStudy:
    """A graded study (the example, where none is given) whose T2, and T1 where it has one, were read from `folder`.

    `written` are arguments of `write_volume` for both series.
    """
    graded = graded or example_graded_study()
    for volume in graded.study.volumes:
        write_volume(folder / volume.contrast, volume, **written)
    study = read_dicom_study(folder, align=False)
    for read, drawn in zip(study.volumes, graded.study.volumes, strict=True):
        assert read.array.shape == drawn.array.shape and np.allclose(read.affine, drawn.affine, atol=1e-3)
    return replace(graded, study=study)


def corrected_report(report: StudyReport) -> StudyReport:
    """A report after two readers: grades changed, given, taken away, and the map of one endplate edited."""
    last = report.discs[-1]
    for level, field, value in (
        ("L4/L5", "modic", "I"),
        ("L4/L5", "upper_endplate_modic", "0"),
        ("T12/L1", "pfirrmann", 2),
        ("L5/S1", "pfirrmann", None),
        ("L1/L2", "narrowing", 1),
    ):
        report = correct(report, level, field, value, "AB", NOON)
    machine = {name: map_reading(one, {"I": 9, "II": 0, "III": 0}) for name, one in last.endplates.items()}
    drawn = replace(last.endplates["upper"], volume_mm3=1500.0)
    edited = {**machine, "upper": map_reading(drawn, {"I": 5, "II": 0, "III": 0})}
    return correct_map(report, "L5/S1", machine, edited, "CD", NOON)


def _sign(backwards: bool) -> int:
    return -1 if backwards else 1
