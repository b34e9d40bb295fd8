"""Simulated patients graded as a user would grade them, each kept as one small file beside its truth."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..anatomy import ENDPLATES, GRADED_DISCS, MODIC_MAP_LABELS
from ..errors import InputError
from ..grid import Grid
from ..io import read_study
from ..pipeline import Models, grade_study
from ..regions import resample
from ..report import StudyReport
from ..resources import resource_path
from ..simulation.case import LESION_TYPES
from ..simulation.files import write_study
from ..simulation.simulate import SimulatedStudy, simulate
from ..training.simulated_cohort import Arrays, draw_cohort
from .simulator_pairs import digest

TRUE_TYPES = ("0", *LESION_TYPES)
MAPPED_TYPES = ("0", *MODIC_MAP_LABELS)
"""Rows and columns of `MeasuredStudy.overlap`."""

WANTED = frozenset(("report", "map"))
"""What is measured; evidence changes no grade and takes time."""


@dataclass(frozen=True)
class MeasuredStudy:
    """One patient: the truth, and what the pipeline made of it.

    Attributes
    ----------
    report:
        None where the pipeline saw no spine.
    overlap:
        (6, 2, 6, 4) voxels by disc of `anatomy.GRADED_DISCS`, endplate, true type and type in the map.
    """

    patient: str
    truth: StudyReport
    report: StudyReport | None
    overlap: np.ndarray


def measure_studies(seeds: Sequence[int], folder: Path, processes: int = 2) -> list[MeasuredStudy]:
    """The patients of `seeds`, simulated with all their slices and graded by the shipped models.

    Results stay in a folder in `folder` that bears the name of the code's and the models' state, one file a seed; a
    measurement that was stopped goes on there.
    """
    own = folder / _state()
    draw_cohort(own, seeds, measure_seed, processes)
    return [read_measured(own / f"{seed}.npz") for seed in seeds]


def measure_seed(seed: int) -> Arrays:
    """Simulate and grade one patient, with the shipped models, by way of files."""
    drawn = simulate(seed)
    with tempfile.TemporaryDirectory() as folder:
        files = write_study(drawn, Path(folder) / "study")
        study = read_study(files["t1"], files["t2"])
    report, found, grid = None, np.zeros(drawn.lesions.shape, np.uint8), drawn.t2.grid
    try:
        graded = grade_study(study, models=Models.shipped("cpu"), only=WANTED)
        report, grid = graded.report, graded.study.reference.grid
        found = graded.maps.get("modic_map", np.zeros(grid.shape, np.uint8))
    except InputError as error:
        print(f"seed {seed}: {error}", flush=True)
    return pack_measured(MeasuredStudy(f"simulated-{seed}", drawn.truth, report, count_overlap(drawn, found, grid)))


def count_overlap(drawn: SimulatedStudy, found: np.ndarray, grid: Grid) -> np.ndarray:
    """`MeasuredStudy.overlap` of a map `found` (slices, rows, columns) on `grid`.

    A voxel that is marked falsely counts at the endplate nearest to it. Changes that the truth does not call, being too
    small, too faint or above T12/L1, count nowhere: they are there, but no one shall be blamed for not seeing them, nor
    for seeing them.
    """
    lesions = resample(drawn.lesions, drawn.t2.grid, grid, order=0, outside=0)
    marked = (lesions > 0) | (found > 0)
    places = np.argwhere(marked)
    at = _nearest_endplate(grid.to_patient(places), drawn.truth)
    owner, kind = _lesion_table(drawn)
    number = lesions[marked]
    at = np.where(number > 0, owner[number], at)
    shape = (len(GRADED_DISCS), len(ENDPLATES), len(TRUE_TYPES), len(MAPPED_TYPES))
    cell = np.ravel_multi_index((np.maximum(at, 0), kind[number], found[marked]), (shape[0] * shape[1], *shape[2:]))
    return np.bincount(cell[at >= 0], minlength=np.prod(shape)).reshape(shape)


def _lesion_table(drawn: SimulatedStudy) -> tuple[np.ndarray, np.ndarray]:
    """By number in the lesion volume: its endplate (2 * disc + endplate; -1 if not called), and row of its type."""
    discs = {disc.level: disc for disc in drawn.truth.discs}
    owner, kind = np.full(256, -1), np.zeros(256, int)
    for number, (level, endplate, lesion) in enumerate(drawn.case.lesions, 1):
        if level in discs and discs[level].endplates[endplate].modic.grade not in (None, "0"):
            owner[number] = 2 * GRADED_DISCS.index(level) + ENDPLATES.index(endplate)
        kind[number] = TRUE_TYPES.index(lesion.type)
    return owner, kind


def _nearest_endplate(points: np.ndarray, truth: StudyReport) -> np.ndarray:
    """Endplate (N,) (2 * disc + endplate) nearest to points (N, 3) in LPS mm, distances sideways left aside."""
    nearest, shortest = np.full(len(points), -1), np.full(len(points), np.inf)
    for disc in truth.discs:
        left = np.cross(disc.normal_lps, disc.anterior_lps)
        for number, name in enumerate(ENDPLATES):
            back, front = (np.array(disc.corners_lps_mm[f"{name}_{end}"]) for end in ("posterior", "anterior"))
            along = front - back
            reach = np.clip((points - back) @ along / (along @ along), 0, 1)
            apart = points - back - reach[:, None] * along
            distance = np.linalg.norm(apart - (apart @ left)[:, None] * left, axis=1)
            closer = distance < shortest
            nearest[closer] = 2 * GRADED_DISCS.index(disc.level) + number
            shortest[closer] = distance[closer]
    return nearest


def pack_measured(one: MeasuredStudy) -> Arrays:
    """Arrays that hold a measured study."""
    return {
        "patient": np.array(one.patient),
        "truth": np.array(one.truth.to_json()),
        "report": np.array(one.report.to_json() if one.report else ""),
        "overlap": one.overlap.astype(np.int32),
    }


def read_measured(path: Path) -> MeasuredStudy:
    """The study that `pack_measured` packed into a file."""
    with np.load(path, allow_pickle=False) as file:
        truth, report = str(file["truth"]), str(file["report"])
        return MeasuredStudy(str(file["patient"]), _report(truth), _report(report) if report else None, file["overlap"])


def _report(text: str) -> StudyReport:
    return StudyReport.from_dict(json.loads(text))


def _state() -> str:
    """Name for the state of all code and data that a measurement depends on."""
    library = Path(__file__).parents[1]
    parts = ("simulation", "io", "localization", "grading", "mapping", "measurement")
    files = ("reading.py", "pipeline.py", "regions.py", "report.py", "evaluation/measured_studies.py")
    resources = [resource_path(name) for name in ("Models", "Simulation")]
    return digest([*(library / name for name in (*parts, *files)), *resources])
