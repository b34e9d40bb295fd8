"""A graded study as one file, to hand it from one process to the next. Not a result: nothing should keep it."""

from __future__ import annotations

import json
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
    study = graded.study
    volumes = {role: volume for role, volume in (("t1", study.t1), ("t2", study.t2)) if volume is not None}
    words = {
        "report": graded.report.to_dict(),
        "volumes": {role: [volume.contrast, volume.source] for role, volume in volumes.items()},
        "alignment": asdict(study.alignment),
        "quality": [asdict(finding) for finding in study.quality],
        "discs": [asdict(disc) for disc in graded.location.discs],
    }
    arrays = {"labels": graded.location.labels}
    arrays |= {f"map {name}": array for name, array in graded.maps.items()}
    arrays |= {f"{role} array": volume.array for role, volume in volumes.items()}
    arrays |= {f"{role} affine": volume.affine for role, volume in volumes.items()}
    np.savez(path, words=json.dumps(words, default=np.ndarray.tolist), **arrays)


def load_graded(path: Path) -> GradedStudy:
    """The graded study that `save_graded` wrote."""
    with np.load(path, allow_pickle=False) as arrays:
        words = json.loads(str(arrays["words"]))
        report = StudyReport.from_dict(words["report"])
        volumes = {
            role: Volume(arrays[f"{role} array"], arrays[f"{role} affine"], contrast, source)
            for role, (contrast, source) in words["volumes"].items()
        }
        study = SpineStudy(
            t1=volumes.get("t1"),
            t2=volumes.get("t2"),
            alignment=_alignment(words["alignment"]),
            quality=tuple(QualityFinding(**finding) for finding in words["quality"]),
        )
        location = SpineLocation(tuple(map(_disc, words["discs"])), report.numbering, arrays["labels"])
        maps = {key.removeprefix("map "): arrays[key] for key in arrays.files if key.startswith("map ")}
        return GradedStudy(study, location, report, maps)


def _alignment(words: dict) -> Alignment:
    return Alignment(**{**words, "shift_lps_mm": tuple(words["shift_lps_mm"])})


def _disc(words: dict) -> LocatedDisc:
    vectors = {name: np.array(words[name]) for name in _VECTORS}
    corners = {name: np.array(corner) for name, corner in words["corners"].items()}
    return LocatedDisc(**{**words, **vectors, "corners": corners})
