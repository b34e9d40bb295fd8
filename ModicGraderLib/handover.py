"""A graded study as one file, to hand it from one process to the next, and as words beside arrays, for a scene.

Not a result: nothing should keep the file.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from pathlib import Path

import numpy as np

from .graded import GradedStudy
from .localization.spine import LocatedDisc, SpineLocation
from .report import QualityFinding, StudyReport
from .study import Alignment, SpineStudy, Volume

_VECTORS = ("center", "normal", "anterior")


def save_graded(graded: GradedStudy, path: Path) -> None:
    """Write all that a graded study holds to an `.npz` file, uncompressed."""
    arrays = {"labels": graded.location.labels}
    arrays |= {f"map {name}": array for name, array in graded.maps.items()}
    volumes = _volumes(graded.study)
    arrays |= {f"volume {role}": volume.array for role, volume in volumes.items()}
    # Beside the words and not among them: a scene keeps these, and the names of files may be those of people.
    files = json.dumps({role: [str(file) for file in volume.dicom] for role, volume in volumes.items()})
    np.savez(path, words=to_words(graded), report=graded.report.to_json(), dicom=files, **arrays)


def load_graded(path: Path) -> GradedStudy:
    """The graded study that `save_graded` wrote."""
    with np.load(path, allow_pickle=False) as arrays:

        def called(kind: str) -> dict[str, np.ndarray]:
            return {key.removeprefix(kind): arrays[key] for key in arrays.files if key.startswith(kind)}

        report = StudyReport.from_dict(json.loads(str(arrays["report"])))
        files = {role: map(Path, names) for role, names in json.loads(str(arrays["dicom"])).items()}
        return from_words(str(arrays["words"]), report, called("volume "), arrays["labels"], called("map "), files)


def to_words(graded: GradedStudy) -> str:
    """All that a graded study holds beside its report and its arrays, as JSON."""
    study = graded.study
    words = {
        "volumes": {
            role: {"contrast": volume.contrast, "source": volume.source, "affine": volume.affine}
            for role, volume in _volumes(study).items()
        },
        "alignment": asdict(study.alignment),
        "quality": [asdict(finding) for finding in study.quality],
        "discs": [asdict(disc) for disc in graded.location.discs],
        "lowest_disc": graded.location.numbering.lowest_disc,
    }
    return json.dumps(words, default=np.ndarray.tolist)


def from_words(
    words: str,
    report: StudyReport,
    arrays: Mapping[str, np.ndarray],
    labels: np.ndarray,
    maps: Mapping[str, np.ndarray],
    dicom: Mapping[str, Iterable[Path]],
) -> GradedStudy:
    """The graded study that `to_words` described.

    Parameters
    ----------
    arrays:
        (slices, rows, columns) float32 of each volume, by "t1" and "t2".
    labels, maps:
        Those of `SpineLocation` and `GradedStudy`.
    dicom:
        `Volume.dicom` of each volume, by "t1" and "t2".
    """
    told = json.loads(words)
    volumes = {
        role: Volume(arrays[role], np.array(one["affine"]), one["contrast"], one["source"], tuple(dicom[role]))
        for role, one in told["volumes"].items()
    }
    study = SpineStudy(
        t1=volumes.get("t1"),
        t2=volumes.get("t2"),
        alignment=_alignment(told["alignment"]),
        quality=tuple(QualityFinding(**finding) for finding in told["quality"]),
    )
    location = SpineLocation(tuple(map(_disc, told["discs"])), report.numbering, labels)
    return GradedStudy(study, location, report, dict(maps))


def _volumes(study: SpineStudy) -> dict[str, Volume]:
    return {role: volume for role, volume in (("t1", study.t1), ("t2", study.t2)) if volume is not None}


def _alignment(words: dict) -> Alignment:
    return Alignment(**{**words, "shift_lps_mm": tuple(words["shift_lps_mm"])})


def _disc(words: dict) -> LocatedDisc:
    vectors = {name: np.array(words[name]) for name in _VECTORS}
    corners = {name: np.array(corner) for name, corner in words["corners"].items()}
    return LocatedDisc(**{**words, **vectors, "corners": corners})
